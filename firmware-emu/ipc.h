/* SPDX-License-Identifier: MIT */
/*
 * Between slot and core: every message, the shared page, and the table of fault points.
 * The only header of ours that both include.
 *
 * The slot starts the core as `maru-card --core FD`; FD is one end of a SOCK_SEQPACKET pair.
 * Messages are fixed-size structs, file descriptors ride along in SCM_RIGHTS. The slot never
 * waits for the core but for the acknowledgement of IPC_UNMAP and IPC_IRQS (≤ 1 s, then the
 * core is killed). The core trusts the slot, and nothing that a guest wrote.
 */
#ifndef MARU_IPC_H
#define MARU_IPC_H

#include <stdint.h>

#include "driver/maru_hw.h"

#define IPC_VERSION		1
#define IPC_MAX_FDS		17
#define IPC_ACK_MS		1000
#define IPC_BOOT_MS		10000

enum ipc_type {
	/* slot → core */
	IPC_HELLO = 1,		/* struct ipc_hello, fds: shared page, memory, kick eventfd */
	IPC_MAP,		/* struct ipc_window, fds: backing file */
	IPC_UNMAP,		/* struct ipc_window; acknowledged when no access is under way */
	IPC_IRQS,		/* struct ipc_irqs, fds: count or 0; acknowledged, then old ones close */
	IPC_ENABLE,		/* CTRL.ENABLE was set: bases are in the register page */
	IPC_DISABLE,		/* CTRL.ENABLE was cleared: stop reading rings */
	IPC_QUIT,		/* finish what runs, exit 0 */

	/* core → slot */
	IPC_READY = 64,		/* CAPS are in the page: STATUS becomes READY */
	IPC_ACK,		/* seq of an IPC_UNMAP or IPC_IRQS */
	IPC_FAILED,		/* struct ipc_failed: the boot can not go on */
};

struct ipc_head {
	uint32_t type;		/* enum ipc_type */
	uint32_t seq;
};

struct ipc_hello {
	struct ipc_head head;
	uint32_t version;	/* IPC_VERSION */
	uint32_t boot_id;
	uint64_t hbm_bytes;	/* at 0 of the memory fd */
	uint64_t cxl_bytes;	/* at hbm_bytes of the memory fd */
	uint32_t threads;	/* engine threads, 0: one per core */
	uint32_t log_level;
	uint32_t profile;	/* highest ISA level to use, ~0: the best there is */
	uint32_t mbz;
	uint8_t uuid[16];
};

struct ipc_window {
	struct ipc_head head;
	uint64_t iova;
	uint64_t bytes;
	uint64_t fd_offset;
	uint32_t writable;
	uint32_t mbz;
};

struct ipc_irqs {
	struct ipc_head head;
	uint32_t start;
	uint32_t count;		/* fds that come along, or vectors to disarm when armed is 0 */
	uint32_t armed;
	uint32_t mbz;
};

struct ipc_failed {
	struct ipc_head head;
	uint32_t error;		/* shown in STATUS 31:16 */
	char text[100];
};

struct ipc_message {		/* what either side receives into */
	union {
		struct ipc_head head;
		struct ipc_hello hello;
		struct ipc_window window;
		struct ipc_irqs irqs;
		struct ipc_failed failed;
	};
};

/*
 * Fault points: places in the core where the control socket can make something happen.
 * A point is armed by the slot (action, skip, release) and counted by the core (hits).
 */
#define IPC_POINTS(X) \
	X(BOOT_START, "boot.start")		/* first thing in core_main */ \
	X(BOOT_CAPS, "boot.caps")		/* before CAPS are written */ \
	X(BOOT_READY, "boot.ready")		/* before IPC_READY */ \
	X(BOOT_ENABLE, "boot.enable")		/* at IPC_ENABLE, before a ring is read */ \
	X(DMA_UNMAP, "dma.unmap")		/* before the acknowledgement */ \
	X(ADMIN_FETCH, "admin.fetch")		/* a command was copied */ \
	X(ADMIN_COMPLETE, "admin.complete")	/* before the completion is stored */ \
	X(ADMIN_ANSWER, "admin.answer")		/* FAIL: one that answers nothing goes before */ \
	X(ADMIN_INVALIDATE, "admin.invalidate")	/* before an INVALIDATE completes */ \
	X(EVENT_POST, "event.post")		/* before an event is stored */ \
	X(EVENT_STORE, "event.store")		/* FAIL: another queue's, no type, noise, in turns */ \
	X(EVENT_IRQ, "event.irq")		/* before vector 0 is raised; FAIL loses it */ \
	X(JOB_FETCH, "job.fetch")		/* a descriptor was copied */ \
	X(JOB_DECODE, "job.decode")		/* a packet was copied */ \
	X(JOB_TILE, "job.tile")			/* before a tile runs */ \
	X(JOB_DONE, "job.done")			/* all packets ran, done is not stored yet */ \
	X(JOB_SIGNALLED, "job.signalled")	/* done is stored, no event yet */ \
	X(QUEUE_DONE, "queue.done")		/* FAIL: more is done than was submitted */ \
	X(QUEUE_RESET, "queue.reset")		/* a QUEUE_RESET was fetched */ \
	X(MMU_WALK, "mmu.walk")			/* FAIL: the walk ends unmapped */ \
	X(IRQ_RAISE, "irq.raise")		/* FAIL: the vector storms for half a second */

enum ipc_point {
#define IPC_POINT_ENUM(name, text) IPC_POINT_##name,
	IPC_POINTS(IPC_POINT_ENUM)
#undef IPC_POINT_ENUM
	IPC_POINT_COUNT
};

enum ipc_action {
	IPC_ACTION_NONE = 0,
	IPC_ACTION_KILL,	/* raise(SIGKILL) */
	IPC_ACTION_ABORT,	/* abort() */
	IPC_ACTION_HANG,	/* this thread never comes back, whatever is asked */
	IPC_ACTION_HOLD,	/* waits until release changes; cancel and unmap still work */
	IPC_ACTION_FAIL,	/* the step fails in its own way */
};

struct ipc_arm {
	/* slot */
	uint32_t action;	/* enum ipc_action; stored last */
	uint32_t skip;		/* hits to let pass first */
	uint32_t release;	/* changed: a HOLD ends */
	uint32_t armed;		/* changed: start counting skip anew */
	/* core */
	uint64_t hits;		/* times passed, armed or not */
	uint32_t holding;	/* threads waiting here now */
	uint32_t fired;		/* times the action was taken */
};

/*
 * Shared page: two sealed pages of registers and one of state, a memfd of IPC_SHARED_BYTES.
 * regs is the image of BAR 0 below MARU_MSIX_TABLE that register reads are answered from. The
 * slot writes all of it but CAPS, CAPS_LEN and DMA_ERR, which are the core's.
 */
struct ipc_shared {
	uint8_t regs[MARU_REG_CAPS + MARU_REG_CAPS_BYTES];
	struct ipc_arm points[IPC_POINT_COUNT];
	struct maru_telemetry telemetry;	/* core, refreshed ≥ 4 Hz while work is pending */
	uint32_t log_level;			/* slot */
	uint32_t queues;			/* core: objects alive */
	uint32_t vms;
	uint32_t running;			/* core: queues with work */
	uint32_t asleep;			/* core: 1 while need_wake is set in all groups */
	uint32_t windows;			/* core: DMA windows mapped */
};

#define IPC_SHARED_BYTES	0x4000

_Static_assert(sizeof(struct ipc_shared) <= IPC_SHARED_BYTES, "shared page");

#endif
