-- Who gets a prediction: the features are those of training, and the name stays with the row.
SELECT
  repository_name AS name,
  repository_size AS size,
  repository_has_wiki AS has_wiki,
  repository_open_issues AS issues
FROM `bigquery-public-data.samples.github_timeline`
WHERE repository_size IS NOT NULL;
