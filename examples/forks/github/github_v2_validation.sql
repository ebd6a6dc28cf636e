SELECT
  (SELECT COUNT(*) FROM `{{ target_dataset }}.github_v2_preds_staging`) >= {{ least_rows }} AS enough_rows,
  (SELECT COUNTIF(predicted_forks IS NULL) FROM `{{ target_dataset }}.github_v2_preds_staging`) = 0 AS nothing_missing,
  (SELECT AVG(predicted_forks) FROM `{{ target_dataset }}.github_v2_preds_staging`)
    BETWEEN 0.5 * (SELECT AVG(predicted_forks) FROM `{{ target_dataset }}.github_v2_preds_prod`)
    AND 2 * (SELECT AVG(predicted_forks) FROM `{{ target_dataset }}.github_v2_preds_prod`) AS mean_moved_little
