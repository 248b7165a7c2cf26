// SPDX-License-Identifier: MIT
/*
 * A timeline only says that work is over. How it ended is asked when the queue reports that
 * something went wrong: what stopped it, and the fence of each submission by itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pending.h"

#define CMDS_LEAST	4

struct accel_pending *pending_take(struct accel_queue *queue, uint32_t count)
{
	struct accel_pending *pending;

	pthread_mutex_lock(&queue->lock);
	STAILQ_FOREACH(pending, &queue->spare, entry) {
		if (pending->capacity >= count)
			break;
	}
	if (pending)
		STAILQ_REMOVE(&queue->spare, pending, accel_pending, entry);
	pthread_mutex_unlock(&queue->lock);
	if (!pending) {
		count = count < CMDS_LEAST ? CMDS_LEAST : count;
		pending = calloc(1, sizeof(*pending) + count * sizeof(pending->cmds[0]));
		if (pending)
			pending->capacity = count;
	}
	return pending;
}

void pending_give(struct accel_queue *queue, struct accel_pending *pending)
{
	pthread_mutex_lock(&queue->lock);
	STAILQ_INSERT_HEAD(&queue->spare, pending, entry);
	pthread_mutex_unlock(&queue->lock);
}

int pending_errno(struct accel_queue *queue, const struct drm_maru_queue_info *info)
{
	struct drm_maru_resets resets = { 0 };
	uint32_t bytes = sizeof(resets);
	int error = accel_error_errno(info->error);

	if (error)
		return error;
	if (info->state != DRM_MARU_QUEUE_STATE_LOST)
		return -ECANCELED;
	error = queue->device->ops->query(queue->device, DRM_MARU_QUERY_RESETS, &resets, &bytes);
	return !error && resets.wedged ? -EIO : -ENODEV;
}

static void add_failure(struct accel_queue *queue, const struct accel_pending *pending, int error)
{
	uint32_t room = queue->failure_room ? 2 * queue->failure_room : 16;
	struct accel_failure *failures;

	if (queue->failure_count == queue->failure_room) {
		failures = realloc(queue->failures, room * sizeof(*failures));
		if (!failures)
			return;		/* the queue's own error still tells */
		queue->failures = failures;
		queue->failure_room = room;
	}
	queue->failures[queue->failure_count++] = (struct accel_failure){
		pending->first, pending->last, error
	};
}

/* The submission whose job stopped the queue: name the packet while its buffer is at hand. */
static void note_error(struct accel_queue *queue, const struct accel_pending *pending,
		       const struct drm_maru_queue_info *info)
{
	const struct maru_packet *packet = NULL;
	uint32_t number = 0;
	uint64_t index;

	if (pending && pending->count) {
		index = info->error_job - pending->first;
		packet = accel_cmd_packet_at(pending->cmds[index], info->packet_offset, &number);
	}
	queue->error = pending_errno(queue, info);
	queue->refusal = info->state == DRM_MARU_QUEUE_STATE_LOST ? queue->error : -ECANCELED;
	if (MARU_ERROR_CODE(info->error))
		accel_error_describe(queue->error_text, sizeof(queue->error_text), packet, number,
				     info->packet_offset, info->error, info->error_value,
				     info->error_va);
	else
		snprintf(queue->error_text, sizeof(queue->error_text), "%s",
			 accel_errno_text(queue->error));
}

static bool has_job(const struct accel_pending *pending, uint64_t job)
{
	return job >= pending->first && job <= pending->last;
}

static void note_ending(struct accel_queue *queue, struct accel_pending *pending,
			const struct drm_maru_queue_info *info)
{
	bool is_stopped = info->state != DRM_MARU_QUEUE_STATE_OK;
	int error = queue->device->ops->job_status(queue, pending);

	if (is_stopped && has_job(pending, info->error_job)) {
		if (!queue->error)
			note_error(queue, pending, info);
		error = queue->error;
	}
	if (error)
		add_failure(queue, pending, error);
}

