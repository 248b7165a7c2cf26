// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "pending.h"

#define RETIRE_ABOVE	32	/* look what is over when so many submissions are not known to be */

static int check_cmds(const struct accel_queue *queue, const struct accel_submit *submit,
		      const char *call)
{
	const struct accel_cmd *cmd;

	for (uint32_t i = 0; i < submit->cmd_count; i++) {
		cmd = submit->cmds[i];
		if (!cmd)
			return accel_refuse(-EINVAL, "%s: cmd %u: NULL", call, i);
		if (accel_cmd_device(cmd) != queue->device)
			return accel_refuse(-EINVAL, "%s: cmd %u: of another device", call, i);
		if (accel_cmd_is_check(cmd))
			return accel_refuse(-EINVAL, "%s: cmd %u: made with ACCEL_CMD_CHECK",
					    call, i);
		if (!(accel_cmd_classes(cmd) >> queue->cls & 1))
			return accel_refuse(-EOPNOTSUPP, "%s: cmd %u: packets that a queue of "
					    "class %u does not take", call, i,
					    (unsigned int)queue->cls);
	}
	return 0;
}

static int check_fences(const struct accel_queue *queue, const struct accel_fence *fences,
			uint32_t count, bool is_signal, const char *call)
{
	const char *name = is_signal ? "signal" : "wait", *why = NULL;

	if (count && !fences)
		return accel_refuse(-EINVAL, "%s: %ss: NULL", call, name);
	for (uint32_t i = 0; i < count && !why; i++) {
		if (!fences[i].timeline && !is_signal)
			continue;
		if (!fences[i].timeline)
			why = "has no timeline";
		else if (fences[i].timeline->device != queue->device)
			why = "of another device";
		else if (!fences[i].value)
			why = "its value is 0";
		else if (is_signal && fences[i].timeline->queue)
			why = "a queue's timeline is the queue's to signal";
		if (why)
			return accel_refuse(-EINVAL, "%s: %s %u: %s", call, name, i, why);
	}
	return 0;
}

static int check_submit(const struct accel_queue *queue, const struct accel_submit *submit,
			const char *call)
{
	const struct drm_maru_limits *limits;
	uint32_t jobs, syncs;
	int error;

	if (!queue || !submit)
		return accel_refuse(-EINVAL, "%s: %s: NULL", call, queue ? "submit" : "queue");
	if (submit->size != sizeof(*submit))
		return accel_refuse(-EINVAL, "%s: submit: its size is %zu, not %zu", call,
				    submit->size, sizeof(*submit));
	if (submit->cmd_count && !submit->cmds)
		return accel_refuse(-EINVAL, "%s: cmds: NULL", call);
	limits = &queue->device->caps.limits;
	jobs = limits->jobs_per_submit < ACCEL_JOBS_MAX ? limits->jobs_per_submit : ACCEL_JOBS_MAX;
	syncs = limits->syncs_per_call < ACCEL_SYNCS_MAX ? limits->syncs_per_call :
		ACCEL_SYNCS_MAX;
	if (submit->cmd_count > jobs)
		return accel_refuse(-E2BIG, "%s: cmds: %u, above %u", call, submit->cmd_count,
				    jobs);
	/* Two more are the library's own: the queue's timeline, and how the work ended. */
	if (submit->wait_count > syncs || submit->signal_count > syncs ||
	    submit->wait_count + submit->signal_count + 2 > syncs)
		return accel_refuse(-E2BIG, "%s: waits, signals: %u + %u, above %u", call,
				    submit->wait_count, submit->signal_count, syncs - 2);
	error = check_cmds(queue, submit, call);
	if (!error)
		error = check_fences(queue, submit->waits, submit->wait_count, false, call);
	if (!error)
		error = check_fences(queue, submit->signals, submit->signal_count, true, call);
	return error;
}

/* All that can fail for want of memory comes before the first job is visible to the card. */
static int seal(const struct accel_submit *submit, struct accel_job *jobs)
{
	int error;

	for (uint32_t i = 0; i < submit->cmd_count; i++) {
		error = accel_cmd_seal(submit->cmds[i]);
		if (error)
			return error;
		accel_cmd_job(submit->cmds[i], &jobs[i]);
	}
	return 0;
}

