/* The knobs by name. Invariant: a knob is a number that is not negative. */
#include "tests/sim/knobs.h"

#include <stdlib.h>
#include <string.h>

struct knobs knobs = {
#define KNOB_PRESET(name, preset, source, help) .name = preset,
	KNOBS(KNOB_PRESET)
#undef KNOB_PRESET
};

static const struct row {
	const char *name;
	double *value;
	const char *source, *help;
} rows[] = {
#define KNOB_ROW(name, preset, source, help) { #name, &knobs.name, source, help },
	KNOBS(KNOB_ROW)
#undef KNOB_ROW
};

#define NROWS (sizeof(rows) / sizeof(*rows))

const char *knob_set(const char *text)
{
	size_t n = strcspn(text, "=*");
	char *end;
	double value;

	if (!text[n])
		return "is not NAME=VALUE or NAME*FACTOR";
	value = strtod(text + n + 1, &end);
	if (end == text + n + 1 || *end || !(value >= 0))
		return "has no number that is 0 or more";
	for (size_t i = 0; i < NROWS; i++) {
		if (strlen(rows[i].name) != n || memcmp(rows[i].name, text, n))
			continue;
		*rows[i].value = text[n] == '*' ? *rows[i].value * value : value;
		return NULL;
	}
	return "names no knob";
}

const char *knobs_read(const char *path)
{
	FILE *f = fopen(path, "r");
	const char *wrong = NULL;
	char line[256];

	if (!f)
		return "cannot be read";
	while (!wrong && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "#\r\n")] = 0;
		if (line[strspn(line, " \t")])
			wrong = knob_set(line);
	}
	fclose(f);
	return wrong;
}

void knobs_list(FILE *out)
{
	for (size_t i = 0; i < NROWS; i++)
		fprintf(out, "%s\t%g\t%s\t%s\n", rows[i].name, *rows[i].value, rows[i].source,
			rows[i].help);
}
