-- Plesk (database psa): domain and the system user of its subscription. Domains without hosting of
-- their own belong to the subscription's main domain.
--   plesk db -N -B < plesk.sql
SELECT d.name, u.login
  FROM domains d
  JOIN hosting h ON h.dom_id = d.id
  JOIN sys_users u ON u.id = h.sys_user_id
UNION
SELECT d.name, u.login
  FROM domains d
  JOIN hosting h ON h.dom_id = d.webspace_id
  JOIN sys_users u ON u.id = h.sys_user_id
 WHERE d.webspace_id > 0
   AND NOT EXISTS (SELECT 1 FROM hosting own WHERE own.dom_id = d.id)
 ORDER BY 1, 2;
