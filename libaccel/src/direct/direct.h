/* SPDX-License-Identifier: MIT */
/*
 * The way without a kernel: what its files share.
 *
 * Locks, outermost first: memory_lock, lock, admin_lock, client.lock. Nobody sleeps with lock
 * held but in recovery, while there is no card to wait for. A program that forks leaves the card
 * with its parent: the child has closed the socket, and each call there is -ENODEV.
 */
#ifndef ACCEL_DIRECT_H
#define ACCEL_DIRECT_H

#include "../../../driver/maru_hw.h"
#include "../internal.h"
#include "wire.h"

#define DIRECT_JOBS		64	/* of a submission */
#define DIRECT_BINDS		1024
#define DIRECT_SYNCS		256
#define DIRECT_LIMIT_MS		30000	/* card time of a job */
#define DIRECT_LIMIT_MAX_MS	60000
#define DIRECT_VM		1
#define DIRECT_VA_START		(2ull << 20)
#define DIRECT_VA_END		(1ull << 47)	/* above: what the program does not see */
#define DIRECT_WORDS_VA		DIRECT_VA_END
#define DIRECT_WORD_BYTES	64u		/* a line each: none is shared */
#define DIRECT_WORDS		65536u		/* timelines */
#define DIRECT_HOST_IOVA	(1ull << 32)	/* where the card sees the program's memory */
#define DIRECT_HOST_MAX		(1ull << 41)
#define DIRECT_ADMIN_LOG2	6
#define DIRECT_EVENT_LOG2	8
#define DIRECT_RING_LOG2	13
#define DIRECT_QUEUES		(MARU_GROUP_SLOTS - 1)
#define DIRECT_VECTORS		2

struct direct_spec {
	char socket[104];		/* "": start a card */
	char hbm[24], cxl[24], threads[8], profile[4];	/* "": the card's own choice */
};

struct direct_client {
	int fd;
	uint16_t id;
	bool is_dead;
	pthread_mutex_t lock;		/* a message, and its reply */
};

struct direct_hole {
	LIST_ENTRY(direct_hole) entry;
	uint64_t start, bytes;
};

/* A tier. What is free reads zero. */
struct direct_heap {
	LIST_HEAD(, direct_hole) holes;	/* by rising address, never adjacent */
	uint8_t *base;			/* of the tier, mapped */
	uint64_t bytes, used;
	int fd;				/* borrowed */
	uint64_t offset;		/* of the tier in it */
};

struct direct_timeline {		/* values are the card's: base + the program's */
	bool is_used;
	uint64_t base;			/* where a word that is used again begins */
	uint64_t promised;		/* the last that work or the program will store */
};

struct direct_deferred {		/* the program's value, behind one of work */
	STAILQ_ENTRY(direct_deferred) entry;
	uint32_t timeline;
	uint64_t after, value;
};

struct direct_end {			/* jobs that ended in error */
	uint64_t first, last;
	int error;
};

struct direct_look {			/* for time limits */
	uint64_t head, active_ns;
	int64_t since_ns, tick_since_ns;
	uint32_t tick;
};

struct direct_queue {
	uint32_t id, timeline;		/* id 0 … : slot id + 1 of group 0 */
	uint8_t cls, priority;
	uint16_t weight;
	uint32_t time_limit_ms;
	uint64_t memory, memory_bytes;	/* of ring and block, in the host heap */
	struct maru_ring *ring;
	struct maru_desc *descs;
	struct maru_queue_block *block;
	uint64_t entries;

	uint64_t head, tail;		/* direct.lock, all below */
	uint32_t state;			/* DRM_MARU_QUEUE_STATE_* */
	int lost;			/* errno of LOST */
	bool is_guilty;			/* of the reset that follows */
	struct maru_queue_block base;	/* counters of earlier cores */
	struct maru_queue_block error;	/* as it was stopped */
	struct direct_end *ends;
	uint32_t end_count, end_room;
	uint32_t guilty_resets, innocent_resets;
	uint64_t submitted, finished;	/* jobs */
	struct direct_look look;
};

