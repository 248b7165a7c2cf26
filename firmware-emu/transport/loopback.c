// SPDX-License-Identifier: MIT
/*
 * Two queues of pieces. As on a stream socket a read never crosses from one piece into another
 * that carries file descriptors, and both ends own what they were sent. Both ends are used by
 * one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware-emu/transport/loopback.h"

#define LOOPBACK_MAX_BYTES	(4u << 20)	/* waiting in one direction */

struct piece {
	struct piece *next;
	size_t bytes, read;
	struct fd_list fds;
	uint8_t data[];
};

struct lane {
	struct piece *first, **last;
	size_t bytes;
	bool is_closed;			/* the writer is gone */
};

struct loopback {
	struct transport base;
	struct lane to_device, to_client;
	size_t chunk;			/* most bytes a device read returns, 0: no limit */
	unsigned int users;
};

static void lane_init(struct lane *lane)
{
	lane->last = &lane->first;
}

static void lane_fini(struct lane *lane)
{
	while (lane->first) {
		struct piece *piece = lane->first;

		lane->first = piece->next;
		fd_list_close(&piece->fds);
		free(piece);
	}
	lane->last = &lane->first;
	lane->bytes = 0;
}

static ssize_t lane_push(struct lane *lane, const void *buf, size_t bytes, const int *fds,
			 unsigned int count)
{
	struct piece *piece;

	if (!bytes || count > TRANSPORT_MAX_FDS)
		return -EINVAL;
	if (lane->bytes + bytes > LOOPBACK_MAX_BYTES)
		return -EAGAIN;
	piece = calloc(1, sizeof(*piece) + bytes);
	if (!piece)
		return -ENOMEM;
	piece->bytes = bytes;
	memcpy(piece->data, buf, bytes);
	for (unsigned int i = 0; i < count; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

		if (fd < 0) {
			fd_list_close(&piece->fds);
			free(piece);
			return -EBADF;
		}
		piece->fds.fd[piece->fds.count++] = fd;
	}
	*lane->last = piece;
	lane->last = &piece->next;
	lane->bytes += bytes;
	return (ssize_t)bytes;
}

static void lane_pop_fds(struct piece *piece, struct fd_list *fds)
{
	for (unsigned int i = 0; i < piece->fds.count; i++) {
		int fd = fd_list_take(&piece->fds, i);

		if (fds->count < TRANSPORT_MAX_FDS) {
			fds->fd[fds->count++] = fd;
		} else {
			close(fd);
			fds->is_over = true;
		}
	}
	piece->fds.count = 0;
}

static ssize_t lane_pop(struct lane *lane, void *buf, size_t bytes, struct fd_list *fds)
{
	struct piece *piece = lane->first;
	size_t n;

	if (!piece)
		return lane->is_closed ? 0 : -EAGAIN;
	n = piece->bytes - piece->read;
	if (n > bytes)
		n = bytes;
	memcpy(buf, piece->data + piece->read, n);
	lane_pop_fds(piece, fds);
	piece->read += n;
	lane->bytes -= n;
	if (piece->read == piece->bytes) {
		lane->first = piece->next;
		if (!lane->first)
			lane->last = &lane->first;
		free(piece);
	}
	return (ssize_t)n;
}

static void loopback_put(struct loopback *loop)
{
	if (--loop->users)
		return;
	lane_fini(&loop->to_device);
	lane_fini(&loop->to_client);
	free(loop);
}

static ssize_t loopback_device_recv(struct transport *transport, void *buf, size_t bytes,
				    struct fd_list *fds)
{
	struct loopback *loop = (struct loopback *)transport;

	if (loop->chunk && bytes > loop->chunk)
		bytes = loop->chunk;
	return lane_pop(&loop->to_device, buf, bytes, fds);
}

static ssize_t loopback_device_send(struct transport *transport, const void *buf, size_t bytes,
				    int fd)
{
	struct loopback *loop = (struct loopback *)transport;

	if (loop->to_device.is_closed)
		return -EPIPE;
	return lane_push(&loop->to_client, buf, bytes, &fd, fd >= 0);
}

static void loopback_device_close(struct transport *transport)
{
	struct loopback *loop = (struct loopback *)transport;

	lane_fini(&loop->to_device);
	loop->to_client.is_closed = true;
	loopback_put(loop);
}

static const struct transport_ops loopback_ops = {
	.recv = loopback_device_recv,
	.send = loopback_device_send,
	.close = loopback_device_close,
};

/**
 * loopback_create() - Make a transport and the client's end of it.
 * @client: where the client's end goes; ends with loopback_hangup()
 *
 * Return: the device's end, or NULL without memory.
 */
struct transport *loopback_create(struct loopback **client)
{
	struct loopback *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->base.ops = &loopback_ops;
	loop->base.fd = -1;
	loop->users = 2;
	lane_init(&loop->to_device);
	lane_init(&loop->to_client);
	*client = loop;
	return &loop->base;
}

/**
 * loopback_set_chunk() - Make the device's reads short.
 * @loop: the client's end
 * @bytes: most bytes a read of the device returns, 0: no limit
 */
void loopback_set_chunk(struct loopback *loop, size_t bytes)
{
	loop->chunk = bytes;
}

/**
 * loopback_send() - Send bytes to the device, file descriptors with the first of them.
 * @loop: the client's end
 * @buf: the bytes
 * @bytes: how many
 * @fds: descriptors, duplicated
 * @count: how many
 *
 * Return: @bytes; -EPIPE when the device hung up, -EAGAIN when too much waits, or -errno.
 */
ssize_t loopback_send(struct loopback *loop, const void *buf, size_t bytes, const int *fds,
		      unsigned int count)
{
	if (loop->to_client.is_closed)
		return -EPIPE;
	return lane_push(&loop->to_device, buf, bytes, fds, count);
}

/**
 * loopback_recv() - Read what the device sent.
 * @loop: the client's end
 * @buf: where to
 * @bytes: at most
 * @fds: where descriptors go
 *
 * Return: bytes read, 0 when the device hung up, -EAGAIN when nothing is there.
 */
ssize_t loopback_recv(struct loopback *loop, void *buf, size_t bytes, struct fd_list *fds)
{
	return lane_pop(&loop->to_client, buf, bytes, fds);
}

/**
 * loopback_hangup() - Close the client's end; what was sent is still read by the device.
 * @loop: the client's end
 */
void loopback_hangup(struct loopback *loop)
{
	loop->to_device.is_closed = true;
	loopback_put(loop);
}

/**
 * loopback_has_input() - Tell whether the device has something to read.
 * @loop: the client's end
 */
bool loopback_has_input(const struct loopback *loop)
{
	return loop->to_device.first || loop->to_device.is_closed;
}
