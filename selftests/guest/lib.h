/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest tests share: the node, its objects, packets, and the card's control socket.
 *
 * Functions return 0 (or what they say) and -errno, so that a test can name the errno that it
 * expects. Nothing here asserts: the test that calls does.
 */
#ifndef MARU_GUEST_LIB_H
#define MARU_GUEST_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <drm/drm.h>
#include <drm/maru_accel.h>
#include <drm/maru_cmd.h>

#define MIB		(1ULL << 20)
#define PAGE		4096ULL
#define VA_COMMANDS	(64 * MIB)	/* where struct work maps its buffers */
#define VA_DATA		(128 * MIB)
#define WAIT_MS		60000		/* longer than anything that is not a hang takes */

#define ARRAY(p, n) \
	((struct drm_maru_array){ .stride = sizeof(*(p)), .count = (n), .ptr = (uintptr_t)(p) })

/* ---- node: lib.c ------------------------------------------------------------------------ */

/* The first accel node that maru.ko drives, or $MARU_NODE. Returns an fd. */
int node_open(void);
/* Waits until it is there, after a rescan or a bind. */
int node_open_wait(unsigned int ms);
/* ioctl(2) that starts again when a signal came in between. Returns 0 or -errno. */
int node_call(int fd, unsigned long request, void *arg);
int query(int fd, uint32_t id, void *answer, uint32_t size);
uint64_t now_ns(void);			/* CLOCK_MONOTONIC */

/* ---- objects: lib.c ---------------------------------------------------------------------- */

struct bo {
	uint32_t handle;
	uint32_t mbz;
	uint64_t size;
	uint64_t va;		/* set by vm_map */
	void *map;		/* set by bo_map */
};

int bo_create(int fd, struct bo *bo, uint64_t size, uint32_t tier, uint32_t vm);
int bo_map(int fd, struct bo *bo);
/* bo_create, bo_map, vm_map in one; the BO is private to the VM. */
int bo_create_at(int fd, struct bo *bo, uint64_t size, uint32_t tier, uint32_t vm, uint64_t va);
void bo_close(int fd, struct bo *bo);

int vm_create(int fd, uint32_t *id);
int vm_destroy(int fd, uint32_t id);
int vm_map(int fd, uint32_t vm, struct bo *bo, uint64_t va);
int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t bytes);

int queue_create(int fd, uint32_t vm, uint32_t cls, uint32_t time_limit_ms, uint32_t *id);
int queue_destroy(int fd, uint32_t id);
int queue_set(int fd, uint32_t id, uint32_t property, uint64_t value);
int queue_info(int fd, uint32_t id, struct drm_maru_queue_info *info);

/* ---- syncobjs: lib.c --------------------------------------------------------------------- */

int syncobj_create(int fd, bool signalled, uint32_t *handle);
void syncobj_destroy(int fd, uint32_t handle);
int syncobj_signal(int fd, uint32_t handle, uint64_t point);
/* Waits for a point (0: binary), also for a fence to appear. -ETIME when it does not come. */
int syncobj_wait(int fd, uint32_t handle, uint64_t point, unsigned int ms);
/* The error of its fence, which has to be there: 0, -errno, or -EBUSY while it is unsignalled. */
int syncobj_error(int fd, uint32_t handle, uint64_t point);
/* syncobj_wait, then syncobj_error. */
int syncobj_result(int fd, uint32_t handle, uint64_t point);

/* Of a sync file: waits; its error as above. */
int sync_file_wait(int file, unsigned int ms);
int sync_file_error(int file);

static inline struct drm_maru_sync sync_wait_on(uint32_t handle, uint64_t point)
{
	return (struct drm_maru_sync){
		.type = point ? DRM_MARU_SYNC_TIMELINE : DRM_MARU_SYNC_SYNCOBJ,
		.handle = handle, .value = point,
	};
}

static inline struct drm_maru_sync sync_signal_to(uint32_t handle, uint64_t point)
{
	struct drm_maru_sync sync = sync_wait_on(handle, point);

	sync.flags = DRM_MARU_SYNC_SIGNAL;
	return sync;
}

/* ---- submit: lib.c ----------------------------------------------------------------------- */

int submit(int fd, struct drm_maru_job *jobs, uint32_t count, uint32_t *refused);
/* One job that signals a syncobj (0: none) at a point (0: binary). */
int submit_one(int fd, uint32_t queue, uint64_t va, uint32_t bytes, uint64_t id, uint32_t out,
	       uint64_t point);
/* The same, waited for. Returns the error of its fence. */
int submit_run(int fd, uint32_t queue, uint64_t va, uint32_t bytes);

/* ---- a whole working set: lib.c ----------------------------------------------------------- */

/* A node with VM, queue, and buffers of commands and data that are bound and mapped. */
struct work {
	int fd;
	uint32_t vm;
	uint32_t queue;
	uint32_t sync;
	struct bo commands;	/* 256 KiB, in system memory, at VA_COMMANDS */
	struct bo data;		/* at VA_DATA */
};

int work_open(struct work *w, uint32_t cls, uint32_t time_limit_ms, uint64_t data_bytes,
	      uint32_t tier);
void work_close(struct work *w);

/* ---- packets: lib_packet.c: written at @at, return their bytes ------------------------------ */

uint32_t packet_nop(void *at);
uint32_t packet_timestamp(void *at, uint64_t dst);
/* count elements of a plain type, contiguous */
uint32_t packet_fill(void *at, uint64_t dst, uint32_t type, uint32_t count, uint64_t pattern);
uint32_t packet_copy(void *at, uint64_t dst, uint64_t src, uint32_t type, uint32_t count);
/* FILLs over the same bytes, so many that the card needs about that long: returns bytes. */
uint32_t packet_busy(void *at, uint32_t packets, uint64_t dst, uint32_t bytes);

/* ---- the card's control socket and debugfs: lib_card.c -------------------------------------- */

/*
 * Sends one JSON line, made like printf with ' for ", and waits for the answer. Returns 0 when
 * the card says ok, -EIO when it refuses, -errno when there is no control port.
 */
int card_control(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A number of the last answer, by path "points/job.tile/hits"; ~0 when it is not there. */
uint64_t card_answer(const char *path);

/*
 * Arm a fault point of firmware-emu/ipc.h with kill, abort, hang, hold or fail; skip: hits to
 * let pass first. Release disarms it and lets go who is held there.
 */
int card_arm(const char *point, const char *action, unsigned int skip);
int card_release(const char *point);
/* How often the action was taken; times passed, armed or not; threads held now. */
uint64_t card_fired(const char *point);
uint64_t card_hits(const char *point);
uint64_t card_holding(const char *point);
/* Waits until a thread of the card is held there. */
int card_wait_holding(const char *point, unsigned int ms);

/* A line "name value" of debugfs accel/<BDF>/objects; ~0 when it is not there. */
uint64_t objects(const char *name);
/* Waits until it has that value: freeing goes through workqueues. */
int objects_wait(const char *name, uint64_t value, unsigned int ms);
/* All of its lines; -ENOENT when there are none. */
struct objects {
	char text[512];
};
int objects_read(struct objects *all);
/* Waits until every counter is as it was; what differs goes to stderr. */
int objects_wait_same(const struct objects *as, unsigned int ms);
int boot_id(int fd, uint32_t *id);
/* Waits for a core that is not the @old one. */
int boot_wait(int fd, uint32_t old, unsigned int ms);

#endif
