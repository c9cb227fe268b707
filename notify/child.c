/* Another program, run to its end.
 *
 * Invariant: argv goes to execve() as it is; the child has no descriptor of ours but
 * the three it is given, and a process group of its own that is killed when its time is up. */
#include "notify/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEARCH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* Of the child, before it is the program. */
#define STATUS_NOT_STARTED 127

static usec_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_SECOND + ts.tv_nsec / 1000;
}

/* --- in the child ---- */

static _Noreturn void give_up(const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(STATUS_NOT_STARTED);
}

static void become(const struct passwd *user)
{
	if (!user)
		return;
	if (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
	    setuid(user->pw_uid) < 0)
		give_up("cannot become the user");
}

static _Noreturn void be_program(const struct child *c, int in, int out, const struct passwd *user)
{
	static char path[] = "PATH=" SEARCH, lang[] = "LANG=C";
	static char *env[] = { path, lang, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || chdir("/") < 0)
		give_up(c->argv[0]);
	become(user);
	environ = env;
	execvp(c->argv[0], (char *const *)(uintptr_t)c->argv);
	give_up(c->argv[0]);
}

/* --- in the parent ---- */

struct pipes {
	int in[2], out[2]; /* read end, write end */
};

static void close_all(struct pipes *p)
{
	int *fds[] = { &p->in[0], &p->in[1], &p->out[0], &p->out[1] };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static void close_one(int *fd)
{
	close(*fd);
	*fd = -1;
}

/* Writes what it takes now; the end of the input closes it. */
static void feed(struct pipes *p, struct str *left)
{
	ssize_t n = write(p->in[1], left->p, left->n);

	if (n > 0)
		*left = str_skip(*left, (size_t)n);
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || !left->n)
		close_one(&p->in[1]);
}

/* Keeps the beginning, and reads on so that it is not held up. */
static void listen(struct pipes *p, struct child *c)
{
	char buf[4096];
	ssize_t n = read(p->out[0], buf, sizeof(buf));
	size_t room = sizeof(c->output) - 1 - c->noutput;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_one(&p->out[0]);
		return;
	}
	if ((size_t)n < room)
		room = (size_t)n;
	memcpy(c->output + c->noutput, buf, room);
	c->noutput += room;
	c->output[c->noutput] = '\0';
}

/* false: its time is up. */
static bool talk(struct child *c, struct pipes *p, usec_t deadline)
{
	struct str left = c->input;

	if (!left.n)
		close_one(&p->in[1]);
	while (p->out[0] >= 0) {
		struct pollfd fds[2] = { { p->out[0], POLLIN, 0 }, { p->in[1], POLLOUT, 0 } };
		usec_t wait = deadline - monotonic();

		if (wait <= 0)
			return false;
		if (poll(fds, 2, (int)(wait / 1000) + 1) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents)
			feed(p, &left);
		if (fds[0].revents)
			listen(p, c);
	}
	return true;
}

/* It closed its output: it ends soon, or is killed. */
static bool reap(pid_t pid, int *status, usec_t deadline)
{
	static const struct timespec pause = { 0, 5000000 };

	for (;;) {
		pid_t got = waitpid(pid, status, WNOHANG);

		if (got == pid)
			return true;
		if ((got < 0 && errno != EINTR) || monotonic() >= deadline)
			return false;
		nanosleep(&pause, NULL);
	}
}

static int make_pipes(struct pipes *p, struct error *err)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 } };
	if (pipe2(p->in, O_CLOEXEC) == 0 && pipe2(p->out, O_CLOEXEC) == 0)
		return 0;
	error_set(err, EXIT_AGAIN, "pipe: %s", strerror(errno));
	close_all(p);
	return -1;
}

static int wait_for(struct child *c, pid_t pid, struct pipes *p, struct error *err)
{
	usec_t deadline = monotonic() + c->timeout;
	int status = 0;

	close_one(&p->in[0]);
	close_one(&p->out[1]);
	fcntl(p->in[1], F_SETFL, O_NONBLOCK);
	fcntl(p->out[0], F_SETFL, O_NONBLOCK);
	if (!talk(c, p, deadline) || !reap(pid, &status, deadline)) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return error_set(err, EXIT_AGAIN, "%s took longer than %lld s", c->argv[0],
				 (long long)(c->timeout / USEC_SECOND));
	}
	c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (c->status == STATUS_NOT_STARTED)
		return error_set(err, EXIT_NOINPUT, "cannot run %s: %s", c->argv[0], c->output);
	return 0;
}

static int find_user(const struct child *c, const struct passwd **user, struct error *err)
{
	*user = NULL;
	if (!c->user || !*c->user || geteuid() != 0)
		return 0;
	*user = getpwnam(c->user);
	return *user ? 0 : error_set(err, EXIT_CONFIG, "there is no user %s", c->user);
}

int child_run(struct child *c, struct error *err)
{
	const struct passwd *user;
	struct pipes p;
	pid_t pid;
	int rc;

	c->noutput = 0;
	c->output[0] = '\0';
	if (find_user(c, &user, err) < 0 || make_pipes(&p, err) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		be_program(c, p.in[0], p.out[1], user);
	if (pid < 0)
		rc = error_set(err, EXIT_AGAIN, "fork: %s", strerror(errno));
	else
		rc = wait_for(c, pid, &p, err);
	close_all(&p);
	return rc;
}

void child_complain(const struct child *c, struct error *err)
{
	struct str said = str_trim((struct str){ c->output, c->noutput });

	said = str_head(said, str_chr(said, '\n'));
	error_set(err, EXIT_AGAIN, "%s: exit status %d%s%.*s", c->argv[0], c->status,
		  said.n ? ": " : "", STR_ARG(said));
}
