/* Reading secrets.
 *
 * Invariant: one that others could read is not used, so that it is noticed; no error
 * text holds any of it, and it is wiped from memory once it was used. */
#include "notify/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

static int check(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, EXIT_NOINPUT, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, EXIT_CONFIG, "%s is not a file", path);
	if (st.st_mode & S_IRWXO)
		return error_set(err, EXIT_PERMISSION,
				 "%s: others can read it: chmod o= it, and change the secret", path);
	return 0;
}

/* What is in it, with a NUL. -1: cannot be read. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1) {
		got = read(fd, buf + n, size - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	buf[n] = '\0';
	return (ssize_t)n;
}

static char *take(int fd, const char *path, struct error *err)
{
	char buf[SECRET_MAX + 3];
	ssize_t n = read_all(fd, buf, sizeof(buf));
	struct str s = { buf, n < 0 ? 0 : (size_t)n };
	char *secret = NULL;

	s = str_head(s, str_chr(s, '\n'));
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	if (n < 0)
		error_set(err, EXIT_NOINPUT, "%s: %s", path, strerror(errno));
	else if (!s.n || s.n > SECRET_MAX || str_chr(s, '\0') < s.n)
		error_set(err, EXIT_CONFIG, "%s: its first line is not a secret", path);
	else
		secret = str_dup(s);
	explicit_bzero(buf, sizeof(buf));
	return secret;
}

char *secret_read(const char *path, struct error *err)
{
	/* Not held up by a fifo. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *secret = NULL;

	if (fd < 0) {
		error_set(err, errno == EACCES ? EXIT_PERMISSION : EXIT_NOINPUT, "%s: %s", path,
			  strerror(errno));
		return NULL;
	}
	if (check(fd, path, err) == 0)
		secret = take(fd, path, err);
	close(fd);
	return secret;
}

void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}