struct direct_caps {
	struct maru_cap_tier tiers[2];
	struct maru_cap_engines engines;
	struct maru_cap_limits limits;
	struct maru_cap_numerics numerics;
	struct maru_cap_firmware firmware;
	uint8_t uuid[16];
};

struct direct {
	LIST_ENTRY(direct) entry;	/* of all in this process, for fork() */
	atomic_bool is_forked;
	struct direct_client client;
	struct direct_caps caps;
	uint32_t identity, revision;	/* PCI */
	uint8_t *memory;		/* BAR 2 */
	uint64_t memory_bytes;
	int memory_fd;
	uint8_t *host;			/* the program's memory that the card sees */
	uint64_t host_bytes;
	int host_fd;
	int vector_fds[DIRECT_VECTORS];
	void *ops;			/* records of QUERY OPS */
	uint32_t ops_bytes;

	pthread_mutex_t memory_lock;	/* heaps and page tables */
	struct direct_heap heaps[MARU_TIER_COUNT];
	uint64_t root;			/* of the page tables, in HBM */

	pthread_mutex_t admin_lock;
	struct maru_admin_sq *sq;
	struct maru_admin_cqe *cq;
	struct maru_event_ring *events;
	struct maru_group_page *group;
	void *answer;			/* a page that commands write to */
	uint64_t admin_tail;

	pthread_mutex_t lock;		/* all below, and the queues */
	pthread_cond_t changed;		/* clock: monotonic */
	bool has_leader;		/* a thread that waits for vectors, for all */
	int error;			/* -ENODEV, -EIO: the end */
	uint32_t boot_id;
	uint32_t generation;		/* of cores */
	uint32_t fruitless;		/* resets with work, without a job finished in between */
	uint32_t card_resets, queue_resets;
	struct direct_queue *queues[DIRECT_QUEUES];
	uint32_t queue_top;		/* none at or above */
	struct direct_timeline *timelines;
	uint32_t next_timeline;
	STAILQ_HEAD(, direct_deferred) deferred;
	int64_t glanced_ns;		/* of those who only poll */
	uint8_t *words;			/* DIRECT_WORDS of them */
};

static inline struct direct *direct_of(const struct accel_device *device)
{
	return device->backend;
}

/* Store → load between program and card. A locked instruction is none, see docs/card.md. */
static inline void accel_mb(void)
{
	__builtin_ia32_mfence();
}

static inline _Atomic uint64_t *direct_word(const struct direct *direct, uint32_t timeline)
{
	return (_Atomic uint64_t *)(direct->words + (uint64_t)timeline * DIRECT_WORD_BYTES);
}

/* Reads a word that the card writes. */
#define CARD_READ(word)		__atomic_load_n(&(word), __ATOMIC_ACQUIRE)

int64_t direct_now_ns(void);

/* spec.c: "" or ":SOCKET", then ",key=value"…; sets the error text. */
int direct_spec_parse(struct direct_spec *spec, const char *text);

/* spawn.c: a card of our own. Return: the socket, and what was started, or -errno. */
int direct_spawn(const struct direct_spec *spec, char *path, size_t bytes);

/* client.c */
struct direct_files {
	const int *send;
	uint32_t send_count;
	int got;			/* a descriptor that came with the reply, or -1 */
};
int client_call(struct direct_client *client, enum vfu_command command, const void *body,
		uint32_t bytes, void *reply, uint32_t room, struct direct_files *files);
int client_open(struct direct_client *client, int fd);
void client_wake(struct direct_client *client);
int client_read(struct direct_client *client, uint32_t region, uint64_t offset, void *value,
		uint32_t bytes);
int client_write(struct direct_client *client, uint32_t region, uint64_t offset, uint64_t value,
		 uint32_t bytes);
bool client_is_dead(struct direct_client *client);

/* boot.c */
int boot_attach(struct direct *direct);		/* memory, vectors, window */
int boot_wait(struct direct *direct);		/* READY */
int boot_caps(struct direct *direct);
int boot_rings(struct direct *direct);
int boot_enable(struct direct *direct);		/* with admin_lock; VM included */
int boot_reset(struct direct *direct);		/* kill the core, wait for the next */
int boot_ops(struct direct *direct);

