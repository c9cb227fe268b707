/* YAML texts to struct patterns.
 *
 * Invariant: every expression that struct patterns holds has been compiled, every
 * list is of rows that passed all checks; a wrong text makes no half-read set. */
#include <stdlib.h>

#include "base/keys.h"
#include "core/patterns_state.h"

/* One row as the text has it. */
struct row {
	const char *name, *help, *weight;
	int class, scope, test, part, client;
	struct string_list code, match, unless;
};

struct provider_row {
	const char *name;
	struct string_list hosts;
};

struct text {
	struct row *list[PATTERN_SETS];
	size_t n[PATTERN_SETS];
	struct provider_row *providers;
	size_t nproviders;
	struct string_list words, freemail;
};

/* ---- checks of one value ---- */

static const char *check_expression(const char *text)
{
	static struct error err;
	struct regex *re = regex_new(str_of(text), true, &err);

	if (!re)
		return err.text;
	regex_free(re);
	return NULL;
}

static bool decimal(struct str s, double *out)
{
	int64_t whole, part;
	double scale = 1;

	if (!str_eat_int(&s, &whole))
		return false;
	*out = (double)whole;
	if (!s.n)
		return true;
	if (!str_eat(&s, STR(".")) || s.n > 6 || !str_int(s, &part))
		return false;
	for (size_t i = 0; i < s.n; i++)
		scale *= 10;
	*out += (double)part / scale;
	return true;
}

#define WEIGHT_OF_CLASS "of its class"

static const char *check_weight(const char *text)
{
	double weight;

	if (strcmp(text, WEIGHT_OF_CLASS) == 0)
		return NULL;
	if (!decimal(str_of(text), &weight) || weight > 10)
		return "is not a weight from 0 to 10, such as 1.5";
	return NULL;
}

/* "5.1.1", "x.7.28", "4.2", "5", "421" */
static const char *check_code(const char *text)
{
	struct str s = str_of(text);
	int64_t number;

	if (s.n == 3 && str_int(s, &number) && number >= 200 && number < 600)
		return NULL;
	if (!s.n || !strchr("x45", s.p[0]) || (s.n > 1 && s.p[1] != '.'))
		return "is not a code such as 5.1.1, x.7.28 or 421";
	s = str_skip(s, 2);
	if (!s.n || (str_eat_int(&s, &number) && !s.n))
		return NULL;
	if (!str_eat(&s, STR(".")) || !str_int(s, &number))
		return "is not a code such as 5.1.1, x.7.28 or 421";
	return NULL;
}

/* ---- the tables ---- */

static const char *const scopes[] = { "account", "server", NULL };
static const char *const clients[] = { "any", "public", NULL };
static const char *const parts[] = { "any", "subject", "headers", "to", NULL };
static const char *const tests[] = { "none",	"random-name", "eval", "no-file",
				     "own-url", "own-name",    NULL };

#define NAME_KEY { "name", KEY_STRING, offsetof(struct row, name), .help = "Its name." }
#define HELP_KEY { "help", KEY_STRING, offsetof(struct row, help), .help = "What it tells." }
#define MATCH_KEYS \
	{ "match", KEY_STRINGS, offsetof(struct row, match), "[]", .help = "Any of these fits.", \
	  .check = check_expression }, \
	{ "unless", KEY_STRINGS, offsetof(struct row, unless), "[]", \
	  .help = "None of these fits.", .check = check_expression }
#define WEIGHT_KEY { "weight", KEY_STRING, offsetof(struct row, weight), \
		     .help = "Nats of evidence.", .check = check_weight }
#define TEST_KEY { "test", KEY_ENUM, offsetof(struct row, test), "none", .help = "A test in C.", \
		   .words = tests }

