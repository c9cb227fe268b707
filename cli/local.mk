# cli/: mailaudit, and all that knows a terminal. All but main.c is a library, so that unit tests
# can link it.

noinst_LIBRARIES += libcli.a
libcli_a_CPPFLAGS = $(AM_CPPFLAGS) $(SMARTCOLS_CFLAGS) $(JSON_C_CFLAGS)
libcli_a_SOURCES = \
	cli/args.c \
	cli/args.h \
	cli/cli.c \
	cli/cli.h \
	cli/cmd_account.c \
	cli/cmd_ack.c \
	cli/cmd_act.c \
	cli/cmd_actions.c \
	cli/cmd_alerts.c \
	cli/cmd_config.c \
	cli/cmd_doctor.c \
	cli/cmd_explain.c \
	cli/cmd_findings.c \
	cli/cmd_help.c \
	cli/cmd_import.c \
	cli/cmd_messages.c \
	cli/cmd_metrics.c \
	cli/cmd_mute.c \
	cli/cmd_notify.c \
	cli/cmd_php.c \
	cli/cmd_replay.c \
	cli/cmd_status.c \
	cli/cmd_top.c \
	cli/cmd_trace.c \
	cli/cmd_undo.c \
	cli/cmd_unmute.c \
	cli/commands.def \
	cli/desk.c \
	cli/desk.h \
	cli/doctor.c \
	cli/doctor.def \
	cli/doctor.h \
	cli/doctor_apache.c \
	cli/doctor_conf.c \
	cli/doctor_conf.h \
	cli/doctor_diff.c \
	cli/doctor_direct.c \
	cli/doctor_exim.c \
	cli/doctor_fix.c \
	cli/doctor_journald.c \
	cli/doctor_logs.c \
	cli/doctor_opensmtpd.c \
	cli/doctor_panel.c \
	cli/doctor_php.c \
	cli/doctor_php.h \
	cli/doctor_postfix.c \
	cli/doctor_qmail.c \
	cli/doctor_sendmail.c \
	cli/doctor_rsyslog.c \
	cli/doctor_syslog_ng.c \
	cli/doctor_user_ini.c \
	cli/gather.c \
	cli/gather.h \
	cli/inlet.c \
	cli/inlet.h \
	cli/inlet_stream.c \
	cli/inlet_stream.h \
	cli/lag.c \
	cli/lag.h \
	cli/out.c \
	cli/out.h \
	cli/progress.c \
	cli/progress.h \
	cli/story.c \
	cli/story.h \
	cli/tell.c \
	cli/tell.h \
	cli/tell_action.c \
	cli/tell_action.h \
	cli/tell_finding.c

# What the doctor installs is compiled in, as it is in etc/snippets.
doctor_snippets = etc/snippets/exim/acl_not_smtp etc/snippets/postfix/header_checks \
	etc/snippets/rsyslog/mailaudit.conf etc/snippets/rsyslog/mailaudit.logrotate
nodist_libcli_a_SOURCES = cli/snippets_builtin.c
CLEANFILES += cli/snippets_builtin.c

cli/snippets_builtin.c: $(doctor_snippets) notify/embed.sh
	$(AM_V_at)$(MKDIR_P) cli
	$(AM_V_GEN)$(SHELL) $(srcdir)/notify/embed.sh $@ builtin_snippets $(srcdir)/etc/snippets \
		$$(for f in $(doctor_snippets); do echo $(srcdir)/$$f; done)

libcli_libs = libcli.a $(libnotify_libs) $(libmailaudit_libs) $(SMARTCOLS_LIBS) $(JSON_C_LIBS)

bin_PROGRAMS += mailaudit
mailaudit_SOURCES = cli/main.c
mailaudit_LDADD = $(libcli_libs)
