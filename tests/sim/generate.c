/* generate: the logs of a shared host that does not exist, and the truth about them.
 *
 * Plans each day of every account, adds the attacks, and lets a simulated mail server log it all.
 * Invariant: the same options give the same bytes on every machine. See tests/sim/README.md. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/sim/queue.h"

struct text mail_log, php_log;

static struct options {
	uint32_t accounts, each;
	const char *out, *mail, *only;
	const struct mta *mta;
	bool events;
} options = { .accounts = 1000, .each = 5, .mta = &postfix };

static void usage(FILE *to)
{
	fputs("Usage: generate --out DIR [OPTION...]\n"
	      "  --accounts N      (1000)\n"
	      "  --days D          with those of the warm-up (42)\n"
	      "  --warmup W        days without attacks (14)\n"
	      "  --seed S          (1)\n"
	      "  --start SECONDS   of the first day, since 1970 (2026-03-02)\n"
	      "  --mta NAME        postfix (default) or exim\n"
	      "  --attacks K       of each scenario (5)\n"
	      "  --only ID,ID...   of these scenarios only\n"
	      "  --mail FILE       the mail log; - is standard output (DIR/mail.log)\n"
	      "  --events          write DIR/events.bin for anchors, too\n"
	      "  --set NAME=VALUE  or NAME*FACTOR: a knob; may be repeated\n"
	      "  --knobs FILE      lines of the same\n"
	      "  --list-knobs      shows them, and ends\n", to);
}

_Noreturn static void fail(const char *what, const char *why)
{
	fprintf(stderr, "generate: %s: %s\n", what, why);
	exit(EXIT_USAGE);
}

static FILE *create(const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", options.out, name);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(EXIT_NOINPUT);
	}
	return f;
}

static void finish(FILE *f)
{
	if (ferror(f) || fclose(f)) {
		perror("generate");
		exit(EXIT_INTERNAL);
	}
}

static void open_log(struct text *t, const char *path)
{
	char buf[4096];

	if (!strchr(path, '/') && strcmp(path, "-")) {
		snprintf(buf, sizeof(buf), "%s/%s", options.out, path);
		path = buf;
	}
	t->fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : STDOUT_FILENO;
	if (t->fd < 0) {
		perror(path);
		exit(EXIT_NOINPUT);
	}
	t->size = 4 * TEXT_SIZE;
	t->p = xmalloc(t->size);
}

/* ---- what else the host has ---- */

/* Text of a put_ function, for fprintf. */
static const char *text_of(void (*put_it)(struct text *t, uint32_t account), uint32_t account)
{
	static char buf[4][200];
	static int turn;
	char *p = buf[turn++ & 3];
	struct text t = { .fd = -1, .size = sizeof(buf[0]) - 1, .p = p };

	put_it(&t, account);
	p[t.n] = 0;
	return p;
}

static void write_maps(void)
{
	FILE *passwd = create("passwd"), *domains = create("domains.map");
	FILE *logins = create("logins.map");

	for (uint32_t i = 0; i < run.naccounts; i++) {
		const char *user = text_of(put_user, i);

		fprintf(passwd, "%s:x:%u:%u:customer:/home/%s:/bin/bash\n", user, 10000 + i,
			10000 + i, user);
		fprintf(domains, "%s: %s\n", text_of(put_account_domain, i), user);
		fprintf(logins, "%s: %s\n", text_of(put_login, i), user);
	}
	fputs("www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n", passwd);
	finish(passwd);
	finish(domains);
	finish(logins);
}

static void write_settings(void)
{
	FILE *f = create("mailaudit.yaml");

	fprintf(f,
		"hostname: host.example\n"
		"sources:\n"
		"  - {path: mail.log, format: %s, trust: system, timezone: UTC}\n"
		"  - {path: php.log, format: php, trust: system, timezone: UTC}\n"
		"accounts:\n"
		"  passwd: passwd\n"
		"  maps: [ {path: domains.map, format: domains}, {path: logins.map, "
		"format: logins} ]\n"
		"  homes: [\"/home/*/\"]\n"
		"retention:\n"
		"  messages: 0\n",
		options.mta->format);
	finish(f);
}

/* ---- the truth ---- */

static void write_culprit(FILE *f, const struct attack *k)
{
	if (scenario_has_login(k->scenario))
		fprintf(f, ", \"login\": \"%s\"", text_of(put_login, k->account));
	else
		fputs(", \"login\": null", f);
	if (k->script == SCRIPT_NONE) {
		fputs(", \"script\": null, \"line\": null", f);
		return;
	}
	fprintf(f, ", \"script\": \"%s\", \"line\": %u", k->path, k->line);
}

