// SPDX-License-Identifier: MIT
/*
 * Cores that die or hang, and jobs that take too long. What a dead core had not begun runs on the
 * next one; what it had begun only if that was allowed, else it ends -ECANCELED.
 */
#include <errno.h>
#include <string.h>

#include "direct.h"

#define FRUITLESS_MAX	3
#define WALL		10		/* times the card time that is allowed */
#define TICK_NS		5000000000ll	/* a core with work shows itself at 4 Hz */

static struct maru_desc *head_of(const struct direct_queue *queue)
{
	return &queue->descs[queue->head & (queue->entries - 1)];
}

static void keep_counters(struct direct_queue *queue)
{
	const struct maru_queue_block *block = queue->block;
	struct maru_queue_block *base = &queue->base;

	base->active_ns += block->active_ns;
	base->model_ns += block->model_ns;
	base->picojoule += block->picojoule;
	base->storage_bytes += block->storage_bytes;
	for (int tier = 0; tier < MARU_TIER_COUNT; tier++)
		base->bytes[tier] += block->bytes[tier];
}

/* The old core is dead. Decides what becomes of the job that it had begun. */
static void settle(struct direct *direct, struct direct_queue *queue)
{
	const struct maru_desc *desc;

	if (queue->is_guilty) {
		queue->guilty_resets++;
		done_ban(direct, queue, MARU_ERROR(MARU_ERR_TIMEOUT, MARU_ROLE_NONE, 0), -ETIME);
	} else if (queue->head < queue->tail && queue->block->started > queue->head) {
		desc = head_of(queue);
		if (!(desc->flags & MARU_DESC_IDEMPOTENT)) {
			queue->innocent_resets++;
			done_skip(direct, queue, -ECANCELED);
		}
	}
	queue->is_guilty = false;
	keep_counters(queue);
	memset(queue->block, 0, sizeof(*queue->block));
	queue->block->done = queue->head;
	queue->block->started = queue->head;
	queue->ring->head = queue->head;
	queue->ring->status = MARU_QUEUE_OK;
	queue->ring->error = 0;
}

/* What a dead core still said: done_look(), which must not come back here. */
static void look_last(struct direct *direct)
{
	for (uint32_t i = 0; i < direct->queue_top; i++) {
		struct direct_queue *queue = direct->queues[i];

		if (queue && queue->state == DRM_MARU_QUEUE_STATE_OK &&
		    (queue->block->done < queue->head || queue->block->done > queue->tail))
			queue->block->done = queue->head;
	}
	done_look(direct);
}

static int rebuild(struct direct *direct)
{
	int error = boot_enable(direct);

	for (uint32_t i = 0; i < direct->queue_top && !error; i++) {
		struct direct_queue *queue = direct->queues[i];

		if (!queue || queue->state != DRM_MARU_QUEUE_STATE_OK)
			continue;
		error = queue_send_create(direct, queue);
		if (!error && queue->head < queue->tail)
			direct_kick(direct, queue->id + 1);
		done_restart_look(direct, queue);
	}
	return error;
}

static bool has_work(const struct direct *direct)
{
	for (uint32_t i = 0; i < direct->queue_top; i++) {
		if (direct->queues[i] && direct->queues[i]->head < direct->queues[i]->tail)
			return true;
	}
	return false;
}

/*
 * One reset, and another one only if that core dies as well. Resets are in vain when work kills
 * core after core; a core that died idle says nothing about work.
 */
void recover(struct direct *direct)
{
	uint32_t idle = 0, *vain = has_work(direct) ? &direct->fruitless : &idle;
	int error = -EIO;

	if (direct->error)
		return;
	pthread_mutex_lock(&direct->admin_lock);
	while ((*vain)++ < FRUITLESS_MAX) {
		error = boot_reset(direct);
		if (error == -ENODEV || client_is_dead(&direct->client)) {
			error = -ENODEV;
			break;
		}
		direct->generation++;
		direct->card_resets++;
		look_last(direct);
		for (uint32_t i = 0; i < direct->queue_top; i++) {
			if (direct->queues[i] &&
			    direct->queues[i]->state == DRM_MARU_QUEUE_STATE_OK)
				settle(direct, direct->queues[i]);
		}
		if (!error)
			error = rebuild(direct);
		if (!error)
			break;
	}
	pthread_mutex_unlock(&direct->admin_lock);
	if (error)
		done_lose(direct, error == -ENODEV ? -ENODEV : -EIO);
	event_wake(direct);
}

void recover_check(struct direct *direct)
{
	uint32_t status = 0;

	if (direct->error)
		return;
	if (client_is_dead(&direct->client) ||
	    client_read(&direct->client, MARU_BAR_REGS, MARU_REG_STATUS, &status, 4) ||
	    status == ~0u)
		done_lose(direct, -ENODEV);
	else if ((status & 0xffff) != MARU_STATUS_READY)
		recover(direct);
}

enum verdict { GO_ON, OVER, DEAD };

/* Time in which a queue waits for another one is not its own. */
static bool is_waiting(struct direct *direct, const struct maru_desc *desc)
{
	uint64_t offset = desc->wait_va - DIRECT_WORDS_VA;

	return desc->wait_va && atomic_load(direct_word(direct, (uint32_t)(offset /
		DIRECT_WORD_BYTES))) < desc->wait_value;
}

static enum verdict judge(struct direct *direct, struct direct_queue *queue)
{
	uint32_t scale = direct->caps.limits.timeout_scale, tick = CARD_READ(direct->events->tick);
	uint64_t active = CARD_READ(queue->block->active_ns);
	struct direct_look *look = &queue->look;
	int64_t now = direct_now_ns();

	if (look->head != queue->head || active < look->active_ns ||
	    is_waiting(direct, head_of(queue))) {
		done_restart_look(direct, queue);
		return GO_ON;
	}
	if (active - look->active_ns > queue->time_limit_ms * 1000000ull ||
	    now - look->since_ns > (int64_t)queue->time_limit_ms * 1000000 * WALL * scale)
		return OVER;
	if (tick != look->tick) {
		look->tick = tick;
		look->tick_since_ns = now;
	} else if (now - look->tick_since_ns > TICK_NS * scale) {
		return DEAD;
	}
	return GO_ON;
}

/* The first rung: the queue alone. If it does not stop, all of the card. */
static void stop(struct direct *direct, struct direct_queue *queue)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_RESET };
	int error;

	sqe.queue_reset.queue = (uint16_t)queue->id;
	sqe.queue_reset.mode = MARU_RESET_DROP;
	pthread_mutex_lock(&direct->admin_lock);
	error = admin_once(direct, &sqe, NULL);
	pthread_mutex_unlock(&direct->admin_lock);
	if (error) {
		queue->is_guilty = true;
		recover(direct);
		return;
	}
	queue->guilty_resets++;
	direct->queue_resets++;
	done_ban(direct, queue, MARU_ERROR(MARU_ERR_TIMEOUT, MARU_ROLE_NONE, 0), -ETIME);
}

void recover_limits(struct direct *direct)
{
	for (uint32_t i = 0; i < direct->queue_top && !direct->error; i++) {
		struct direct_queue *queue = direct->queues[i];

		if (!queue || queue->state != DRM_MARU_QUEUE_STATE_OK ||
		    queue->head == queue->tail)
			continue;
		switch (judge(direct, queue)) {
		case OVER:
			stop(direct, queue);
			break;
		case DEAD:
			recover(direct);
			return;
		case GO_ON:
			break;
		}
	}
}
