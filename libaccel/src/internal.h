/* SPDX-License-Identifier: MIT */
/*
 * The objects behind the handles, and what a way to a card must do for them. Locks, outermost
 * first: device->queues_lock, queue->submit_lock, queue->lock, device->lock. The last two are never
 * held while the card is waited for.
 */
#ifndef ACCEL_INTERNAL_H
#define ACCEL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include <accel/accel.h>

#include "caps.h"
#include "error.h"
#include "va.h"

#include <drm/maru_accel.h>

#define ACCEL_PAGE_BYTES	4096ull
#define ACCEL_JOBS_MAX		64	/* of a submission, whatever the device takes */
#define ACCEL_SYNCS_MAX		64	/* waits, and signals, of a submission */

struct accel_backend_ops;

struct accel_device {
	const struct accel_backend_ops *ops;
	void *backend;			/* of the way */
	struct accel_caps caps;
	char path[104];

	pthread_mutex_t queues_lock;	/* queues */
	LIST_HEAD(, accel_queue) queues;

	pthread_mutex_t lock;		/* va and the lists below */
	struct accel_va va;
	LIST_HEAD(, accel_memory) memories;
	LIST_HEAD(, accel_cmd) cmds;
	LIST_HEAD(, accel_timeline) timelines;
};

struct accel_memory {
	struct accel_device *device;
	LIST_ENTRY(accel_memory) entry;
	atomic_uint refs;		/* the handle, and each operand that names it */
	enum accel_tier tier;
	bool is_low;			/* in the arena of command buffers */
	uint32_t handle;		/* of the way */
	uint64_t bytes;
	uint64_t address;
	_Atomic(void *) pointer;	/* once mapped */
};

struct accel_timeline {
	struct accel_device *device;
	LIST_ENTRY(accel_timeline) entry;
	struct accel_queue *queue;	/* whose own it is, or NULL */
	uint32_t handle;		/* of the way */
	_Atomic uint64_t done;		/* reached at the last look: only rises */
};

/* A submission that is not known to be over. */
struct accel_pending {
	STAILQ_ENTRY(accel_pending) entry;
	uint64_t first;			/* values, which are the job ids: first … last */
	uint64_t last;
	uint32_t status;		/* of the way: tells how it ended; kept for reuse */
	uint32_t capacity;
	uint32_t count;
	struct accel_cmd *cmds[];	/* references */
};

STAILQ_HEAD(accel_pending_list, accel_pending);

struct accel_failure {
	uint64_t first, last;		/* as of accel_pending */
	int error;
};

#define ACCEL_TEXT_BYTES	320

struct accel_queue {
	struct accel_device *device;
	LIST_ENTRY(accel_queue) entry;
	enum accel_class cls;
	uint32_t id;			/* of the way */
	struct accel_timeline timeline;

	pthread_mutex_t submit_lock;	/* held over a submission: values rise */
	pthread_mutex_t lock;		/* all below */
	uint64_t value;			/* last one given out */
	struct accel_pending_list pending, spare;	/* the last pending may be above value */
	struct accel_failure *failures;
	uint32_t failure_count, failure_room;
	uint32_t pending_count;
	uint32_t innocent_resets;	/* at the last look */
	int error;			/* that stopped it */
	int refusal;			/* of what is submitted since then */
	char error_text[ACCEL_TEXT_BYTES];
};

/* What a way does with one job, and with all of a submission. */
struct accel_job {
	uint64_t address;
	uint32_t bytes;
	bool is_idempotent;
	uint64_t id;
};

struct accel_jobs {
	const struct accel_job *jobs;
	uint32_t count;
	const struct accel_fence *waits;
	uint32_t wait_count;
	const struct accel_fence *signals;
	uint32_t signal_count;
	struct accel_pending *pending;	/* to be found again by job_status */
};

/*
 * A way to a card. Every function returns 0 or -errno, sets no error text, and may be called from
 * any thread; queue_submit under queue->submit_lock. Structs of maru_accel.h are the common
 * language.
 */
