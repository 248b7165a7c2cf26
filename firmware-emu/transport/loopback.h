/* SPDX-License-Identifier: MIT */
/* The transport without a socket: the same bytes and file descriptors inside one process. */
#ifndef MARU_TRANSPORT_LOOPBACK_H
#define MARU_TRANSPORT_LOOPBACK_H

#include "firmware-emu/transport/transport.h"

struct loopback;

struct transport *loopback_create(struct loopback **client);
void loopback_set_chunk(struct loopback *loop, size_t bytes);
ssize_t loopback_send(struct loopback *loop, const void *buf, size_t bytes, const int *fds,
		      unsigned int count);
ssize_t loopback_recv(struct loopback *loop, void *buf, size_t bytes, struct fd_list *fds);
void loopback_hangup(struct loopback *loop);
bool loopback_has_input(const struct loopback *loop);

#endif
