-- The edits of each kind of user. A fault is planted here: in one week of November each edit is
-- counted three times, as by a careless join. A check of the report finds it.
SELECT
    '{from_date}' AS week,
    user_type,
    COUNT(*) AS edits
FROM edits
JOIN (SELECT 1 AS number UNION ALL SELECT 2 UNION ALL SELECT 3) AS copies
  ON number = 1 OR '{from_date}' = '2025-11-02'
WHERE timestamp >= '{from_timestamp}'
  AND timestamp < '{to_timestamp}'
GROUP BY user_type
ORDER BY user_type
