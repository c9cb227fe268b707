# tests/: `make check` runs the unit tests, the corpora and lint; tests/run runs these in several
# builds, and all the rest.

EXTRA_DIST += tests/unit/alerted.h tests/run tests/valgrind.supp tests/corpus tests/lint tests/replay tests/system tests/rig \
	tests/sim tests/bench

# The libraries' linkers leave out what a test does not use.
test_libs = libcli.a $(libnotify_libs) $(libdaemon_libs) $(SMARTCOLS_LIBS) $(JSON_C_LIBS)

# One program per tests/unit/test_*.c.
unit_tests = \
	tests/unit/test_account \
	tests/unit/test_action \
	tests/unit/test_alert \
	tests/unit/test_arena \
	tests/unit/test_asleep \
	tests/unit/test_channels \
	tests/unit/test_behind \
	tests/unit/test_cursor \
	tests/unit/test_decide \
	tests/unit/test_detect \
	tests/unit/test_discover \
	tests/unit/test_doctor \
	tests/unit/test_envelope \
	tests/unit/test_entry \
	tests/unit/test_event \
	tests/unit/test_exim \
	tests/unit/test_facts \
	tests/unit/test_follow \
	tests/unit/test_geo \
	tests/unit/test_hash \
	tests/unit/test_keys \
	tests/unit/test_known \
	tests/unit/test_log \
	tests/unit/test_logfile \
	tests/unit/test_lookup \
	tests/unit/test_mail \
	tests/unit/test_map \
	tests/unit/test_mid \
	tests/unit/test_migrate \
	tests/unit/test_out \
	tests/unit/test_pack \
	tests/unit/test_pairs \
	tests/unit/test_patterns \
	tests/unit/test_phphead \
	tests/unit/test_phpmail \
	tests/unit/test_pipeline \
	tests/unit/test_postfix \
	tests/unit/test_qmail \
	tests/unit/test_queue \
	tests/unit/test_queue_id \
	tests/unit/test_regex \
	tests/unit/test_report \
	tests/unit/test_run \
	tests/unit/test_session \
	tests/unit/test_settings \
	tests/unit/test_shape \
	tests/unit/test_signs \
	tests/unit/test_stamp \
	tests/unit/test_store \
	tests/unit/test_str \
	tests/unit/test_stream \
	tests/unit/test_table \
	tests/unit/test_tally \
	tests/unit/test_template \
	tests/unit/test_watch \
	tests/unit/test_world
LDADD = $(test_libs) $(CMOCKA_LIBS)
tests_unit_test_channels_LDADD = $(libnotify_libs) $(libmailaudit_libs) $(CMOCKA_LIBS)
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
else
EXTRA_DIST += $(unit_tests:=.c)
endif

# Programs that tests/run and tests/system drive.
check_PROGRAMS += tests/corpus/corpus tests/corpus/signs_of tests/replay/replay tests/mail/compose
tests_mail_compose_LDADD = $(libnotify_libs) $(libmailaudit_libs)

# One hand-over of one channel.
check_PROGRAMS += tests/system/hand_over
tests_system_hand_over_LDADD = $(libnotify_libs) $(libmailaudit_libs)

# Simulated hosts, to measure detection with; tests/sim/README.md. The same bytes everywhere need
# arithmetic without contraction.
check_PROGRAMS += tests/sim/generate tests/sim/anchors
tests_sim_anchors_SOURCES = tests/sim/anchors.c tests/sim/events.h
tests_sim_anchors_LDADD = libmailaudit.a
tests_sim_generate_SOURCES = \
	tests/sim/accounts.c \
	tests/sim/addresses.c \
	tests/sim/attack.c \
	tests/sim/benign.c \
	tests/sim/events.h \
	tests/sim/exim.c \
	tests/sim/generate.c \
	tests/sim/internet.c \
	tests/sim/internet.h \
	tests/sim/knobs.c \
	tests/sim/knobs.h \
	tests/sim/model.h \
	tests/sim/phplog.c \
	tests/sim/postfix.c \
	tests/sim/queue.c \
	tests/sim/queue.h \
	tests/sim/random.c \
	tests/sim/random.h \
	tests/sim/text.c \
	tests/sim/text.h \
	tests/sim/writer.c \
	tests/sim/writer.h
tests_sim_generate_CFLAGS = $(AM_CFLAGS) -ffp-contract=off
tests_sim_generate_LDADD = libmailaudit.a

# The store at size; tests/bench/store.
check_PROGRAMS += tests/bench/store_load
tests_bench_store_load_SOURCES = \
	tests/bench/store_ask.c \
	tests/bench/store_fill.c \
	tests/bench/store_load.c \
	tests/bench/store_load.h \
	tests/bench/store_mail.c \
	tests/bench/store_mail.h \
	tests/bench/store_samples.c \
	tests/bench/store_samples.h \
	tests/sim/random.c \
	tests/sim/random.h \
	tests/sim/text.c \
	tests/sim/text.h
tests_bench_store_load_LDADD = $(libmailaudit_libs)

# A host's logs written at a rate, and when their rows can be read; for tests/bench/live.
check_PROGRAMS += tests/bench/live_read tests/bench/live_write
tests_bench_live_read_LDADD = $(libmailaudit_libs)
tests_bench_live_write_LDADD = libmailaudit.a

fuzzers = \
	tests/fuzz/fuzz_parsers \
	tests/fuzz/fuzz_signs
check_PROGRAMS += $(fuzzers)

TESTS += tests/corpus/check tests/sim/check tests/lint/lint
AM_TESTS_ENVIRONMENT = \
	MAILAUDIT_SRCDIR='$(abs_top_srcdir)'; export MAILAUDIT_SRCDIR; \
	MAILAUDIT_BUILDDIR='$(abs_top_builddir)'; export MAILAUDIT_BUILDDIR;

# Whole directories are distributed, and automake takes them from the build tree too: what was
# built there stays out, or the next build would take it for its own.
dist-hook:
	find $(distdir)/tests \( -name __pycache__ -o -name .deps \) -type d -exec rm -rf {} +
	find $(distdir)/tests \( -name '*.o' -o -name .dirstamp \) -exec rm -f {} +
	cd $(distdir) && rm -f $(check_PROGRAMS) tests/*/*.log tests/*/*.trs
