/* The files that say what each action is.
 *
 * Invariant: an action that is known has passed all checks: each step is of one kind,
 * each name in braces is one that can be put in; and nobody but root and us could have
 * written its file. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/keys.h"
#include "base/walk.h"
#include "notify/action_state.h"
#include "notify/texts.h"

#define ENDING ".yaml"
#define MAX_NAME 64
#define MAX_STEPS 32

static const char *const target_words[] = { "none", "login", "script", "queue", NULL };
static const char *const mta_words[] = { "any", "postfix", "exim", NULL };

/* --- the tables ---- */

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define EMPTY "\"\""

#define AT(member) offsetof(struct step_rule, line.member) - offsetof(struct step_rule, line)
static const struct key line_keys[] = {
	{ "file", KEY_TEXT, AT(file), EMPTY, .help = NULL },
	{ "text", KEY_TEXT, AT(text), EMPTY, .help = NULL },
};
#undef AT
#define AT(member) offsetof(struct step_rule, mode.member) - offsetof(struct step_rule, mode)
static const struct key mode_keys[] = {
	{ "path", KEY_TEXT, AT(path), EMPTY, .help = NULL },
	{ "mode", KEY_TEXT, AT(mode), EMPTY, .help = NULL },
};
#undef AT
#define AT(member) offsetof(struct step_rule, rename.member) - offsetof(struct step_rule, rename)
static const struct key rename_keys[] = {
	{ "path", KEY_TEXT, AT(path), EMPTY, .help = NULL },
	{ "suffix", KEY_TEXT, AT(suffix), EMPTY, .help = NULL },
};
#undef AT
static const struct key_table line_table = { line_keys, COUNT(line_keys), 0 };
static const struct key_table mode_table = { mode_keys, COUNT(mode_keys), 0 };
static const struct key_table rename_table = { rename_keys, COUNT(rename_keys), 0 };

#define AT(member) offsetof(struct step_rule, member)
static const struct key step_keys[] = {
	{ "run", KEY_STRINGS, AT(run), "[]", .help = NULL },
	{ "undo", KEY_STRINGS, AT(undo), "[]", .help = NULL },
	{ "input", KEY_TEXT, AT(input), EMPTY, .help = NULL },
	{ "done", KEY_TEXT, AT(done), EMPTY, .help = NULL },
	{ "undone", KEY_STRINGS, AT(undone), "[]", .help = NULL },
	{ "line", KEY_SECTION, AT(line), .table = &line_table },
	{ "mode", KEY_SECTION, AT(mode), .table = &mode_table },
	{ "rename", KEY_SECTION, AT(rename), .table = &rename_table },
};
#undef AT
static const struct key_table step_table = { step_keys, COUNT(step_keys),
					     sizeof(struct step_rule) };

#define AT(member) offsetof(struct action, member)
static const struct key action_keys[] = {
	{ "about", KEY_TEXT, AT(about), EMPTY, .help = NULL },
	{ "for", KEY_ENUM, AT(target), "none", .words = target_words },
	{ "mta", KEY_ENUM, AT(mta), "any", .words = mta_words },
	{ "do", KEY_STRUCTS, AT(steps), "[]", .table = &step_table, .count = AT(nsteps) },
};
#undef AT
static const struct key_table action_table = { action_keys, COUNT(action_keys), 0 };

/* --- checks of a whole step: NULL, or what is wrong with it ---- */

static const char *wrong_words(const struct string_list *words, enum action_target target)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *wrong = action_wrong(words->at[i], target);

		if (wrong)
			return wrong;
	}
	if (words->n && strchr(words->at[0], '{'))
		return "has a program whose name is put in";
	return NULL;
}

static const char *wrong_answers(const struct step_rule *s)
{
	if (*s->done && !action_has(s->done, "queue_id"))
		return "has a `done` without {queue_id}";
	for (size_t i = 0; i < s->undone.n; i++)
		if (!action_has(s->undone.at[i], "queue_id"))
			return "has an `undone` without {queue_id}";
	return NULL;
}

static const char *wrong_run(const struct step_rule *s, enum action_target target)
{
	const char *wrong = wrong_words(&s->run, target);

	if (!wrong)
		wrong = wrong_words(&s->undo, target);
	if (!wrong && *s->done)
		wrong = action_wrong(s->done, target);
	for (size_t i = 0; i < s->undone.n && !wrong; i++)
		wrong = action_wrong(s->undone.at[i], target);
	if (!wrong && *s->input && (target != FOR_QUEUE || strcmp(s->input, "{queue_ids}") != 0))
		wrong = "has an `input` that is not {queue_ids}";
	return wrong ? wrong : wrong_answers(s);
}

