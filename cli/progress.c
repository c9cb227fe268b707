/* The progress bar. Nothing but numbers of ours is drawn. */
#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BAR_COLUMNS 30
#define DRAW_EVERY (USEC_SECOND / 5)

usec_t progress_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_SECOND + now.tv_nsec / 1000;
}

void progress_init(struct progress *p)
{
	p->drawn = false;
	p->wanted = isatty(STDERR_FILENO);
	p->next = progress_clock() + DRAW_EVERY;
}

void progress_draw(struct progress *p, int64_t done, int64_t total, int64_t lines)
{
	static const char full[] = "##############################";
	double share = total > 0 ? (double)done / (double)total : 0;
	usec_t now;

	if (!p->wanted || (now = progress_clock()) < p->next)
		return;
	p->next = now + DRAW_EVERY;
	p->drawn = true;
	if (share > 1)
		share = 1;
	if (total > 0)
		fprintf(stderr, "\r[%-*.*s] %3d%%", BAR_COLUMNS, (int)(share * BAR_COLUMNS), full,
			(int)(share * 100));
	fprintf(stderr, "%s%lld lines", total > 0 ? "  " : "\r", (long long)lines);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\r\033[K");
	p->drawn = false;
}
