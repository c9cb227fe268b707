# schema/: every line of SQL.

libmailaudit_a_SOURCES += \
	schema/action.c \
	schema/action.h \
	schema/action_row.h \
	schema/alert_row.c \
	schema/alert_row.h \
	schema/behind.c \
	schema/behind.h \
	schema/cells.c \
	schema/cells.h \
	schema/checkpoint.c \
	schema/checkpoint.h \
	schema/count.c \
	schema/count.h \
	schema/decide.c \
	schema/decide.h \
	schema/decide_state.h \
	schema/dictionary.c \
	schema/dictionary.h \
	schema/finding.c \
	schema/finding.h \
	schema/hourly.c \
	schema/hourly.h \
	schema/journal.c \
	schema/journal.h \
	schema/journal_feed.c \
	schema/journal_feed.h \
	schema/journal_known.c \
	schema/journal_known.h \
	schema/lookup.c \
	schema/lookup.h \
	schema/mid.c \
	schema/mid.h \
	schema/migrate.c \
	schema/migrate.h \
	schema/minute.c \
	schema/minute.h \
	schema/outbox.c \
	schema/outbox.h \
	schema/past.c \
	schema/past.h \
	schema/position.c \
	schema/position.h \
	schema/recorder.c \
	schema/recorder.h \
	schema/report.c \
	schema/report.h \
	schema/report_account.c \
	schema/report_alert.c \
	schema/report_finding.c \
	schema/report_metrics.c \
	schema/report_metrics.h \
	schema/report_php.c \
	schema/report_queued.c \
	schema/report_share.c \
	schema/report_share.h \
	schema/report_state.h \
	schema/report_status.c \
	schema/report_subject.c \
	schema/report_top.c \
	schema/report_trace.c \
	schema/restore.c \
	schema/retain.c \
	schema/retain.h \
	schema/row_layout.h \
	schema/row_read.c \
	schema/row_read.h \
	schema/row_write.c \
	schema/row_write.h \
	schema/sieve.c \
	schema/sieve.h \
	schema/sql.c \
	schema/sql.h \
	schema/store.c \
	schema/store.h \
	schema/store_state.h \
	schema/stream.c \
	schema/stream.h \
	schema/world.c \
	schema/world.h

# A released migration is never changed or removed: a new one is appended.
migrations = \
	schema/0001_init.sql \
	schema/0002_detection.sql \
	schema/0003_alerts.sql \
	schema/0004_journal.sql \
	schema/0005_unknown.sql \
	schema/0006_direct.sql \
	schema/0007_compact.sql
EXTRA_DIST += $(migrations) schema/embed.sh
nodist_libmailaudit_a_SOURCES += schema/migrations.c
CLEANFILES += schema/migrations.c

schema/migrations.c: $(migrations) schema/embed.sh
	$(AM_V_at)$(MKDIR_P) schema
	$(AM_V_GEN)$(SHELL) $(srcdir)/schema/embed.sh $@ \
		$$(for f in $(migrations); do echo $(srcdir)/$$f; done)