static const char *wrong_line(const struct step_rule *s, enum action_target target)
{
	if (value_wrong_script(str_of(s->line.file)) || strchr(s->line.file, '{'))
		return "has a `file` that is no plain absolute path";
	if (!*s->line.text)
		return "has a `line` without a text";
	if (target == FOR_QUEUE)
		return "has a `line`, which is for login or script";
	return action_wrong(s->line.text, target);
}

static const char *wrong_mode(const struct step_rule *s, enum action_target target)
{
	char *end;

	if (target != FOR_SCRIPT)
		return "has a `mode`, which is for script";
	if (!*s->mode.path)
		return "has a `mode` without a path";
	if (!*s->mode.mode || strtoul(s->mode.mode, &end, 8) > 0777 || *end)
		return "has a `mode` that is none from 0000 to 0777";
	return action_wrong(s->mode.path, target);
}

static const char *wrong_rename(const struct step_rule *s, enum action_target target)
{
	if (target != FOR_SCRIPT)
		return "has a `rename`, which is for script";
	if (!*s->rename.path)
		return "has a `rename` without a path";
	if (!*s->rename.suffix || strpbrk(s->rename.suffix, "/{") ||
	    action_wrong(s->rename.suffix, target))
		return "has a `suffix` that is no plain end of a name";
	return action_wrong(s->rename.path, target);
}

/* One row for each kind: is it this, and what is wrong with it. */
struct kind_check {
	const struct step_kind *kind;
	const char *(*wrong)(const struct step_rule *s, enum action_target target);
	bool here;
};

static const char *wrong_step(struct step_rule *s, enum action_target target)
{
	const struct kind_check kinds[] = {
		{ &step_run, wrong_run, s->run.n || s->undo.n },
		{ &step_line, wrong_line, *s->line.file || *s->line.text },
		{ &step_mode, wrong_mode, *s->mode.path || *s->mode.mode },
		{ &step_rename, wrong_rename, *s->rename.path || *s->rename.suffix },
	};
	const struct kind_check *found = NULL;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].here && found)
			return "is of more than one kind: run (with undo), line, mode, rename";
		if (kinds[i].here)
			found = &kinds[i];
	}
	if (!found)
		return "is not one of: run (with undo), line, mode, rename";
	if (!kinds[0].here && (*s->input || *s->done || s->undone.n))
		return "has input, done or undone, which are for run";
	s->kind = found->kind;
	s->new_mode = (unsigned)strtoul(s->mode.mode, NULL, 8);
	return found->wrong(s, target);
}

static int check(const struct action *a, const char *shown, struct error *err)
{
	if (!*a->about || a->target == FOR_NONE)
		return error_set(err, EXIT_CONFIG, "%s: needs the keys about and for", shown);
	if (!a->nsteps || a->nsteps > MAX_STEPS)
		return error_set(err, EXIT_CONFIG, "%s: do: needs from 1 to %d steps", shown,
				 MAX_STEPS);
	for (size_t i = 0; i < a->nsteps; i++) {
		const char *wrong = wrong_step(&a->steps[i], (enum action_target)a->target);

		if (wrong)
			return error_set(err, EXIT_CONFIG, "%s: do[%zu] %s", shown, i, wrong);
	}
	return 0;
}

/* --- one file ---- */

/* The name of the action; STR_NONE: none of ours. */
static struct str name_of(const char *file)
{
	struct str s = str_of(file);

	if (!str_ends(s, STR(ENDING)))
		return STR_NONE;
	s = str_head(s, s.n - strlen(ENDING));
	return s.n <= MAX_NAME && strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789-") == s.n ?
		s : STR_NONE;
}

/* The place of that name; a new one at the end if there is none. */
static struct action *place_of(struct actions *a, struct str name)
{
	struct action *list;

	for (size_t i = 0; i < a->n; i++)
		if (str_eq(str_of(a->list[i].name), name))
			return &a->list[i];
	list = arena_alloc(&a->arena, (a->n + 1) * sizeof(*list));
	if (a->n)
		memcpy(list, a->list, a->n * sizeof(*list));
	a->list = list;
	return &list[a->n++];
}

static int read_text(struct actions *a, struct str name, struct str yaml, const char *shown,
		     struct error *err)
{
	struct key_origin from = { shown, NULL, &a->arena };
	struct action one = { .name = arena_str(&a->arena, name).p };
	struct yaml_value *v = yaml_parse(&a->arena, yaml, shown, err);

	if (!v)
		return -1;
	keys_preset(&action_table, &one, &from);
	if (keys_read(&action_table, &one, v, &from, err) < 0 || check(&one, shown, err) < 0)
		return -1;
	*place_of(a, name) = one;
	return 0;
}

