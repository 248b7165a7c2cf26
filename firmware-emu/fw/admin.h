/* SPDX-License-Identifier: MIT */
/*
 * The admin queue. Commands are copied, checked and carried out in order for each object; one
 * that has to wait stands aside and others pass it. All under fw.lock.
 */
#ifndef MARU_ADMIN_H
#define MARU_ADMIN_H

#include "firmware-emu/fw/fw.h"

#define ADMIN_PENDING	64	/* commands that are under way at most */
#define ADMIN_WAIT	0xffff	/* status of a handler: ask again */
#define ADMIN_NOBODY	0xffff	/* no such VM or queue is meant */
#define ADMIN_RESET_MS	1000	/* a QUEUE_RESET or QUEUE_DESTROY takes no longer */

enum admin_step {
	ADMIN_FREE,
	ADMIN_FETCHED,
	ADMIN_RUNNING,
	ADMIN_DONE,
};

struct admin_command {
	enum admin_step step;
	uint64_t order;			/* number of the command */
	struct maru_admin_sqe sqe;	/* private copy */
	unsigned int vm;		/* objects that it is about, ADMIN_NOBODY */
	unsigned int queue;
	uint16_t status;
	uint64_t value[2];
	bool is_begun;			/* of the handler's own */
	bool is_held;			/* of a fault point */
	uint64_t deadline_ns;
	struct span_invalidate wait;
};

/** admin_start() - Serve the rings at these addresses of the kernel's space. */
void admin_start(uint64_t sq, unsigned int sq_log2, uint64_t cq, unsigned int cq_log2);

/** admin_stop() - Forget the rings and what is under way. */
void admin_stop(void);

/** admin_kick() - The doorbell of the admin queue. */
void admin_kick(void);

/** admin_poll() - Go on with everything that can go on. Return: true when something did. */
bool admin_poll(void);

/** admin_is_pending() - Some command waits. */
bool admin_is_pending(void);

/*
 * Handlers: return a status, with command->value filled, or ADMIN_WAIT.
 */
typedef uint16_t (*admin_handler)(struct admin_command *command);

uint16_t admin_vm_create(struct admin_command *command);
uint16_t admin_vm_destroy(struct admin_command *command);
uint16_t admin_invalidate(struct admin_command *command);
uint16_t admin_queue_create(struct admin_command *command);
uint16_t admin_queue_destroy(struct admin_command *command);
uint16_t admin_queue_set(struct admin_command *command);
uint16_t admin_queue_reset(struct admin_command *command);
uint16_t admin_identify(struct admin_command *command);
uint16_t admin_telemetry(struct admin_command *command);
uint16_t admin_clock(struct admin_command *command);

/** admin_invalid() - Refuse the byte of a command at @offset. Return: the status. */
uint16_t admin_invalid(struct admin_command *command, unsigned int offset);

/** admin_fault() - Refuse an address. Return: the status. */
uint16_t admin_fault(struct admin_command *command, uint64_t address);

/** admin_has_bits() - Look for a byte that is not 0. Return: true, and @offset of the first. */
bool admin_has_bits(const struct admin_command *command, unsigned int from, unsigned int end,
		    unsigned int *offset);

#define ADMIN_FIELD(member)	offsetof(struct maru_admin_sqe, member)

#endif
