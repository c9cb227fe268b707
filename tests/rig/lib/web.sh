# web.sh: nginx in front of the FPM pools; port 80 of a mail server's public address leads to its pools
# shellcheck shell=bash

web_up() {
	mkdir -p /var/log/nginx /var/lib/nginx
	/usr/sbin/nginx -c "$CONF/nginx.conf"
	wait_until 100 port_open 192.0.2.10 80
}
