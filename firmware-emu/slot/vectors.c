// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware-emu/slot/vectors.h"

static void fd_replace(int *at, int fd)
{
	if (*at >= 0)
		close(*at);
	*at = fd;
}

/**
 * vectors_init() - Begin with all vectors disarmed.
 * @vectors: the vectors
 */
void vectors_init(struct vectors *vectors)
{
	for (unsigned int i = 0; i < MARU_MSIX_VECTORS; i++) {
		vectors->fd[i] = -1;
		vectors->retired[i] = -1;
	}
	vectors->error_fd = -1;
	vectors->raised = 0;
}

/**
 * vectors_check() - See whether descriptors can be vectors, and make them non-blocking.
 * @fds: the descriptors
 * @count: how many
 *
 * An eventfd belongs to no file type; pipes, sockets, files and devices do and are refused, for
 * what is written there would go to somebody else.
 *
 * Return: 0 or -EINVAL.
 */
int vectors_check(const int *fds, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct stat st;
		int flags = fcntl(fds[i], F_GETFL);

		if (flags < 0 || fstat(fds[i], &st) || (st.st_mode & S_IFMT))
			return -EINVAL;
		if (fcntl(fds[i], F_SETFL, flags | O_NONBLOCK))
			return -EINVAL;
	}
	return 0;
}

/**
 * vectors_set() - Arm or disarm a range.
 * @vectors: the vectors
 * @start: first one
 * @count: how many; inside the table
 * @fds: an eventfd each, owned by this call, or NULL to disarm
 *
 * The old ones stay open until vectors_close_retired(): the core may be about to raise them.
 */
void vectors_set(struct vectors *vectors, unsigned int start, unsigned int count, const int *fds)
{
	for (unsigned int i = 0; i < count; i++) {
		fd_replace(&vectors->retired[start + i], vectors->fd[start + i]);
		vectors->fd[start + i] = fds ? fds[i] : -1;
	}
}

/**
 * vectors_set_error() - Keep the descriptor of the error interrupt.
 * @vectors: the vectors
 * @fd: the eventfd, owned by this call, or -1
 *
 * It is never raised: QEMU would stop the whole machine.
 */
void vectors_set_error(struct vectors *vectors, int fd)
{
	fd_replace(&vectors->error_fd, fd);
}

/**
 * vectors_close_retired() - Close what was replaced.
 * @vectors: the vectors
 */
void vectors_close_retired(struct vectors *vectors)
{
	for (unsigned int i = 0; i < MARU_MSIX_VECTORS; i++)
		fd_replace(&vectors->retired[i], -1);
}

/**
 * vectors_clear() - Disarm and close everything.
 * @vectors: the vectors
 */
void vectors_clear(struct vectors *vectors)
{
	vectors_set(vectors, 0, MARU_MSIX_VECTORS, NULL);
	vectors_close_retired(vectors);
	vectors_set_error(vectors, -1);
}

/**
 * vectors_raise() - Raise a vector, if it is armed.
 * @vectors: the vectors
 * @vector: which one
 *
 * A peer can clear O_NONBLOCK of what it shares with us, so it is set again each time. A full
 * eventfd is already raised.
 */
void vectors_raise(struct vectors *vectors, unsigned int vector)
{
	static const uint64_t one = 1;
	int fd = vector < MARU_MSIX_VECTORS ? vectors->fd[vector] : -1;

	if (fd < 0 || fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK))
		return;
	if (write(fd, &one, sizeof(one)) == sizeof(one))
		vectors->raised++;
}

/**
 * vectors_armed() - Count the armed vectors.
 * @vectors: the vectors
 *
 * Return: how many.
 */
unsigned int vectors_armed(const struct vectors *vectors)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < MARU_MSIX_VECTORS; i++)
		n += vectors->fd[i] >= 0;
	return n;
}
