-- What people edit with: one row for each day and interface. Bots are left out.
SELECT
    '{from_date}' AS date,
    interface,
    COUNT(*) AS edits,
    ROUND(AVG(bytes), 1) AS mean_bytes
FROM edits
WHERE user_type <> 'bot'
  AND timestamp >= '{from_timestamp}'
  AND timestamp < '{to_timestamp}'
GROUP BY interface
ORDER BY interface
