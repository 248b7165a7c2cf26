/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structs that several rooms of the driver share. Each room's own header has its functions;
 * a struct that one room alone uses stays in that room.
 *
 * Locks, in order (docs/locking.md): mdev->share_sem → mdev->place_sem → vm->lock → dma_resv,
 * by drm_exec only → queue->lock → admin->lock → fence lock. The signalling path (run_job,
 * events, time-out, reset) takes the last three only and allocates nothing. Fence locks never
 * nest.
 */
#ifndef MARU_TYPES_H
#define MARU_TYPES_H

#include <drm/drm_device.h>
#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_device.h>
#include <drm/ttm/ttm_placement.h>
#include <linux/completion.h>
#include <linux/dma-fence.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "maru_compat.h"
#include "maru_hw.h"

struct maru_admin;
struct maru_events;
struct maru_fence;
struct maru_fw;
struct maru_irqs;
struct maru_migrate;
struct maru_place;
struct maru_pt;
struct maru_queue;
struct maru_queue_stop;
struct maru_reset;
struct maru_table_pool;
struct maru_tier_manager;
struct maru_vm;

/** struct maru_caps - The card's capabilities, parsed and checked at boot. */
struct maru_caps {
	struct maru_cap_tier tiers[2];		/* HBM, CXL; bytes 0: absent */
	struct maru_cap_engines engines;
	struct maru_cap_limits limits;
	struct maru_cap_numerics numerics;
	struct maru_cap_firmware firmware;
	struct maru_cap_clock clock;
	u8 uuid[16];
};

/** struct maru_counters - Live objects, for debugfs and for tests that look for leaks. */
struct maru_counters {
	atomic_t files;
	atomic_t bos;
	atomic_t vms;
	atomic_t queues;
	atomic_t jobs;
	atomic_t fences;
	atomic64_t bo_bytes;
	atomic64_t system_bytes;		/* of pages, without those of imports */
	atomic64_t pinned_bytes;
};

/** struct maru_device - One card. */
struct maru_device {
	struct drm_device drm;
	struct pci_dev *pdev;

	/** @regs: BAR 0. @wake: BAR 4. Through maru_mmio.h only. */
	void __iomem *regs;
	void __iomem *wake;
	/** @memory_base: BAR 2, CPU physical. */
	resource_size_t memory_base;
	resource_size_t memory_bytes;

	u32 boot_id;
	struct maru_caps caps;
	/** @group: doorbell group 0, coherent system memory. */
	struct maru_group_page *group;
	dma_addr_t group_dma;

	struct maru_admin *admin;
	struct maru_events *events;
	struct maru_fw *fw;
	struct maru_irqs *irqs;
	struct maru_reset *reset;
	/** @wedged: 1 after the driver gave up; set once by maru_reset.c. */
	int wedged;

	/** @ttm: device of all BOs. @tiers: managers of HBM and CXL, by MARU_TIER_*. */
	struct ttm_device ttm;
	struct maru_tier_manager *tiers[2];
	/** @hbm: write-combined mapping of the HBM tier for page tables. */
	void __iomem *hbm;
	struct maru_migrate *migrate;
	/**
	 * @place_sem: read by who locks BOs to find them a place; written by who found none, so
	 * that nobody else holds what could make way. @place_alone: of that one, or NULL.
	 */
	struct rw_semaphore place_sem;
	struct maru_place *place_alone;
	/** @share_sem: read by who imports or exports; written by remove, which ends imports. */
	struct rw_semaphore share_sem;
	/** @bos: all BOs, by maru_bo.link. */
	struct list_head bos;
	/** @bos_lock: protects the list; innermost. */
	spinlock_t bos_lock;
	/**
	 * @map_sem: written by remove, which unmaps what is still mapped for the card and sets
	 * @map_closed; read by who maps or unmaps pages. Nothing is allocated or waited for
	 * under it.
	 */
	struct rw_semaphore map_sem;
	bool map_closed;
	/** @tts: pages mapped for the card, by maru_tt.link. */
	struct list_head tts;
	/** @tts_lock: protects the list; innermost. */
	spinlock_t tts_lock;
	/**
	 * @memory_sem: written by the reset while BAR 2 does not decode, read by the kernel's
	 * own stores to HBM; nothing is allocated or waited for under it. @memory_epoch: odd
	 * in that time. @memory_wait: for its end: page faults wait there.
	 */
	struct rw_semaphore memory_sem;
	unsigned int memory_epoch;
	wait_queue_head_t memory_wait;
	/** @reap: gives back what finished bind jobs held, from @reaped. */
	struct work_struct reap;
	struct llist_head reaped;

