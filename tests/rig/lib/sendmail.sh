# sendmail.sh: Sendmail from its unpacked package, MTA and MSP, on 127.0.0.3 and 192.0.2.12
# shellcheck shell=bash

SENDMAIL_DIR=/usr/libexec/sendmail
SENDMAIL_CF=/usr/share/sendmail/cf

# the package's post-installation does this with dpkg-statoverride
sendmail_binaries() {
	chgrp smmsp "$SENDMAIL_DIR/sendmail"
	chmod 2755 "$SENDMAIL_DIR/sendmail"
	if [ "$(sendmail_of sendmail)" = /usr/sbin/sendmail ]; then
		ln -sf "$SENDMAIL_DIR/sendmail" /usr/sbin/sendmail
	fi
	mkdir -p /run/sendmail /var/spool/mqueue
	chmod 700 /var/spool/mqueue
	install -d -o smmsp -g smmsp -m 2770 /var/spool/mqueue-client
}

# lines "key value" in, /etc/mail/NAME.db out; makemap wants sendmail.cf to exist
sendmail_table() { "$SENDMAIL_DIR/makemap" hash "/etc/mail/$1"; }

sendmail_files() {
	grep -v '^#' "$CONF/virtual" | sed 's/ .*//; s/.*@//' | grep -v '^host\.' | sort -u >/etc/mail/virtual-domains
	echo host.example >/etc/mail/local-host-names
	printf 'hosts files\naliases files\n' >/etc/mail/service.switch
	printf '%s\n' 'www-data: dave' 'root: dave' 'postmaster: dave' 'owner-team: dave' \
		'team: carol, helper@dest.example, helper@dest3.example' >/etc/mail/aliases
	: >/etc/mail/trusted-users
}

sendmail_tables() {
	awk '$2 ~ /^mx\./ { print substr($2, 4) "\tesmtp:[" $2 "]" }' "$CONF/hosts" | sendmail_table mailertable
	{ grep -v -e '^#' -e ',' "$CONF/virtual" | grep -v '@host\.example ' && echo 'team@shop.example team'; } |
		sendmail_table virtusertable
	printf '%s\n' 'Connect:127.0.0.1 RELAY' 'Connect:127.0.0.3 RELAY' \
		'To:blocked@dest.example REJECT' 'From:stolen@alice-crafts.example REJECT' | sendmail_table access
}

sendmail_sasl() {
	local login secret
	mkdir -p /etc/sasl2
	printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: /etc/mail/sasldb2\n' \
		>/etc/sasl2/Sendmail.conf
	while read -r login secret; do
		printf '%s' "$secret" | saslpasswd2 -p -c -f /etc/mail/sasldb2 -u "${login#*@}" "${login%@*}"
	done <"$CONF/logins"
	chmod 600 /etc/mail/sasldb2
}

sendmail_cf() {	# sendmail_cf NAME: /etc/mail/NAME.cf from conf/NAME.mc
	(cd "$SENDMAIL_CF" && m4 -D_CF_DIR_="$SENDMAIL_CF/" m4/cf.m4 "/etc/mail/$1.mc") >"/etc/mail/$1.cf"
}

sendmail_up() {
	mkdir -p /etc/mail
	sendmail_binaries
	sendmail_files
	sendmail_sasl
	cp "$CONF/sendmail.mc" "$CONF/submit.mc" /etc/mail/
	if [ "$SNIPPETS" = on ]; then
		cp /srv/snippets/sendmail/mailaudit.m4 /etc/mail/
		echo "include(\`/etc/mail/mailaudit.m4')dnl" >>/etc/mail/sendmail.mc
	fi
	sendmail_cf sendmail
	sendmail_cf submit
	sendmail_tables
	"$SENDMAIL_DIR/sendmail" -bi >/dev/null
	"$SENDMAIL_DIR/sendmail" -L sm-mta -bd -q30m
	"$SENDMAIL_DIR/sendmail" -L sm-msp-queue -Ac -q30m
	wait_until 100 port_open 127.0.0.3 587
}
