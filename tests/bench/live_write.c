/* live_write RATE SECONDS MAIL.LOG PHP.LOG DIR: writes a mail log and PHP's beside it, as a
 * host would: RATE lines a second in the order of their stamps, to DIR/mail.log and DIR/php.log.
 *
 * Lines that are due at one moment are written at once, as a syslog daemon does. Prints for each
 * write the time (CLOCK_MONOTONIC, nanoseconds), the file (0 mail, 1 PHP), its size then, and the
 * lines. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "core/envelope.h"

#define FILES 2
#define SECOND_NS INT64_C(1000000000)
/* Between two looks at what is due. */
#define STEP_NS 50000
#define WRITE_MAX 65536

static const char *const names[FILES] = { "mail.log", "php.log" };

struct feed {
	struct envelope envelope;
	struct str left; /* not written yet */
	size_t head; /* bytes of the next line; 0: there is none */
	usec_t time; /* of the next line */
	size_t due; /* bytes to be written now, */
	int64_t lines; /* so many lines */
	int to;
	int64_t written;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

static void find_next(struct feed *f)
{
	struct str rest = str_skip(f->left, f->due);
	size_t line = str_chr(rest, '\n');
	struct record rec;

	f->head = line < rest.n ? line + 1 : 0;
	if (!f->head)
		return;
	envelope_split(&f->envelope, str_head(rest, line), &rec);
	if (rec.time)
		f->time = rec.time;
}

static void open_feed(struct feed *f, const char *from, const char *dir, const char *name)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	char path[4096];
	struct stat st;
	void *bytes;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f->to = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 || fstat(fd, &st) < 0 || f->to < 0)
		die(EXIT_NOINPUT, "%s, %s: cannot be opened", from, path);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (bytes == MAP_FAILED)
		die(EXIT_NOINPUT, "%s: cannot be mapped", from);
	close(fd);
	f->left = (struct str){ bytes, (size_t)st.st_size };
	f->envelope.zone = zone_utc();
	find_next(f);
}

static void write_due(struct feed *f, int which)
{
	int64_t before = now_ns();

	if (!f->due)
		return;
	if (write(f->to, f->left.p, f->due) != (ssize_t)f->due)
		die(EXIT_AGAIN, "%s: cannot be written", names[which]);
	f->written += (int64_t)f->due;
	printf("%lld %d %lld %lld\n", (long long)before, which, (long long)f->written,
	       (long long)f->lines);
	f->left = str_skip(f->left, f->due);
	f->due = 0;
	f->lines = 0;
}

/* PHP logs a mail before the mail server does, by whole seconds. */
static struct feed *earlier(struct feed *feeds)
{
	if (!feeds[1].head)
		return &feeds[0];
	return feeds[0].head && feeds[0].time < feeds[1].time ? &feeds[0] : &feeds[1];
}

static void take_line(struct feed *feeds)
{
	struct feed *f = earlier(feeds);

	if (!f->head)
		die(EXIT_NOINPUT, "the logs are too short");
	if (f->due + f->head > WRITE_MAX)
		write_due(f, (int)(f - feeds));
	f->due += f->head;
	f->lines++;
	find_next(f);
}

static void write_at_rate(struct feed *feeds, double rate, double seconds)
{
	struct timespec step = { .tv_nsec = STEP_NS };
	int64_t begin = now_ns(), all = (int64_t)(rate * seconds), done = 0;

	while (done < all) {
		int64_t due = 1 + (int64_t)((double)(now_ns() - begin) / SECOND_NS * rate);

		for (; done < due && done < all; done++)
			take_line(feeds);
		for (int i = FILES - 1; i >= 0; i--)
			write_due(&feeds[i], i);
		nanosleep(&step, NULL);
	}
}

int main(int argc, char **argv)
{
	struct feed feeds[FILES] = { 0 };

	if (argc != 6)
		die(EXIT_USAGE, "usage: live_write RATE SECONDS MAIL.LOG PHP.LOG DIR");
	prctl(PR_SET_TIMERSLACK, 1);
	for (int i = 0; i < FILES; i++)
		open_feed(&feeds[i], argv[3 + i], argv[5], names[i]);
	write_at_rate(feeds, strtod(argv[1], NULL), strtod(argv[2], NULL));
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_AGAIN;
}
