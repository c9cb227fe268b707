# etc/: the sample configuration, and what makes mail servers and PHP log the exact link.

examplesdir = $(docdir)/examples
dist_examples_DATA = \
	etc/mailaudit.yaml \
	etc/prometheus/mailaudit-dashboard.json \
	etc/prometheus/mailaudit.rules.yaml

patternsdir = $(pkgdatadir)/patterns.d
dist_patterns_DATA = \
	etc/patterns.d/helo.yaml \
	etc/patterns.d/paths.yaml \
	etc/patterns.d/probes.yaml \
	etc/patterns.d/providers.yaml \
	etc/patterns.d/responses.yaml

# Templates of the mails, by language; notify/local.mk compiles them in.
alertsendir = $(pkgdatadir)/alerts/en
dist_alertsen_DATA = \
	etc/alerts/en/alert.html \
	etc/alerts/en/alert.subject \
	etc/alerts/en/alert.txt \
	etc/alerts/en/digest.html \
	etc/alerts/en/digest.subject \
	etc/alerts/en/digest.txt \
	etc/alerts/en/owner.html \
	etc/alerts/en/owner.subject \
	etc/alerts/en/owner.txt \
	etc/alerts/en/summary.html \
	etc/alerts/en/summary.subject \
	etc/alerts/en/summary.txt
alertsdedir = $(pkgdatadir)/alerts/de
dist_alertsde_DATA = \
	etc/alerts/de/alert.html \
	etc/alerts/de/alert.subject \
	etc/alerts/de/alert.txt \
	etc/alerts/de/digest.html \
	etc/alerts/de/digest.subject \
	etc/alerts/de/digest.txt \
	etc/alerts/de/owner.html \
	etc/alerts/de/owner.subject \
	etc/alerts/de/owner.txt \
	etc/alerts/de/summary.html \
	etc/alerts/de/summary.subject \
	etc/alerts/de/summary.txt
actionsdir = $(pkgdatadir)/actions.d
dist_actions_DATA = \
	etc/actions.d/block-login-dovecot.yaml \
	etc/actions.d/block-login-exim.yaml \
	etc/actions.d/block-login-postfix.yaml \
	etc/actions.d/disable-script.yaml \
	etc/actions.d/freeze-exim.yaml \
	etc/actions.d/hold-postfix.yaml

# What asks a panel's database for its owners.
mapsdir = $(pkgdatadir)/maps
dist_maps_DATA = \
	etc/maps/README.md \
	etc/maps/cyberpanel.sql \
	etc/maps/froxlor.sql \
	etc/maps/ispconfig.sql \
	etc/maps/mailaudit-map.service \
	etc/maps/mailaudit-map.timer \
	etc/maps/plesk.sql
dist_maps_SCRIPTS = etc/maps/mailaudit-map

postfixsnippetsdir = $(pkgdatadir)/snippets/postfix
dist_postfixsnippets_DATA = etc/snippets/postfix/header_checks
eximsnippetsdir = $(pkgdatadir)/snippets/exim
dist_eximsnippets_DATA = etc/snippets/exim/acl_not_smtp etc/snippets/exim/log_selector
rsyslogsnippetsdir = $(pkgdatadir)/snippets/rsyslog
dist_rsyslogsnippets_DATA = etc/snippets/rsyslog/mailaudit.conf \
	etc/snippets/rsyslog/mailaudit.logrotate
nftablessnippetsdir = $(pkgdatadir)/snippets/nftables
dist_nftablessnippets_DATA = etc/snippets/nftables/mailaudit.nft
iptablessnippetsdir = $(pkgdatadir)/snippets/iptables
dist_iptablessnippets_DATA = etc/snippets/iptables/mailaudit.rules
sendmailsnippetsdir = $(pkgdatadir)/snippets/sendmail
dist_sendmailsnippets_DATA = etc/snippets/sendmail/mailaudit.m4
phpsnippetsdir = $(pkgdatadir)/snippets/php
dist_phpsnippets_DATA = etc/snippets/php/fpm-pool.conf etc/snippets/php/php.ini
dist_phpsnippets_SCRIPTS = etc/snippets/php/mailaudit-ref

# The administrator's file is never overwritten, and removed only while it is as installed.
settings_file = $(DESTDIR)$(sysconfdir)/mailaudit/mailaudit.yaml
install_data_hooks += install-settings
uninstall_hooks += uninstall-settings

install-settings:
	$(MKDIR_P) "$(DESTDIR)$(sysconfdir)/mailaudit"
	test -e "$(settings_file)" || $(INSTALL_DATA) $(srcdir)/etc/mailaudit.yaml "$(settings_file)"

uninstall-settings:
	if cmp -s $(srcdir)/etc/mailaudit.yaml "$(settings_file)"; then rm -f "$(settings_file)"; fi

.PHONY: install-settings uninstall-settings
