/* SPDX-License-Identifier: MIT */
/*
 * Messages to and from the core. Nothing is queued: what is still to be said stands in the
 * window list, the vectors and the register page, and is said when the socket has room. One
 * operation at a time waits for acknowledgements, at most IPC_ACK_MS.
 */
#ifndef MARU_SLOT_CHANNEL_H
#define MARU_SLOT_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/maru_hw.h"

struct slot;

struct channel {
	int fd;				/* -1: no core */
	bool is_ready;			/* IPC_READY came: windows and vectors may be said */
	bool is_enabled;		/* the core was told ENABLE */
	bool is_blocked;		/* the socket is full */
	bool is_hung_up;		/* the core closed its end */
	uint32_t seq;
	uint32_t vectors_due;		/* bit: the core does not know this vector's state */

	bool is_waiting;		/* the client waits for acks */
	unsigned int acks_due;
	uint64_t deadline_ms;
};

void channel_init(struct channel *channel);
int channel_open(struct slot *slot);
void channel_close(struct slot *slot);
void channel_flush(struct slot *slot);
void channel_read(struct slot *slot);
int channel_unmap(struct slot *slot, uint64_t iova, uint64_t bytes);
int channel_vectors(struct slot *slot, unsigned int start, unsigned int count, const int *fds);
void channel_expire(struct slot *slot, uint64_t now_ms);

#endif
