# core/: the domain, pure.

libmailaudit_a_SOURCES += \
	core/account.c \
	core/account.h \
	core/arrival.c \
	core/attribute.c \
	core/attribute.h \
	core/batch.h \
	core/correlate.c \
	core/correlate.h \
	core/delivery.c \
	core/envelope.c \
	core/envelope.h \
	core/event.c \
	core/event.h \
	core/join.c \
	core/join.h \
	core/mailtext.c \
	core/mailtext.h \
	core/message.c \
	core/message.h \
	core/network.c \
	core/network.h \
	core/notes.c \
	core/notes.h \
	core/parser.h \
	core/php.c \
	core/pipeline.c \
	core/pipeline.h \
	core/queue.c \
	core/queue.h \
	core/record.h \
	core/settings.c \
	core/settings.h \
	core/statement.c \
	core/step.h
