// SPDX-License-Identifier: MIT
/*
 * A slice counts the processor time of all threads in the queue: what the host takes from a
 * thread is not its tenant's. While nobody else waits it counts nothing, and costs nothing.
 */
#include "firmware-emu/fw/slice.h"

#define CHARGE_NS	50000000	/* a long turn is charged in parts */
#define DEBT_SLICES	64		/* that a queue pays back at most */
#define SLICE_SHARE	100		/* weight of a slice as it is */

static __thread uint64_t turn_since_ns;
static __thread uint64_t turn_cpu_ns;	/* processor time then, 0: nobody waited yet */

static uint64_t cpu_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t slice_ns(const struct queue *queue)
{
	return queue->slice_ns * queue->weight / SLICE_SHARE;
}

void slice_start(bool is_counted)
{
	turn_since_ns = fw_now_ns();
	turn_cpu_ns = is_counted ? cpu_now_ns() : 0;
}

void slice_charge(struct queue *queue)
{
	bool is_counted = turn_cpu_ns;

	fw_count(&fw.shared->telemetry.busy_ns[queue->cls], fw_now_ns() - turn_since_ns);
	if (is_counted)
		queue->used_ns += cpu_now_ns() - turn_cpu_ns;
	slice_start(is_counted);
}

bool slice_is_used(struct queue *queue)
{
	if (!turn_cpu_ns)
		turn_cpu_ns = cpu_now_ns();
	return queue->used_ns + (cpu_now_ns() - turn_cpu_ns) >= slice_ns(queue);
}

bool slice_is_long(void)
{
	return fw_now_ns() - turn_since_ns >= CHARGE_NS;
}

bool slice_is_over(struct queue *queue)
{
	uint64_t slice = slice_ns(queue);

	if (queue->used_ns < slice)
		return false;
	/* A turn may be longer than the slice, as a tile may: the rest is owed. */
	queue->used_ns -= slice;
	if (queue->used_ns > DEBT_SLICES * slice)
		queue->used_ns = DEBT_SLICES * slice;
	return true;
}

void time_start(struct queue *queue)
{
	if (!queue->since_ns)
		queue->since_ns = fw_now_ns();
}

void time_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->block_lock);
	queue->active_ns += fw_now_ns() - queue->since_ns;
	queue->since_ns = 0;
	pthread_mutex_unlock(&queue->block_lock);
}
