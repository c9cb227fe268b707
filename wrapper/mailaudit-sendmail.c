/* A sendmail that marks each message, then is the real one.
 *
 *   mailaudit-sendmail ARGUMENT...       also as /usr/sbin/sendmail (a symbolic link)
 *   mailaudit-ref SENDMAIL ARGUMENT...   the same with this SENDMAIL
 *
 * Puts one header before the message on standard input:
 *
 *   X-Mailaudit-Ref: v1 pid=<the caller> uid=<ours> cwd=<directory> [script=<program>]
 *
 * cwd and script are percent-encoded outside [A-Za-z0-9/._-]; script is below cwd unless it
 * starts with a slash. Needs nothing but libc, so that it starts in no time.
 *
 * Invariants: the process that was started becomes the real sendmail, with the arguments as
 * they are, so exit status, signals and process id are its own. Nothing is read from the
 * message before all that can fail is done: on any trouble the real one gets it untouched.
 * Which program that is never comes from an argument, unless we are called mailaudit-ref:
 * arguments of sendmail often hold what a visitor of a web page typed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Postfix cuts what it logs of a header at 200 bytes. */
#define HEADER_MAX 195
#define CWD_MAX 130
/* Bytes looked at to find the first line of a message. */
#define HEAD_MAX 4096
#define STATUS_UNAVAILABLE 69
#define SHELL_ARGS_MAX 1000

static const char header_name[] = "X-Mailaudit-Ref: v1";

/* ---- which sendmail ---- */

/* In this order; what is this program itself is passed over. */
static const char *const real_sendmails[] = {
	MAILAUDIT_SYSCONFDIR "/sendmail", "/usr/sbin/sendmail.mailaudit", "/usr/sbin/sendmail",
	"/usr/lib/sendmail", "/usr/sbin/exim4", "/usr/sbin/exim"
};

/* Without /proc nobody knows: then only a name of its own is taken. */
static bool may_be_us(const char *path, bool unknown)
{
	struct stat self, st;

	if (stat("/proc/self/exe", &self) < 0)
		return unknown;
	return stat(path, &st) == 0 && st.st_dev == self.st_dev && st.st_ino == self.st_ino;
}

static const char *find_real(void)
{
	struct stat st;

	for (size_t i = 0; i < sizeof(real_sendmails) / sizeof(*real_sendmails); i++) {
		const char *path = real_sendmails[i];

		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0 &&
		    !may_be_us(path, i > 1))
			return path;
	}
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* mailq, newaliases and their like read no message; so do most -b modes. */
static bool reads_message(char **argv)
{
	static const char *const others[] = { "mailq",	 "newaliases", "runq",	 "rmail",
					      "rsmtp",	 "smtpd",      "hoststat", "purgestat" };
	const char *name = base_name(argv[0]);

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(name, others[i]) == 0)
			return false;
	for (argv++; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (strncmp(*argv, "-b", 2) == 0 && strcmp(*argv, "-bm") != 0)
			return false;
		if (strcmp(*argv, "-I") == 0 || strncmp(*argv, "-q", 2) == 0 ||
		    strncmp(*argv, "-M", 2) == 0)
			return false;
	}
	return true;
}

/* ---- the header ---- */

struct text {
	char at[HEADER_MAX + 8];
	size_t n;
};

/* Appends s, encoded, up to max bytes in all; never half of a %XX. false: cut. */
static bool add_encoded(struct text *t, const char *s, size_t max)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("/._-", c);

		if (t->n + (plain ? 1 : 3) > max)
			return false;
		if (plain) {
			t->at[t->n++] = (char)c;
			continue;
		}
		t->at[t->n++] = '%';
		t->at[t->n++] = hex[c >> 4];
		t->at[t->n++] = hex[c & 15];
	}
	return true;
}

static size_t read_proc(pid_t pid, const char *what, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, buf, size - 1);
	close(fd);
	n = n < 0 ? 0 : n;
	buf[n] = '\0';
	return (size_t)n;
}

static bool is_interpreter(const char *program)
{
	static const char *const names[] = { "perl", "python", "php", "ruby", "node",
					     "sh",   "bash",   "dash", "ksh", "zsh" };
	const char *name = base_name(program);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		/* python3.11, php8.2; but not php-fpm */
		if (strncmp(name, names[i], n) == 0 &&
		    strspn(name + n, "0123456789.") == strlen(name + n))
			return true;
	}
	return false;
}

