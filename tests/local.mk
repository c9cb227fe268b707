# tests/: `make check` runs the unit tests, the corpora and lint; tests/run runs these in several
# builds, and all the rest.

EXTRA_DIST += tests/run tests/corpus tests/lint tests/replay tests/system tests/rig

# The libraries' linkers leave out what a test does not use.
test_libs = libcli.a $(libdaemon_libs) $(SMARTCOLS_LIBS) $(JSON_C_LIBS)

# One program per tests/unit/test_*.c.
unit_tests = \
	tests/unit/test_account \
	tests/unit/test_arena \
	tests/unit/test_cursor \
	tests/unit/test_discover \
	tests/unit/test_envelope \
	tests/unit/test_event \
	tests/unit/test_exim \
	tests/unit/test_follow \
	tests/unit/test_keys \
	tests/unit/test_log \
	tests/unit/test_logfile \
	tests/unit/test_map \
	tests/unit/test_migrate \
	tests/unit/test_out \
	tests/unit/test_phpmail \
	tests/unit/test_pipeline \
	tests/unit/test_postfix \
	tests/unit/test_report \
	tests/unit/test_settings \
	tests/unit/test_stamp \
	tests/unit/test_store \
	tests/unit/test_str \
	tests/unit/test_watch
LDADD = $(test_libs) $(CMOCKA_LIBS)
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
else
EXTRA_DIST += $(unit_tests:=.c)
endif

# Programs that tests/run and tests/system drive.
check_PROGRAMS += tests/corpus/corpus tests/replay/replay
fuzzers = \
	tests/fuzz/fuzz_parsers
check_PROGRAMS += $(fuzzers)

TESTS += tests/corpus/check tests/lint/lint
AM_TESTS_ENVIRONMENT = \
	MAILAUDIT_SRCDIR='$(abs_top_srcdir)'; export MAILAUDIT_SRCDIR; \
	MAILAUDIT_BUILDDIR='$(abs_top_builddir)'; export MAILAUDIT_BUILDDIR;

# Whole directories are distributed, and automake takes them from the build tree too: what was
# built there stays out, or the next build would take it for its own.
dist-hook:
	find $(distdir)/tests \( -name __pycache__ -o -name .deps \) -type d -exec rm -rf {} +
	find $(distdir)/tests \( -name '*.o' -o -name .dirstamp \) -exec rm -f {} +
	cd $(distdir) && rm -f $(check_PROGRAMS) tests/*/*.log tests/*/*.trs
