SELECT
  name,
  ROUND(predicted_forks, 3) AS predicted_forks
FROM ML.PREDICT(
  MODEL `{{ target_dataset }}.github_v2_model`,
  TABLE `{{ target_dataset }}.github_v2_scoring`)
