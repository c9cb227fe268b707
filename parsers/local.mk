# parsers/: log text to events, one file per dialect, Exim's in several.

libmailaudit_a_SOURCES += \
	parsers/cursor.c \
	parsers/cursor.h \
	parsers/dovecot.c \
	parsers/exim.c \
	parsers/exim_arrival.c \
	parsers/exim_client.c \
	parsers/exim_delivery.c \
	parsers/exim_fields.c \
	parsers/exim_fields.h \
	parsers/exim_line.h \
	parsers/eximpanic.c \
	parsers/eximreject.c \
	parsers/ftp.c \
	parsers/netfilter.c \
	parsers/opensmtpd.c \
	parsers/parsers.c \
	parsers/parsers.def \
	parsers/parsers.h \
	parsers/phpmail.c \
	parsers/postfix.c \
	parsers/qmail.c \
	parsers/sendmail.c \
	parsers/sshd.c \
	parsers/syslogd.c
