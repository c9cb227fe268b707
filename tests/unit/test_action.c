/* Actions: their files, the names that go into them, each kind of step done and undone,
 * and what becomes of the rows. Programs are small scripts in a folder of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "notify/action_state.h"
#include "schema/sql.h"
#include "schema/store.h"

#define T0 ((usec_t)1793430000 * USEC_SECOND)

static char dir[64], database[128];
static struct settings *settings;
static struct store *store;
static struct decide *d;
static struct report *r;
static struct actions *actions;
static struct alert *alert;
static struct error err;

/* ---- files ---- */

static const char *in_dir(const char *name)
{
	static char paths[8][256];
	static int next;
	char *path = paths[next++ % 8];

	snprintf(path, 256, "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(in_dir(name), mode), 0);
}

static const char *read_file(const char *name)
{
	static char text[8192];
	FILE *f = fopen(in_dir(name), "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	return f ? text : NULL;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(in_dir(name), &st), 0);
	return st.st_mode & 07777;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

/* An action of the test's folder; @ stands for the test's directory. */
static void write_action(const char *name, const char *yaml)
{
	char file[64], text[4096];
	size_t n = 0;

	for (; *yaml && n + sizeof(dir) < sizeof(text); yaml++)
		n += (size_t)(*yaml == '@' ? snprintf(text + n, sizeof(text) - n, "%s", dir) :
					     snprintf(text + n, sizeof(text) - n, "%c", *yaml));
	snprintf(file, sizeof(file), "actions/%s.yaml", name);
	write_file(file, text, 0644);
}

static void load(void)
{
	actions_free(actions);
	actions = actions_load(settings, &err);
	if (!actions)
		fail_msg("%s", err.text);
}

/* ---- an alert ---- */

/* Whose files may be changed: not root's. */
static const char *customer(void)
{
	return geteuid() ? getpwuid(geteuid())->pw_name : "daemon";
}

static struct finding *a_finding(int64_t id, enum finding_case verdict, const char *login,
				 const char *script)
{
	struct finding *f = finding_new();

	f->id = f->stream = id;
	f->time = f->first_seen = f->last_seen = T0;
	f->login = arena_str_or_none(&f->strings, str_of(login));
	f->script = arena_str_or_none(&f->strings, str_of(script));
	f->account = arena_str(&f->strings, str_of(customer()));
	f->script_line = -1;
	f->severity = SEVERITY_CRITICAL;
	f->verdict = verdict;
	f->summary = arena_str(&f->strings, STR("9 messages"));
	return f;
}

static void add_finding(struct finding *f)
{
	struct batch b = { .findings = &f, .nfindings = 1, .next_finding = f->id + 1,
			   .watermark = T0 };

	if (store_commit(store, &b, &err) < 0 || decide_join(d, f->id, alert->id, &err) < 0)
		fail_msg("%s", err.text);
	finding_free(f);
}

static void new_alert(void)
{
	alert_free(alert);
	alert = alert_new();
	alert->subject = arena_str(&alert->strings, STR("account\nx"));
	alert->account = arena_str(&alert->strings, str_of(customer()));
	alert->summary = arena_str(&alert->strings, STR("9 messages"));
	alert->version = 1;
	assert_int_equal(decide_put_alert(d, alert, &err), 0);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/mailaudit-action.XXXXXX");
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0 || mkdir(in_dir("actions"), 0755) < 0 ||
	    mkdir(in_dir("db"), 0755) < 0)
		return -1;
	snprintf(database, sizeof(database), "%s", in_dir("db/mailaudit.db"));
	settings = settings_default();
	settings->database = database;
	settings->actions.dry_run = false;
	settings->actions.folder = arena_str(&settings->arena, str_of(in_dir("actions"))).p;
	store = store_open(database, &err);
	d = store ? decide_open(database, &err) : NULL;
	r = d ? report_open(database, &err) : NULL;
	if (!r)
		return -1;
	new_alert();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	actions_free(actions);
	actions = NULL;
	alert_free(alert);
	alert = NULL;
	report_close(r);
	decide_close(d);
	store_close(store);
	settings_free(settings);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- doing ---- */

/* The row that was told last; its strings live until the next. */
static struct action_row told;
static char told_output[WORK_MAX_OUTPUT + 1], told_steps[WORK_MAX_OUTPUT];

static bool remember(void *context, const struct action_row *row)
{
	(void)context;
	told = *row;
	snprintf(told_output, sizeof(told_output), "%.*s", STR_ARG(row->output));
	snprintf(told_steps, sizeof(told_steps), "%.*s", STR_ARG(row->steps));
	return true;
}

static int act(const char *name)
{
	int n = actions_act(actions, name, settings, d, r, alert, "root", false, T0, remember, NULL,
			    &err);

	if (n < 0)
		fail_msg("%s", err.text);
	return n;
}

static void assert_state(enum action_state wanted)
{
	if (told.state != wanted)
		fail_msg("%s: %s", action_state_name[told.state], told_output);
}

static void assert_says(const char *wanted)
{
	if (!strstr(told_output, wanted))
		fail_msg("does not say '%s': %s", wanted, told_output);
}

static void look(int64_t id)
{
	struct action_row *row = action_load(d, id, &err);

	assert_non_null(row);
	remember(NULL, row);
	action_row_free(row);
}

static void undo(int64_t id)
{
	if (actions_undo(actions, settings, d, id, "root", T0 + 1, &err) < 0)
		fail_msg("%s", err.text);
	look(id);
	assert_state(ACTION_UNDONE);
}

/* ---- the files ---- */

static bool count(void *context, const char *name, const char *about, const char *target,
		  const char *mta)
{
	assert_true(*name && *about && *target && *mta);
	++*(int *)context;
	return true;
}

static void test_builtin(void **state)
{
	static const char *const names[] = { "hold-postfix", "freeze-exim", "block-login-postfix",
					     "block-login-exim", "block-login-dovecot",
					     "disable-script" };
	int n = 0;

	(void)state;
	load();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(actions_have(actions, names[i]));
	assert_false(actions_have(actions, "nothing"));
	actions_list(actions, count, &n);
	assert_int_equal(n, 6);
}

static void test_wrong_files(void **state)
{
	static const struct {
		const char *yaml, *why;
	} rows[] = {
		{ "for: login\ndo: [{run: [a]}]", "needs the keys about and for" },
		{ "about: x\ndo: [{run: [a]}]", "needs the keys about and for" },
		{ "about: x\nfor: login", "from 1 to" },
		{ "about: x\nfor: login\ndo: [{}]", "do[0] is not one of" },
		{ "about: x\nfor: login\ndo: [{run: [a], line: {file: /a, text: b}}]", "more than one kind" },
		{ "about: x\nfor: login\ndo: [{run: [a, '{script}']}]", "does not know" },
		{ "about: x\nfor: login\ndo: [{run: [a, '{who}']}]", "no name that can be put in" },
		{ "about: x\nfor: login\ndo: [{run: [a, '{login']}]", "no name that can be put in" },
		{ "about: x\nfor: login\ndo: [{run: ['{login}']}]", "whose name is put in" },
		{ "about: x\nfor: queue\ndo: [{run: [a, 'x{queue_ids}']}]", "word of its own" },
		{ "about: x\nfor: queue\ndo: [{run: [a], done: held}]", "without {queue_id}" },
		{ "about: x\nfor: queue\ndo: [{line: {file: /a, text: b}}]", "for login or script" },
		{ "about: x\nfor: login\ndo: [{line: {file: a, text: b}}]", "no plain absolute path" },
		{ "about: x\nfor: login\ndo: [{line: {file: '/{login}', text: b}}]", "no plain" },
		{ "about: x\nfor: login\ndo: [{line: {file: /a, text: \"b\\nc\"}}]", "printable" },
		{ "about: x\nfor: login\ndo: [{mode: {path: /a, mode: '0'}}]", "for script" },
		{ "about: x\nfor: script\ndo: [{mode: {path: '{script}', mode: '4000'}}]", "0777" },
		{ "about: x\nfor: script\ndo: [{mode: {path: '{script}', mode: 'rw'}}]", "0777" },
		{ "about: x\nfor: script\ndo: [{rename: {path: '{script}'}}]", "plain end" },
		{ "about: x\nfor: script\ndo: [{rename: {path: '{script}', suffix: /../x}}]", "plain end" },
		{ "about: x\nfor: script\nwhen: now\ndo: [{run: [a]}]", "unknown key" },
		{ "about: x\nfor: everybody\ndo: [{run: [a]}]", "none of" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_action("wrong", rows[i].yaml);
		actions = actions_load(settings, &err);
		if (actions || !strstr(err.text, rows[i].why))
			fail_msg("%s: %s", rows[i].yaml, actions ? "taken" : err.text);
		assert_int_equal(err.code, EXIT_CONFIG);
	}
}

static void test_folder(void **state)
{
	struct action_rule rule = { .verdict = "any" };
	const char *run[] = { "mine", "nothing" };

	(void)state;
	write_action("mine", "about: Mine.\nfor: login\ndo: [{run: [true]}]");
	write_action("hold-postfix", "about: Not the one built in.\nfor: login\ndo: [{run: [true]}]");
	write_file("actions/README", "no action", 0644);
	write_file("actions/.hidden.yaml", "no action", 0644);
	load();
	assert_true(actions_have(actions, "mine"));
	assert_string_equal(actions_find(actions, STR("hold-postfix"))->about,
			    "Not the one built in.");
	settings->actions.rules = &rule;
	settings->actions.nrules = 1;
	rule.run = (struct string_list){ run, 1 };
	load();
	rule.run.n = 2;
	assert_null(actions_load(settings, &err));
	assert_non_null(strstr(err.text, "no action 'nothing'"));
	settings->actions.nrules = 0;
}

static void refused_folder(const char *why)
{
	actions_free(actions);
	actions = actions_load(settings, &err);
	if (actions || !strstr(err.text, why))
		fail_msg("%s: %s", why, actions ? "taken" : err.text);
}

static void test_folder_that_others_write(void **state)
{
	static const char fine[] = "about: x\nfor: login\ndo: [{run: [true]}]";

	(void)state;
	write_action("mine", fine);
	assert_int_equal(chmod(in_dir("actions/mine.yaml"), 0664), 0);
	refused_folder("others than root can write it");
	assert_int_equal(chmod(in_dir("actions/mine.yaml"), 0644), 0);
	load();
	assert_int_equal(chmod(in_dir("actions"), 0777), 0);
	refused_folder("can write a folder on the way");
	assert_int_equal(chmod(in_dir("actions"), 0755), 0);
	assert_int_equal(rename(in_dir("actions/mine.yaml"), in_dir("elsewhere")), 0);
	assert_int_equal(symlink(in_dir("elsewhere"), in_dir("actions/mine.yaml")), 0);
	refused_folder("Too many levels of symbolic links");
	assert_int_equal(unlink(in_dir("actions/mine.yaml")), 0);
	assert_int_equal(mkfifo(in_dir("actions/mine.yaml"), 0644), 0);
	refused_folder("no regular file");
}

/* ---- names ---- */

static void test_logins(void **state)
{
	static const char *const good[] = { "info@shop.example", "alice", "a.b+c=d~e%f_g-h@x",
					    "0@0", "_x" };
	static const struct str bad[] = {
		STR(""), STR("-v"), STR("@shop.example"), STR("a b"), STR("a\tb"), STR("a\nb REJECT"),
		STR("a\rb"), STR("a\0b"), STR("a:b"), STR("a#b"), STR("#a"), STR("\"a\""), STR("a'b"),
		STR("a\\b"), STR("a,b"), STR("a;b"), STR("*"), STR("^a"), STR("!a"), STR("a|b"),
		STR("$(id)"), STR("`id`"), STR("a/b"), STR("../a"), STR("{login}"), STR("a\x1b[31m"),
		STR("m\xc3\xbcller"), STR("a\xff"), STR("a<b>"), STR("a&b"), STR(".a"), STR("%a"),
		STR("\xe2\x80\xae" "a"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(value_wrong_login(str_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!value_wrong_login(bad[i]))
			fail_msg("taken: %.*s", STR_ARG(bad[i]));
}

static void test_other_names(void **state)
{
	char huge[5000];

	(void)state;
	assert_null(value_wrong_script(STR("/home/a/public_html/a b'$(x).php")));
	assert_null(value_wrong_script(STR("/home/a/m\xc3\xbcller.php")));
	assert_non_null(value_wrong_script(STR("")));
	assert_non_null(value_wrong_script(STR("contact.php")));
	assert_non_null(value_wrong_script(STR("/home/a/../b/x.php")));
	assert_non_null(value_wrong_script(STR("/home/a/./x.php")));
	assert_non_null(value_wrong_script(STR("/home//x.php")));
	assert_non_null(value_wrong_script(STR("/home/a/")));
	assert_non_null(value_wrong_script(STR("/home/a/x\0.php")));
	assert_non_null(value_wrong_script(STR("/home/a/x\n.php")));
	assert_non_null(value_wrong_script(STR("/home/a/x\x1b[2J.php")));
	assert_non_null(value_wrong_script(STR("/home/a/x\xff.php")));
	memset(huge, 'a', sizeof(huge));
	huge[0] = '/';
	assert_non_null(value_wrong_script((struct str){ huge, sizeof(huge) }));
	assert_null(value_wrong_account(STR("alice")));
	assert_non_null(value_wrong_account(STR("")));
	assert_non_null(value_wrong_account(STR("-a")));
	assert_non_null(value_wrong_account(STR("a:b")));
	assert_true(value_is_queue_id(STR("4jY7XC64lZz1y"), MTA_POSTFIX));
	assert_true(value_is_queue_id(STR("3F2A91C0D4"), MTA_POSTFIX));
	assert_false(value_is_queue_id(STR("4jY7XC64lZz1y"), MTA_EXIM));
	assert_true(value_is_queue_id(STR("1tXyZa-000000001Aa-2BcD"), MTA_EXIM));
	assert_true(value_is_queue_id(STR("1tXyZa-0001Aa-2B"), MTA_EXIM));
	assert_false(value_is_queue_id(STR("1tXyZa-0001Aa-2B"), MTA_POSTFIX));
	assert_false(value_is_queue_id(STR("1tXyZa-000-001Aa-2BcDxy"), MTA_EXIM));
	assert_false(value_is_queue_id(STR("1tXyZa-0001Aa-2BB"), MTA_EXIM));
	assert_false(value_is_queue_id(STR("-Mrm-all-x"), MTA_ANY));
	assert_false(value_is_queue_id(STR("ALL"), MTA_ANY));
	assert_false(value_is_queue_id(STR("-"), MTA_ANY));
	assert_false(value_is_queue_id(STR("4jY7XC 64lZz1y"), MTA_ANY));
	assert_false(value_is_queue_id(STR("4jY7XC64lZz1y\n"), MTA_ANY));
	assert_false(value_is_queue_id(STR("../../etc/x"), MTA_ANY));
}

/* A hostile login changes nothing, and is told as what it is. */
static void test_hostile_login_is_refused(void **state)
{
	(void)state;
	write_action("list", "about: x\nfor: login\ndo: [{line: {file: @/list, text: '{login} NO'}}]");
	load();
	add_finding(a_finding(1, CASE_STOLEN, "a OK\nroot", ""));
	assert_int_equal(act("list"), 1);
	assert_state(ACTION_REFUSED);
	assert_says("could misread");
	assert_null(read_file("list"));
	assert_int_equal(actions_undo(actions, settings, d, told.id, "root", T0, &err), -1);
	assert_non_null(strstr(err.text, "nothing to undo"));
}

static void test_nothing_to_do_it_to(void **state)
{
	(void)state;
	write_action("list", "about: x\nfor: login\ndo: [{line: {file: @/list, text: '{login}'}}]");
	load();
	add_finding(a_finding(1, CASE_FORM, "", "/home/a/x.php"));
	assert_int_equal(act("list"), 0);
	assert_int_equal(actions_act(actions, "unknown", settings, d, r, alert, "root", false, T0,
				     remember, NULL, &err), -1);
	assert_int_equal(err.code, EXIT_USAGE);
}

/* ---- lines ---- */

static void list_action(void)
{
	write_action("list", "about: x\nfor: login\ndo: [{line: {file: @/list, text: '{login} NO'}}]");
	load();
	add_finding(a_finding(1, CASE_STOLEN, "info@shop.example", ""));
}

static void test_line(void **state)
{
	(void)state;
	list_action();
	write_file("list", "# mine\nbob NO\n", 0604);
	assert_int_equal(act("list"), 1);
	assert_state(ACTION_DONE);
	assert_string_equal(read_file("list"), "# mine\nbob NO\ninfo@shop.example NO\n");
	assert_int_equal(mode_of("list"), 0604);
	write_file("list", "# mine\nbob NO\ninfo@shop.example NO\ncarol NO\n", 0604);
	undo(told.id);
	assert_string_equal(read_file("list"), "# mine\nbob NO\ncarol NO\n");
	assert_int_equal(mode_of("list"), 0604);
	assert_int_equal(told.undone, T0 + 1);
	undo(told.id); /* again is no error */
	assert_string_equal(read_file("list"), "# mine\nbob NO\ncarol NO\n");
}

static void test_line_of_a_new_file(void **state)
{
	(void)state;
	list_action();
	act("list");
	assert_state(ACTION_DONE);
	assert_string_equal(read_file("list"), "info@shop.example NO\n");
	assert_int_equal(mode_of("list"), 0644);
	undo(told.id);
	assert_string_equal(read_file("list"), "");
}

static void test_line_behind_one_without_end(void **state)
{
	(void)state;
	list_action();
	write_file("list", "bob NO", 0640);
	act("list");
	assert_string_equal(read_file("list"), "bob NO\ninfo@shop.example NO\n");
	write_file("list", "bob NO\ninfo@shop.example NO", 0640);
	undo(told.id);
	assert_string_equal(read_file("list"), "bob NO\n");
}

/* What stood there before stays when the action is undone. */
static void test_line_that_was_there(void **state)
{
	(void)state;
	list_action();
	write_file("list", "info@shop.example NO\nxinfo@shop.example NO\n", 0644);
	act("list");
	assert_state(ACTION_DONE);
	undo(told.id);
	assert_string_equal(read_file("list"), "info@shop.example NO\nxinfo@shop.example NO\n");
}

static void test_line_through_a_link(void **state)
{
	(void)state;
	list_action();
	write_file("target", "root\n", 0644);
	assert_int_equal(symlink(in_dir("target"), in_dir("list")), 0);
	act("list");
	assert_state(ACTION_REFUSED);
	assert_says("symbolic link");
	assert_string_equal(read_file("target"), "root\n");
	/* Nor does one in place of the new file that is about to be written. */
	assert_int_equal(unlink(in_dir("list")), 0);
	assert_int_equal(symlink(in_dir("target"), in_dir(".list.new")), 0);
	act("list");
	assert_state(ACTION_DONE);
	assert_string_equal(read_file("target"), "root\n");
	assert_string_equal(read_file("list"), "info@shop.example NO\n");
}

/* ---- modes ---- */

static void own(const char *name)
{
	struct passwd *pw = getpwnam(customer());

	assert_non_null(pw);
	if (geteuid() == 0)
		assert_int_equal(lchown(in_dir(name), pw->pw_uid, pw->pw_gid), 0);
}

/* A customer's home with a script, and an alert about it. */
static void script_action(void)
{
	write_action("chmod", "about: x\nfor: script\n"
			      "do: [{mode: {path: '{script}', mode: '0000'}}]");
	write_action("rename", "about: x\nfor: script\n"
			       "do: [{rename: {path: '{script}', suffix: .off}}]");
	load();
	assert_int_equal(mkdir(in_dir("home"), 0755), 0);
	assert_int_equal(mkdir(in_dir("home/web"), 0755), 0);
	write_file("home/web/x.php", "<?php", 0644);
	own("home/web/x.php");
	own("home/web");
	own("home");
	add_finding(a_finding(1, CASE_MAILER, "", in_dir("home/web/x.php")));
}

static void test_mode(void **state)
{
	(void)state;
	script_action();
	assert_int_equal(act("chmod"), 1);
	assert_state(ACTION_DONE);
	assert_int_equal(mode_of("home/web/x.php"), 0);
	undo(told.id);
	assert_int_equal(mode_of("home/web/x.php"), 0644);
}

static void test_mode_that_was_so(void **state)
{
	(void)state;
	script_action();
	assert_int_equal(chmod(in_dir("home/web/x.php"), 0), 0);
	act("chmod");
	assert_state(ACTION_DONE);
	undo(told.id);
	assert_int_equal(mode_of("home/web/x.php"), 0);
}

/* Whatever the customer made of it meanwhile: only the same file gets its mode back. */
static void test_mode_undone_after_a_change(void **state)
{
	(void)state;
	script_action();
	act("chmod");
	assert_int_equal(rename(in_dir("home/web/x.php"), in_dir("home/web/old")), 0);
	write_file("home/web/x.php", "another", 0000);
	own("home/web/x.php");
	undo(told.id);
	assert_says("another file");
	assert_int_equal(mode_of("home/web/x.php"), 0);
	assert_int_equal(mode_of("home/web/old"), 0);
}

static void test_mode_decided_otherwise(void **state)
{
	(void)state;
	script_action();
	act("chmod");
	assert_int_equal(chmod(in_dir("home/web/x.php"), 0600), 0);
	undo(told.id);
	assert_says("left alone");
	assert_int_equal(mode_of("home/web/x.php"), 0600);
	assert_int_equal(unlink(in_dir("home/web/x.php")), 0);
}

static void test_mode_of_what_is_gone(void **state)
{
	(void)state;
	script_action();
	act("chmod");
	assert_int_equal(unlink(in_dir("home/web/x.php")), 0);
	undo(told.id);
	assert_says("is gone");
}

static void refused_mode(const char *why)
{
	act("chmod");
	assert_state(ACTION_REFUSED);
	assert_says(why);
}

static void test_mode_of_a_link(void **state)
{
	(void)state;
	script_action();
	write_file("victim", "root's", 0644);
	own("victim"); /* its owner alone would not save it */
	assert_int_equal(unlink(in_dir("home/web/x.php")), 0);
	assert_int_equal(symlink(in_dir("victim"), in_dir("home/web/x.php")), 0);
	refused_mode("symbolic link");
	assert_int_equal(mode_of("victim"), 0644);
	/* A second name of a file. */
	assert_int_equal(unlink(in_dir("home/web/x.php")), 0);
	assert_int_equal(link(in_dir("victim"), in_dir("home/web/x.php")), 0);
	refused_mode("several names");
	assert_int_equal(mode_of("victim"), 0644);
	/* A link on the way. */
	assert_int_equal(unlink(in_dir("home/web/x.php")), 0);
	assert_int_equal(rmdir(in_dir("home/web")), 0);
	assert_int_equal(mkdir(in_dir("other"), 0755), 0);
	assert_int_equal(rename(in_dir("victim"), in_dir("other/x.php")), 0);
	assert_int_equal(symlink(in_dir("other"), in_dir("home/web")), 0);
	refused_mode("on the way");
	assert_int_equal(mode_of("other/x.php"), 0644);
}

static void test_mode_of_odd_files(void **state)
{
	(void)state;
	script_action();
	assert_int_equal(chmod(in_dir("home/web/x.php"), 04755), 0);
	refused_mode("set-user-id");
	assert_int_equal(mode_of("home/web/x.php"), 04755);
	assert_int_equal(unlink(in_dir("home/web/x.php")), 0);
	assert_int_equal(mkfifo(in_dir("home/web/x.php"), 0644), 0);
	refused_mode("no regular file");
	assert_int_equal(unlink(in_dir("home/web/x.php")), 0);
	assert_int_equal(mkdir(in_dir("home/web/x.php"), 0755), 0);
	refused_mode("no regular file");
	assert_int_equal(rmdir(in_dir("home/web/x.php")), 0);
	act("chmod");
	assert_state(ACTION_FAILED);
	assert_says("No such file");
	if (geteuid() != 0)
		return;
	write_file("home/web/x.php", "root's", 0644);
	refused_mode("does not belong to the account");
	assert_int_equal(mode_of("home/web/x.php"), 0644);
}

static bool is_there(const char *name)
{
	return access(in_dir(name), F_OK) == 0;
}

static void test_rename(void **state)
{
	(void)state;
	script_action();
	act("rename");
	assert_state(ACTION_DONE);
	assert_false(is_there("home/web/x.php"));
	assert_string_equal(read_file("home/web/x.php.off"), "<?php");
	undo(told.id);
	assert_string_equal(read_file("home/web/x.php"), "<?php");
	assert_false(is_there("home/web/x.php.off"));
}

static void test_rename_overwrites_nothing(void **state)
{
	int64_t id;

	(void)state;
	script_action();
	write_file("home/web/x.php.off", "mine", 0644);
	act("rename");
	assert_state(ACTION_FAILED);
	assert_says("x.php.off: File exists");
	assert_int_equal(unlink(in_dir("home/web/x.php.off")), 0);
	act("rename");
	id = told.id;
	write_file("home/web/x.php", "new", 0644);
	undo(id);
	assert_says("is there again");
	assert_string_equal(read_file("home/web/x.php"), "new");
	assert_string_equal(read_file("home/web/x.php.off"), "<?php");
}

static void test_rename_of_what_is_another_file(void **state)
{
	(void)state;
	script_action();
	act("rename");
	assert_int_equal(rename(in_dir("home/web/x.php.off"), in_dir("home/web/kept")), 0);
	assert_int_equal(symlink("/etc/passwd", in_dir("home/web/x.php.off")), 0);
	assert_int_equal(actions_undo(actions, settings, d, told.id, "root", T0, &err), -1);
	assert_non_null(strstr(err.text, "symbolic link"));
	assert_int_equal(unlink(in_dir("home/web/x.php.off")), 0);
	write_file("home/web/other", "another", 0644);
	own("home/web/other");
	assert_int_equal(rename(in_dir("home/web/other"), in_dir("home/web/x.php.off")), 0);
	undo(told.id);
	assert_says("is another file: left alone");
	assert_false(is_there("home/web/x.php"));
}

static void test_rename_of_what_is_gone(void **state)
{
	(void)state;
	script_action();
	act("rename");
	assert_int_equal(unlink(in_dir("home/web/x.php.off")), 0);
	undo(told.id);
	assert_says("is gone");
}

static void test_rename_in_a_folder_of_others(void **state)
{
	(void)state;
	script_action();
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(in_dir("home/web"), getpwnam("bin")->pw_uid, 0), 0);
	act("rename");
	assert_state(ACTION_REFUSED);
	assert_says("folder does not belong");
	assert_true(is_there("home/web/x.php"));
}

/* The one that is shipped does both, and nothing if not both can be done. */
static void test_disable_script(void **state)
{
	(void)state;
	script_action();
	act("disable-script");
	assert_state(ACTION_DONE);
	assert_int_equal(mode_of("home/web/x.php.mailaudit-disabled"), 0);
	assert_false(is_there("home/web/x.php"));
	undo(told.id);
	assert_int_equal(mode_of("home/web/x.php"), 0644);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(in_dir("home/web"), getpwnam("bin")->pw_uid, 0), 0);
	act("disable-script");
	assert_state(ACTION_REFUSED);
	assert_int_equal(mode_of("home/web/x.php"), 0644);
}

static void account_refused(const char *account, const char *why)
{
	alert->account = arena_str(&alert->strings, str_of(account));
	assert_int_equal(decide_put_alert(d, alert, &err), 0);
	refused_mode(why);
	assert_int_equal(mode_of("home/web/x.php"), 0644);
}

static void test_mode_of_odd_accounts(void **state)
{
	(void)state;
	script_action();
	account_refused("", "is not known");
	account_refused("no-such-user", "no user of this host");
	account_refused("root", "no customer");
	account_refused("www-data", "no customer");
	account_refused("a/b", "no name of a Unix user");
}

/* ---- programs ---- */

/* Says of each id but those with an X that it was held, and writes down what it got. */
static const char holder[] =
	"#!/bin/sh\n"
	"cd \"$(dirname \"$0\")\"\n"
	"echo \"$@\" >>calls\n"
	"while read -r id; do echo \"got $id\" >>calls\n"
	"case $id in *X*) echo \"$id: not found\";; *) echo \"$id: held\";; esac; done\n";

static void add_message(struct sql *db, int64_t id, const char *queue_id, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "INSERT INTO message_row (id, time, origin, queue_id, kind,"
		 " login, recipients, work, took) VALUES (%lld, %lld, 1, '%s', 618, (SELECT id FROM"
		 " login WHERE text = 'info@shop.example'), 1, 'w', %s)",
		 (long long)id, (long long)T0 + 5, queue_id, more);
	if (sql_exec(db, text, &err) < 0)
		fail_msg("%s", err.text);
}

static void queue_action(const char *action)
{
	struct sql *db = sql_open_write(database, &err);

	write_file("holder", holder, 0755);
	write_action("hold", action);
	load();
	add_finding(a_finding(1, CASE_STOLEN, "info@shop.example", ""));
	assert_non_null(db);
	add_message(db, 1, "4AAAAAAAAA", "NULL");
	add_message(db, 2, "4XXXXXXXXX", "NULL");
	add_message(db, 3, "4CCCCCCCCC", "NULL");
	add_message(db, 4, "4DDDDDDDDD", "5"); /* left the queue */
	add_message(db, 5, "1tXyZa-0001Aa-2B", "NULL"); /* another server's */
	add_message(db, 6, "-rf /; x", "NULL"); /* hostile */
	sql_close(db);
}

static void test_queue(void **state)
{
	(void)state;
	queue_action("about: x\nfor: queue\nmta: postfix\ndo: [{run: [@/holder, -h, '-'],"
		     " undo: [@/holder, -H, '-'], input: '{queue_ids}', done: '{queue_id}: held'}]");
	assert_int_equal(act("hold"), 1);
	assert_state(ACTION_DONE);
	assert_says("4XXXXXXXXX: not found");
	assert_string_equal(read_file("calls"), "-h -\ngot 4AAAAAAAAA\ngot 4XXXXXXXXX\n"
						"got 4CCCCCCCCC\n");
	assert_int_equal(unlink(in_dir("calls")), 0);
	undo(told.id); /* of what was held only */
	assert_string_equal(read_file("calls"), "-H -\ngot 4AAAAAAAAA\ngot 4CCCCCCCCC\n");
}

static void test_queue_ids_as_words(void **state)
{
	(void)state;
	queue_action("about: x\nfor: queue\nmta: postfix\ndo: [{run: [@/holder, '{queue_ids}', z]}]");
	act("hold");
	assert_state(ACTION_DONE);
	assert_string_equal(read_file("calls"), "4AAAAAAAAA 4XXXXXXXXX 4CCCCCCCCC z\n");
}

static void test_queue_ids_one_by_one(void **state)
{
	(void)state;
	queue_action("about: x\nfor: queue\nmta: exim\ndo: [{run: [@/holder, 'i={queue_id}']}]");
	act("hold");
	assert_state(ACTION_DONE);
	assert_string_equal(read_file("calls"), "i=1tXyZa-0001Aa-2B\n");
}

static void test_queue_that_is_gone(void **state)
{
	(void)state;
	queue_action("about: x\nfor: queue\nmta: postfix\ndo: [{run: [@/holder], input:"
		     " '{queue_ids}', done: '{queue_id}: gone with the wind'}]");
	act("hold");
	assert_state(ACTION_REFUSED);
	assert_says("none of its messages");
}

/* A program that fails while undoing: all of the messages must be accounted for. */
static void test_queue_undone_by_its_words(void **state)
{
	(void)state;
	queue_action("about: x\nfor: queue\nmta: postfix\ndo: [{run: [@/holder], input:"
		     " '{queue_ids}', undo: [@/undoer], undone: ['{queue_id} let go',"
		     " '{queue_id} is gone']}]");
	act("hold");
	assert_state(ACTION_DONE);
	write_file("undoer", "#!/bin/sh\nread a; echo $a let go; exit 1\n", 0755);
	assert_int_equal(actions_undo(actions, settings, d, told.id, "root", T0, &err), -1);
	look(told.id);
	assert_state(ACTION_DONE);
	write_file("undoer", "#!/bin/sh\nwhile read a; do echo $a is gone; done; exit 1\n", 0755);
	undo(told.id);
}

static bool print_id(void *context, const struct report_queued *row)
{
	char *text = context;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%.*s%s ", STR_ARG(row->queue_id), row->held ? "*" : "");
	return true;
}

/* Messages are a finding's by its login, its script or directory, its user, its network. */
static void test_queued(void **state)
{
	static const char values[] =
		"INSERT INTO account VALUES (901, 'alice'), (902, 'bob');"
		"INSERT INTO login VALUES (901, 'a@a'), (902, 'b@b');"
		"INSERT INTO path VALUES (901, '/x.php'), (902, '/dir');"
		"INSERT INTO client VALUES (901, 0, '203.0.113.7', '', ''), (902, 0, '203.0.113.8', '', '');"
		"INSERT INTO stream VALUES (901, 'login' || char(10) || 'alice' || char(10) || 'a@a', x'', 1),"
		" (902, 'script' || char(10) || 'alice' || char(10) || '/x.php', x'', 1),"
		" (903, 'script' || char(10) || 'alice' || char(10) || '/dir', x'', 1),"
		" (904, 'user' || char(10) || 'alice' || char(10) || 'alice', x'', 1),"
		" (905, 'network' || char(10) || 'alice' || char(10) || '203.0.113.7', x'', 1);"
		"INSERT INTO finding (id, stream, time, first_seen, last_seen, severity, verdict, account,"
		" login, script, messages, recipients) VALUES (901, 901, 5, 5, 5, 1, 6, 901, 901, NULL, 1, 1),"
		" (902, 902, 5, 5, 5, 1, 2, 901, NULL, 901, 1, 1), (903, 903, 5, 5, 5, 1, 2, 901, NULL, 902, 1, 1),"
		" (904, 904, 5, 5, 5, 1, 2, 901, NULL, NULL, 1, 1), (905, 905, 5, 5, 5, 1, 2, 901, NULL, NULL, 1, 1);"
		"INSERT INTO message_row (id, queue_id, time, origin, recipients, work, kind, account, login,"
		" script, cwd, client, took) VALUES"
		" (1, 'login', 5, 1, 1, 'w', 554, 901, 901, NULL, NULL, 902, NULL),"
		" (2, 'early', 4, 1, 1, 'w', 554, 901, 901, NULL, NULL, 902, NULL),"
		" (3, 'other', 5, 1, 1, 'w', 554, 901, 902, NULL, NULL, 902, NULL),"
		" (4, 'left', 5, 1, 1, 'w', 618, 901, 901, NULL, NULL, 902, 9),"
		" (5, 'script', 5, 1, 1, 'w', 681, 901, NULL, 901, 902, NULL, NULL),"
		" (6, 'dir', 5, 1, 1, 'w', 553, 901, NULL, NULL, 902, NULL, NULL),"
		" (7, 'bob', 5, 1, 1, 'w', 553, 902, NULL, 901, NULL, NULL, NULL),"
		" (8, 'user', 5, 1, 1, 'w', 553, 901, NULL, NULL, NULL, NULL, NULL),"
		" (9, 'network', 5, 1, 1, 'w', 555, 901, NULL, NULL, NULL, 901, NULL),"
		" (10, 'elsewhere', 5, 1, 1, 'w', 555, 901, NULL, NULL, NULL, 902, NULL);";
	static const char *const wanted[] = { "login ", "script* ", "dir ", "user ", "network " };
	struct sql *db = sql_open_write(database, &err);

	(void)state;
	if (!db || sql_exec(db, values, &err) < 0)
		fail_msg("%s", err.text);
	sql_close(db);
	for (int i = 0; i < 5; i++) {
		char text[256] = "";

		new_alert();
		assert_int_equal(decide_join(d, 901 + i, alert->id, &err), 0);
		assert_int_equal(report_queued(r, alert->id, print_id, text, &err), 0);
		assert_string_equal(text, wanted[i]);
	}
}

/* ---- half done ---- */

#define THREE_STEPS(program) \
	"about: x\nfor: login\ndo:\n" \
	"  - undo: [@/undone]\n" \
	"  - line: {file: @/list, text: '{login}'}\n" \
	"  - run: [" program "]\n" \
	"  - line: {file: @/list, text: 'never {login}'}\n"

static void three_steps(const char *yaml)
{
	write_file("undone", "#!/bin/sh\ncd \"$(dirname \"$0\")\"; cat list >>at-the-end\n", 0755);
	write_file("list", "bob\n", 0644);
	write_action("three", yaml);
	load();
	add_finding(a_finding(1, CASE_STOLEN, "info@shop.example", ""));
}

static void test_half_done(void **state)
{
	(void)state;
	three_steps(THREE_STEPS("sh, -c, 'echo sorry; printf \"\\033[31m\"; exit 3'"));
	act("three");
	assert_state(ACTION_FAILED);
	assert_says("sorry\n\\x1b[31m\nsh: exit status 3");
	assert_string_equal(read_file("list"), "bob\ninfo@shop.example\n");
	undo(told.id);
	assert_string_equal(read_file("list"), "bob\n");
	assert_string_equal(read_file("at-the-end"), "bob\n"); /* the first step was last */
}

static void test_program_that_is_not_there(void **state)
{
	(void)state;
	three_steps(THREE_STEPS("/nowhere/program"));
	act("three");
	assert_state(ACTION_FAILED);
	assert_says("cannot run /nowhere/program");
	undo(told.id);
	assert_string_equal(read_file("list"), "bob\n");
}

/* Killed in the middle of a step: its row says so, and it can be undone. */
static void test_killed(void **state)
{
	static const struct timespec pause = { 0, 10000000 };
	pid_t pid;

	(void)state;
	three_steps(THREE_STEPS("@/slow]\n    undo: [touch, @/slow-was-undone"));
	write_file("slow", "#!/bin/sh\ncd \"$(dirname \"$0\")\"; echo >marker; exec sleep 5\n", 0755);
	pid = fork();
	if (pid == 0) {
		struct decide *mine = decide_open(database, &err);

		actions_act(actions, "three", settings, mine, r, alert, "root", false, T0, remember,
			    NULL, &err);
		_exit(0);
	}
	while (access(in_dir("marker"), F_OK) < 0 && waitpid(pid, NULL, WNOHANG) == 0)
		nanosleep(&pause, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	look(1);
	assert_state(ACTION_FAILED);
	assert_says("not finished");
	assert_string_equal(read_file("list"), "bob\ninfo@shop.example\n");
	undo(1);
	assert_string_equal(read_file("list"), "bob\n");
	assert_non_null(read_file("slow-was-undone"));
}

/* An action whose file says something else by now is not undone by it. */
static void test_action_that_changed(void **state)
{
	(void)state;
	list_action();
	act("list");
	write_action("list", "about: x\nfor: login\ndo: [{line: {file: @/other, text: '{login}'}}]");
	load();
	assert_int_equal(actions_undo(actions, settings, d, told.id, "root", T0, &err), -1);
	assert_non_null(strstr(err.text, "is not what it was"));
	assert_non_null(strstr(err.text, "info@shop.example NO"));
	assert_int_equal(unlink(in_dir("actions/list.yaml")), 0);
	load();
	assert_int_equal(actions_undo(actions, settings, d, told.id, "root", T0, &err), -1);
	assert_non_null(strstr(err.text, "no action 'list' any more"));
	assert_string_equal(read_file("list"), "info@shop.example NO\n");
}

/* Who can write the database does not choose what is run, or on what. */
static void test_row_that_lies(void **state)
{
	static const char *const steps[] = {
		"{\"steps\":[{\"what\":\"run rm -rf /\",\"state\":\"done\"}]}",
		"{\"steps\":[{\"what\":\"run HOLDER -h -\",\"state\":\"done\",\"queue_ids\":[\"-d\"]}]}",
		"{\"steps\":[{\"what\":\"run HOLDER -h -\",\"state\":\"odd\"}]}",
		"{\"steps\":[{},{}]}",
	};
	char text[512], what[256];

	(void)state;
	queue_action("about: x\nfor: queue\nmta: postfix\ndo: [{run: [@/holder, -h, '-'],"
		     " undo: [@/holder, -H, '-'], input: '{queue_ids}'}]");
	act("hold");
	snprintf(what, sizeof(what), "run %s -h -", in_dir("holder"));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct action_row *row = action_load(d, told.id, &err);
		const char *at = strstr(steps[i], "run HOLDER -h -");

		snprintf(text, sizeof(text), "%s", steps[i]);
		if (at)
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - steps[i]), steps[i], what,
				 at + strlen("run HOLDER -h -"));
		row->steps = str_of(text);
		assert_int_equal(action_put(d, row, &err), 0);
		action_row_free(row);
		assert_int_equal(actions_undo(actions, settings, d, told.id, "root", T0, &err), -1);
	}
	assert_null(strstr(read_file("calls"), "-H"));
}

/* ---- rows ---- */

static void test_dry_run(void **state)
{
	(void)state;
	script_action();
	settings->actions.dry_run = true;
	act("chmod");
	assert_state(ACTION_DRY);
	assert_non_null(strstr(told_steps, "mode 0000 for /tmp/mailaudit-action."));
	assert_non_null(strstr(told_steps, "\"dry\""));
	assert_int_equal(mode_of("home/web/x.php"), 0644);
	assert_int_equal(actions_undo(actions, settings, d, told.id, "root", T0, &err), -1);
	/* What would be refused is refused. */
	assert_int_equal(unlink(in_dir("home/web/x.php")), 0);
	assert_int_equal(symlink("/etc/passwd", in_dir("home/web/x.php")), 0);
	refused_mode("symbolic link");
}

static void follow(usec_t now)
{
	if (actions_follow_rules(actions, settings, d, alert, now, &err) < 0)
		fail_msg("%s", err.text);
}

static int run_all(usec_t now)
{
	int n = 0, rc;

	while ((rc = actions_run_next(actions, settings, d, r, false, now, &err)) == 1)
		n++;
	if (rc < 0)
		fail_msg("%s", err.text);
	return n;
}

static void set_rule(const char *verdict, bool warnings)
{
	static const char *run[] = { "list" };
	static struct action_rule rule;

	rule = (struct action_rule){ verdict, warnings, { run, 1 } };
	settings->actions.rules = &rule;
	settings->actions.nrules = 1;
}

static void test_rules(void **state)
{
	struct finding *f;

	(void)state;
	write_action("list", "about: x\nfor: script\ndo: [{line: {file: @/list, text: '{script}'}}]");
	load();
	add_finding(a_finding(1, CASE_INJECTED, "", "/home/a/form.php"));
	add_finding(a_finding(2, CASE_STOLEN, "info@shop.example", ""));
	add_finding(a_finding(3, CASE_MAILER, "", "/home/a/mailer.php"));
	f = a_finding(4, CASE_MAILER, "", "/home/a/warning.php");
	f->severity = SEVERITY_WARNING;
	add_finding(f);
	f = a_finding(5, CASE_MAILER, "", "/home/a/closed.php");
	f->closed = T0;
	add_finding(f);
	set_rule("4", false);
	follow(T0);
	assert_int_equal(run_all(T0), 0); /* a login has no script */
	set_rule("3b", false);
	follow(T0);
	assert_int_equal(run_all(T0), 1);
	assert_string_equal(read_file("list"), "/home/a/mailer.php\n");
	set_rule("3", true);
	follow(T0);
	follow(T0); /* what waits is not put again */
	assert_int_equal(run_all(T0), 2); /* nor what was done */
	assert_string_equal(read_file("list"), "/home/a/mailer.php\n/home/a/form.php\n"
					       "/home/a/warning.php\n");
	follow(T0);
	assert_int_equal(run_all(T0), 0);
	undo(1);
	follow(T0); /* what was undone may be done again */
	assert_int_equal(run_all(T0), 1);
	settings->actions.nrules = 0;
}

static void test_per_hour(void **state)
{
	char script[64];

	(void)state;
	write_action("list", "about: x\nfor: script\ndo: [{line: {file: @/list, text: '{script}'}}]");
	load();
	for (int i = 1; i <= 5; i++) {
		snprintf(script, sizeof(script), "/%d", i);
		add_finding(a_finding(i, CASE_MAILER, "", script));
	}
	settings->actions.per_hour = 3;
	set_rule("any", false);
	follow(T0);
	assert_int_equal(run_all(T0), 5);
	assert_string_equal(read_file("list"), "/1\n/2\n/3\n");
	look(4);
	assert_state(ACTION_REFUSED);
	assert_says("over the limit of 3");
	assert_int_equal(act("list"), 5); /* on demand there is no limit */
	assert_string_equal(read_file("list"), "/1\n/2\n/3\n/4\n/5\n");
	follow(T0);
	run_all(T0 + 2 * USEC_HOUR);
	settings->actions.nrules = 0;
}

static void test_cancelled(void **state)
{
	(void)state;
	list_action();
	set_rule("any", false);
	follow(T0);
	assert_int_equal(actions_undo(actions, settings, d, 1, "bob", T0, &err), 0);
	look(1);
	assert_state(ACTION_REFUSED);
	assert_says("cancelled by bob");
	assert_int_equal(run_all(T0), 0);
	assert_int_equal(actions_undo(actions, settings, d, 99, "bob", T0, &err), -1);
	settings->actions.nrules = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(builtin),
		TEST(wrong_files),
		TEST(folder),
		TEST(folder_that_others_write),
		TEST(logins),
		TEST(other_names),
		TEST(hostile_login_is_refused),
		TEST(nothing_to_do_it_to),
		TEST(line),
		TEST(line_of_a_new_file),
		TEST(line_behind_one_without_end),
		TEST(line_that_was_there),
		TEST(line_through_a_link),
		TEST(mode),
		TEST(mode_that_was_so),
		TEST(mode_undone_after_a_change),
		TEST(mode_decided_otherwise),
		TEST(mode_of_what_is_gone),
		TEST(mode_of_a_link),
		TEST(mode_of_odd_files),
		TEST(mode_of_odd_accounts),
		TEST(rename),
		TEST(rename_overwrites_nothing),
		TEST(rename_of_what_is_another_file),
		TEST(rename_of_what_is_gone),
		TEST(rename_in_a_folder_of_others),
		TEST(disable_script),
		TEST(queue),
		TEST(queue_ids_as_words),
		TEST(queue_ids_one_by_one),
		TEST(queue_that_is_gone),
		TEST(queue_undone_by_its_words),
		TEST(queued),
		TEST(half_done),
		TEST(program_that_is_not_there),
		TEST(killed),
		TEST(action_that_changed),
		TEST(row_that_lies),
		TEST(dry_run),
		TEST(rules),
		TEST(per_hour),
		TEST(cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
