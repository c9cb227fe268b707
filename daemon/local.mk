# daemon/: mailauditd, and every system call about files, processes and signals. All but main.c
# is a library, so that unit tests can link it.

noinst_LIBRARIES += libdaemon.a
libdaemon_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(SQLITE_CFLAGS)
libdaemon_a_SOURCES = \
	daemon/discover.c \
	daemon/discover.h \
	daemon/follow.c \
	daemon/follow.h \
	daemon/history.c \
	daemon/history.h \
	daemon/loop.c \
	daemon/loop.h \
	daemon/part.c \
	daemon/part.h \
	daemon/pattern.c \
	daemon/pattern.h \
	daemon/privilege.c \
	daemon/privilege.h \
	daemon/ready.c \
	daemon/ready.h \
	daemon/rotated.c \
	daemon/rotated.h \
	daemon/safe_open.c \
	daemon/safe_open.h \
	daemon/show.c \
	daemon/show.h \
	daemon/sources.c \
	daemon/sources.h \
	daemon/watch.c \
	daemon/watch.h

libdaemon_libs = libdaemon.a $(libmailaudit_libs) $(INOTIFYTOOLS_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += mailauditd
mailauditd_SOURCES = daemon/main.c
mailauditd_LDADD = $(libdaemon_libs)
