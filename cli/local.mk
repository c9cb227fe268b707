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
	cli/cmd_config.c \
	cli/cmd_explain.c \
	cli/cmd_findings.c \
	cli/cmd_help.c \
	cli/cmd_import.c \
	cli/cmd_messages.c \
	cli/cmd_php.c \
	cli/cmd_replay.c \
	cli/cmd_status.c \
	cli/cmd_top.c \
	cli/cmd_trace.c \
	cli/commands.def \
	cli/inlet.c \
	cli/inlet.h \
	cli/out.c \
	cli/out.h \
	cli/progress.c \
	cli/progress.h \
	cli/story.c \
	cli/story.h \
	cli/tell.c \
	cli/tell.h \
	cli/tell_finding.c

libcli_libs = libcli.a $(libmailaudit_libs) $(SMARTCOLS_LIBS) $(JSON_C_LIBS)

bin_PROGRAMS += mailaudit
mailaudit_SOURCES = cli/main.c
mailaudit_LDADD = $(libcli_libs)
