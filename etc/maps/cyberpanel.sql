-- CyberPanel (database cyberpanel): domain and the user its site runs as; child domains are their
-- site's.
--   mysql -N -B cyberpanel < cyberpanel.sql
SELECT w.domain, w.externalApp
  FROM websiteFunctions_websites w
UNION
SELECT c.domain, w.externalApp
  FROM websiteFunctions_childdomains c
  JOIN websiteFunctions_websites w ON w.id = c.master_id
UNION
SELECT a.aliasDomain, w.externalApp
  FROM websiteFunctions_aliasdomains a
  JOIN websiteFunctions_websites w ON w.id = a.master_id
 ORDER BY 1, 2;
