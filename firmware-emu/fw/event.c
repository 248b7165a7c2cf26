// SPDX-License-Identifier: MIT
/*
 * The event ring. The card never waits for the driver: an event without room is counted and
 * dropped, and the words of the ring are believed no further than that.
 */
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "firmware-emu/fw/event.h"
#include "firmware-emu/fw/fw.h"
#include "firmware-emu/mem/point.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* protects all below */
static struct {
	bool is_on;
	uint64_t va;
	uint64_t entries;
	uint64_t producer;
	uint32_t overflow;
	uint32_t tick;
	uint32_t seq;
} ring;

#define RING_AT(field)		(ring.va + offsetof(struct maru_event_ring, field))

void event_start(uint64_t va, unsigned int ring_log2)
{
	pthread_mutex_lock(&lock);
	ring.is_on = true;
	ring.va = va;
	ring.entries = 1ULL << ring_log2;
	ring.producer = 0;
	ring.overflow = 0;
	ring.tick = 0;
	ring.seq = 0;
	pthread_mutex_unlock(&lock);
}

void event_stop(void)
{
	pthread_mutex_lock(&lock);
	ring.is_on = false;
	pthread_mutex_unlock(&lock);
}

static void event_drop(void)
{
	struct span_fault fault;

	ring.overflow++;
	ring.seq++;
	span_write(fw_kernel(), RING_AT(overflow), &ring.overflow, sizeof(ring.overflow), &fault);
}

/* A card that lies, in the turns that drivers differ in: which queue, which type, all of it. */
static void event_spoil(struct maru_event *event)
{
	static unsigned int turn;

	switch (turn++ % 3) {
	case 0:
		event->queue ^= 1;
		break;
	case 1:
		event->type = 0x7fff;
		break;
	default:
		memset(event, 0xa5, offsetof(struct maru_event, phase));
	}
}

static void event_store(struct maru_event *event, bool is_lost)
{
	uint64_t slot = ring.producer & (ring.entries - 1), consumer = 0;
	struct span_fault fault;

	if (is_lost ||
	    span_read(fw_kernel(), RING_AT(consumer), &consumer, sizeof(consumer), &fault) ||
	    ring.producer - consumer >= ring.entries) {
		event_drop();
		return;
	}
	event->seq = ring.seq++;
	event->phase = !(ring.producer / ring.entries & 1);
	if (point_hit(IPC_POINT_EVENT_STORE))
		event_spoil(event);
	/* In rising order; seq and phase are the last word. */
	span_write(fw_kernel(), RING_AT(event) + slot * sizeof(*event), event, sizeof(*event),
		   &fault);
	ring.producer++;
	span_write(fw_kernel(), RING_AT(producer), &ring.producer, sizeof(ring.producer), &fault);
}

/* The driver: irq_on = 1, mb(), looks at the ring. Here: event, mb(), looks at irq_on. */
static bool event_takes_irq(void)
{
	const uint32_t off = 0;
	struct span_fault fault;
	uint32_t irq_on = 0;

	fw_mb();
	if (span_read(fw_kernel(), RING_AT(irq_on), &irq_on, sizeof(irq_on), &fault) || !irq_on)
		return false;
	span_write(fw_kernel(), RING_AT(irq_on), &off, sizeof(off), &fault);
	return true;
}

void event_post(uint16_t type, uint16_t queue, uint32_t info, uint64_t value, uint64_t va)
{
	struct maru_event event = { .type = type, .queue = queue, .info = info, .value = value,
				    .va = va };
	bool is_lost = point_hit(IPC_POINT_EVENT_POST), is_raised = false;

	pthread_mutex_lock(&lock);
	if (ring.is_on) {
		event_store(&event, is_lost);
		is_raised = event_takes_irq();
	}
	pthread_mutex_unlock(&lock);
	if (is_raised && !point_hit(IPC_POINT_EVENT_IRQ))
		fw.ops->irq_raise(MARU_VECTOR_EVENT);
}

void event_tick(void)
{
	struct span_fault fault;

	pthread_mutex_lock(&lock);
	if (ring.is_on) {
		ring.tick++;
		span_write(fw_kernel(), RING_AT(tick), &ring.tick, sizeof(ring.tick), &fault);
	}
	pthread_mutex_unlock(&lock);
}
