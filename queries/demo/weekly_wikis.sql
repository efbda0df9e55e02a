-- The wikis side by side: a row for each week, a column for each wiki.
SELECT
    '{from_date}' AS week,
    SUM(wiki = 'enwiki') AS enwiki,
    SUM(wiki = 'dewiki') AS dewiki,
    SUM(wiki = 'frwiki') AS frwiki,
    SUM(wiki = 'wikidatawiki') AS wikidatawiki,
    SUM(wiki = 'commonswiki') AS commonswiki
FROM edits
WHERE timestamp >= '{from_timestamp}'
  AND timestamp < '{to_timestamp}'
