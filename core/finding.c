/* Findings as values: making, freeing, names, lists of lines.
 *
 * Invariant: every str of a finding lives in its own arena. What makes a
 * finding is the heuristics' business. */
#include "core/finding.h"

#include <stdlib.h>

#include "base/error.h"

const char *const finding_case_name[CASES] = {
	[CASE_UNKNOWN] = "unknown", [CASE_INFECTED] = "2", [CASE_INJECTED] = "3a",
	[CASE_MAILER] = "3b",       [CASE_FORM] = "3c",    [CASE_SCRIPT] = "3d",
	[CASE_STOLEN] = "4",        [CASE_SPOOFED] = "5",
};

const char *const finding_case_title[CASES] = {
	[CASE_UNKNOWN] = "not clear",
	[CASE_INFECTED] = "infected PC",
	[CASE_INJECTED] = "injected form",
	[CASE_MAILER] = "uploaded mailer",
	[CASE_FORM] = "abused form",
	[CASE_SCRIPT] = "unknown script",
	[CASE_STOLEN] = "stolen password",
	[CASE_SPOOFED] = "spoofed elsewhere",
};

const char *const severity_name[] = {
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

const char *const family_name[FAMILIES] = {
	[FAMILY_VOLUME] = "volume",       [FAMILY_ORIGIN] = "origin",
	[FAMILY_DELIVERY] = "delivery",   [FAMILY_INJECTION] = "injection",
	[FAMILY_SCRIPT] = "script",       [FAMILY_IDENTITY] = "identity",
};

struct finding *finding_new(void)
{
	struct finding *f = xcalloc(1, sizeof(*f));

	f->script_line = -1;
	return f;
}

void finding_free(struct finding *f)
{
	if (!f)
		return;
	arena_release(&f->strings);
	arena_release(&f->told);
	free(f);
}

bool finding_line(struct str *list, struct str *line)
{
	if (!list->n)
		return false;
	*line = str_head(*list, str_chr(*list, '\n'));
	*list = str_skip(*list, line->n + 1);
	return true;
}
