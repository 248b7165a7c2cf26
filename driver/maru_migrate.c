// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies and clears of BO memory, on the kernel's own copy queue. What the card fails to do,
 * because it crashed, was reset or is not there yet, the CPU does: the fence of an operation
 * says that memory is what it has to be, whoever did it. Only a card that is gone for good
 * makes it carry an error; the memory is then gone with it.
 */
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/maru_cmd.h>
#include <drm/ttm/ttm_tt.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/slab.h>

#include "maru_fence.h"
#include "maru_migrate.h"
#include "maru_pt.h"
#include "maru_queue.h"

#define MIGRATE_SLOTS		16
#define MIGRATE_SLOT_BYTES	SZ_64K
#define MIGRATE_PACKET_BYTES	(3 * MARU_LINE_BYTES)
#define MIGRATE_SLOT_PACKETS	(MIGRATE_SLOT_BYTES / MIGRATE_PACKET_BYTES)
#define MIGRATE_PIECE_MAX	SZ_1G

/** struct migrate_slot - A command buffer. */
struct migrate_slot {
	struct maru_migrate *migrate;
	/** @op: whose commands it holds. */
	struct migrate_op *op;
	struct dma_fence_cb cb;
	unsigned int index;
};

/** struct maru_migrate - Of a device. */
struct maru_migrate {
	struct maru_device *mdev;
	/** @queue: NULL: the CPU does it all. */
	struct maru_queue *queue;
	/** @wq: finishes operations; may not wait for fences. */
	struct workqueue_struct *wq;
	void *memory;
	dma_addr_t memory_dma;
	struct migrate_slot slots[MIGRATE_SLOTS];
	DECLARE_BITMAP(busy, MIGRATE_SLOTS);
	wait_queue_head_t wait;
};

/** struct migrate_piece - Contiguous on both sides; addresses inside their tiers. */
struct migrate_piece {
	u64 dst;
	u64 src;
	u64 bytes;
	u64 offset;				/* in the BO */
};

/** struct migrate_op - A copy or clear under way. */
struct migrate_op {
	struct maru_migrate *migrate;
	struct maru_fence *fence;
	struct ttm_tt *tt;
	u32 dst_tier;
	u32 src_tier;
	bool clear;
	/** @failed: the CPU has to do it. Set before @pending is dropped. */
	bool failed;
	/** @pending: what must be over before it is finished. */
	atomic_t pending;
	struct dma_fence *dep;
	struct dma_fence_cb dep_cb;
	struct work_struct work;
	size_t count;
	struct migrate_piece pieces[] __counted_by(count);
};

/* The pages of a piece that lie in system memory. */
static void migrate_cpu_pages(struct migrate_op *op, const struct migrate_piece *piece,
			      void __iomem *hbm)
{
	pgoff_t page = piece->offset >> PAGE_SHIFT;
	u64 done;

	for (done = 0; done < piece->bytes; done += PAGE_SIZE, page++) {
		void *host = kmap_local_page(op->tt->pages[page]);

		if (op->dst_tier != MARU_TIER_HOST)
			memcpy_toio(hbm + piece->dst + done, host, PAGE_SIZE);
		else if (hbm)
			memcpy_fromio(host, hbm + piece->src + done, PAGE_SIZE);
		else
			memset(host, 0, PAGE_SIZE);
		kunmap_local(host);
	}
}

static void migrate_cpu_within(const struct migrate_piece *piece, void __iomem *hbm)
{
	u64 done;

	for (done = 0; done < piece->bytes; done += sizeof(u64))
		writeq(readq(hbm + piece->src + done), hbm + piece->dst + done);
}

static int migrate_cpu(struct migrate_op *op)
{
	struct maru_device *mdev = op->migrate->mdev;
	void __iomem *hbm = NULL;
	size_t i;
	int idx;

	if (drm_dev_enter(&mdev->drm, &idx))
		hbm = mdev->hbm;
	down_read(&mdev->memory_sem);
	for (i = 0; i < op->count; i++) {
		if (op->tt && (hbm || op->dst_tier == MARU_TIER_HOST))
			migrate_cpu_pages(op, &op->pieces[i], hbm);
		else if (hbm && op->clear)
			memset_io(hbm + op->pieces[i].dst, 0, op->pieces[i].bytes);
		else if (hbm)
			migrate_cpu_within(&op->pieces[i], hbm);
	}
	/* stores through the write-combined mapping before the fence */
	wmb();
	up_read(&mdev->memory_sem);
	if (!hbm)
		return -ENODEV;
	drm_dev_exit(idx);
	return 0;
}

