# notify/: telling people of alerts, and acting on them. All that leaves this host is here.

noinst_LIBRARIES += libnotify.a
libnotify_a_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_C_CFLAGS) $(GMIME_CFLAGS) $(CURL_CFLAGS) \
	$(SYSTEMD_CFLAGS)
libnotify_a_SOURCES = \
	notify/action.c \
	notify/action.h \
	notify/action_line.c \
	notify/action_mode.c \
	notify/action_read.c \
	notify/action_record.c \
	notify/action_rename.c \
	notify/action_run.c \
	notify/action_script.c \
	notify/action_state.h \
	notify/action_step.c \
	notify/action_value.c \
	notify/channel.h \
	notify/channel_command.c \
	notify/channel_journal.c \
	notify/channel_mail.c \
	notify/channel_owner.c \
	notify/channel_webhook.c \
	notify/channels.c \
	notify/channels.def \
	notify/child.c \
	notify/child.h \
	notify/commands.c \
	notify/deliver.c \
	notify/deliver.h \
	notify/facts.c \
	notify/facts.h \
	notify/facts_list.c \
	notify/facts_mail.c \
	notify/facts_part.h \
	notify/facts_row.c \
	notify/incident.c \
	notify/incident.h \
	notify/mail.c \
	notify/mail.h \
	notify/net.c \
	notify/net.h \
	notify/notify.c \
	notify/notify.h \
	notify/owner.c \
	notify/owner.h \
	notify/secret.c \
	notify/secret.h \
	notify/sign.c \
	notify/sign.h \
	notify/template.c \
	notify/template.h \
	notify/templates.c \
	notify/templates.h \
	notify/textfile.c \
	notify/textfile.h \
	notify/texts.h \
	notify/transport.c \
	notify/transport.h \
	notify/tree.c \
	notify/tree.h

libnotify_libs = libnotify.a $(JSON_C_LIBS) $(GMIME_LIBS) $(CURL_LIBS) $(SYSTEMD_LIBS)

# Templates (etc/local.mk lists them) are compiled in, so that the program works where it is not
# installed.
EXTRA_DIST += notify/embed.sh
alert_templates = $(dist_alertsen_DATA) $(dist_alertsde_DATA)
nodist_libnotify_a_SOURCES = notify/templates_builtin.c
CLEANFILES += notify/templates_builtin.c

notify/templates_builtin.c: $(alert_templates) notify/embed.sh
	$(AM_V_at)$(MKDIR_P) notify
	$(AM_V_GEN)$(SHELL) $(srcdir)/notify/embed.sh $@ builtin_templates $(srcdir)/etc/alerts \
		$$(for f in $(alert_templates); do echo $(srcdir)/$$f; done)

nodist_libnotify_a_SOURCES += notify/actions_builtin.c
CLEANFILES += notify/actions_builtin.c

notify/actions_builtin.c: $(dist_actions_DATA) notify/embed.sh
	$(AM_V_at)$(MKDIR_P) notify
	$(AM_V_GEN)$(SHELL) $(srcdir)/notify/embed.sh $@ builtin_actions $(srcdir)/etc/actions.d \
		$$(for f in $(dist_actions_DATA); do echo $(srcdir)/$$f; done)
