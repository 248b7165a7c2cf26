// SPDX-License-Identifier: MIT
/*
 * One list of runnable queues for each priority and class. A queue on a list is READY, and the
 * thread that takes it off has it alone, or OPEN, and threads join it to take tiles. Whoever
 * leaves an OPEN queue last takes it on.
 */
#include <emmintrin.h>

#include "firmware-emu/engine/pool.h"
#include "firmware-emu/fw/job.h"
#include "firmware-emu/fw/sched.h"
#include "firmware-emu/fw/slice.h"
#include "firmware-emu/mem/point.h"

#define PRIORITIES	4
#define PARKED_LOOK	32	/* queues looked at in one poll */
#define POLL_NS		20000	/* doorbells are looked at between tiles, not more often */
#define DEBT_LOOK	64	/* queues that pay before one is taken */

struct queue_list {
	struct queue *first;
	struct queue *last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* protects all below */
static struct queue_list lists[PRIORITIES][MARU_CLASS_COUNT];
static unsigned int next_class[PRIORITIES];
static struct queue_list parked;
static struct queue *current[POOL_THREADS_MAX];
static atomic_uint ready[PRIORITIES];	/* queues on the lists; written under the lock */
static atomic_uint parked_count;
static atomic_uint busy_count;		/* threads in queues */
static atomic_bool is_paused;

static void list_add(struct queue_list *list, struct queue *queue, bool is_first)
{
	queue->prev = is_first ? NULL : list->last;
	queue->next = is_first ? list->first : NULL;
	if (queue->prev)
		queue->prev->next = queue;
	else
		list->first = queue;
	if (queue->next)
		queue->next->prev = queue;
	else
		list->last = queue;
}

static void list_remove(struct queue_list *list, struct queue *queue)
{
	if (queue->prev)
		queue->prev->next = queue->next;
	else
		list->first = queue->next;
	if (queue->next)
		queue->next->prev = queue->prev;
	else
		list->last = queue->prev;
	queue->next = NULL;
	queue->prev = NULL;
}

static void ready_add(struct queue *queue, bool is_first)
{
	list_add(&lists[queue->priority][queue->cls], queue, is_first);
	queue->is_listed = true;
	atomic_fetch_add(&ready[queue->priority], 1);
}

static void ready_remove(struct queue *queue)
{
	if (!queue->is_listed)
		return;
	list_remove(&lists[queue->priority][queue->cls], queue);
	queue->is_listed = false;
	atomic_fetch_sub(&ready[queue->priority], 1);
}

static void park_add(struct queue *queue)
{
	queue->state = QUEUE_PARKED;
	list_add(&parked, queue, false);
	atomic_fetch_add(&parked_count, 1);
}

static void park_remove(struct queue *queue)
{
	list_remove(&parked, queue);
	atomic_fetch_sub(&parked_count, 1);
}

static void worker_add(struct queue *queue)
{
	queue->workers++;
	time_start(queue);
}

static bool others_wait(const struct queue *queue)
{
	for (unsigned int p = queue->priority; p < PRIORITIES; p++) {
		unsigned int own = p == queue->priority && queue->is_listed;

		if (atomic_load_explicit(&ready[p], memory_order_relaxed) > own)
			return true;
	}
	return false;
}

static bool higher_waits(const struct queue *queue)
{
	for (unsigned int p = queue->priority + 1; p < PRIORITIES; p++) {
		if (atomic_load_explicit(&ready[p], memory_order_relaxed))
			return true;
	}
	return false;
}

/* To the end of its list when the slice is used up, to its front otherwise. */
static void ready_again(struct queue *queue)
{
	ready_remove(queue);
	ready_add(queue, !slice_is_over(queue));
}

bool sched_is_due(struct queue *queue)
{
	if (atomic_load_explicit(&is_paused, memory_order_relaxed) || higher_waits(queue))
		return true;
	return others_wait(queue) && slice_is_used(queue);
}

static bool tiles_leave(void *ctx)
{
	struct queue *queue = ctx;

	if (atomic_load_explicit(&queue->cancel, memory_order_relaxed) ||
	    atomic_load_explicit(&queue->is_failed, memory_order_relaxed) ||
	    atomic_load_explicit(&is_paused, memory_order_relaxed))
		return true;
	return span_waiters() && job_is_wanted(queue);
}

static void tile_fail(struct queue *queue, uint64_t tile, const struct engine_error *error)
{
	pthread_mutex_lock(&queue->tile_lock);
	if (tile < queue->tile_failed) {
		queue->tile_failed = tile;
		queue->tile_error = *error;
	}
	pthread_mutex_unlock(&queue->tile_lock);
	queue->is_failed = true;
}

/* Takes tiles of an open packet until there is none or a reason to leave. */
static void tiles_run(struct queue *queue, struct engine_scratch *scratch)
{
	uint64_t polled_ns = fw_now_ns();
	uint32_t tile;

	while (queue_tiles_left(queue) && !tiles_leave(queue)) {
		struct engine_error error = { 0 };
		bool is_failed = point_hit_until(IPC_POINT_JOB_TILE, tiles_leave, queue);

		if (tiles_leave(queue))
			break;
		if (!queue_take_tile(queue, scratch->thread % 2, &tile))
			break;
		error.word = MARU_ERROR(MARU_ERR_INTERNAL, MARU_ROLE_NONE, 0);
		if (is_failed || engine_tile(&queue->op, tile, scratch, &error)) {
			tile_fail(queue, tile, &error);
			break;
		}
		/* Stores that went past the caches, before others see the tile finished. */
		_mm_sfence();
		queue_progress(queue, NULL, false);
		if (fw_now_ns() - polled_ns >= POLL_NS) {
			fw_poll();
			polled_ns = fw_now_ns();
		}
		if (slice_is_long()) {
			pthread_mutex_lock(&lock);
			slice_charge(queue);
			pthread_mutex_unlock(&lock);
		}
		if (sched_is_due(queue))
			break;
	}
}

/* After job_advance(): gives the queue its next state. Lock held; workers is 1, ours. */
static void settle(struct queue *queue, enum job_next next)
{
	queue->workers = 0;
	switch (next) {
	case JOB_OPEN:
		queue->workers = 1;
		queue->state = QUEUE_OPEN;
		if (queue_tiles_left(queue) > 1)
			ready_add(queue, true);
		return;
	case JOB_PARK:
		park_add(queue);
		return;
	case JOB_YIELD:
		queue->state = QUEUE_READY;
		ready_again(queue);
		break;
	case JOB_EMPTY:
		queue->state = QUEUE_IDLE;
		queue->used_ns = 0;
		/* A cancel that came after the last look at it needs an owner, too. */
		if (queue->is_kicked || atomic_load(&queue->cancel)) {
			queue->state = QUEUE_READY;
			ready_again(queue);
		}
		break;
	case JOB_HALT:
		queue->state = QUEUE_HALTED;
		break;
	case JOB_DEAD:
		queue->state = QUEUE_DEAD;
		break;
	}
	queue->is_kicked = false;
	if (queue->since_ns)
		time_stop(queue);
	if (queue->state == QUEUE_HALTED && atomic_load(&queue->cancel)) {
		unsigned int cancel = atomic_exchange(&queue->cancel, CANCEL_NONE);

		if (cancel == CANCEL_DESTROY)
			queue->state = QUEUE_DEAD;
	}
}

/* Ours alone (BUSY): goes on with the job. Return: true when the packet is OPEN for us. */
static bool turn_advance(struct queue *queue)
{
	unsigned int helpers = 0;
	enum job_next next;

	pthread_mutex_lock(&lock);
	queue->is_kicked = false;
	pthread_mutex_unlock(&lock);
	next = job_advance(queue);
	pthread_mutex_lock(&lock);
	slice_charge(queue);
	settle(queue, next);
	if (next == JOB_OPEN && queue->is_listed && pool_threads() > 1) {
		helpers = queue->op.tiles - 1 < pool_threads() - 1 ? queue->op.tiles - 1 :
			  pool_threads() - 1;
	}
	pthread_mutex_unlock(&lock);
	pool_wake(helpers);
	return next == JOB_OPEN;
}

/* Leaves an open packet. Return: true when this thread has to take the queue on. */
static bool turn_leave(struct queue *queue)
{
	bool is_over, is_last;

	pthread_mutex_lock(&lock);
	slice_charge(queue);
	is_over = !queue_tiles_left(queue) || queue->is_failed ||
		  atomic_load(&queue->cancel) || job_is_wanted(queue);
	is_last = !--queue->workers;
	if (is_over) {
		ready_remove(queue);
	} else {
		ready_again(queue);
	}
	if (is_last && is_over) {
		queue->state = QUEUE_BUSY;
		queue->workers = 1;
	} else if (is_last) {
		time_stop(queue);
	}
	pthread_mutex_unlock(&lock);
	return is_last && is_over;
}

static struct queue *pick_from(struct queue_list *list)
{
	struct queue *queue, *next;

