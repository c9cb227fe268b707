/* The systemd journal, by libsystemd; without that library there is none.
 *
 * Invariant: where it stands is an entry that was given, or one asked for by
 * cursor. Decides nothing about entries. */
#include "base/sdjournal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool sdjournal_is_host(const char *path)
{
	return strcmp(path, "/var/log/journal") == 0 || strcmp(path, "/run/log/journal") == 0;
}

#ifdef HAVE_SYSTEMD
#include <systemd/sd-journal.h>

struct sdjournal {
	sd_journal *sd;
};

static int fail(struct error *err, const char *what, int negative)
{
	int code = negative == -EACCES || negative == -EPERM ? EXIT_PERMISSION : EXIT_NOINPUT;

	return error_set(err, code, "%s: %s", what, strerror(-negative));
}

bool sdjournal_is_built(void)
{
	return true;
}

static int open_path(sd_journal **sd, const char *path)
{
	const char *files[] = { path, NULL };
	struct stat st;

	if (sdjournal_is_host(path))
		return sd_journal_open(sd, SD_JOURNAL_LOCAL_ONLY);
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? sd_journal_open_directory(sd, path, 0) :
				     sd_journal_open_files(sd, files, 0);
}

struct sdjournal *sdjournal_open(const char *path, struct error *err)
{
	struct sdjournal *j = xcalloc(1, sizeof(*j));
	int rc = open_path(&j->sd, path);

	if (rc < 0) {
		fail(err, path, rc);
		free(j);
		return NULL;
	}
	sd_journal_set_data_threshold(j->sd, SDJOURNAL_MAX_VALUE);
	return j;
}

void sdjournal_close(struct sdjournal *j)
{
	if (!j)
		return;
	sd_journal_close(j->sd);
	free(j);
}

int sdjournal_fd(struct sdjournal *j)
{
	int fd = sd_journal_get_fd(j->sd);

	return fd < 0 ? -1 : fd;
}

bool sdjournal_process(struct sdjournal *j)
{
	return sd_journal_process(j->sd) != SD_JOURNAL_INVALIDATE;
}

/* When the journal was copied from /run to /var its entries have new numbers; the rest of
 * the cursor, the boot, both clocks and the hash, still is the entry's. */
static const char *without_number(const char *cursor)
{
	const char *boot = strstr(cursor, ";b=");

	return boot ? boot + 1 : cursor;
}

/* 1: the next entry is the cursor's. */
static int seek_exactly(struct sdjournal *j, const char *cursor)
{
	int rc = sd_journal_seek_cursor(j->sd, cursor);

	if (rc >= 0)
		rc = sd_journal_next(j->sd);
	return rc > 0 ? sd_journal_test_cursor(j->sd, cursor) : rc;
}

int sdjournal_seek(struct sdjournal *j, const char *cursor, struct error *err)
{
	int rc = seek_exactly(j, cursor);

	if (rc == 0)
		rc = seek_exactly(j, without_number(cursor));
	if (rc != 0)
		return rc < 0 ? fail(err, "the journal's cursor", rc) : 1;
	rc = sd_journal_seek_cursor(j->sd, cursor);
	return rc < 0 ? fail(err, "the journal's cursor", rc) : 0;
}

int sdjournal_seek_time(struct sdjournal *j, usec_t time, struct error *err)
{
	int rc = time > 0 ? sd_journal_seek_realtime_usec(j->sd, (uint64_t)time) :
			    sd_journal_seek_head(j->sd);

	return rc < 0 ? fail(err, "the journal", rc) : 0;
}

int sdjournal_next(struct sdjournal *j, struct error *err)
{
	int rc = sd_journal_next(j->sd);

	return rc < 0 ? fail(err, "the journal", rc) : rc > 0;
}

usec_t sdjournal_time(struct sdjournal *j)
{
	uint64_t usec;

	return sd_journal_get_realtime_usec(j->sd, &usec) < 0 || usec > INT64_MAX ? 0 :
										    (usec_t)usec;
}

int sdjournal_fields(struct sdjournal *j, void (*fn)(void *context, struct str name,
						    struct str value), void *context)
{
	const void *data;
	size_t n;
	int rc;

	sd_journal_restart_data(j->sd);
	while ((rc = sd_journal_enumerate_available_data(j->sd, &data, &n)) > 0) {
		struct str field = { data, n };
		size_t equals = str_chr(field, '=');

		fn(context, str_head(field, equals), str_skip(field, equals + 1));
	}
	return rc < 0 ? -1 : 0;
}

char *sdjournal_cursor(struct sdjournal *j)
{
	char *cursor = NULL;

	return sd_journal_get_cursor(j->sd, &cursor) < 0 ? NULL : cursor;
}

#else

bool sdjournal_is_built(void)
{
	return false;
}

struct sdjournal *sdjournal_open(const char *path, struct error *err)
{
	error_set(err, EXIT_CONFIG, "%s: this mailaudit was built without libsystemd", path);
	return NULL;
}

void sdjournal_close(struct sdjournal *j)
{
	(void)j;
}

int sdjournal_fd(struct sdjournal *j)
{
	(void)j;
	return -1;
}

bool sdjournal_process(struct sdjournal *j)
{
	(void)j;
	return true;
}

int sdjournal_seek(struct sdjournal *j, const char *cursor, struct error *err)
{
	(void)j;
	return error_set(err, EXIT_CONFIG, "%s: no libsystemd", cursor);
}

int sdjournal_seek_time(struct sdjournal *j, usec_t time, struct error *err)
{
	(void)j;
	(void)time;
	return error_set(err, EXIT_CONFIG, "no libsystemd");
}

int sdjournal_next(struct sdjournal *j, struct error *err)
{
	(void)j;
	return error_set(err, EXIT_CONFIG, "no libsystemd");
}

usec_t sdjournal_time(struct sdjournal *j)
{
	(void)j;
	return 0;
}

int sdjournal_fields(struct sdjournal *j, void (*fn)(void *context, struct str name,
						    struct str value), void *context)
{
	(void)j;
	(void)fn;
	(void)context;
	return -1;
}

char *sdjournal_cursor(struct sdjournal *j)
{
	(void)j;
	return NULL;
}
#endif
