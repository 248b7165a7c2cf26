// SPDX-License-Identifier: MIT
/*
 * Waiting. The library has no thread of its own: of those that wait, one, the leader, waits for
 * the card's vector and looks at all queues, on behalf of all; the others wait for it. Events
 * only wake it up; queue blocks hold the truth.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "direct.h"

#define SLICE_NS	20000000ll	/* at most between two looks at time limits */
#define GLANCE_NS	20000000ll
#define CHECK_NS	500000000ll	/* between two questions whether the core lives */

int64_t direct_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

void event_wake(struct direct *direct)
{
	const uint64_t one = 1;

	pthread_cond_broadcast(&direct->changed);
	if (direct->has_leader &&
	    write(direct->vector_fds[MARU_VECTOR_EVENT], &one, sizeof(one)) < 0)
		return;			/* full: it is awake */
}

/* Asks for an event at each signal. The core: fence, mb(), irq_arm (fw/queue.c). */
static void arm(struct direct *direct)
{
	struct maru_event_ring *events = direct->events;

	for (uint32_t i = 0; i < direct->queue_top; i++) {
		struct direct_queue *queue = direct->queues[i];

		if (queue && queue->head < queue->tail)
			__atomic_store_n(&queue->block->irq_arm, 1, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&events->consumer, CARD_READ(events->producer), __ATOMIC_RELAXED);
	__atomic_store_n(&events->irq_on, 1, __ATOMIC_RELEASE);
	accel_mb();
}

static void disarm(struct direct *direct)
{
	for (uint32_t i = 0; i < direct->queue_top; i++) {
		if (direct->queues[i])
			__atomic_store_n(&direct->queues[i]->block->irq_arm, 0, __ATOMIC_RELAXED);
	}
}

/* Return: whether the vector was raised. */
static bool sleep_for(struct direct *direct, int64_t ns)
{
	struct pollfd pollers[2] = {
		{ .fd = direct->vector_fds[MARU_VECTOR_EVENT], .events = POLLIN },
		{ .fd = direct->client.fd, .events = POLLRDHUP },
	};
	struct timespec time = { ns / 1000000000, ns % 1000000000 };
	uint64_t count;

	if (ppoll(pollers, 2, &time, NULL) <= 0)
		return false;
	return read(pollers[0].fd, &count, sizeof(count)) > 0 || pollers[1].revents;
}

/* One turn of the leader. */
static void lead(struct direct *direct, bool (*is_over)(struct direct *direct, const void *what),
		 const void *what, int64_t left, int64_t *checked_ns)
{
	bool is_raised;

	direct->has_leader = true;
	arm(direct);
	if (!done_look(direct) && !is_over(direct, what)) {
		pthread_mutex_unlock(&direct->lock);
		is_raised = sleep_for(direct, left < SLICE_NS ? left : SLICE_NS);
		pthread_mutex_lock(&direct->lock);
		/* Raised for nothing that moved: STATUS may have changed. */
		if ((!done_look(direct) && is_raised) ||
		    direct_now_ns() - *checked_ns > CHECK_NS) {
			recover_check(direct);
			*checked_ns = direct_now_ns();
		}
		if (!direct->error)
			recover_limits(direct);
	}
	direct->has_leader = false;
	disarm(direct);
	pthread_cond_broadcast(&direct->changed);
}

void event_glance(struct direct *direct)
{
	int64_t now = direct_now_ns();

	if (direct->error || direct->has_leader)
		return;
	done_look(direct);
	if (now - direct->glanced_ns < GLANCE_NS)
		return;
	direct->glanced_ns = now;
	recover_check(direct);
	recover_limits(direct);
}

static void follow(struct direct *direct, int64_t deadline_ns)
{
	struct timespec time = { deadline_ns / 1000000000, deadline_ns % 1000000000 };

	pthread_cond_timedwait(&direct->changed, &direct->lock, &time);
}

int event_wait(struct direct *direct, bool (*is_over)(struct direct *direct, const void *what),
	       const void *what, int64_t deadline_ns)
{
	int64_t now = direct_now_ns(), checked_ns = now;

	for (;;) {
		if (!direct->has_leader)
			done_look(direct);
		if (is_over(direct, what))
			return 0;
		if (direct->error)
			return direct->error;
		now = direct_now_ns();
		if (now >= deadline_ns)
			return -ETIME;
		if (direct->has_leader)
			follow(direct, deadline_ns);
		else
			lead(direct, is_over, what, deadline_ns - now, &checked_ns);
	}
}
