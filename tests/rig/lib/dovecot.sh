# dovecot.sh: Dovecot's auth service from its unpacked package, and no protocol
# shellcheck shell=bash

dovecot_up() {
	mkdir -p /etc/dovecot /var/lib/dovecot
	add_system_user dovecot 5904 /usr/lib/dovecot
	add_system_user dovenull 5905 /nonexistent
	cp "$CONF/dovecot.conf" /etc/dovecot/dovecot.conf
	sed 's/ /:{PLAIN}/' "$CONF/logins" >/etc/dovecot/users
	: >/etc/dovecot/mailaudit-deny
	start_daemon dovecot /usr/sbin/dovecot -F
	wait_until 100 test -S /run/dovecot/auth-client
}
