# host.sh: what every server needs: users, names, a syslog daemon, a certificate, the remote sinks
# shellcheck shell=bash

start_daemon() {	# start_daemon NAME COMMAND...: in the background, output to RIG/run/NAME.log
	local name=$1
	shift
	setsid "$@" </dev/null >"/srv/rig/run/$name.log" 2>&1 &
	echo "$!" >"/run/$name.pid"
}

wait_until() {	# wait_until TENTHS COMMAND...
	local left=$1
	shift
	until "$@"; do
		[ "$left" -gt 0 ] || { echo "servers: gave up waiting for: $*" >&2; return 1; }
		left=$((left - 1))
		sleep 0.1
	done
}

# looks, and does not connect: a connection would be in the log
port_open() { ss -Hltn "src $1:$2" | grep -q .; }

# the words @NAME@ of a template become the values of the shell variables of that name
fill() {	# fill TEMPLATE NAME...
	local template=$1 name script=
	shift
	for name; do script="$script;s|@$name@|${!name}|g"; done
	sed "${script#;}" "$template"
}

add_system_user() {	# add_system_user NAME ID HOME
	grep -q "^$1:" /etc/passwd || echo "$1:x:$2:$2::$3:/usr/sbin/nologin" >>/etc/passwd
	grep -q "^$1:" /etc/group || echo "$1:x:$2:" >>/etc/group
}

make_users() {
	local name
	cat "$CONF/passwd" >>/etc/passwd
	while IFS=: read -r name _ uid _; do
		echo "$name:x:$uid:" >>/etc/group
		mkdir -p "/home/$name"
		cp -R "$KIT/sites/$name/." "/home/$name/"
		mkdir -p "/home/$name/logs" "/home/$name/Maildir"
		chown -R "$name:$name" "/home/$name"
		chmod 755 "/home/$name"
	done <"$CONF/passwd"
	add_system_user Debian-exim 5901 /var/spool/exim4
	add_system_user smmta 5902 /var/lib/sendmail
	add_system_user smmsp 5903 /var/lib/sendmail
	add_system_user opensmtpd 904 /var/lib/opensmtpd/empty
	add_system_user opensmtpq 905 /var/lib/opensmtpd/empty
	add_system_user mailaudit 5190 /var/lib/mailaudit
}

name_service() {
	cp "$CONF/hosts" /etc/hosts
	rm -f /etc/resolv.conf
	printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >/etc/resolv.conf
	sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
	echo host.example >/etc/mailname
	echo host.example >/etc/hostname
}

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
		-subj /CN=host.example -keyout /etc/ssl/rig.key -out /etc/ssl/rig.pem 2>/dev/null
	chmod 644 /etc/ssl/rig.key
}

host_up() {
	make_users
	name_service
	make_certificate
	mkdir -p /var/spool/rsyslog
	rsyslogd -f "$CONF/rsyslog.conf" -i /run/rsyslogd.pid
	start_daemon dns /usr/bin/python3 "$KIT/traffic/dns.py"
	start_daemon sink /usr/bin/python3 "$KIT/traffic/sink.py"
	wait_until 100 port_open 198.51.100.10 25
	wait_until 100 test -S /dev/log
}