	for (unsigned int i = 0; i < DEBT_LOOK && list->first != list->last; i++) {
		queue = list->first;
		if (!slice_is_over(queue))
			break;
		list_remove(list, queue);
		list_add(list, queue, false);
	}
	for (queue = list->first; queue; queue = next) {
		next = queue->next;
		if (queue->state == QUEUE_READY) {
			ready_remove(queue);
			queue->state = QUEUE_BUSY;
			worker_add(queue);
			return queue;
		}
		if (queue_tiles_left(queue) && !tiles_leave(queue)) {
			worker_add(queue);
			return queue;
		}
		if (!queue->workers) {
			/* Nobody will leave it last: take it on here. */
			ready_remove(queue);
			queue->state = QUEUE_BUSY;
			worker_add(queue);
			return queue;
		}
		ready_remove(queue);
	}
	return NULL;
}

/* Lock held. */
static struct queue *pick(void)
{
	struct queue *queue;

	for (unsigned int p = PRIORITIES; p-- > 0;) {
		if (!atomic_load_explicit(&ready[p], memory_order_relaxed))
			continue;
		for (unsigned int i = 0; i < MARU_CLASS_COUNT; i++) {
			unsigned int cls = (next_class[p] + i) % MARU_CLASS_COUNT;

			queue = pick_from(&lists[p][cls]);
			if (!queue)
				continue;
			next_class[p] = (cls + 1) % MARU_CLASS_COUNT;
			return queue;
		}
	}
	return NULL;
}

bool sched_work(struct engine_scratch *scratch)
{
	bool is_found = fw_poll(), is_alone;
	struct queue *queue;

	if (is_paused || !sched_has_ready())
		return is_found;
	pthread_mutex_lock(&lock);
	queue = is_paused ? NULL : pick();
	if (queue) {
		current[scratch->thread] = queue;
		atomic_fetch_add(&busy_count, 1);
		is_alone = queue->state == QUEUE_BUSY;
	}
	pthread_mutex_unlock(&lock);
	if (!queue)
		return is_found;
	if (sched_has_ready() && !pool_is_looking())
		pool_wake(1);
	slice_start(others_wait(queue));
	do {
		if (is_alone && !turn_advance(queue))
			break;
		tiles_run(queue, scratch);
		is_alone = true;
	} while (turn_leave(queue));
	pthread_mutex_lock(&lock);
	current[scratch->thread] = NULL;
	atomic_fetch_sub(&busy_count, 1);
	pthread_mutex_unlock(&lock);
	return true;
}

void sched_kick(struct queue *queue)
{
	pthread_mutex_lock(&lock);
	if (queue->state == QUEUE_IDLE) {
		queue->state = QUEUE_READY;
		ready_add(queue, false);
	} else {
		queue->is_kicked = true;
	}
	pthread_mutex_unlock(&lock);
}

/* Takes a queue that no thread is in off its list. Lock held. */
static bool sched_take(struct queue *queue)
{
	switch (queue->state) {
	case QUEUE_PARKED:
		park_remove(queue);
		break;
	case QUEUE_OPEN:
		if (queue->workers)
			return false;
		/* fall through */
	case QUEUE_READY:
		ready_remove(queue);
		break;
	case QUEUE_IDLE:
		break;
	default:
		return false;
	}
	queue->state = QUEUE_BUSY;
	worker_add(queue);
	return true;
}

void sched_cancel(struct queue *queue, enum queue_cancel cancel)
{
	bool is_ours;

	pthread_mutex_lock(&lock);
	if (queue->state == QUEUE_HALTED || queue->state == QUEUE_DEAD) {
		if (cancel == CANCEL_DESTROY)
			queue->state = QUEUE_DEAD;
		pthread_mutex_unlock(&lock);
		return;
	}
	atomic_store(&queue->cancel, cancel);
	is_ours = sched_take(queue);
	pthread_mutex_unlock(&lock);
	if (!is_ours)
		return;
	job_cancel_now(queue);
	pthread_mutex_lock(&lock);
	settle(queue, cancel == CANCEL_DESTROY ? JOB_DEAD : JOB_YIELD);
	pthread_mutex_unlock(&lock);
	pool_wake(1);
}

bool sched_cancel_is_done(struct queue *queue)
{
	return !atomic_load(&queue->cancel);
}

bool sched_is_dead(struct queue *queue)
{
	bool is_dead;

	pthread_mutex_lock(&lock);
	is_dead = queue->state == QUEUE_DEAD && !queue->workers;
	for (unsigned int i = 0; i < pool_threads(); i++)
		is_dead = is_dead && current[i] != queue;
	pthread_mutex_unlock(&lock);
	return is_dead;
}

void sched_set(struct queue *queue, uint32_t property, uint64_t value)
{
	bool is_listed;

	pthread_mutex_lock(&lock);
	is_listed = queue->is_listed;
	if (is_listed)
		ready_remove(queue);
	if (property == MARU_PROPERTY_PRIORITY)
		queue->priority = (unsigned int)value;
	else if (property == MARU_PROPERTY_WEIGHT)
		queue->weight = (unsigned int)value;
	else
		queue->slice_ns = value * 1000;
	if (is_listed)
		ready_add(queue, false);
	pthread_mutex_unlock(&lock);
}

bool sched_poll_parked(void)
{
	unsigned int count = atomic_load_explicit(&parked_count, memory_order_relaxed);
	bool is_found = false, is_over;
	struct queue *queue;

	if (count > PARKED_LOOK)
		count = PARKED_LOOK;
	while (count--) {
		pthread_mutex_lock(&lock);
		queue = parked.first;
		if (queue) {
			park_remove(queue);
			queue->state = QUEUE_BUSY;
		}
		pthread_mutex_unlock(&lock);
		if (!queue)
			break;
		/* Without the lock: a fault point may hold this thread in the walk. */
		is_over = job_wait_is_over(queue);
		pthread_mutex_lock(&lock);
		if (is_over) {
			time_stop(queue);
			queue->state = QUEUE_READY;
			ready_add(queue, true);
		} else {
			park_add(queue);
		}
		pthread_mutex_unlock(&lock);
		is_found = is_found || is_over;
	}
	return is_found;
}

bool sched_has_parked(void)
{
	return atomic_load(&parked_count);
}

bool sched_has_ready(void)
{
	for (unsigned int p = 0; p < PRIORITIES; p++) {
		if (atomic_load_explicit(&ready[p], memory_order_relaxed))
			return true;
	}
	return false;
}

bool sched_is_busy(void)
{
	return atomic_load(&busy_count);
}

void sched_suspend_wanted(void)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < PRIORITIES * MARU_CLASS_COUNT; i++) {
		struct queue *queue = lists[i / MARU_CLASS_COUNT][i % MARU_CLASS_COUNT].first;

		for (; queue; queue = queue->next) {
			if (queue->state == QUEUE_OPEN && !queue->workers &&
			    job_is_wanted(queue)) {
				job_suspend(queue);
				queue->state = QUEUE_READY;
			}
		}
	}
	pthread_mutex_unlock(&lock);
}

void sched_pause(bool pause)
{
	is_paused = pause;
	if (!pause)
		pool_wake(pool_threads());
}

void sched_tick(void)
{
	uint64_t now = fw_now_ns();
	struct queue *queue;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < pool_threads(); i++) {
		if (current[i] && current[i]->since_ns)
			queue_show_active(current[i], now);
	}
	for (queue = parked.first; queue; queue = queue->next)
		queue_show_active(queue, now);
	__atomic_store_n(&fw.shared->running, atomic_load(&busy_count) +
			 atomic_load(&parked_count) + sched_has_ready(), __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
}