static const struct key response_keys[] = {
	NAME_KEY,
	HELP_KEY,
	MATCH_KEYS,
	{ "weight", KEY_STRING, offsetof(struct row, weight), WEIGHT_OF_CLASS,
	  .help = "Nats of evidence.", .check = check_weight },
	{ "class", KEY_ENUM, offsetof(struct row, class), .help = "What it means.",
	  .words = response_class_name },
	{ "scope", KEY_ENUM, offsetof(struct row, scope), "account", .help = "About whom it is.",
	  .words = scopes },
	{ "code", KEY_STRINGS, offsetof(struct row, code), "[]", .help = "Any of these codes.",
	  .check = check_code },
};
static const struct key path_keys[] = { NAME_KEY, HELP_KEY, MATCH_KEYS, WEIGHT_KEY, TEST_KEY };
static const struct key probe_keys[] = {
	NAME_KEY,
	HELP_KEY,
	MATCH_KEYS,
	WEIGHT_KEY,
	TEST_KEY,
	{ "in", KEY_ENUM, offsetof(struct row, part), "any", .help = "Where.", .words = parts },
};
static const struct key helo_keys[] = {
	NAME_KEY,
	HELP_KEY,
	MATCH_KEYS,
	WEIGHT_KEY,
	TEST_KEY,
	{ "client", KEY_ENUM, offsetof(struct row, client), "any", .help = "Whose.",
	  .words = clients },
};
static const struct key provider_keys[] = {
	{ "name", KEY_STRING, offsetof(struct provider_row, name), .help = "Its name." },
	{ "hosts", KEY_STRINGS, offsetof(struct provider_row, hosts), .help = "Ends of names." },
};

#define TABLE(keys, type) { keys, sizeof(keys) / sizeof((keys)[0]), sizeof(struct type) }
static const struct key_table row_tables[PATTERN_SETS] = {
	[PATTERNS_RESPONSE] = TABLE(response_keys, row),
	[PATTERNS_PATH] = TABLE(path_keys, row),
	[PATTERNS_PROBE] = TABLE(probe_keys, row),
	[PATTERNS_HELO] = TABLE(helo_keys, row),
};
static const struct key_table provider_table = TABLE(provider_keys, provider_row);

#define ROWS_KEY(name, set) \
	{ name, KEY_STRUCTS, offsetof(struct text, list[set]), "[]", .help = "Rows.", \
	  .table = &row_tables[set], .count = offsetof(struct text, n[set]) }
static const struct key text_keys[] = {
	ROWS_KEY("responses", PATTERNS_RESPONSE),
	ROWS_KEY("paths", PATTERNS_PATH),
	ROWS_KEY("probes", PATTERNS_PROBE),
	ROWS_KEY("helo", PATTERNS_HELO),
	{ "providers", KEY_STRUCTS, offsetof(struct text, providers), "[]", .help = "Rows.",
	  .table = &provider_table, .count = offsetof(struct text, nproviders) },
	{ "words", KEY_STRINGS, offsetof(struct text, words), "[]", .help = "Of file names." },
	{ "freemail", KEY_STRINGS, offsetof(struct text, freemail), "[]", .help = "Domains." },
};
static const struct key_table text_table = TABLE(text_keys, text);

/* ---- checks of one row ---- */

/* Where a row stands: its line is told with what is wrong with it. */
static const struct yaml_value *row_place(const struct yaml_value *root, enum pattern_set set,
					  size_t i)
{
	const struct yaml_value *v = root->first;

	while (!str_eq(v->key, str_of(pattern_set_name[set])))
		v = v->next;
	for (v = v->first; i; i--)
		v = v->next;
	return v;
}

/* Would the code alone fit x.7.1, which means anything? */
static bool is_overloaded(const char *code)
{
	return strcmp(code + 1, "") == 0 || strcmp(code + 1, ".7") == 0 ||
	       strcmp(code + 1, ".7.1") == 0;
}

static const char *wrong_response(const struct row *row)
{
	if (!row->match.n && !row->code.n)
		return "needs match or code";
	for (size_t i = 0; i < row->code.n && !row->match.n; i++)
		if (is_overloaded(row->code.at[i]))
			return "match: x.7.1 means nothing without a text";
	return NULL;
}

