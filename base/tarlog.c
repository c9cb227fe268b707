/* Tar archives as a place where log files lie.
 *
 * Invariant: nothing of an archive is kept or written; a member is read as it
 * streams by, so each open one has the archive open for itself. */
#include "base/tarlog.h"

#include <stdlib.h>

struct tarlog {
	struct logfile *file; /* the archive, unpacked */
	struct archive_stream *stream;
};

bool tarlog_is(struct logfile *f)
{
	return logfile_start(f) == 0 && archive_is_tar(logfile_head(f));
}

static ssize_t read_archive(void *from, char *buf, size_t n, struct error *err)
{
	return logfile_read(from, buf, n, err);
}

static ssize_t read_member(void *from, char *buf, size_t n, struct error *err)
{
	return archive_read(((struct tarlog *)from)->stream, buf, n, err);
}

static void close_tarlog(void *from)
{
	struct tarlog *t = from;

	archive_close(t->stream);
	logfile_close(t->file);
	free(t);
}

static struct tarlog *open_tarlog(const char *path, struct error *err)
{
	struct tarlog *t = xcalloc(1, sizeof(*t));

	t->file = logfile_open(path, err);
	if (t->file)
		t->stream = archive_open_tar((struct archive_source){ read_archive, t->file },
					     path, err);
	if (t->stream)
		return t;
	close_tarlog(t);
	return NULL;
}

/* The content of a member is lent: the archive goes on behind it. */
static struct logfile *open_content(struct tarlog *t, const struct archive_member *member,
				    struct error *err)
{
	struct logfile_bytes bytes = { .read = read_member, .from = t };

	if (member->kind != ARCHIVE_FILE)
		return NULL;
	return logfile_open_bytes(bytes, -1, "member", err);
}

int tarlog_each(const char *path,
		void (*tell)(void *to, size_t number, const struct archive_member *member,
			     struct logfile *content, const struct error *why),
		void *to, struct error *err)
{
	struct tarlog *t = open_tarlog(path, err);
	struct archive_member member;
	int more = 0;

	if (!t)
		return -1;
	for (size_t i = 0; i < TARLOG_MAX_MEMBERS; i++) {
		struct error why = { .code = EXIT_NOINPUT };
		struct logfile *content;

		more = archive_next(t->stream, &member, err);
		if (more <= 0)
			break;
		content = open_content(t, &member, &why);
		tell(to, i, &member, content, &why);
		logfile_close(content);
	}
	close_tarlog(t);
	if (more > 0)
		return error_set(err, EXIT_NOINPUT, "%s: more than %d members", path,
				 TARLOG_MAX_MEMBERS);
	return more;
}

struct logfile *tarlog_open(const char *path, size_t number, const char *label,
			    struct error *err)
{
	struct logfile_bytes bytes = { read_member, close_tarlog, NULL };
	struct tarlog *t = open_tarlog(path, err);
	struct archive_member member;

	if (!t)
		return NULL;
	for (size_t i = 0; i <= number; i++) {
		int more = archive_next(t->stream, &member, err);

		if (more <= 0 || (i == number && member.kind != ARCHIVE_FILE)) {
			if (more >= 0)
				error_set(err, EXIT_NOINPUT, "%s: no longer there", label);
			close_tarlog(t);
			return NULL;
		}
	}
	bytes.from = t;
	return logfile_open_bytes(bytes, logfile_fd(t->file), label, err);
}