static void migrate_work(struct work_struct *work)
{
	struct migrate_op *op = container_of(work, struct migrate_op, work);
	bool cookie = dma_fence_begin_signalling();

	maru_fence_signal(op->fence, op->failed ? migrate_cpu(op) : 0);
	dma_fence_end_signalling(cookie);
	dma_fence_put(&op->fence->base);
	dma_fence_put(op->dep);
	kvfree(op);
}

/*
 * Any context. The work ends the fence: this may be called by a fence that is being signalled,
 * whose lock is held, and fences' locks do not nest.
 */
static void migrate_op_put(struct migrate_op *op)
{
	if (atomic_dec_and_test(&op->pending))
		queue_work(op->migrate->wq, &op->work);
}

static void migrate_dep_cb(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	migrate_op_put(container_of(cb, struct migrate_op, dep_cb));
}

static void migrate_slot_put(struct migrate_slot *slot)
{
	clear_bit_unlock(slot->index, slot->migrate->busy);
	wake_up(&slot->migrate->wait);
}

static void migrate_slot_cb(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct migrate_slot *slot = container_of(cb, struct migrate_slot, cb);
	struct migrate_op *op = slot->op;

	if (fence->error)
		WRITE_ONCE(op->failed, true);
	migrate_slot_put(slot);
	migrate_op_put(op);
}

static struct migrate_slot *migrate_slot_try(struct maru_migrate *migrate)
{
	unsigned int i;

	for (i = 0; i < MIGRATE_SLOTS; i++)
		if (!test_and_set_bit_lock(i, migrate->busy))
			return &migrate->slots[i];
	return NULL;
}

static struct migrate_slot *migrate_slot_get(struct maru_migrate *migrate, bool nowait,
					     bool interruptible)
{
	struct migrate_slot *slot = migrate_slot_try(migrate);
	int ret;

	if (slot)
		return slot;
	if (nowait)
		return ERR_PTR(-EBUSY);
	if (!interruptible) {
		wait_event(migrate->wait, (slot = migrate_slot_try(migrate)));
		return slot;
	}
	ret = wait_event_interruptible(migrate->wait, (slot = migrate_slot_try(migrate)));
	return ret ? ERR_PTR(ret) : slot;
}

static void migrate_operand(struct maru_operand *operand, u32 tier, u64 address, u64 bytes)
{
	unsigned int i;

	memset(operand, 0, sizeof(*operand));
	operand->va = MARU_VM0_VA(tier, address);
	operand->type = MARU_TYPE_U64;
	operand->layout = MARU_LAYOUT_STRIDED;
	operand->dim[0] = bytes / sizeof(u64);
	operand->stride[0] = sizeof(u64);
	for (i = 1; i < ARRAY_SIZE(operand->dim); i++) {
		operand->dim[i] = 1;
		operand->stride[i] = bytes;
	}
}

static u32 migrate_packet(struct migrate_op *op, const struct migrate_piece *piece, void *at)
{
	struct maru_operand *operands = at + MARU_LINE_BYTES;
	struct maru_packet *packet = at;

	memset(packet, 0, sizeof(*packet));
	packet->op = op->clear ? MARU_OP_FILL : MARU_OP_COPY;
	packet->roles = op->clear ? 1 << MARU_ROLE_DST : 1 << MARU_ROLE_DST | 1 << MARU_ROLE_SRC;
	packet->bytes = MARU_LINE_BYTES * (op->clear ? 2 : 3);
	packet->unit = MARU_UNIT_TENSOR;
	migrate_operand(&operands[0], op->dst_tier, piece->dst, piece->bytes);
	if (!op->clear)
		migrate_operand(&operands[1], op->src_tier, piece->src, piece->bytes);
	return packet->bytes;
}