/* --- a folder of them ---- */

static int refuse(const char *path, const char *why, struct error *err)
{
	return error_set(err, EXIT_CONFIG, "%s: %s", path, why);
}

/* What is in an action is run with our rights, so it must be written with them. */
static int check_file(const struct walk *w, int fd, struct stat *st, struct error *err)
{
	if (fstat(fd, st) < 0)
		return walk_fail(w->path, err);
	if (!S_ISREG(st->st_mode) || st->st_size > YAML_MAX_BYTES)
		return refuse(w->path, "no regular file, or too large", err);
	if (w->exposed)
		return refuse(w->path, "others than root can write a folder on the way to it", err);
	if ((st->st_uid != 0 && st->st_uid != geteuid()) || st->st_mode & (S_IWGRP | S_IWOTH))
		return refuse(w->path, "others than root can write it", err);
	return 0;
}

static int read_fd(struct actions *a, struct str name, const struct walk *w, int fd,
		   struct error *err)
{
	struct stat st;
	char *text;
	ssize_t n;
	int rc;

	if (check_file(w, fd, &st, err) < 0)
		return -1;
	text = xmalloc((size_t)st.st_size + 1);
	n = pread(fd, text, (size_t)st.st_size, 0);
	rc = n == st.st_size ? read_text(a, name, (struct str){ text, (size_t)n }, w->path, err) :
			       error_set(err, EXIT_AGAIN, "%s: changes while it is read", w->path);
	free(text);
	return rc;
}

static int read_file(struct actions *a, struct str name, const char *path, struct error *err)
{
	struct walk w;
	int fd, rc;

	if (walk_to(&w, path, err) < 0)
		return -1;
	fd = openat(w.dir, w.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	rc = fd < 0 ? walk_fail(path, err) : read_fd(a, name, &w, fd, err);
	if (fd >= 0)
		close(fd);
	walk_end(&w);
	return rc;
}

static int read_folder(struct actions *a, const char *folder, struct error *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return error_set(err, EXIT_CONFIG, "actions.folder: %s: %s", folder, strerror(errno));
	while (rc == 0 && (entry = readdir(dir))) {
		size_t size = strlen(folder) + strlen(entry->d_name) + 2;
		struct str name = name_of(entry->d_name);
		char *path;

		if (!name.n)
			continue;
		path = arena_alloc(&a->arena, size);
		snprintf(path, size, "%s/%s", folder, entry->d_name);
		rc = read_file(a, name, path, err);
	}
	closedir(dir);
	return rc;
}

/* --- all of them ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct action *)a)->name, ((const struct action *)b)->name);
}

/* A rule that names no action would be found out in the night. */
static int check_rules(const struct actions *a, const struct settings *s, struct error *err)
{
	for (size_t i = 0; i < s->actions.nrules; i++) {
		const struct string_list *run = &s->actions.rules[i].run;

		for (size_t j = 0; j < run->n; j++)
			if (!actions_have(a, run->at[j]))
				return error_set(err, EXIT_CONFIG, "actions.rules[%zu]: no action '%s'; "
						 "'mailaudit actions --list' lists them", i, run->at[j]);
	}
	return 0;
}

static int read_all(struct actions *a, const struct settings *s, struct error *err)
{
	for (const struct builtin_text *t = builtin_actions; t->name; t++)
		if (read_text(a, name_of(t->name), t->text, t->name, err) < 0)
			return -1;
	if (*s->actions.folder && read_folder(a, s->actions.folder, err) < 0)
		return -1;
	qsort(a->list, a->n, sizeof(*a->list), by_name);
	return check_rules(a, s, err);
}

struct actions *actions_load(const struct settings *s, struct error *err)
{
	struct actions *a = xcalloc(1, sizeof(*a));

	if (read_all(a, s, err) == 0)
		return a;
	actions_free(a);
	return NULL;
}

void actions_free(struct actions *a)
{
	if (!a)
		return;
	arena_release(&a->arena);
	free(a);
}

const struct action *actions_find(const struct actions *a, struct str name)
{
	for (size_t i = 0; i < a->n; i++)
		if (str_eq(str_of(a->list[i].name), name))
			return &a->list[i];
	return NULL;
}

bool actions_have(const struct actions *a, const char *name)
{
	return actions_find(a, str_of(name)) != NULL;
}

void actions_list(const struct actions *a, actions_fn *fn, void *context)
{
	for (size_t i = 0; i < a->n; i++)
		if (!fn(context, a->list[i].name, a->list[i].about, target_words[a->list[i].target],
			mta_words[a->list[i].mta]))
			return;
}
