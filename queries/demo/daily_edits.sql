-- What was edited on one day on one wiki.
--
-- The runner fills in what stands in braces: the bounds of the day, and the wiki. The first column
-- is always the date; the names of the columns become the header of the TSV.
SELECT
    '{from_date}' AS date,
    COUNT(*) AS edits,
    SUM(user_type = 'anonymous') AS by_anonymous,
    SUM(user_type = 'bot') AS by_bots,
    SUM(bytes) AS bytes
FROM edits
WHERE wiki = '{wiki}'
  AND timestamp >= '{from_timestamp}'
  AND timestamp < '{to_timestamp}'
