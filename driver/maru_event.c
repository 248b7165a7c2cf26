// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event ring: drained from the hard interrupt, NAPI-like. Events are hints; the truth
 * stands in the queue blocks, so that a lost, late or repeated one does no harm.
 */
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <linux/dma-mapping.h>

#include "maru_device.h"
#include "maru_event.h"
#include "maru_queue.h"
#include "maru_trace.h"

#define MARU_EVENT_COUNT	BIT(MARU_EVENT_LOG2)
/* Passes over the ring before the CPU is given back; the next event interrupts again. */
#define MARU_EVENT_PASSES	4

/**
 * struct maru_events - The event ring.
 * @ring: coherent system memory, NULL when the device is unbound.
 * @dma: of @ring.
 * @claims: drainers that came, and were not served yet. The first serves all.
 * @on: the ring belongs to a running core.
 * @consumer: next event; the drainer's.
 * @seq: number the next event must carry; the drainer's.
 * @overflow: last look at the card's count; the drainer's.
 */
struct maru_events {
	struct maru_event_ring *ring;
	dma_addr_t dma;
	atomic_t claims;
	bool on;
	u64 consumer;
	u32 seq;
	u32 overflow;
};

static void maru_event_handle_fault(struct maru_device *mdev, const struct maru_event *event)
{
	u32 kind = event->info >> 16;
	u32 vm = event->info & 0xffff;

	trace_maru_fault(mdev, event->queue, vm, kind, event->va);
	drm_dbg(&mdev->drm, "queue %u vm %u: MMU fault kind %u at 0x%llx\n", event->queue, vm,
		kind, event->va);
}

static void maru_event_dispatch(struct maru_device *mdev, const struct maru_event *event)
{
	switch (event->type) {
	case MARU_EVENT_FENCE:
	case MARU_EVENT_QUEUE_ERROR:
		maru_queue_process_id(mdev, event->queue);
		break;
	case MARU_EVENT_MMU_FAULT:
		maru_event_handle_fault(mdev, event);
		break;
	case MARU_EVENT_HANG:
		/* time limits decide; the card's own view is only worth a note */
		drm_dbg(&mdev->drm, "queue %u: the card sees no progress\n", event->queue);
		break;
	case MARU_EVENT_RAS:
	case MARU_EVENT_FIRMWARE:
	case MARU_EVENT_THERMAL:
	case MARU_EVENT_STORAGE:
		drm_dbg(&mdev->drm, "event %u queue %u info 0x%x value 0x%llx\n", event->type,
			event->queue, event->info, event->value);
		break;
	default:
		drm_err_ratelimited(&mdev->drm, "card: unknown event %u\n", event->type);
	}
}

static struct maru_event *maru_event_slot(struct maru_events *events)
{
	return &events->ring->event[events->consumer % MARU_EVENT_COUNT];
}

static bool maru_event_is_pending(struct maru_events *events)
{
	u32 phase = !((events->consumer >> MARU_EVENT_LOG2) & 1);

	return READ_ONCE(maru_event_slot(events)->phase) == phase;
}

static bool maru_event_fetch(struct maru_events *events, struct maru_event *event)
{
	if (!maru_event_is_pending(events))
		return false;
	/* phase before payload; the card stores phase last */
	rmb();
	memcpy(event, maru_event_slot(events), sizeof(*event));
	return true;
}

/* One pass, bounded by the ring's size so that a card can not keep a CPU. */
static bool maru_event_drain(struct maru_device *mdev)
{
	struct maru_events *events = mdev->events;
	struct maru_event event;
	unsigned int count = 0;
	bool scan = false;
	u32 overflow;

	while (count < MARU_EVENT_COUNT && maru_event_fetch(events, &event)) {
		events->consumer++;
		count++;
		if (event.seq != events->seq)
			scan = true;
		events->seq = event.seq + 1;
		maru_event_dispatch(mdev, &event);
	}
	WRITE_ONCE(events->ring->consumer, events->consumer);

	overflow = READ_ONCE(events->ring->overflow);
	if (overflow != events->overflow || scan) {
		events->overflow = overflow;
		maru_queue_scan_all(mdev);
	}
	return count;
}

/**
 * maru_event_process() - Drain the event ring.
 * @mdev: device.
 *
 * Context: any, hard interrupt included. Of several callers at once one drains for all.
 * Return: true when there was an event, or another caller drains.
 */
bool maru_event_process(struct maru_device *mdev)
{
	struct maru_events *events = mdev->events;
	bool found = false;
	int claims, idx;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return false;
	/* claim, then look at on: a full barrier; its partner is maru_event_stop() */
	if (atomic_fetch_inc(&events->claims)) {
		drm_dev_exit(idx);
		return true;
	}
	do {
		int passes = 0;

		claims = atomic_read(&events->claims);
		while (READ_ONCE(events->on) && passes++ < MARU_EVENT_PASSES) {
			found |= maru_event_drain(mdev);
			WRITE_ONCE(events->ring->irq_on, 1);
			/* store → load: irq_on, then the look; the card stores the event first */
			mb();
			if (!maru_event_is_pending(events))
				break;
		}
	} while (!atomic_sub_and_test(claims, &events->claims));
	drm_dev_exit(idx);
	return found;
}

/**
 * maru_event_start() - Empty the ring and take events of a new core.
 * @mdev: device.
 *
 * Context: process; before CTRL.ENABLE.
 */
void maru_event_start(struct maru_device *mdev)
{
	struct maru_events *events = mdev->events;

	memset(events->ring, 0, struct_size(events->ring, event, MARU_EVENT_COUNT));
	events->ring->irq_on = 1;
	events->consumer = 0;
	events->seq = 0;
	events->overflow = 0;
	/* the emptied ring before drainers look at it */
	smp_store_release(&events->on, true);
}

/**
 * maru_event_stop() - Take no more events.
 * @mdev: device.
 *
 * Context: process; vectors are disabled already.
 */
void maru_event_stop(struct maru_device *mdev)
{
	WRITE_ONCE(mdev->events->on, false);
	/* on before claims; its partner is the claim in maru_event_process() */
	smp_mb();
	/* who still drains is in a poll or a time-out, for a bounded time */
	while (atomic_read(&mdev->events->claims))
		cpu_relax();
}

/** maru_event_tick() - The card's heartbeat; moves while work is pending. */
u32 maru_event_tick(struct maru_device *mdev)
{
	u32 tick = 0;
	int idx;

	if (drm_dev_enter(&mdev->drm, &idx)) {
		tick = READ_ONCE(mdev->events->ring->tick);
		drm_dev_exit(idx);
	}
	return tick;
}

/** maru_event_entry() - The ring as the EVENT register carries it. */
u64 maru_event_entry(struct maru_device *mdev)
{
	return MARU_ENTRY(MARU_TIER_HOST, mdev->events->dma);
}

/**
 * maru_event_init() - Allocate the event ring.
 * @mdev: device.
 *
 * Return: 0 or -ENOMEM.
 */
int maru_event_init(struct maru_device *mdev)
{
	struct maru_events *events = drmm_kzalloc(&mdev->drm, sizeof(*events), GFP_KERNEL);

	if (!events)
		return -ENOMEM;
	events->ring = dmam_alloc_coherent(mdev->drm.dev,
					   struct_size(events->ring, event, MARU_EVENT_COUNT),
					   &events->dma, GFP_KERNEL);
	if (!events->ring)
		return -ENOMEM;
	mdev->events = events;
	return 0;
}