static bool test_belongs(enum pattern_set set, enum pattern_test test)
{
	if (set == PATTERNS_PATH)
		return test >= TEST_RANDOM_NAME && test <= TEST_NO_FILE;
	return (set == PATTERNS_PROBE && test == TEST_OWN_URL) ||
	       (set == PATTERNS_HELO && test == TEST_OWN_NAME);
}

static const char *wrong_sign(enum pattern_set set, const struct row *row)
{
	if (!row->test && !row->match.n)
		return "needs match or test";
	if (row->test && row->match.n)
		return "test: stands in place of match";
	if (row->test && !test_belongs(set, (enum pattern_test)row->test))
		return "test: is not for this list";
	return NULL;
}

static int check_row(const struct text *t, const struct yaml_value *root, const char *file,
		     enum pattern_set set, size_t i, struct map *names, struct error *err)
{
	struct row *row = &t->list[set][i];
	const struct yaml_value *at = row_place(root, set, i);
	const char *wrong = set == PATTERNS_RESPONSE ? wrong_response(row) : wrong_sign(set, row);

	if (map_put(names, str_of(row->name), row))
		wrong = "name: this name stands here twice";
	if (!wrong)
		return 0;
	return error_set(err, EXIT_CONFIG, "%s:%d:%d: %s[%zu]: %s", file, at->line, at->column,
			 pattern_set_name[set], i, wrong);
}

static int check_rows(const struct text *t, const struct yaml_value *root, const char *file,
		      struct error *err)
{
	for (int set = 0; set < PATTERN_SETS; set++) {
		struct map names = { 0 };
		int rc = 0;

		for (size_t i = 0; i < t->n[set] && !rc; i++)
			rc = check_row(t, root, file, (enum pattern_set)set, i, &names, err);
		map_release(&names);
		if (rc)
			return -1;
	}
	return 0;
}

/* ---- rows to patterns ---- */

static struct regex_list compile(struct arena *a, const struct string_list *from)
{
	struct regex_list out = { arena_alloc(a, from->n * sizeof(*out.at) + 1), from->n };

	for (size_t i = 0; i < from->n; i++) {
		out.at[i] = regex_new(str_of(from->at[i]), true, NULL);
		if (!out.at[i])
			bug("an expression that was checked");
	}
	return out;
}

static struct code_list codes(struct arena *a, const struct string_list *from)
{
	struct code_list out = { arena_alloc(a, from->n * sizeof(*out.at) + 1), from->n };

	for (size_t i = 0; i < from->n; i++)
		out.at[i] = str_of(from->at[i]);
	return out;
}

/* Evidence in nats, where a row does not say: an unknown recipient by its odds
 * (.35 in an attack against .05), and what an account alone can earn. */
static const double class_weight[RESPONSE_CLASSES] = {
	[RESPONSE_UNKNOWN_RCPT] = 1.9,
	[RESPONSE_CONTENT_SPAM] = 1.3,
	[RESPONSE_RATE_SPAM] = 1.3,
	[RESPONSE_ACCOUNT_BANNED] = 2,
};

static void fill_pattern(struct arena *a, const struct row *row, struct pattern *out)
{
	struct pattern_rule *rule = arena_alloc(a, sizeof(*rule));

	*rule = (struct pattern_rule){ .code = codes(a, &row->code),
				       .match = compile(a, &row->match),
				       .unless = compile(a, &row->unless),
				       .test = (enum pattern_test)row->test,
				       .part = (enum pattern_part)row->part,
				       .public_only = row->client == 1 };
	*out = (struct pattern){ .name = str_of(row->name),
				 .help = str_of(row->help),
				 .class = (enum response_class)row->class,
				 .server = row->scope == 1,
				 .rule = rule };
	if (strcmp(row->weight, WEIGHT_OF_CLASS) == 0)
		out->weight = class_weight[row->class];
	else
		decimal(str_of(row->weight), &out->weight);
}