/* One job of up to a slot's packets, starting at piece @first. */
static int migrate_submit(struct migrate_op *op, struct migrate_slot *slot, size_t first,
			  size_t count)
{
	struct maru_migrate *migrate = op->migrate;
	size_t offset = slot->index * MIGRATE_SLOT_BYTES;
	void *commands = migrate->memory + offset;
	dma_addr_t dma = migrate->memory_dma + offset;
	struct dma_fence *fence;
	u32 bytes = 0;
	size_t i;
	int idx;

	/* maru_migrate_fini() comes after unplug */
	if (drm_dev_enter(&migrate->mdev->drm, &idx)) {
		for (i = first; i < first + count; i++)
			bytes += migrate_packet(op, &op->pieces[i], commands + bytes);
		fence = maru_queue_submit_kernel(migrate->queue,
						 MARU_VM0_VA(MARU_TIER_HOST, dma), bytes,
						 first ? NULL : op->dep);
		drm_dev_exit(idx);
	} else {
		fence = ERR_PTR(-ENODEV);
	}
	if (IS_ERR(fence)) {
		migrate_slot_put(slot);
		return PTR_ERR(fence);
	}
	slot->op = op;
	atomic_inc(&op->pending);
	if (dma_fence_add_callback(fence, &slot->cb, migrate_slot_cb))
		migrate_slot_cb(fence, &slot->cb);
	dma_fence_put(fence);
	return 0;
}

/*
 * Hand the pieces to the card. Once the first job is out there is no way back: what can not
 * be submitted then is left to the CPU.
 *
 * Return: 0; an errno when nothing was submitted and nothing will be done.
 */
static int migrate_start(struct migrate_op *op, bool nowait, bool interruptible)
{
	struct maru_migrate *migrate = op->migrate;
	size_t first = 0;

	while (migrate->queue && first < op->count) {
		size_t count = min_t(size_t, op->count - first, MIGRATE_SLOT_PACKETS);
		struct migrate_slot *slot;

		slot = migrate_slot_get(migrate, nowait && !first, interruptible && !first);
		if (IS_ERR(slot))
			return PTR_ERR(slot);
		if (migrate_submit(op, slot, first, count))
			break;
		first += count;
	}
	if (first == op->count)
		return 0;
	op->failed = true;
	atomic_inc(&op->pending);
	if (!op->dep || dma_fence_add_callback(op->dep, &op->dep_cb, migrate_dep_cb))
		migrate_op_put(op);
	return 0;
}

/* Cut both sides into pieces that are contiguous in each. */
static size_t migrate_cut(const struct maru_migrate_desc *desc, struct migrate_piece *pieces)
{
	u64 dst_done = 0, src_done = 0, offset = 0;
	size_t d = 0, s = 0, count = 0;

	while (d < desc->dst.count) {
		const struct maru_pt_run *dst = &desc->dst.runs[d];
		const struct maru_pt_run *src = desc->src.count ? &desc->src.runs[s] : NULL;
		u64 bytes = min_t(u64, dst->bytes - dst_done, MIGRATE_PIECE_MAX);

		if (src)
			bytes = min(bytes, src->bytes - src_done);
		if (pieces)
			pieces[count] = (struct migrate_piece){
				.dst = dst->address + dst_done,
				.src = src ? src->address + src_done : 0,
				.bytes = bytes,
				.offset = offset,
			};
		count++;
		offset += bytes;
		dst_done += bytes;
		if (dst_done == dst->bytes) {
			dst_done = 0;
			d++;
		}
		src_done += bytes;
		if (src && src_done == src->bytes) {
			src_done = 0;
			s++;
		}
	}
	return count;
}

static struct migrate_op *migrate_op_create(struct maru_migrate *migrate,
					    const struct maru_migrate_desc *desc)
{
	size_t count = migrate_cut(desc, NULL);
	struct migrate_op *op;

	op = kvzalloc(struct_size(op, pieces, count), GFP_KERNEL);
	if (!op)
		return NULL;
	op->fence = maru_fence_alloc();
	if (!op->fence) {
		kvfree(op);
		return NULL;
	}
	/* a context of its own: they may end in any order */
	maru_fence_init(op->fence, migrate->mdev, true, dma_fence_context_alloc(1), 1);
	op->count = count;
	migrate_cut(desc, op->pieces);
	op->migrate = migrate;
	op->tt = desc->src.count ? desc->tt : NULL;
	op->dst_tier = desc->dst.tier;
	op->src_tier = desc->src.tier;
	if (op->dst_tier != MARU_TIER_HOST && op->src_tier != MARU_TIER_HOST)
		op->tt = NULL;
	op->clear = !desc->src.count;
	op->dep = dma_fence_get(desc->dep);
	atomic_set(&op->pending, 1);
	INIT_WORK(&op->work, migrate_work);
	return op;
}