/* Before the card sees it: its job may stop the queue, and is looked up then. */
static int add_pending(struct accel_queue *queue, const struct accel_submit *submit,
		       struct accel_jobs *batch, struct accel_job *jobs)
{
	struct accel_pending *pending = batch->pending;
	int error;

	pthread_mutex_lock(&queue->lock);
	error = queue->refusal;
	if (!error) {
		pending->first = queue->value + 1;
		pending->last = queue->value + batch->count;
		for (uint32_t i = 0; i < batch->count; i++)
			jobs[i].id = pending->first + i;
		pending->count = submit->cmd_count;
		for (uint32_t i = 0; i < submit->cmd_count; i++) {
			pending->cmds[i] = submit->cmds[i];
			accel_cmd_get_pending(submit->cmds[i]);
		}
		STAILQ_INSERT_TAIL(&queue->pending, pending, entry);
		queue->pending_count++;
	}
	pthread_mutex_unlock(&queue->lock);
	return error;
}

static void end_push(struct accel_queue *queue, struct accel_pending *pending, int error)
{
	pthread_mutex_lock(&queue->lock);
	if (!error) {
		queue->value = pending->last;	/* from now on it may be retired */
	} else {
		STAILQ_REMOVE(&queue->pending, pending, accel_pending, entry);
		queue->pending_count--;
	}
	pthread_mutex_unlock(&queue->lock);
	if (!error)
		return;
	for (uint32_t i = 0; i < pending->count; i++)
		accel_cmd_put_pending(pending->cmds[i]);
	pending->count = 0;
}

static int push(struct accel_queue *queue, const struct accel_submit *submit,
		struct accel_jobs *batch, struct accel_job *jobs)
{
	int error;

	pthread_mutex_lock(&queue->submit_lock);
	error = add_pending(queue, submit, batch, jobs);
	if (!error) {
		error = queue->device->ops->queue_submit(queue, batch);
		end_push(queue, batch->pending, error);
	}
	pthread_mutex_unlock(&queue->submit_lock);
	return error;
}

static int submit_all(struct accel_queue *queue, const struct accel_submit *submit,
		      struct accel_fence *fence, const char *call)
{
	struct accel_job jobs[ACCEL_JOBS_MAX] = { 0 };
	struct accel_jobs batch = {
		.jobs = jobs,
		.waits = submit->waits, .wait_count = submit->wait_count,
		.signals = submit->signals, .signal_count = submit->signal_count,
	};
	char text[ACCEL_TEXT_BYTES];
	bool is_crowded;
	int error = seal(submit, jobs);

	if (error)
		return error;
	jobs[0].is_idempotent |= !submit->cmd_count;
	batch.count = submit->cmd_count ? submit->cmd_count : 1;
	batch.pending = pending_take(queue, submit->cmd_count);
	if (!batch.pending)
		return accel_refuse(-ENOMEM, "%s: out of host memory", call);
	error = push(queue, submit, &batch, jobs);
	if (error) {
		pending_give(queue, batch.pending);
		if (error == -ECANCELED && accel_queue_error(queue, text, sizeof(text)))
			return accel_refuse(error, "%s: queue: stopped by %s", call, text);
		return accel_refuse(error, "%s: %s", call, accel_errno_text(error));
	}
	pthread_mutex_lock(&queue->lock);
	is_crowded = queue->pending_count > RETIRE_ABOVE;
	pthread_mutex_unlock(&queue->lock);
	if (fence)
		*fence = (struct accel_fence){ &queue->timeline, jobs[batch.count - 1].id };
	if (is_crowded)
		accel_queue_retire(queue);
	return 0;
}

int accel_queue_submit_all(struct accel_queue *queue, const struct accel_submit *submit,
			   struct accel_fence *fence)
{
	static const char call[] = "accel_queue_submit_all";
	int error = check_submit(queue, submit, call);

	return error ? error : submit_all(queue, submit, fence, call);
}

int accel_queue_submit(struct accel_queue *queue, struct accel_cmd *cmd,
		       struct accel_fence *fence)
{
	static const char call[] = "accel_queue_submit";
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	int error;

	submit.cmds = &cmd;
	submit.cmd_count = 1;
	error = check_submit(queue, &submit, call);
	return error ? error : submit_all(queue, &submit, fence, call);
}
