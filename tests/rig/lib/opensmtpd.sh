# opensmtpd.sh: OpenSMTPD from its unpacked package, on 127.0.0.4 and 192.0.2.13
# shellcheck shell=bash

# the package's post-installation does this
opensmtpd_binaries() {
	chgrp opensmtpq /usr/sbin/smtpctl
	chmod 2755 /usr/sbin/smtpctl
	ln -sf /usr/sbin/smtpctl "$(sendmail_of opensmtpd)"
	install -d -m 711 /var/spool/smtpd
	install -d -m 755 /var/lib/opensmtpd /var/lib/opensmtpd/empty
}

opensmtpd_tables() {
	local login secret
	grep -v '^#' "$CONF/virtual" | grep -v '@host\.example ' | sed 's/ /: /' >/etc/mail/virtual
	echo 'both@shop.example: carol, both@later.example' >>/etc/mail/virtual
	sed 's/:.*//; s/.*@//' /etc/mail/virtual | sort -u >/etc/mail/virtual-domains
	printf 'www-data: dave\nroot: dave\npostmaster: dave\n' >/etc/mail/aliases
	printf 'blocked@dest.example\n' >/etc/mail/blocked
	printf 'stolen@alice-crafts.example\n' >/etc/mail/suspended
	while read -r login secret; do
		printf '%s\t%s\n' "$login" "$(openssl passwd -6 "$secret")"
	done <"$CONF/logins" >/etc/mail/secrets
	chown root:opensmtpd /etc/mail/secrets
	chmod 640 /etc/mail/secrets
}

opensmtpd_up() {
	mkdir -p /etc/mail
	opensmtpd_binaries
	opensmtpd_tables
	install -m 600 /etc/ssl/rig.key /etc/mail/rig.key
	cp "$CONF/smtpd.conf" /etc/smtpd.conf
	/usr/sbin/smtpd
	wait_until 100 port_open 127.0.0.4 587
	# 6.8's privilege separated keys do not work with OpenSSL 3, and it offers AUTH under TLS only
	case $(/usr/sbin/smtpd -h 2>&1) in *" 6."*) : >/srv/rig/run/no-login ;; esac
}