	/** @vms: card-wide ids 1 … limits.vms → struct maru_vm. */
	struct xarray vms;
	/** @queues: card-wide ids → struct maru_queue. Lookups under RCU or xa_lock. */
	struct xarray queues;
	/** @slots: of group 0 in use; 0 is the admin queue's. Protected by xa_lock(&queues). */
	DECLARE_BITMAP(slots, MARU_GROUP_SLOTS);
	/** @push_lock: read: from the last look at queue->killed to the push; write: kill. */
	struct rw_semaphore push_lock;
	/** @dead_queues: without references, given back by @bury. */
	struct llist_head dead_queues;
	struct work_struct bury;

	/** @submit_wq: of all schedulers. @timeout_wq: ordered: all recovery runs here. */
	struct workqueue_struct *submit_wq;
	struct workqueue_struct *timeout_wq;

	struct maru_counters counters;
};

#define to_maru_device(ptr) container_of(ptr, struct maru_device, drm)

/** struct maru_file - One open of the node. */
struct maru_file {
	struct maru_device *mdev;
	struct drm_file *drm_file;
	/** @vms: ids of this file → struct maru_vm. @queues: ids → struct maru_queue. */
	struct xarray vms;
	struct xarray queues;
	atomic64_t pinned_bytes;
	/** @binds_begun, @binds_ended: bind jobs that began, and ended, to give back tables. */
	atomic_long_t binds_begun;
	atomic_long_t binds_ended;
	/** @active_ns: per class, of queues that are destroyed already; for fdinfo. */
	atomic64_t active_ns[MARU_CLASS_COUNT];
};

/** struct maru_bo - A buffer object. */
struct maru_bo {
	struct ttm_buffer_object ttm;		/* .base is the GEM object */
	/** @vm: the VM it is private to, referenced; NULL: any. */
	struct maru_vm *vm;
	u32 tiers;
	u32 preferred;
	u32 flags;
	/** @placement, @places: what @tiers and @preferred mean to TTM. */
	struct ttm_placement placement;
	struct ttm_place places[4];
	unsigned int pins;
	/** @mdev: for counters. */
	struct maru_device *mdev;
	/** @forgotten: dma-buf that it was imported from, and detached from at remove. */
	struct dma_buf *forgotten;
	/** @link: in @mdev->bos, protected by its lock. */
	struct list_head link;
};

#define to_maru_bo(obj) container_of(obj, struct maru_bo, ttm.base)
#define ttm_to_maru_bo(tbo) container_of(tbo, struct maru_bo, ttm)

/** struct maru_vm - An address space. */
struct maru_vm {
	struct drm_gpuvm gpuvm;			/* refcounted by drm_gpuvm_get/put */
	struct maru_device *mdev;
	/** @file: whose it is. Not to be looked into once its bind jobs are over. */
	struct maru_file *file;
	/**
	 * @lock: serialises binds and the end of the VM; outside of dma_resv. The tree and the
	 * lists of mappings change under it and the VM's dma_resv, so either is enough to look.
	 */
	struct mutex lock;
	/** @id: on the card. */
	u32 id;
	/** @root: entry of the root table in HBM, as VM_CREATE carries it. */
	u64 root;
	/** @pt: tables; only bind jobs touch them, which run one at a time. */
	struct maru_pt *pt;
	/** @pool: pages for tables. */
	struct maru_table_pool *pool;
	/** @entity, @sched: of bind jobs. */
	struct drm_gpu_scheduler sched;
	struct drm_sched_entity entity;
	/** @jobs: bind jobs that are not given back yet. @idle: woken when it gets 0. */
	atomic_t jobs;
	wait_queue_head_t idle;
	/** @rebind: mappings whose memory moved, protected by the VM's dma_resv. */
	struct list_head rebind;
	/** @queues: queues that run in this VM: VM_DESTROY is refused while > 0; < 0: closed. */
	atomic_t queues;
	u64 va_start;
	u64 va_bytes;
	/** @unusable: a bind failed half-way, or the card is gone. */
	bool unusable;
	/** @closed: no bind is taken any more; set under @lock and the VM's dma_resv. */
	bool closed;
	/** @closing: the card is told to forget it: a reset does not create it again. */
	bool closing;
};

