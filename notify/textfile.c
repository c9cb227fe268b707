/* Reading small files.
 *
 * Invariant: a fifo or a device is not waited for, and a file that is too long is an error,
 * not the beginning of it. */
#include "notify/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *path, struct error *err)
{
	int code = errno == EACCES || errno == EPERM ? EXIT_PERMISSION :
		   errno == ENOENT || errno == ENOTDIR ? EXIT_NOINPUT :
							 EXIT_CONFIG;

	return error_set(err, code, "%s: %s", path, strerror(errno));
}

static int open_plain(const char *path, size_t most, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return fail(path, err);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uintmax_t)st.st_size <= most)
		return fd;
	close(fd);
	return error_set(err, EXIT_CONFIG, "%s: not a plain file of at most %zu bytes", path, most);
}

char *textfile_read(const char *path, size_t most, size_t *n, struct error *err)
{
	int fd = open_plain(path, most, err);
	ssize_t got = 1;
	char *text;

	if (fd < 0)
		return NULL;
	text = xmalloc(most + 1);
	for (*n = 0; *n < most && got > 0; *n += (size_t)(got > 0 ? got : 0))
		got = read(fd, text + *n, most - *n);
	if (got < 0)
		fail(path, err);
	close(fd);
	text[*n] = '\0';
	if (got >= 0)
		return text;
	free(text);
	return NULL;
}