/**
 * maru_migrate_run() - Copy or clear memory of BOs.
 * @mdev: device.
 * @desc: what; not kept.
 *
 * Both sides stay where they are until the fence is signalled.
 *
 * Context: sleeps; outside the fence-signalling path. dma_resv may be held.
 * Return: fence; ERR_PTR: -ENOMEM, -EBUSY with @desc->nowait, -ERESTARTSYS; nothing is done then.
 */
struct dma_fence *maru_migrate_run(struct maru_device *mdev, const struct maru_migrate_desc *desc)
{
	struct migrate_op *op = migrate_op_create(mdev->migrate, desc);
	struct dma_fence *fence;
	int ret;

	if (!op)
		return ERR_PTR(-ENOMEM);
	fence = dma_fence_get(&op->fence->base);
	ret = migrate_start(op, desc->nowait, desc->interruptible);
	migrate_op_put(op);
	if (ret) {
		dma_fence_put(fence);
		return ERR_PTR(ret);
	}
	return fence;
}

static void migrate_release(struct drm_device *drm, void *priv)
{
	struct maru_migrate *migrate = priv;

	destroy_workqueue(migrate->wq);
}

/**
 * maru_migrate_prepare() - Start moving memory, by the CPU until maru_migrate_init().
 * @mdev: device.
 *
 * Return: 0 or -ENOMEM.
 */
int maru_migrate_prepare(struct maru_device *mdev)
{
	struct maru_migrate *migrate;
	unsigned int i;

	migrate = drmm_kzalloc(&mdev->drm, sizeof(*migrate), GFP_KERNEL);
	if (!migrate)
		return -ENOMEM;
	migrate->mdev = mdev;
	init_waitqueue_head(&migrate->wait);
	for (i = 0; i < MIGRATE_SLOTS; i++) {
		migrate->slots[i].migrate = migrate;
		migrate->slots[i].index = i;
	}
	migrate->wq = alloc_workqueue("maru-migrate", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!migrate->wq)
		return -ENOMEM;
	mdev->migrate = migrate;
	return drmm_add_action_or_reset(&mdev->drm, migrate_release, migrate);
}

/* Unbind: the card was unplugged and its jobs failed. What comes after finds it gone. */
static void migrate_fini(void *priv)
{
	struct maru_device *mdev = priv;
	struct maru_migrate *migrate = mdev->migrate;

	wait_event(migrate->wait, bitmap_empty(migrate->busy, MIGRATE_SLOTS));
	maru_queue_destroy_kernel(migrate->queue);
	migrate->queue = NULL;
	dma_free_coherent(mdev->drm.dev, MIGRATE_SLOTS * MIGRATE_SLOT_BYTES, migrate->memory,
			  migrate->memory_dma);
	migrate->memory = NULL;
}

/**
 * maru_migrate_init() - Start moving memory by the card.
 * @mdev: device with queues.
 *
 * Return: 0; an errno of the queue or -ENOMEM.
 */
int maru_migrate_init(struct maru_device *mdev)
{
	struct maru_migrate *migrate = mdev->migrate;
	struct maru_queue *queue;

	migrate->memory = dma_alloc_coherent(mdev->drm.dev, MIGRATE_SLOTS * MIGRATE_SLOT_BYTES,
					     &migrate->memory_dma, GFP_KERNEL);
	if (!migrate->memory)
		return -ENOMEM;
	queue = maru_queue_create_kernel(mdev, MARU_CLASS_COPY, MARU_PRIORITY_HIGH);
	if (IS_ERR(queue)) {
		dma_free_coherent(mdev->drm.dev, MIGRATE_SLOTS * MIGRATE_SLOT_BYTES,
				  migrate->memory, migrate->memory_dma);
		migrate->memory = NULL;
		return PTR_ERR(queue);
	}
	WRITE_ONCE(migrate->queue, queue);
	return devm_add_action_or_reset(mdev->drm.dev, migrate_fini, mdev);
}