static void take_rows(struct patterns *p, enum pattern_set set, const struct text *texts, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += texts[i].n[set];
	p->list[set] = arena_alloc(&p->arena, total * sizeof(struct pattern) + 1);
	for (size_t i = n; i-- > 0;)
		for (size_t k = 0; k < texts[i].n[set]; k++)
			fill_pattern(&p->arena, &texts[i].list[set][k],
				     &p->list[set][p->n[set]++]);
}

static void take_names(struct patterns *p, const struct text *t)
{
	for (size_t i = 0; i < t->nproviders; i++)
		for (size_t k = 0; k < t->providers[i].hosts.n; k++)
			map_put(&p->providers, str_of(t->providers[i].hosts.at[k]),
				(void *)t->providers[i].name);
	for (size_t i = 0; i < t->freemail.n; i++)
		map_put(&p->freemail, str_of(t->freemail.at[i]), (void *)t->freemail.at[i]);
}

static void take_words(struct patterns *p, const struct text *texts, size_t n)
{
	struct string_list all = { NULL, 0 };

	for (size_t i = 0; i < n; i++)
		all.n += texts[i].words.n;
	all.at = arena_alloc(&p->arena, all.n * sizeof(*all.at) + 1);
	all.n = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < texts[i].words.n; k++)
			all.at[all.n++] = texts[i].words.at[k];
	bigrams_learn(&p->bigrams, all.at, all.n);
}

/* ---- texts ---- */

static struct str last_part(const char *name)
{
	struct str s = str_of(name);
	size_t slash = str_rchr(s, '/');

	return slash < s.n ? str_skip(s, slash + 1) : s;
}

static bool is_replaced(const struct pattern_text *texts, size_t i, size_t n)
{
	struct str name = last_part(texts[i].name);

	while (++i < n)
		if (str_eq(name, last_part(texts[i].name)))
			return true;
	return false;
}

static int read_text(struct patterns *p, const struct pattern_text *from, struct text *out,
		     struct error *err)
{
	struct key_origin origin = { from->name, NULL, &p->arena };
	struct yaml_value *root = yaml_parse(&p->arena, from->yaml, from->name, err);

	*out = (struct text){ .nproviders = 0 };
	if (!root)
		return -1;
	if (root->kind != YAML_IS_MAP)
		return error_set(err, EXIT_CONFIG, "%s:%d:%d: needs a map: {key: value}",
				 from->name, root->line, root->column);
	keys_preset(&text_table, out, &origin);
	if (keys_read(&text_table, out, root, &origin, err))
		return -1;
	return check_rows(out, root, from->name, err);
}

struct patterns *patterns_new(const struct pattern_text *texts, size_t n, struct error *err)
{
	struct patterns *p = xcalloc(1, sizeof(*p));
	struct text *read = arena_alloc(&p->arena, n * sizeof(*read) + 1);
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_replaced(texts, i, n))
			continue;
		if (read_text(p, &texts[i], &read[count++], err)) {
			patterns_free(p);
			return NULL;
		}
	}
	for (int set = 0; set < PATTERN_SETS; set++)
		take_rows(p, (enum pattern_set)set, read, count);
	for (size_t i = 0; i < count; i++)
		take_names(p, &read[i]);
	take_words(p, read, count);
	return p;
}

static void release_list(const struct regex_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		regex_free(list->at[i]);
}

void patterns_free(struct patterns *p)
{
	if (!p)
		return;
	for (int set = 0; set < PATTERN_SETS; set++) {
		for (size_t i = 0; i < p->n[set]; i++) {
			release_list(&p->list[set][i].rule->match);
			release_list(&p->list[set][i].rule->unless);
		}
	}
	map_release(&p->providers);
	map_release(&p->freemail);
	arena_release(&p->arena);
	free(p);
}

const struct pattern_text *patterns_builtin(size_t *n)
{
	*n = patterns_builtin_count;
	return patterns_builtin_texts;
}

struct patterns *patterns_default(void)
{
	struct error err;
	struct patterns *p = patterns_new(patterns_builtin_texts, patterns_builtin_count, &err);

	if (!p)
		bug(err.text);
	return p;
}
