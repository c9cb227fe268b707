# core/: the domain, pure.

libmailaudit_a_SOURCES += \
	core/account.c \
	core/account.h \
	core/account_map.c \
	core/account_state.h \
	core/alert.c \
	core/alert.h \
	core/answer.c \
	core/arrival.c \
	core/asleep.c \
	core/asleep.h \
	core/attribute.c \
	core/attribute.h \
	core/batch.c \
	core/batch.h \
	core/correlate.c \
	core/correlate.h \
	core/detect.c \
	core/detect.h \
	core/delivery.c \
	core/direct.c \
	core/direct.h \
	core/entry.c \
	core/entry.h \
	core/entry_stream.c \
	core/entry_stream.h \
	core/envelope.c \
	core/envelope.h \
	core/event.c \
	core/event.h \
	core/finding.c \
	core/finding.h \
	core/habit.c \
	core/habit.h \
	core/helo.c \
	core/heuristic.h \
	core/injection.c \
	core/join.c \
	core/join.h \
	core/known.c \
	core/known.h \
	core/mailtext.c \
	core/mailtext.h \
	core/message.c \
	core/message.h \
	core/network.c \
	core/network.h \
	core/notes.c \
	core/notes.h \
	core/number.c \
	core/observation.h \
	core/parser.h \
	core/patterns.c \
	core/patterns.h \
	core/patterns_read.c \
	core/patterns_state.h \
	core/php.c \
	core/phphead.c \
	core/phphead.h \
	core/pipeline.c \
	core/pipeline.h \
	core/queue.c \
	core/queue.h \
	core/queue_id.c \
	core/queue_id.h \
	core/random_name.c \
	core/record.h \
	core/refusal.c \
	core/returned.c \
	core/run.c \
	core/run.h \
	core/session.c \
	core/session.h \
	core/settings.c \
	core/settings.h \
	core/shape.c \
	core/shape.h \
	core/statement.c \
	core/step.h \
	core/stream.c \
	core/stream.h \
	core/tally.c \
	core/tally.h \
	core/visit.c \
	core/visit.h

# Signatures that people may edit (etc/local.mk lists them) are compiled in, so that the program
# works where it is not installed.
EXTRA_DIST += core/embed.sh
nodist_libmailaudit_a_SOURCES += core/patterns_builtin.c
CLEANFILES += core/patterns_builtin.c

core/patterns_builtin.c: $(dist_patterns_DATA) core/embed.sh
	$(AM_V_at)$(MKDIR_P) core
	$(AM_V_GEN)$(SHELL) $(srcdir)/core/embed.sh $@ \
		$$(for f in $(dist_patterns_DATA); do echo $(srcdir)/$$f; done)