/* caps_read.c: pure. 0, or -EPROTO. */
int direct_caps_parse(struct direct_caps *caps, const void *list, uint32_t bytes,
		      uint64_t memory_bytes);

/* admin.c: with neither lock nor admin_lock; survives a crash of the core. */
int direct_admin(struct direct *direct, struct maru_admin_sqe *sqe, uint64_t *value);
/* The same, with an answer in memory. */
int direct_admin_ask(struct direct *direct, unsigned int op, uint32_t page, void *answer,
		     uint32_t room, uint32_t *bytes);
/* With admin_lock. -ECANCELED: the core is dead or does not answer. */
int admin_once(struct direct *direct, struct maru_admin_sqe *sqe, uint64_t *value);
void direct_kick(struct direct *direct, unsigned int slot);
uint64_t direct_entry(const struct direct *direct, const void *host);
void *direct_host_alloc(struct direct *direct, uint64_t bytes);	/* with memory_lock; or NULL */

/* heap.c: with memory_lock. */
int heap_init(struct direct_heap *heap, uint8_t *base, uint64_t bytes, int fd, uint64_t offset);
void heap_fini(struct direct_heap *heap);
int heap_alloc(struct direct_heap *heap, uint64_t bytes, uint64_t *address);
void heap_free(struct direct_heap *heap, uint64_t address, uint64_t bytes);

/* pt.c: with memory_lock. */
int pt_init(struct direct *direct);
int pt_map(struct direct *direct, uint64_t va, unsigned int tier, uint64_t address,
	   uint64_t bytes);
void pt_unmap(struct direct *direct, uint64_t va, uint64_t bytes);

/* done.c: with lock. */
bool done_look(struct direct *direct);		/* whether anything went on */
void done_ban(struct direct *direct, struct direct_queue *queue, uint32_t word, int error);
void done_fail(struct direct *direct, struct direct_queue *queue, int error);
void done_skip(struct direct *direct, struct direct_queue *queue, int error);
void done_lose(struct direct *direct, int error);
void done_restart_look(struct direct *direct, struct direct_queue *queue);

/* recover.c: with lock. */
void recover(struct direct *direct);
void recover_check(struct direct *direct);	/* ask the card whether its core lives */
void recover_limits(struct direct *direct);

/* queue.c */
int queue_send_create(struct direct *direct, struct direct_queue *queue);

/* event.c: with lock, which is let go meanwhile. 0; -ETIME; errno of a card that is gone. */
int event_wait(struct direct *direct, bool (*is_over)(struct direct *direct, const void *what),
	       const void *what, int64_t deadline_ns);
void event_wake(struct direct *direct);
void event_glance(struct direct *direct);	/* what a leader does, for who only polls */

/* timeline.c: with lock. */
int timeline_alloc(struct direct *direct, uint32_t *timeline);
void timeline_free(struct direct *direct, uint32_t timeline);
void timeline_store(struct direct *direct, uint64_t va, uint64_t value);
void timeline_deferred(struct direct *direct, bool is_all);

int direct_query(struct accel_device *device, uint32_t id, void *answer, uint32_t *bytes);
int direct_memory_create(struct accel_memory *memory);
void direct_memory_destroy(struct accel_memory *memory);
int direct_memory_map(struct accel_memory *memory, void **pointer);
int direct_memory_wait(struct accel_memory *memory, int64_t deadline_ns);
int direct_queue_create(struct accel_queue *queue, const struct accel_queue_desc *desc);
void direct_queue_destroy(struct accel_queue *queue);
int direct_queue_info(struct accel_queue *queue, struct drm_maru_queue_info *info);
int direct_queue_submit(struct accel_queue *queue, const struct accel_jobs *jobs);
int direct_job_status(struct accel_queue *queue, struct accel_pending *pending);
void direct_job_free(struct accel_queue *queue, struct accel_pending *pending);
int direct_timeline_create(struct accel_timeline *timeline);
void direct_timeline_destroy(struct accel_timeline *timeline);
int direct_timeline_value(struct accel_timeline *timeline, uint64_t *value);
int direct_timeline_wait(struct accel_timeline *timeline, uint64_t value, int64_t deadline_ns);
int direct_timeline_signal(struct accel_timeline *timeline, uint64_t value);

#endif
