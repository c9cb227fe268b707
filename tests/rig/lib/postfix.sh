# postfix.sh: Postfix in its usual places (/etc/postfix, /var/spool/postfix), all inside the namespace
# shellcheck shell=bash

postfix_sasl() {
	local login secret
	mkdir -p /etc/postfix/sasl
	printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: /etc/sasldb2\n' \
		>/etc/postfix/sasl/smtpd.conf
	while read -r login secret; do
		printf '%s' "$secret" | saslpasswd2 -p -c -f /etc/sasldb2 -u "${login#*@}" "${login%@*}"
	done <"$CONF/logins"
	chown root:postfix /etc/sasldb2
	chmod 640 /etc/sasldb2
}

postfix_tables() {
	cp "$CONF/virtual" "$CONF/header_checks" /etc/postfix/
	awk '$2 ~ /^mx\./ { print substr($2, 4) " smtp:[" $2 "]" }' "$CONF/hosts" >/etc/postfix/transport
	echo 'blocked@dest.example REJECT this recipient asked not to be written to' \
		>/etc/postfix/recipient_access
	: >/etc/postfix/mailaudit_login_access
	postmap /etc/postfix/mailaudit_login_access
	echo 'stolen@alice-crafts.example 554 5.7.1 sender suspended' >/etc/postfix/sender_access
}

postfix_options() {
	if [ "$SHORT_IDS" = yes ]; then postconf -e enable_long_queue_ids=no; fi
	if [ "$LOG_TO" = syslog ]; then postconf -e maillog_file=; fi
	if [ "$FILTER" = yes ]; then
		start_daemon filter /usr/bin/python3 "$KIT/traffic/filter.py"
		wait_until 100 port_open 127.0.0.1 10024
		postconf -e 'content_filter=scan:[127.0.0.1]:10024'
	fi
	if [ "$SNIPPETS" = on ]; then
		cp /srv/snippets/postfix/header_checks /etc/postfix/mailaudit_header_checks
		postconf -e 'header_checks = regexp:/etc/postfix/header_checks, regexp:/etc/postfix/mailaudit_header_checks'
	fi
}

postfix_up() {
	install -m 644 "$CONF/postfix-main.cf" /etc/postfix/main.cf
	install -m 644 "$CONF/postfix-master.cf" /etc/postfix/master.cf
	postfix_sasl
	postfix_tables
	postfix_options
	postfix start >/srv/rig/run/postfix.log 2>&1
	wait_until 100 port_open 127.0.0.1 587
}
