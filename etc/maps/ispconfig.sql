-- ISPConfig 3 (database dbispconfig): domain and the system user of its site, which is also what the
-- uid and the home of its scripts say. A domain that only has mail is its client's.
--   mysql --defaults-file=/etc/mysql/debian.cnf -N -B dbispconfig < ispconfig.sql
SELECT w.domain, COALESCE(NULLIF(w.system_user, ''), p.system_user)
  FROM web_domain w
  LEFT JOIN web_domain p ON p.domain_id = w.parent_domain_id
 WHERE COALESCE(NULLIF(w.system_user, ''), p.system_user) <> ''
UNION
SELECT m.domain, c.username
  FROM mail_domain m
  JOIN sys_group g ON g.groupid = m.sys_groupid
  JOIN client c ON c.client_id = g.client_id
 WHERE c.username <> ''
   AND NOT EXISTS (SELECT 1 FROM web_domain w WHERE w.domain = m.domain)
 ORDER BY 1, 2;