static void look_at_queue(struct accel_queue *queue, struct drm_maru_queue_info *info,
			  bool *is_odd)
{
	memset(info, 0, sizeof(*info));
	if (queue->device->ops->queue_info(queue, info)) {
		memset(info, 0, sizeof(*info));
		info->state = DRM_MARU_QUEUE_STATE_LOST;
	}
	*is_odd = info->state != DRM_MARU_QUEUE_STATE_OK ||
		  info->innocent_resets != queue->innocent_resets;
	queue->innocent_resets = info->innocent_resets;
}

/* Moves what is over from queue->pending to @over. */
static void collect(struct accel_queue *queue, struct accel_pending_list *over)
{
	struct drm_maru_queue_info info;
	struct accel_pending *pending;
	uint64_t value;
	bool is_odd;

	/* A card that is gone runs nothing; what is being submitted is the submitter's yet. */
	if (accel_timeline_look(&queue->timeline, &value) || value > queue->value)
		value = queue->value;
	pending = STAILQ_FIRST(&queue->pending);
	if (pending && pending->last > value)
		return;
	look_at_queue(queue, &info, &is_odd);
	while ((pending = STAILQ_FIRST(&queue->pending)) && pending->last <= value) {
		if (is_odd)
			note_ending(queue, pending, &info);
		STAILQ_REMOVE_HEAD(&queue->pending, entry);
		STAILQ_INSERT_TAIL(over, pending, entry);
		queue->pending_count--;
	}
	if (info.state == DRM_MARU_QUEUE_STATE_OK || queue->error)
		return;
	/* It may have stopped after the look at the timeline. */
	STAILQ_FOREACH(pending, &queue->pending, entry) {
		if (has_job(pending, info.error_job))
			break;
	}
	note_error(queue, pending, &info);
}

void accel_queue_retire(struct accel_queue *queue)
{
	struct accel_pending_list over = STAILQ_HEAD_INITIALIZER(over);
	struct accel_pending *pending;

	pthread_mutex_lock(&queue->lock);
	collect(queue, &over);
	pthread_mutex_unlock(&queue->lock);

	STAILQ_FOREACH(pending, &over, entry) {
		for (uint32_t i = 0; i < pending->count; i++)
			accel_cmd_put_pending(pending->cmds[i]);
		pending->count = 0;
	}
	if (STAILQ_EMPTY(&over))
		return;
	pthread_mutex_lock(&queue->lock);
	STAILQ_CONCAT(&queue->spare, &over);
	pthread_mutex_unlock(&queue->lock);
}

static void free_records(struct accel_queue *queue, struct accel_pending_list *list)
{
	struct accel_pending *pending;

	while ((pending = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, entry);
		for (uint32_t i = 0; i < pending->count; i++)
			accel_cmd_put_pending(pending->cmds[i]);
		queue->device->ops->job_free(queue, pending);
		free(pending);
	}
}

void pending_drop_all(struct accel_queue *queue)
{
	free_records(queue, &queue->pending);
	free_records(queue, &queue->spare);
}

/* @queue->lock is held, and @value is over. */
static int find_failure(const struct accel_queue *queue, uint64_t value, bool *is_cause)
{
	const struct accel_failure *failure;

	*is_cause = false;
	for (uint32_t i = 0; i < queue->failure_count; i++) {
		failure = &queue->failures[i];
		if (value >= failure->first && value <= failure->last) {
			*is_cause = queue->error && failure->error == queue->error;
			return failure->error;
		}
	}
	return 0;
}

int accel_queue_failure(struct accel_queue *queue, uint64_t value)
{
	char text[ACCEL_TEXT_BYTES];
	bool is_cause;
	int error;

	pthread_mutex_lock(&queue->lock);
	error = find_failure(queue, value, &is_cause);
	if (error)
		snprintf(text, sizeof(text), "%s",
			 is_cause ? queue->error_text : accel_errno_text(error));
	pthread_mutex_unlock(&queue->lock);
	return error ? accel_refuse(error, "accel_fence_wait: %s", text) : 0;
}
