# wrapper/: mailaudit-sendmail, which marks each message and becomes the real sendmail. Links
# nothing but libc. mailaudit-ref is another name of it, and names the sendmail to be.

pkglibexec_PROGRAMS = mailaudit-sendmail
mailaudit_sendmail_SOURCES = wrapper/mailaudit-sendmail.c

install_data_hooks += install-mailaudit-ref
uninstall_hooks += uninstall-mailaudit-ref

install-mailaudit-ref:
	$(MKDIR_P) "$(DESTDIR)$(pkglibexecdir)"
	cd "$(DESTDIR)$(pkglibexecdir)" && rm -f mailaudit-ref && $(LN_S) mailaudit-sendmail mailaudit-ref

uninstall-mailaudit-ref:
	rm -f "$(DESTDIR)$(pkglibexecdir)/mailaudit-ref"

.PHONY: install-mailaudit-ref uninstall-mailaudit-ref
