# php.sh: one FPM master per mail server, each with a pool per customer and a shared one (www-data)
# shellcheck shell=bash

PHP_POOLS='alice bob carol www'

php_log_of() {	# php_log_of POOL
	if [ "$PHP_LOG" = syslog ]; then echo syslog
	elif [ "$1" = www ]; then echo /var/log/php-mail-www.log
	else echo "/home/$1/logs/php-mail.log"
	fi
}

php_pool() {	# php_pool MTA POOL
	local user=$2 log sendmail
	[ "$2" != www ] || user=www-data
	log=$(php_log_of "$2")
	[ "$log" = syslog ] || [ -e "$log" ] || install -o "$user" -g "$user" -m 600 /dev/null "$log"
	sendmail="$(sendmail_of "$1") -t -i"
	if [ "$SNIPPETS" = on ]; then sendmail="/usr/local/bin/mailaudit-ref $sendmail"; fi
	cat <<-POOL
	[$2]
	user = $user
	group = $user
	listen = /run/php-$1-$2.sock
	listen.mode = 0666
	pm = static
	pm.max_children = 3
	catch_workers_output = yes
	php_admin_value[sendmail_path] = $sendmail
	php_admin_value[mail.log] = $log
	php_admin_flag[mail.add_x_header] = On
	POOL
}

php_set() {	# php_set MTA
	local pool config=/etc/php-rig/$1.conf
	{
		printf '[global]\npid = /run/php-%s.pid\nerror_log = /var/log/php-fpm-%s.log\n' "$1" "$1"
		for pool in $PHP_POOLS; do php_pool "$1" "$pool"; done
	} >"$config"
	"$PHP_FPM" -c /etc/php-rig/php.ini -y "$config"
}

php_up() {
	local mta candidates
	candidates=(/usr/sbin/php-fpm[0-9]*)
	PHP_FPM=${candidates[0]}
	mkdir -p /etc/php-rig /usr/local/bin
	cp "$CONF/php.ini" /etc/php-rig/
	install -m 755 /srv/snippets/php/mailaudit-ref /usr/local/bin/mailaudit-ref
	for mta in postfix exim sendmail opensmtpd; do
		if has "$mta"; then php_set "$mta"; fi
	done
}