/* The script an interpreter was given on its command line, or NULL. */
static const char *script_argument(const char *args, size_t n)
{
	const char *end = args + n, *arg;

	if (!n || !is_interpreter(args))
		return NULL;
	for (arg = args + strlen(args) + 1; arg < end && *arg == '-'; arg += strlen(arg) + 1) {
		if (strchr("cemr", arg[1])) /* the program is in the arguments, or "-" */
			return NULL;
		if (strchr("dI", arg[1]) && !arg[2])
			arg += strlen(arg) + 1;
	}
	return arg < end && *arg ? arg : NULL;
}

/* What is sending, as far as our caller says it; "" not known. */
static void find_script(pid_t caller, const char *cwd, char *buf, size_t size)
{
	const char *cgi = getenv("GATEWAY_INTERFACE") ? getenv("SCRIPT_FILENAME") : NULL;
	const char *script;
	char args[2048];
	size_t n;

	*buf = '\0';
	if (cgi && *cgi == '/') {
		snprintf(buf, size, "%s", cgi);
		return;
	}
	n = read_proc(caller, "cmdline", args, sizeof(args));
	script = n < sizeof(args) - 1 ? script_argument(args, n) : NULL;
	if (!script)
		return;
	while (strncmp(script, "./", 2) == 0)
		script += 2;
	if (*script == '/')
		snprintf(buf, size, "%s", script);
	else
		snprintf(buf, size, "%s/%s", cwd, script);
}

/* A name that was cut is another file's name: then it is left out. */
static void add_script(struct text *t, const char *script, const char *cwd)
{
	static const char key[] = " script=";
	size_t before = t->n, ncwd = strlen(cwd);

	if (ncwd > 1 && strncmp(script, cwd, ncwd) == 0 && script[ncwd] == '/')
		script += ncwd + 1;
	if (!*script || t->n + sizeof(key) > HEADER_MAX)
		return;
	memcpy(t->at + t->n, key, sizeof(key) - 1);
	t->n += sizeof(key) - 1;
	if (!add_encoded(t, script, HEADER_MAX))
		t->n = before;
}

/* Without its line end. */
static void make_header(struct text *t)
{
	pid_t caller = getppid();
	char cwd[PATH_MAX], script[PATH_MAX + 2048];
	bool whole;

	if (!getcwd(cwd, sizeof(cwd)) || *cwd != '/')
		*cwd = '\0';
	t->n = (size_t)snprintf(t->at, sizeof(t->at), "%s pid=%ld uid=%lu cwd=", header_name,
				(long)caller, (unsigned long)getuid());
	whole = add_encoded(t, cwd, t->n + CWD_MAX);
	find_script(caller, cwd, script, sizeof(script));
	if (*script && whole && *cwd)
		add_script(t, script, cwd);
}

/* ---- the message, copied beside the real sendmail ---- */

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t did = write(fd, p, n);

		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0)
			return false;
		p += did;
		n -= (size_t)did;
	}
	return true;
}

/* Bytes read, 0 at the end of the message, -1 when nobody reads it any more. */
static ssize_t read_more(int out, char *buf, size_t size)
{
	for (;;) {
		struct pollfd fds[2] = { { 0, POLLIN, 0 }, { out, 0, 0 } };
		ssize_t n;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (fds[1].revents & POLLERR)
			return -1;
		if (!fds[0].revents)
			continue;
		n = read(0, buf, size);
		if (n >= 0)
			return n;
		if (errno != EINTR && errno != EAGAIN)
			return 0;
	}
}

/* "From alice Mon Nov 23 ..." before the headers is the envelope's, and stays first. */
static bool is_from_line(const char *line, size_t n)
{
	if (n && *line == '>') {
		line++;
		n--;
	}
	return n >= 5 && memcmp(line, "From ", 5) == 0;
}

struct head {
	char at[HEAD_MAX];
	size_t n, place; /* bytes there are; where our header belongs */
	const char *eol; /* how the message ends its first line */
	bool closed; /* no more follows */
};

/* Reads until the first line that is not the envelope's is there. false: nobody reads. */
static bool read_head(struct head *h, int out)
{
	for (;;) {
		const char *line = h->at + h->place;
		const char *end = memchr(line, '\n', h->n - h->place);
		ssize_t n;

		if (end && is_from_line(line, (size_t)(end - line))) {
			h->place = (size_t)(end + 1 - h->at);
			continue;
		}
		if (end && end > line && end[-1] == '\r')
			h->eol = "\r\n";
		if (end || h->closed || h->n == sizeof(h->at))
			return true;
		n = read_more(out, h->at + h->n, sizeof(h->at) - h->n);
		if (n < 0)
			return false;
		h->closed = n == 0;
		h->n += (size_t)n;
	}
}

