CREATE OR REPLACE MODEL `{{ target_dataset }}.{{ model_code }}_{{ version_code }}_model`
OPTIONS (
  model_type = 'linear_reg',
  input_label_cols = ['forks'],
  data_split_method = 'no_split'
) AS
SELECT * FROM `{{ target_dataset }}.github_v1_training`