static void write_attack(FILE *f, uint32_t number)
{
	const struct attack *k = &attacks[number];

	fprintf(f,
		"{\"id\": %u, \"scenario\": \"%s\", \"cases\": \"%s\", \"account\": \"%s\", "
		"\"kind\": \"%s\"",
		number, scenario_id(k->scenario), scenario_cases(k->scenario),
		text_of(put_user, k->account), kind_name(run.accounts[k->account].kind));
	write_culprit(f, k);
	fprintf(f, ", \"start\": %lld, \"end\": %lld, \"blast\": %lld, \"probe\": ",
		(long long)k->start, (long long)k->end, (long long)k->blast);
	if (k->probe)
		fprintf(f, "%lld", (long long)k->probe);
	else
		fputs("null", f);
	fprintf(f, ", \"ips\": %u, \"messages\": [", k->ips);
	for (uint32_t i = 0; i < k->n; i++)
		fprintf(f, "%s[%lld, %u]", i ? ", " : "", (long long)k->messages[i].time,
			k->messages[i].recipients);
	fputs("]}\n", f);
}

static void write_truth(void)
{
	FILE *f = create("truth.jsonl");

	fprintf(f,
		"{\"run\": {\"seed\": %llu, \"accounts\": %u, \"days\": %d, \"warmup\": %d, "
		"\"start\": %lld, \"mta\": \"%s\", \"messages\": %llu, \"recipients\": %llu, "
		"\"inbound\": %llu, \"notices\": %llu}}\n",
		(unsigned long long)run.seed, run.naccounts, run.days, run.warmup,
		(long long)run.start, options.mta->name,
		(unsigned long long)queue_counts.messages,
		(unsigned long long)queue_counts.recipients,
		(unsigned long long)queue_counts.inbound,
		(unsigned long long)queue_counts.notices);
	for (uint32_t i = 0; i < nattacks; i++)
		write_attack(f, i);
	for (uint32_t i = 0; i < run.naccounts; i++)
		fprintf(f, "{\"account\": \"%s\", \"kind\": \"%s\", \"human\": %s}\n",
			text_of(put_user, i), kind_name(run.accounts[i].kind),
			run.accounts[i].human ? "true" : "false");
	finish(f);
}

/* ---- options ---- */

static uint64_t number_of(const char *option, const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || *end)
		fail(option, "is not followed by a number");
	return n;
}

static bool take_number(const char *option, const char *value)
{
	if (!strcmp(option, "--accounts"))
		options.accounts = (uint32_t)number_of(option, value);
	else if (!strcmp(option, "--days"))
		run.days = (int)number_of(option, value);
	else if (!strcmp(option, "--warmup"))
		run.warmup = (int)number_of(option, value);
	else if (!strcmp(option, "--seed"))
		run.seed = number_of(option, value);
	else if (!strcmp(option, "--start"))
		run.start = (usec_t)number_of(option, value) * USEC_SECOND;
	else if (!strcmp(option, "--attacks"))
		options.each = (uint32_t)number_of(option, value);
	else
		return false;
	return true;
}

static void take(const char *option, const char *value)
{
	const char *wrong = NULL;

	if (!strcmp(option, "--out"))
		options.out = value;
	else if (!strcmp(option, "--mail"))
		options.mail = value;
	else if (!strcmp(option, "--only"))
		options.only = value;
	else if (!strcmp(option, "--set"))
		wrong = knob_set(value);
	else if (!strcmp(option, "--knobs"))
		wrong = knobs_read(value);
	else if (!strcmp(option, "--mta") && !strcmp(value, "exim"))
		options.mta = &exim;
	else if (!strcmp(option, "--mta") && !strcmp(value, "postfix"))
		options.mta = &postfix;
	else if (!take_number(option, value))
		fail(option, "is no option, or has no such value; see --help");
	if (wrong)
		fail(value, wrong);
}

static void read_options(int argc, char **argv)
{
	bool list = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			usage(stdout);
			exit(0);
		}
		if (!strcmp(argv[i], "--list-knobs"))
			list = true;
		else if (!strcmp(argv[i], "--events"))
			options.events = true;
		else if (i + 1 == argc)
			fail(argv[i], "needs a value, or is no option");
		else
			take(argv[i], argv[i + 1]), i++;
	}
	if (list) {
		knobs_list(stdout);
		exit(0);
	}
	if (!options.out)
		fail("--out", "must be given");
	if (run.warmup + 6 > run.days || options.accounts < 1 || options.accounts > 1000000)
		fail("--days", "needs six days behind the warm-up, and one account");
}

int main(int argc, char **argv)
{
	FILE *events = NULL, *geo;

	run = (struct run){ .seed = 1, .days = 42, .warmup = 14,
			    .start = 1772409600 * USEC_SECOND };
	read_options(argc, argv);
	mkdir(options.out, 0777);
	internet_init();
	geo = create("geo.csv");
	internet_csv(geo);
	finish(geo);
	accounts_make(options.accounts + attacks_newcomers(options.each, options.only));
	attacks_make(options.each, options.only);
	write_maps();
	write_settings();
	open_log(&mail_log, options.mail ? options.mail : "mail.log");
	open_log(&php_log, "php.log");
	if (options.events)
		events = create("events.bin");
	queue_init(options.mta, events);
	for (int day = 0; day < run.days; day++) {
		for (uint32_t i = 0; i < run.naccounts; i++)
			benign_day(&run.accounts[i], day);
		attacks_day(day);
		queue_day(day);
	}
	text_flush(&mail_log);
	text_flush(&php_log);
	if (events)
		finish(events);
	write_truth();
	return 0;
}