/* Our header, with the line ends of the message: Exim reads them all as the first one is.
 * A message that begins with a blank has no header, and would go on with ours. */
static bool write_head(const struct head *h, const struct text *header, int out)
{
	const char *rest = h->at + h->place;
	size_t nrest = h->n - h->place, neol = strlen(h->eol);
	bool bare = nrest && (*rest == ' ' || *rest == '\t');

	if (!write_all(out, h->at, h->place))
		return false;
	/* One without an end in sight is left alone. */
	if (!is_from_line(rest, nrest)) {
		if (!write_all(out, header->at, header->n) || !write_all(out, h->eol, neol) ||
		    (bare && !write_all(out, h->eol, neol)))
			return false;
	}
	return write_all(out, rest, nrest);
}

/* Holds nothing of the caller's but the message, or who waits for the end of the real
 * sendmail's output would wait for us. */
static _Noreturn void feed(int out, const struct text *header)
{
	static struct head head = { .eol = "\n" };
	static char buf[65536];
	ssize_t n;

	signal(SIGPIPE, SIG_IGN);
	if (out != 3 && dup2(out, 3) == 3)
		out = 3;
	close(1);
	close(2);
#ifdef SYS_close_range
	if (out == 3)
		syscall(SYS_close_range, 4U, ~0U, 0U);
#endif
	if (read_head(&head, out) && write_head(&head, header, out))
		while ((n = read_more(out, buf, sizeof(buf))) > 0 && write_all(out, buf, (size_t)n))
			;
	_exit(0);
}

/* Starts the copying as nobody's child of ours: the real sendmail expects none. */
static bool start_feeding(int ends[2], const struct text *header)
{
	struct sigaction plain = { .sa_handler = SIG_DFL }, before;
	int status = 1;
	pid_t pid;

	if (sigaction(SIGCHLD, &plain, &before) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		pid_t feeder = fork();

		if (feeder == 0) {
			close(ends[0]);
			feed(ends[1], header);
		}
		_exit(feeder < 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGCHLD, &before, NULL);
	return pid > 0 && status == 0;
}

static void mark(void)
{
	struct text header;
	int ends[2];

	if (fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0 ||
	    pipe2(ends, O_CLOEXEC) < 0)
		return;
	make_header(&header);
	if (start_feeding(ends, &header))
		dup2(ends[0], 0);
	close(ends[0]);
	close(ends[1]);
}

/* Returns when that is no program. A script without a first line for the kernel is one of the
 * shell's, as where PHP runs it through sh -c. */
static void become(const char *program, int argc, char **argv)
{
	static char *shell[SHELL_ARGS_MAX + 2];

	execv(program, argv);
	if (errno != ENOEXEC || argc > SHELL_ARGS_MAX)
		return;
	shell[0] = (char *)(uintptr_t)"sh";
	shell[1] = (char *)(uintptr_t)program;
	memcpy(shell + 2, argv + 1, (size_t)argc * sizeof(*shell));
	execv("/bin/sh", shell);
	errno = ENOEXEC;
}

int main(int argc, char **argv)
{
	const char *name = argc ? base_name(argv[0]) : "";
	const char *real, *other;

	if (strcmp(name, "mailaudit-ref") == 0 && argc > 1) {
		argv++;
		argc--;
		real = may_be_us(argv[0], false) ? find_real() : argv[0];
	} else {
		real = find_real();
		/* Postfix and Exim look at the name they are called by. */
		if (real && strncmp(name, "mailaudit-", 10) == 0)
			argv[0] = (char *)(uintptr_t)real;
	}
	if (!real || !argc) {
		fputs("mailaudit-sendmail: there is no sendmail on this host\n", stderr);
		return STATUS_UNAVAILABLE;
	}
	if (reads_message(argv))
		mark();
	become(real, argc, argv);
	fprintf(stderr, "mailaudit-sendmail: %s: %s\n", real, strerror(errno));
	/* Better another sendmail than no mail. */
	other = find_real();
	if (other && strcmp(other, real) != 0)
		become(other, argc, argv);
	return STATUS_UNAVAILABLE;
}
