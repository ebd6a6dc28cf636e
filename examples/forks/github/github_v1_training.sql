-- What the model learns from: one row per repository.
SELECT
  repository_forks AS forks,
  repository_size AS size,
  repository_has_wiki AS has_wiki,
  repository_open_issues AS issues
FROM `bigquery-public-data.samples.github_timeline`
WHERE repository_size IS NOT NULL
  AND repository_forks IS NOT NULL
