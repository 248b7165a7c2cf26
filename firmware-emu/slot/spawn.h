/* SPDX-License-Identifier: MIT */
/*
 * Starting and killing cores. A small process, forked before anything else is opened, does the
 * fork, exec, kill and wait, so that the slot needs none of these rights. Requests and reports
 * are in order: a kill always means the core that was started last.
 */
#ifndef MARU_SLOT_SPAWN_H
#define MARU_SLOT_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

enum spawn_type {
	SPAWN_START = 1,		/* to the spawner: number, fd of the core's end */
	SPAWN_SIGNAL,			/* to the spawner: signal for the core */
	SPAWN_STARTED = 64,		/* from it: number, pid */
	SPAWN_EXITED,			/* from it: number, wait status; -1: could not start */
};

struct spawn_message {
	uint32_t type;			/* enum spawn_type */
	uint32_t number;		/* of the core, rises by one */
	int32_t value;
};

struct spawn {
	int fd;				/* -1: the spawner is gone */
	pid_t pid;
	uint32_t number;
};

int spawn_init(struct spawn *spawn);
void spawn_fini(struct spawn *spawn);
int spawn_start(struct spawn *spawn, int core_fd);
int spawn_signal(struct spawn *spawn, int sig);
int spawn_read(struct spawn *spawn, struct spawn_message *message);

#endif
