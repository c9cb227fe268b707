/* The progress bar. Nothing but numbers of ours is drawn.
 *
 * Invariant: what is drawn is shorter than the terminal is wide, now, so that it can be
 * drawn over; and it is wiped off before anything else is written. No escape sequences:
 * a terminal that knows none is a terminal. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR_COLUMNS 30
#define BAR_LEAST 10
/* " 100%  123456789 lines, 123456/s, 1:23:45 left": by the numbers there are, the bar
 * would be there and gone. */
#define OTHER_COLUMNS 47
#define USUAL_COLUMNS 80
#define DRAW_EVERY (USEC_SECOND / 5)
/* An estimate made of less would jump about. */
#define ESTIMATE_AFTER (2 * USEC_SECOND)
#define ESTIMATE_SHARE 0.01

usec_t progress_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_SECOND + now.tv_nsec / 1000;
}

void progress_init(struct progress *p, bool quiet)
{
	*p = (struct progress){ .wanted = !quiet && isatty(STDERR_FILENO) };
	p->started = progress_clock();
	p->next = p->started + DRAW_EVERY;
}

/* A terminal of a serial line does not know. */
static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return USUAL_COLUMNS;
	return size.ws_col;
}

/* The parts, each with its blanks in front, as far as there is room for them. */
struct drawing {
	char text[160];
	size_t n, room;
};

static bool add(struct drawing *d, const char *part)
{
	size_t n = strlen(part);

	if (d->n + n > d->room)
		return false;
	memcpy(d->text + d->n, part, n + 1);
	d->n += n;
	return true;
}

static void add_bar(struct drawing *d, double share)
{
	char bar[BAR_COLUMNS + 3];
	size_t width = BAR_COLUMNS, full;

	if (OTHER_COLUMNS + 2 + BAR_LEAST > d->room)
		return;
	if (OTHER_COLUMNS + 2 + width > d->room)
		width = d->room - OTHER_COLUMNS - 2;
	full = (size_t)(share * (double)width);
	bar[0] = '[';
	memset(bar + 1, '#', full);
	memset(bar + 1 + full, ' ', width - full);
	memcpy(bar + 1 + width, "]", 2);
	add(d, bar);
}

static void print_time(char *buf, size_t size, int64_t seconds)
{
	if (seconds >= 3600)
		snprintf(buf, size, ", %lld:%02d:%02d left", (long long)(seconds / 3600),
			 (int)(seconds / 60 % 60), (int)(seconds % 60));
	else
		snprintf(buf, size, ", %d:%02d left", (int)(seconds / 60), (int)(seconds % 60));
}

/* By what was read since the beginning: an import that goes on begins in the middle. */
static void print_estimate(char *buf, size_t size, const struct progress *p, double share,
			   usec_t elapsed)
{
	double read = share - p->first_share, seconds;

	*buf = '\0';
	if (elapsed < ESTIMATE_AFTER || read < ESTIMATE_SHARE)
		return;
	seconds = (1 - share) / read * (double)elapsed / USEC_SECOND;
	if (seconds < 100 * 3600)
		print_time(buf, size, (int64_t)seconds);
}

static void draw(struct progress *p, double share, int64_t lines, bool known, usec_t now)
{
	char percent[16] = "", count[40], rate[40], left[40] = "";
	size_t width = columns();
	usec_t elapsed = now - p->started;
	struct drawing d = { .n = 0 };

	d.room = width - 1 < sizeof(d.text) ? width - 1 : sizeof(d.text) - 1;
	if (known) {
		snprintf(percent, sizeof(percent), " %3d%%", (int)(share * 100));
		print_estimate(left, sizeof(left), p, share, elapsed);
	}
	snprintf(count, sizeof(count), "%s%lld lines", known ? "  " : "", (long long)lines);
	snprintf(rate, sizeof(rate), ", %lld/s",
		 (long long)((double)lines * USEC_SECOND / (double)elapsed));
	if (known)
		add_bar(&d, share);
	add(&d, percent + (known && !d.n)); /* without a bar, without the blank behind it */
	if (add(&d, count) && add(&d, rate))
		add(&d, left);
	progress_end(p);
	fprintf(stderr, "%s", d.text);
	fflush(stderr);
	p->drawn = d.n;
}

void progress_draw(struct progress *p, double share, int64_t lines)
{
	usec_t now;

	if (!p->wanted || (now = progress_clock()) < p->next)
		return;
	p->next = now + DRAW_EVERY;
	if (!p->begun)
		p->first_share = share;
	p->begun = true;
	/* The share is an estimate; a bar that goes back is a broken one. */
	if (share > p->share)
		p->share = share > 1 ? 1 : share;
	draw(p, p->share, lines, share >= 0, now);
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\r%*s\r", (int)p->drawn, "");
	p->drawn = 0;
}
