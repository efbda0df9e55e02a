-- One row for each month, over all wikis.
SELECT
    '{from_date}' AS month,
    COUNT(*) AS edits,
    ROUND(1.0 * COUNT(*) / COUNT(DISTINCT SUBSTR(timestamp, 1, 8)), 1) AS edits_a_day,
    ROUND(100.0 * SUM(user_type = 'bot') / COUNT(*), 1) AS bot_percent,
    ROUND(100.0 * SUM(interface = 'visualeditor') / COUNT(*), 1) AS ve_percent
FROM edits
WHERE timestamp >= '{from_timestamp}'
  AND timestamp < '{to_timestamp}'
