// SPDX-License-Identifier: MIT
/*
 * What the card tells about queues: how far they are, and what stopped them. A job that never
 * ran to its end signals all the same, as its fence is what others wait for; how it ended is
 * remembered beside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "direct.h"

static struct maru_desc *desc_at(const struct direct_queue *queue, uint64_t index)
{
	return &queue->descs[index & (queue->entries - 1)];
}

static bool is_job(const struct maru_desc *desc)
{
	return desc->op == MARU_DESC_EXEC || desc->op == MARU_DESC_NOP;
}

/* Without memory to note it, the queue's own error still tells. */
static void add_end(struct direct_queue *queue, uint64_t first, uint64_t last, int error)
{
	uint32_t room = queue->end_room ? 2 * queue->end_room : 4;
	struct direct_end *ends;

	if (queue->end_count == queue->end_room) {
		ends = realloc(queue->ends, room * sizeof(*ends));
		if (!ends)
			return;
		queue->ends = ends;
		queue->end_room = room;
	}
	queue->ends[queue->end_count++] = (struct direct_end){ first, last, error };
}

void done_restart_look(struct direct *direct, struct direct_queue *queue)
{
	int64_t now = direct_now_ns();

	queue->look = (struct direct_look){
		.head = queue->head, .active_ns = CARD_READ(queue->block->active_ns),
		.since_ns = now, .tick_since_ns = now, .tick = CARD_READ(direct->events->tick),
	};
}

/* The descriptor at the head is over; the card did what it says, or never will. */
static void pass(struct direct *direct, struct direct_queue *queue, bool is_run)
{
	const struct maru_desc *desc = desc_at(queue, queue->head);

	if (!is_run && desc->signal_va)
		timeline_store(direct, desc->signal_va, desc->signal_value);
	if (is_job(desc))
		queue->finished++;
	queue->head++;
}

void done_fail(struct direct *direct, struct direct_queue *queue, int error)
{
	if (queue->head == queue->tail)
		return;
	add_end(queue, desc_at(queue, queue->head)->job, UINT64_MAX, error);
	while (queue->head < queue->tail)
		pass(direct, queue, false);
}

/* The job at the head alone; what follows it runs. */
void done_skip(struct direct *direct, struct direct_queue *queue, int error)
{
	uint64_t job = desc_at(queue, queue->head)->job;

	add_end(queue, job, job, error);
	pass(direct, queue, false);
}

void done_ban(struct direct *direct, struct direct_queue *queue, uint32_t word, int error)
{
	queue->error = *queue->block;
	queue->error.error = word;
	queue->state = DRM_MARU_QUEUE_STATE_BANNED;
	if (queue->head < queue->tail) {
		queue->error.job = desc_at(queue, queue->head)->job;
		done_skip(direct, queue, error);
	}
	done_fail(direct, queue, -ECANCELED);
}

static bool look_at(struct direct *direct, struct direct_queue *queue)
{
	bool is_halted = CARD_READ(queue->block->status) == MARU_QUEUE_HALTED;
	uint64_t done = CARD_READ(queue->block->done);
	uint32_t word;
	int error;

	if (done < queue->head || done > queue->tail) {
		recover(direct);	/* a card that reports jobs which it never got */
		return true;
	}
	if (done == queue->head && !is_halted)
		return false;
	if (done > queue->head)
		direct->fruitless = 0;
	while (queue->head < done)
		pass(direct, queue, true);
	done_restart_look(direct, queue);
	if (is_halted) {
		word = queue->block->error;
		error = accel_error_errno(word);
		done_ban(direct, queue, word, error ? error : -EIO);
	}
	return true;
}

bool done_look(struct direct *direct)
{
	bool has_moved = false;

	for (uint32_t i = 0; i < direct->queue_top; i++) {
		struct direct_queue *queue = direct->queues[i];

		if (queue && queue->state == DRM_MARU_QUEUE_STATE_OK && queue->head < queue->tail)
			has_moved |= look_at(direct, queue);
	}
	timeline_deferred(direct, false);
	return has_moved;
}

void done_lose(struct direct *direct, int error)
{
	if (!direct->error)
		direct->error = error;
	for (uint32_t i = 0; i < direct->queue_top; i++) {
		struct direct_queue *queue = direct->queues[i];

		if (!queue || queue->state == DRM_MARU_QUEUE_STATE_LOST)
			continue;
		queue->state = DRM_MARU_QUEUE_STATE_LOST;
		queue->lost = direct->error;
		done_fail(direct, queue, direct->error);
	}
	timeline_deferred(direct, true);
	event_wake(direct);
}
