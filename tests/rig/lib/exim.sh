# exim.sh: Exim from its unpacked package, in its usual places, on 127.0.0.2 and 192.0.2.11
# shellcheck shell=bash

EXIM_FULL='log_selector = +arguments +subject +received_recipients +received_sender +sender_on_delivery +pid +millisec +queue_time +queue_time_overall +deliver_time +smtp_confirmation +tls_cipher +tls_peerdn +tls_sni +incoming_port +incoming_interface +outgoing_port +all_parents +delivery_size +return_path_on_delivery +smtp_connection +smtp_protocol_error +smtp_syntax_error +smtp_no_mail +8bitmime +pipelining +address_rewrite +unknown_in_list'
EXIM_CPANEL='log_selector = +arguments +subject +received_recipients +received_sender +sender_on_delivery'

# the named log variants: --exim-log=default|full|cpanel|tz|syslog; `fill` uses what it sets
# shellcheck disable=SC2034
exim_variant() {
	EXIM_LOG_PATH=/var/log/exim4/%slog EXIM_SELECTOR='' EXIM_ZONE=UTC EXIM_LOG_ZONE=false
	case $EXIM_LOG in
	default) ;;
	full) EXIM_SELECTOR=$EXIM_FULL ;;
	cpanel) EXIM_SELECTOR=$EXIM_CPANEL ;;
	tz) EXIM_SELECTOR="$EXIM_CPANEL +millisec" EXIM_ZONE=Europe/Madrid EXIM_LOG_ZONE=true ;;
	syslog) EXIM_SELECTOR="$EXIM_CPANEL +pid" EXIM_LOG_PATH=syslog ;;
	*) echo "exim: no such log variant: $EXIM_LOG" >&2; return 64 ;;
	esac
	if [ "$SNIPPETS" = on ]; then EXIM_SELECTOR=$(grep -v '^#' /srv/snippets/exim/log_selector); fi
}

exim_config() {
	local acl=$CONF/exim-acl
	if [ "$SNIPPETS" = on ]; then acl=/srv/snippets/exim/acl_not_smtp; fi
	fill "$CONF/exim4.conf" EXIM_LOG_PATH EXIM_SELECTOR EXIM_ZONE EXIM_LOG_ZONE |
		sed -e "/^@EXIM_ACL@\$/{r $acl" -e 'd}'
}

exim_up() {
	mkdir -p /etc/exim4 /var/spool/exim4 /var/log/exim4
	exim_variant
	exim_config >/etc/exim4/exim4.conf
	sed 's/ /: /' "$CONF/virtual" >/etc/exim4/virtual
	sed 's/ /: /' "$CONF/logins" >/etc/exim4/logins
	chown Debian-exim:Debian-exim /var/spool/exim4 /var/log/exim4
	chmod 750 /var/spool/exim4
	chmod 2755 /var/log/exim4
	/usr/sbin/exim4 -bd -q30m -oP /run/exim4.pid
	wait_until 100 port_open 127.0.0.2 587
}