struct accel_backend_ops {
	const char *way;
	bool explains_open;		/* open sets the error text itself */
	int (*open)(struct accel_device *device, const char *place);
	void (*close)(struct accel_device *device);
	/* As DRM_IOCTL_MARU_QUERY: *bytes in: room, out: size of the answer. */
	int (*query)(struct accel_device *device, uint32_t id, void *answer, uint32_t *bytes);

	/* Tier, bytes and address are chosen; memory is zeroed, and bound on return. */
	int (*memory_create)(struct accel_memory *memory);
	void (*memory_destroy)(struct accel_memory *memory);
	int (*memory_map)(struct accel_memory *memory, void **pointer);
	int (*memory_wait)(struct accel_memory *memory, int64_t deadline_ns);

	int (*queue_create)(struct accel_queue *queue, const struct accel_queue_desc *desc);
	void (*queue_destroy)(struct accel_queue *queue);
	int (*queue_info)(struct accel_queue *queue, struct drm_maru_queue_info *info);
	int (*queue_submit)(struct accel_queue *queue, const struct accel_jobs *jobs);
	/* Of a finished submission: 0 or the errno that its last job carries. */
	int (*job_status)(struct accel_queue *queue, struct accel_pending *pending);
	void (*job_free)(struct accel_queue *queue, struct accel_pending *pending);

	int (*timeline_create)(struct accel_timeline *timeline);
	void (*timeline_destroy)(struct accel_timeline *timeline);
	int (*timeline_value)(struct accel_timeline *timeline, uint64_t *value);
	int (*timeline_wait)(struct accel_timeline *timeline, uint64_t value, int64_t deadline_ns);
	int (*timeline_signal)(struct accel_timeline *timeline, uint64_t value);
	/* May be NULL: -EOPNOTSUPP. */
	int (*timeline_export)(struct accel_timeline *timeline, int *fd);
	int (*timeline_import)(struct accel_timeline *timeline, int fd);
	int (*sync_file_export)(struct accel_timeline *timeline, uint64_t value, int *fd);
	int (*sync_file_import)(struct accel_timeline *timeline, int fd);
};

extern const struct accel_backend_ops accel_kernel_ops;
extern const struct accel_backend_ops accel_direct_ops;

/* device.c: @ops instead of a spec; what accel_device_open() ends in. */
int accel_device_open_way(const struct accel_backend_ops *ops, const char *place,
			  struct accel_device **device);

/* memory.c */
int accel_memory_create_at(struct accel_device *device, enum accel_tier tier, uint64_t bytes,
			   bool is_low, struct accel_memory **memory);
void accel_memory_get(struct accel_memory *memory);	/* NULL: nothing */
void accel_memory_put(struct accel_memory *memory);
void accel_memory_free(struct accel_memory *memory);	/* whatever its references */

/* tensor.c: why a tensor is refused. 0, -EINVAL or -ERANGE with *why set. */
int accel_tensor_refusal(const struct accel_tensor *tensor, const char **why);

/* cmd.c */
struct maru_packet;
int accel_cmd_seal(struct accel_cmd *cmd);		/* packets to the card */
void accel_cmd_free(struct accel_cmd *cmd);		/* whatever its references */
void accel_cmd_get_pending(struct accel_cmd *cmd);
void accel_cmd_put_pending(struct accel_cmd *cmd);
void accel_cmd_job(struct accel_cmd *cmd, struct accel_job *job);
struct accel_device *accel_cmd_device(const struct accel_cmd *cmd);
uint32_t accel_cmd_classes(const struct accel_cmd *cmd);
bool accel_cmd_is_check(const struct accel_cmd *cmd);
/* Packet that starts at @offset, or NULL; *number is how many come before it. */
const struct maru_packet *accel_cmd_packet_at(const struct accel_cmd *cmd, uint32_t offset,
					      uint32_t *number);

/* queue.c: look what is over, note how it ended, drop its references. */
void accel_queue_retire(struct accel_queue *queue);
int accel_queue_failure(struct accel_queue *queue, uint64_t value);

/* fence.c */
int accel_timeline_look(struct accel_timeline *timeline, uint64_t *value);

#endif
