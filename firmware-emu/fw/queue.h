/* SPDX-License-Identifier: MIT */
/* A queue: what was created, its place in the scheduler, and the descriptor that it runs. */
#ifndef MARU_QUEUE_H
#define MARU_QUEUE_H

#include "firmware-emu/engine/engine.h"
#include "firmware-emu/fw/fw.h"

enum queue_state {		/* under the scheduler's lock */
	QUEUE_IDLE,		/* nothing known in its ring */
	QUEUE_READY,		/* on a list: a thread may take it */
	QUEUE_BUSY,		/* one thread has it, and everything under "job" below */
	QUEUE_OPEN,		/* a packet runs: any thread may join and take tiles */
	QUEUE_PARKED,		/* a WAIT at the head is not true yet */
	QUEUE_HALTED,
	QUEUE_DEAD,		/* may be freed */
};

enum queue_stage {		/* of the descriptor at the head */
	STAGE_FETCH,		/* none is begun */
	STAGE_WAIT,
	STAGE_PACKET,
	STAGE_TILES,
	STAGE_DONE,
};

enum queue_cancel {		/* what has to end it early */
	CANCEL_NONE,
	CANCEL_CURRENT,		/* MARU_RESET_CANCEL */
	CANCEL_DROP,		/* MARU_RESET_DROP */
	CANCEL_DESTROY,
};

struct queue {
	unsigned int id;
	unsigned int cls;
	unsigned int slot;
	unsigned int group;
	struct vm *vm;
	struct span_vm *ring_space;
	uint64_t ring;			/* struct maru_ring in ring_space */
	uint64_t entries;
	uint64_t block_va;		/* in the kernel's space */

	/* scheduler; its lock */
	enum queue_state state;
	unsigned int priority;
	unsigned int weight;
	uint64_t slice_ns;
	_Atomic(uint64_t) used_ns;	/* of the slice, thread time */
	uint64_t since_ns;		/* first of its workers came, or it was parked */
	unsigned int workers;
	bool is_kicked;			/* while BUSY, OPEN or PARKED */
	atomic_bool is_listed;
	struct queue *next;
	struct queue *prev;
	atomic_uint cancel;		/* enum queue_cancel */

	/* job: of the thread that has the queue BUSY */
	enum queue_stage stage;
	uint64_t head;
	uint64_t tail;			/* as last read */
	struct maru_desc desc;
	uint64_t offset;		/* of the packet in the command buffer */
	uint32_t packet_bytes;
	bool is_begun;			/* op is between engine_begin() and engine_end() */
	uint64_t start_ns;
	uint8_t packet[MARU_PACKET_MAX_BYTES];
	struct engine_op op;

	/* tiles of op; any thread that joined */
	atomic_ullong taken[2];		/* of each run, see engine_op.second */
	atomic_bool is_failed;
	pthread_mutex_t tile_lock;	/* protects the two below */
	struct engine_error tile_error;
	uint64_t tile_failed;		/* lowest that failed */

	pthread_mutex_t block_lock;	/* protects block and active_ns */
	struct maru_queue_block block;	/* what the card last wrote there */
	uint64_t active_ns;		/* of finished stretches of work */
};

struct queue_error {
	struct engine_error error;
	uint32_t packet_offset;
};

/** queue_lookup() - Queue of an id, or NULL. fw.lock held. */
struct queue *queue_lookup(unsigned int id);

/** queue_create() - Make an idle queue from checked arguments. fw.lock held. */
struct queue *queue_create(const struct maru_admin_queue *args, struct vm *vm);

/** queue_free() - Free a queue that is QUEUE_DEAD. fw.lock held. */
void queue_free(struct queue *queue);

/** queue_count() - Queues that exist. */
unsigned int queue_count(void);

/** queue_fetch_tail() - Read tail. Return: 0, or -EFAULT with @fault filled. */
int queue_fetch_tail(struct queue *queue, struct span_fault *fault);

/** queue_fetch() - Copy the descriptor at the head. */
int queue_fetch(struct queue *queue, struct span_fault *fault);

/** queue_begin() - Show in the block that the descriptor at the head has begun. */
void queue_begin(struct queue *queue);

/** queue_tiles_left() - Tiles of the open packet that nobody has taken. */
uint64_t queue_tiles_left(struct queue *queue);

/** queue_take_tile() - A tile of run @run, else of the other one. Return: false: there is none. */
bool queue_take_tile(struct queue *queue, unsigned int run, uint32_t *tile);

/** queue_progress() - Count a packet or tiles in the block. */
void queue_progress(struct queue *queue, const struct engine_bytes *bytes, bool is_packet);

/** queue_show_active() - Bring active_ns of the block up to date. Scheduler's lock held. */
void queue_show_active(struct queue *queue, uint64_t now_ns);

/**
 * queue_complete() - End the descriptor at the head: block and ring, then events.
 * @has_signalled: it stored a fence value
 * @error: error word that is left in the block, 0: it went well
 */
void queue_complete(struct queue *queue, bool has_signalled, uint32_t error);

/** queue_skip() - End everything before @head at once. */
void queue_skip(struct queue *queue, uint64_t head);

/** queue_count_reset() - A QUEUE_RESET was served. */
void queue_count_reset(struct queue *queue);

/** queue_halt() - The queue stops at its head for good: block, ring, events. */
void queue_halt(struct queue *queue, const struct queue_error *error);

#endif
