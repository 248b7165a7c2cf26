// SPDX-License-Identifier: MIT
/*
 * The socket: stream bytes and SCM_RIGHTS. Reads are as short as the peer makes them; the
 * session puts messages together.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware-emu/transport/transport.h"

#define SOCK_DRAIN_BYTES	(64u << 20)	/* what is unread beyond is left to a reset */

/**
 * fd_list_close() - Close what is still in a list and empty it.
 * @list: the list
 */
void fd_list_close(struct fd_list *list)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (list->fd[i] >= 0)
			close(list->fd[i]);
	}
	list->count = 0;
	list->is_over = false;
}

/**
 * fd_list_take() - Take a file descriptor out of a list.
 * @list: the list
 * @idx: which one
 *
 * Return: the descriptor, now the caller's, or -1 when there is none.
 */
int fd_list_take(struct fd_list *list, unsigned int idx)
{
	int fd;

	if (idx >= list->count)
		return -1;
	fd = list->fd[idx];
	list->fd[idx] = -1;
	return fd;
}

static void sock_collect(struct msghdr *msg, struct fd_list *fds)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		unsigned int n;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (unsigned int i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (fds && fds->count < TRANSPORT_MAX_FDS) {
				fds->fd[fds->count++] = fd;
			} else {
				close(fd);
				if (fds)
					fds->is_over = true;
			}
		}
	}
	if (fds && (msg->msg_flags & MSG_CTRUNC))
		fds->is_over = true;
}

static ssize_t sock_recv(struct transport *transport, void *buf, size_t bytes,
			 struct fd_list *fds)
{
	union {
		char data[CMSG_SPACE(TRANSPORT_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = bytes };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.data, .msg_controllen = sizeof(control.data),
	};
	ssize_t n;

	do {
		n = recvmsg(transport->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	sock_collect(&msg, fds);
	return n;
}

static ssize_t sock_send(struct transport *transport, const void *buf, size_t bytes, int fd)
{
	union {
		char data[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.data;
		msg.msg_controllen = sizeof(control.data);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(transport->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * A peer that still has unread bytes with us gets ECONNRESET from a close, and QEMU aborts
 * on it. SHUT_RD keeps new bytes out, then what is there is read away.
 */
static void sock_drain(int fd)
{
	char waste[16384];
	size_t left = SOCK_DRAIN_BYTES;
	union {
		char data[CMSG_SPACE(TRANSPORT_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;

	shutdown(fd, SHUT_RD);
	while (left) {
		struct iovec iov = { .iov_base = waste, .iov_len = sizeof(waste) };
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control.data, .msg_controllen = sizeof(control.data),
		};
		ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n <= 0)
			return;
		sock_collect(&msg, NULL);
		left -= (size_t)n < left ? (size_t)n : left;
	}
}

static void sock_close(struct transport *transport)
{
	sock_drain(transport->fd);
	close(transport->fd);
	free(transport);
}

static const struct transport_ops sock_ops = {
	.recv = sock_recv,
	.send = sock_send,
	.close = sock_close,
};

/**
 * sock_create() - Make a transport of a connected stream socket.
 * @fd: the socket; owned by the transport from here on, also on failure
 *
 * Return: the transport, or NULL without memory.
 */
struct transport *sock_create(int fd)
{
	struct transport *transport = malloc(sizeof(*transport));

	if (!transport) {
		close(fd);
		return NULL;
	}
	transport->ops = &sock_ops;
	transport->fd = fd;
	return transport;
}

/**
 * sock_listen() - Listen on a socket file of mode 0600.
 * @path: where; a stale socket there is replaced, anything else is not
 *
 * Return: the listening socket; -ENAMETOOLONG, -EEXIST when @path is no socket, -EADDRINUSE
 * when somebody listens there, or another -errno.
 */
int sock_listen(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int fd, ret;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (lstat(path, &st) == 0) {
		ret = -EEXIST;
		if (!S_ISSOCK(st.st_mode))
			goto err;
		ret = -EADDRINUSE;
		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN)
			goto err;
		unlink(path);
	}
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	umask(mask);
	if (!ret && listen(fd, 16))
		ret = -errno;
	if (!ret)
		return fd;
err:
	close(fd);
	return ret;
}

/**
 * sock_accept() - Take the next client of a listening socket.
 * @listener: what sock_listen() returned
 *
 * Return: the connected socket, -EAGAIN when nobody waits, or another -errno.
 */
int sock_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd < 0 ? -errno : fd;
}
