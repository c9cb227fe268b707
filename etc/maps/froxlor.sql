-- Froxlor (database froxlor): domain and the customer's name. uids and homes are in
-- /var/lib/extrausers/passwd already, which mailaudit reads.
--   mysql -N -B froxlor < froxlor.sql
SELECT d.domain, c.loginname
  FROM panel_domains d
  JOIN panel_customers c ON c.customerid = d.customerid
 ORDER BY 1, 2;
