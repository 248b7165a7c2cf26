/* SPDX-License-Identifier: MIT */
/* The life of cores: power, boot, crash, reset, and what of the card survives each. */
#ifndef MARU_SLOT_LIFE_H
#define MARU_SLOT_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#define LIFE_TRIES		3
#define LIFE_BACKOFF_MS		100	/* before the second try; the third: four times */

/* STATUS 31:16 of a card that could not boot, beside what the core itself tells. */
#define LIFE_ERROR_DIED		0xff01
#define LIFE_ERROR_DEADLINE	0xff02
#define LIFE_ERROR_START	0xff03

enum life_state {
	LIFE_OFF,			/* no core, none wanted */
	LIFE_STOPPING,			/* killed, not reaped yet */
	LIFE_SCRUBBING,			/* memory is being zeroed */
	LIFE_BACKOFF,			/* waiting before another try */
	LIFE_BOOTING,
	LIFE_READY,
	LIFE_CRASHED,			/* no core until a reset */
	LIFE_FAILED,			/* likewise, after LIFE_TRIES */
};

enum life_reset {
	LIFE_RESET_CARD,		/* CTRL.RESET, FLR: memory is kept */
	LIFE_RESET_POWER,		/* machine reset, power cycle: memory is zeroed */
};

struct slot;

struct life {
	enum life_state state;
	bool is_wanted;			/* a core shall run after STOPPING */
	bool is_alive;			/* a core was started and not reaped */
	bool is_scrub;			/* zero the memory before the next boot */
	uint64_t scrub_at;
	unsigned int tries;
	uint32_t error;
	int pid;
	uint64_t deadline_ms;		/* of BACKOFF and BOOTING */
	uint64_t started, ready, crashed, failed, killed, resets;
};

void life_power_on(struct slot *slot);
void life_reset(struct slot *slot, enum life_reset kind);
void life_stop(struct slot *slot);
void life_kill(struct slot *slot, const char *why);
bool life_ready(struct slot *slot);
void life_failed(struct slot *slot, uint32_t error, const char *text);
void life_hung_up(struct slot *slot);
void life_read_spawn(struct slot *slot);
void life_expire(struct slot *slot, uint64_t now_ms);
uint64_t life_deadline(const struct slot *slot);
const char *life_name(enum life_state state);

#endif
