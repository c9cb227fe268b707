/* Which template.
 *
 * Invariant: a file that is there and cannot be read is an error: silence would let mails
 * look other than the administrator wrote them. */
#include "notify/templates.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "notify/textfile.h"
#include "notify/texts.h"

struct template {
	char name[PATH_MAX]; /* for messages */
	struct str text;
	char *heap; /* NULL: compiled in */
};

/* 1: found; 0: none of this language; -1. */
static int find_own(const struct settings *s, const char *language, const char *name,
		    struct template *t, struct error *err)
{
	struct error why = { 0 };

	if (!*s->alerts.templates)
		return 0;
	snprintf(t->name, sizeof(t->name), "%s/%s/%s", s->alerts.templates, language, name);
	t->heap = textfile_read(t->name, TEMPLATE_MAX_FILE, &t->text.n, &why);
	t->text.p = t->heap;
	if (t->heap)
		return 1;
	return why.code == EXIT_NOINPUT ? 0 : error_set(err, why.code, "%s", why.text);
}

static int find_builtin(const char *language, const char *name, struct template *t)
{
	snprintf(t->name, sizeof(t->name), "%s/%s", language, name);
	for (const struct builtin_text *b = builtin_templates; b->name; b++) {
		if (strcmp(b->name, t->name) == 0) {
			t->text = b->text;
			return 1;
		}
	}
	return 0;
}

static int find(const struct settings *s, const char *name, struct template *t, struct error *err)
{
	const char *languages[] = { s->alerts.language, "en" };

	for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
		int rc = find_own(s, languages[i], name, t, err);

		if (rc == 0)
			rc = find_builtin(languages[i], name, t);
		if (rc)
			return rc;
	}
	return error_set(err, EXIT_CONFIG, "there is no template %s", name);
}

char *templates_fill(const struct settings *s, const char *name, const struct tree *facts,
		     enum template_form form, struct error *err)
{
	struct template t = { .heap = NULL };
	char *filled = NULL;

	if (find(s, name, &t, err) == 1)
		filled = template_fill(t.text, t.name, facts, form, err);
	free(t.heap);
	return filled;
}
