# systemd/: the unit, its user, its directories.

EXTRA_DIST += systemd/mailauditd.service.in systemd/mailaudit-notify.service.in \
	systemd/mailaudit.sysusers systemd/mailaudit.tmpfiles
dist_examples_DATA += \
	systemd/mailaudit-notify-actions.conf \
	systemd/mailaudit-notify-smtp.conf \
	systemd/mailauditd-tenant-logs.conf
dist_catalog_DATA = systemd/mailaudit.catalog

systemdsystemunit_DATA = \
	systemd/mailaudit-metrics.service \
	systemd/mailaudit-notify.service \
	systemd/mailauditd.service
CLEANFILES += $(systemdsystemunit_DATA)
dist_systemdsystemunit_DATA = systemd/mailaudit-metrics.timer
EXTRA_DIST += systemd/mailaudit-metrics.service.in

systemd/mailauditd.service: systemd/mailauditd.service.in Makefile
	$(AM_V_at)$(MKDIR_P) systemd
	$(AM_V_GEN)$(SED) 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/systemd/mailauditd.service.in >$@

systemd/mailaudit-notify.service: systemd/mailaudit-notify.service.in Makefile
	$(AM_V_at)$(MKDIR_P) systemd
	$(AM_V_GEN)$(SED) 's|@bindir[@]|$(bindir)|g' \
		$(srcdir)/systemd/mailaudit-notify.service.in >$@

systemd/mailaudit-metrics.service: systemd/mailaudit-metrics.service.in Makefile
	$(AM_V_at)$(MKDIR_P) systemd
	$(AM_V_GEN)$(SED) 's|@bindir[@]|$(bindir)|g' $(srcdir)/systemd/mailaudit-metrics.service.in >$@

# Both are called mailaudit.conf where they belong.
install_data_hooks += install-systemd
uninstall_hooks += uninstall-systemd

install-systemd:
	$(MKDIR_P) "$(DESTDIR)$(sysusersdir)" "$(DESTDIR)$(tmpfilesdir)"
	$(INSTALL_DATA) $(srcdir)/systemd/mailaudit.sysusers "$(DESTDIR)$(sysusersdir)/mailaudit.conf"
	$(INSTALL_DATA) $(srcdir)/systemd/mailaudit.tmpfiles "$(DESTDIR)$(tmpfilesdir)/mailaudit.conf"

uninstall-systemd:
	rm -f "$(DESTDIR)$(sysusersdir)/mailaudit.conf" "$(DESTDIR)$(tmpfilesdir)/mailaudit.conf"

.PHONY: install-systemd uninstall-systemd

# distcheck installs without root: the directories of this machine's systemd are not below its prefix.
AM_DISTCHECK_CONFIGURE_FLAGS = \
	--with-systemdsystemunitdir='$${prefix}/lib/systemd/system' \
	--with-sysusersdir='$${prefix}/lib/sysusers.d' \
	--with-tmpfilesdir='$${prefix}/lib/tmpfiles.d' \
	--with-catalogdir='$${prefix}/lib/systemd/catalog'
