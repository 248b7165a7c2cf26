/* SPDX-License-Identifier: MIT */
/*
 * The control socket: one JSON object a line, one a line back. Nothing here can be reached from
 * a guest. Clients are few, lines are short, and who does not read is dropped.
 */
#ifndef MARU_SLOT_CONTROL_H
#define MARU_SLOT_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define CONTROL_CLIENTS		8
#define CONTROL_POLLS		(CONTROL_CLIENTS + 2)
#define CONTROL_LINE_BYTES	4096
#define CONTROL_REPLY_BYTES	16384

struct slot;

struct control_client {
	int fd;				/* -1: free */
	size_t line_bytes, reply_bytes;
	char line[CONTROL_LINE_BYTES];
	char reply[CONTROL_REPLY_BYTES];
};

struct control {
	const char *path;
	int listener;			/* or -1 */
	int signals;			/* polled with the rest, or -1 */
	struct control_client client[CONTROL_CLIENTS];
};

void control_preset(struct control *control);
int control_init(struct control *control, const char *path);
void control_fini(struct control *control);
void control_fill_polls(const struct control *control, struct pollfd *polls);
void control_serve(struct control *control, const struct pollfd *polls, struct slot *slot);

/* command.c */
size_t command_run(struct slot *slot, const char *line, size_t bytes, char *reply, size_t room);

#endif