#define to_maru_vm(ptr) container_of(ptr, struct maru_vm, gpuvm)

/** struct maru_job - A job of a kernel queue. */
struct maru_job {
	struct drm_sched_job base;
	/** @queue: referenced. */
	struct maru_queue *queue;
	/** @fence: what others wait for. Allocated before arming. */
	struct maru_fence *fence;
	/** @link: in queue->pending, from emitting to the end. */
	struct list_head link;
	u64 index;				/* ring index, valid once emitted */
	u64 va;
	u32 bytes;
	u32 flags;				/* DRM_MARU_JOB_* */
	u64 id;
	bool irq;				/* someone waits for it: raises the event */
	bool pushed;				/* the scheduler has it, or had */
	u32 time_limit_ms;
};

#define to_maru_job(ptr) container_of(ptr, struct maru_job, base)

/**
 * struct maru_queue_look - Progress of the head job, as last seen.
 * @head: its index.
 * @active_ns: of the queue then.
 * @since: jiffies then.
 * @tick: of the card.
 * @tick_since: jiffies when it moved last.
 */
struct maru_queue_look {
	u64 head;
	u64 active_ns;
	unsigned long since;
	u32 tick;
	unsigned long tick_since;
};

/** struct maru_queue - An execution queue of the kernel. */
struct maru_queue {
	struct kref ref;
	struct rcu_head rcu;
	struct llist_node dead;			/* in mdev->dead_queues, once nobody has it */
	struct maru_device *mdev;
	/** @vm: NULL: VM 0, the kernel's. Referenced. */
	struct maru_vm *vm;
	/** @file: NULL: the kernel's own queue. Not to be looked into once @killed. */
	struct maru_file *file;
	/** @id: on the card, in mdev->queues. @slot: in group 0. */
	u32 id;
	u32 slot;
	u32 cls;
	u32 priority;
	u32 weight;
	u32 time_slice_us;
	u32 time_limit_ms;

	struct drm_gpu_scheduler sched;
	struct drm_sched_entity entity;
	/** @sched_lock: stopping and starting @sched. @sched_ended: @entity is gone; under it. */
	struct mutex sched_lock;
	bool sched_ended;

	/**
	 * @ring, @descs, @block: coherent system memory, one allocation. The device's own, so
	 * gone with it: touched inside drm_dev_enter() only.
	 */
	struct maru_ring *ring;
	struct maru_desc *descs;
	struct maru_queue_block *block;
	dma_addr_t ring_dma;

	/** @lock: all below that is not atomic; taken in hard irq. */
	spinlock_t lock;
	/** @pending: jobs emitted and not ended, in index order. */
	struct list_head pending;
	u64 head;				/* first index not known to be done */
	u64 tail;				/* next index to emit */
	u64 fence_context;
	/** @submit_lock: of the kernel's own queue: from initialising a fence to the push. */
	struct mutex submit_lock;
	u64 fence_seqno;			/* under the VM's dma_resv, or @submit_lock */
	u32 state;				/* DRM_MARU_QUEUE_STATE_* */
	/** @error: snapshot of the block when it was banned. */
	struct maru_queue_block error;
	/** @lost_errno: what jobs end with once @state is LOST. */
	int lost_errno;
	/** @base: sums of counters over the cores that are gone. */
	struct maru_queue_block base;
	struct maru_queue_look look;
	u32 guilty_resets;
	u32 innocent_resets;
	atomic64_t submitted;
	atomic64_t finished;
	bool on_card;				/* to be made again after a card reset */
	bool creating;				/* the reset worker is making it on the card */
	bool killed;				/* destroyed: jobs end -ECANCELED */
	bool guilty;				/* its head job is why a reset was asked for */
	bool is_stuck;				/* only a card reset helps */
	/** @stop: a QUEUE_RESET under way, or NULL; see maru_limit.c. */
	struct maru_queue_stop *stop;
	bool stopping;
	unsigned long stop_deadline;
};

#endif
