// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <string.h>

#include "firmware-emu/fw/fault.h"
#include "firmware-emu/fw/job.h"
#include "firmware-emu/fw/sched.h"
#include "firmware-emu/mem/point.h"

#define FIELD(name)		offsetof(struct maru_desc, name)
#define DESC_FLAGS		(MARU_DESC_IRQ | MARU_DESC_IDEMPOTENT)
#define DESC_RING		0xff	/* "field" of an error of the ring's indices */

static bool job_is_cancelled(void *ctx)
{
	const struct queue *queue = ctx;

	return atomic_load_explicit(&queue->cancel, memory_order_relaxed);
}

static bool job_point(struct queue *queue, enum ipc_point point)
{
	return point_hit_until(point, job_is_cancelled, queue);
}

static enum job_next job_halt(struct queue *queue, const struct queue_error *error)
{
	queue_halt(queue, error);
	queue->stage = STAGE_FETCH;
	return JOB_HALT;
}

static enum job_next job_halt_word(struct queue *queue, uint32_t code, unsigned int field,
				   uint64_t value)
{
	struct queue_error error = { .packet_offset = (uint32_t)queue->offset };

	error.error.word = MARU_ERROR(code, MARU_ROLE_NONE, field);
	error.error.value = value;
	return job_halt(queue, &error);
}

static enum job_next job_halt_fault(struct queue *queue, const struct span_vm *space,
				    const struct span_fault *fault, unsigned int field)
{
	struct queue_error error;

	fault_fill(&error, space, fault, field);
	error.packet_offset = (uint32_t)queue->offset;
	return job_halt(queue, &error);
}

static bool desc_check_exec(const struct maru_desc *desc, unsigned int *field)
{
	bool is_exec = desc->op == MARU_DESC_EXEC;

	*field = FIELD(bytes);
	if (desc->bytes % MARU_LINE_BYTES || desc->bytes > MARU_COMMAND_MAX_BYTES ||
	    (!is_exec && desc->bytes))
		return false;
	*field = FIELD(va);
	return !(desc->va % MARU_LINE_BYTES) && desc->bytes <= UINT64_MAX - desc->va &&
	       (is_exec || !desc->va);
}

/* Checks the private copy. Return: false, and the byte that is wrong. */
static bool desc_check(const struct maru_desc *desc, unsigned int *field)
{
	*field = FIELD(op);
	if (desc->op > MARU_DESC_SIGNAL)
		return false;
	*field = FIELD(flags);
	if (desc->flags & ~DESC_FLAGS)
		return false;
	*field = FIELD(mbz);
	if (desc->mbz)
		return false;
	if (!desc_check_exec(desc, field))
		return false;
	*field = FIELD(wait_va);
	if (desc->wait_va % 8 || (desc->op == MARU_DESC_WAIT && !desc->wait_va))
		return false;
	*field = FIELD(signal_va);
	if (desc->signal_va % 8 || (desc->op == MARU_DESC_SIGNAL && !desc->signal_va))
		return false;
	*field = FIELD(times_va);
	return !(desc->times_va % 8);
}

/* Return: JOB_YIELD: a descriptor was begun. */
static enum job_next job_fetch(struct queue *queue)
{
	struct span_fault fault;
	unsigned int field;

	queue->offset = 0;
	if (queue->head == queue->tail) {
		if (queue_fetch_tail(queue, &fault))
			return job_halt_fault(queue, queue->ring_space, &fault, DESC_RING);
		if (queue->tail - queue->head > queue->entries)
			return job_halt_word(queue, MARU_ERR_BAD_DESC, DESC_RING, queue->tail);
		if (queue->head == queue->tail)
			return JOB_EMPTY;
	}
	if (queue_fetch(queue, &fault))
		return job_halt_fault(queue, queue->ring_space, &fault, DESC_RING);
	queue->stage = STAGE_WAIT;
	queue->start_ns = 0;
	queue_begin(queue);
	if (job_point(queue, IPC_POINT_JOB_FETCH))
		return job_halt_word(queue, MARU_ERR_INTERNAL, 0, 0);
	if (!desc_check(&queue->desc, &field))
		return job_halt_word(queue, MARU_ERR_BAD_DESC, field, 0);
	return JOB_YIELD;
}

/* Return: 1: go on, 0: not yet, -EFAULT. */
static int job_wait_look(struct queue *queue, struct span_fault *fault)
{
	uint64_t now = 0;

	if (!queue->desc.wait_va)
		return 1;
	if (span_read(queue->vm->space, queue->desc.wait_va, &now, sizeof(now), fault))
		return -1;
	return now >= queue->desc.wait_value;
}

bool job_wait_is_over(struct queue *queue)
{
	struct span_fault fault;
	bool is_over;

	span_set_cancel(&queue->cancel);
	span_set_patient(true);
	is_over = job_wait_look(queue, &fault);
	span_set_patient(false);
	span_set_cancel(NULL);
	return is_over || atomic_load(&queue->cancel);
}

static enum job_next job_wait(struct queue *queue)
{
	struct span_fault fault;
	int is_over = job_wait_look(queue, &fault);

	if (is_over < 0)
		return job_halt_fault(queue, queue->vm->space, &fault, FIELD(wait_va));
	if (!is_over)
		return JOB_PARK;
	queue->start_ns = fw_now_ns();
	queue->stage = queue->desc.bytes ? STAGE_PACKET : STAGE_DONE;
	return JOB_YIELD;
}

/* Copies the packet at the offset once: its first line, then what that says is the rest. */
static enum job_next job_copy_packet(struct queue *queue)
{
	struct span_vm *space = queue->vm->space;
	uint64_t left = queue->desc.bytes - queue->offset, va = queue->desc.va + queue->offset;
	struct maru_packet header;
	struct span_fault fault;

	if (span_read(space, va, queue->packet, MARU_LINE_BYTES, &fault))
		return job_halt_fault(queue, space, &fault, FIELD(va));
	memcpy(&header, queue->packet, sizeof(header));
	if (header.bytes % MARU_LINE_BYTES || header.bytes < MARU_LINE_BYTES ||
	    header.bytes > MARU_PACKET_MAX_BYTES || header.bytes > left) {
		struct queue_error error = { .packet_offset = (uint32_t)queue->offset };

		error.error.word = MARU_ERROR(MARU_ERR_BAD_LENGTH, MARU_ROLE_NONE,
					      offsetof(struct maru_packet, bytes));
		error.error.tag = header.tag;
		error.error.value = header.bytes;
		return job_halt(queue, &error);
	}
	queue->packet_bytes = header.bytes;
	if (header.bytes > MARU_LINE_BYTES &&
	    span_read(space, va + MARU_LINE_BYTES, queue->packet + MARU_LINE_BYTES,
		      header.bytes - MARU_LINE_BYTES, &fault))
		return job_halt_fault(queue, space, &fault, FIELD(va));
	return JOB_YIELD;
}

static enum job_next job_halt_packet(struct queue *queue, const struct engine_error *what)
{
	struct queue_error error = { .error = *what, .packet_offset = (uint32_t)queue->offset };
	const struct maru_packet *header = (const struct maru_packet *)queue->packet;

	error.error.tag = header->tag;
	error.error.vm = queue->vm->id;
	return job_halt(queue, &error);
}

void job_suspend(struct queue *queue)
{
	if (queue->is_begun)
		engine_end(&queue->op);
	queue->is_begun = false;
}

/* Plans the packet, at first or again after its spans had to be let go. */
static enum job_next job_plan(struct queue *queue)
{
	int ret;

	ret = engine_begin(&queue->op, queue->vm->space, queue->cls, queue->packet,
			   queue->packet_bytes);
	if (ret) {
		if (job_is_cancelled(queue))
			return JOB_YIELD;
		return job_halt_packet(queue, &queue->op.error);
	}
	/* A tile that takes long is left for a cancel; the cancel is what the job then ends by. */
	queue->op.stop = (const volatile uint32_t *)&queue->cancel;
	queue->is_begun = true;
	return queue->op.tiles ? JOB_OPEN : JOB_YIELD;
}

static void job_packet_done(struct queue *queue)
{
	const struct engine_bytes *bytes = &queue->op.bytes;
	struct maru_telemetry *telemetry = &fw.shared->telemetry;

	for (unsigned int tier = 0; tier < MARU_TIER_COUNT; tier++) {
		fw_count(&telemetry->read_bytes[tier], bytes->read[tier]);
		fw_count(&telemetry->write_bytes[tier], bytes->written[tier]);
	}
	fw_count(&telemetry->packets, 1);
	queue_progress(queue, bytes, true);
	queue->offset += queue->packet_bytes;
	queue->stage = queue->offset < queue->desc.bytes ? STAGE_PACKET : STAGE_DONE;
}

static bool job_is_dead(const struct queue *queue)
{
	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		if (span_is_dead(&queue->op.operands[role].span))
			return true;
	}
	return false;
}

bool job_is_wanted(const struct queue *queue)
{
	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		if (span_is_wanted(&queue->op.operands[role].span))
			return true;
	}
	return false;
}

static enum job_next job_packet(struct queue *queue)
{
	enum job_next next = job_copy_packet(queue);

	if (next != JOB_YIELD)
		return next;
	if (job_point(queue, IPC_POINT_JOB_DECODE))
		return job_halt_word(queue, MARU_ERR_INTERNAL, 0, 0);
	queue->taken[0] = queue->taken[1] = 0;
	queue->is_failed = false;
	queue->tile_failed = UINT64_MAX;
	queue->stage = STAGE_TILES;
	return JOB_YIELD;
}

/* No thread is in a tile: planned and finished, failed, or not planned (any more). */
static enum job_next job_tiles(struct queue *queue)
{
	enum job_next next;

	if (queue->is_failed) {
		job_suspend(queue);
		return job_halt_packet(queue, &queue->tile_error);
	}
	if (!queue->is_begun) {
		next = job_plan(queue);
		if (next != JOB_YIELD || !queue->is_begun)
			return next;
	}
	if (queue_tiles_left(queue)) {
		/* Its spans are wanted, or it was left for another queue just now. */
		if (!job_is_wanted(queue))
			return JOB_OPEN;
		job_suspend(queue);
		return JOB_YIELD;
	}
	if (job_is_dead(queue)) {
		struct engine_error error = { .word = MARU_ERROR(MARU_ERR_FAULT_WINDOW,
					      MARU_ROLE_NONE, 0) };

		job_suspend(queue);
		return job_halt_packet(queue, &error);
	}
	job_suspend(queue);
	job_packet_done(queue);
	return JOB_YIELD;
}

static enum job_next job_done(struct queue *queue)
{
	const struct maru_desc *desc = &queue->desc;
	uint64_t times[4] = { queue->start_ns, fw_now_ns(), 0, 0 };
	struct span_vm *space = queue->vm->space;
	struct span_fault fault;

	if (job_point(queue, IPC_POINT_JOB_DONE))
		return job_halt_word(queue, MARU_ERR_INTERNAL, 0, 0);
	if (job_is_cancelled(queue))
		return JOB_YIELD;
	if (desc->times_va && span_write(space, desc->times_va, times, sizeof(times), &fault))
		return job_halt_fault(queue, space, &fault, FIELD(times_va));
	if (desc->signal_va) {
		/* Behind every byte of the job, also those of engines on other threads. */
		fw_mb();
		if (span_write(space, desc->signal_va, &desc->signal_value,
			       sizeof(desc->signal_value), &fault))
			return job_halt_fault(queue, space, &fault, FIELD(signal_va));
	}
	queue->stage = STAGE_FETCH;
	queue_complete(queue, desc->signal_va, 0);
	return JOB_YIELD;
}

/* Carries out what another asked for. No thread is in a tile. */
static enum job_next job_cancel(struct queue *queue, enum queue_cancel cancel)
{
	struct span_fault fault;

	job_suspend(queue);
	if (queue->stage != STAGE_FETCH && cancel != CANCEL_DESTROY) {
		queue->stage = STAGE_FETCH;
		queue_complete(queue, false,
			       MARU_ERROR(MARU_ERR_CANCELLED, MARU_ROLE_NONE, 0));
	}
	queue->stage = STAGE_FETCH;
	if (cancel == CANCEL_DROP && !queue_fetch_tail(queue, &fault) &&
	    queue->tail - queue->head <= queue->entries && queue->tail != queue->head)
		queue_skip(queue, queue->tail);
	if (cancel != CANCEL_DESTROY)
		queue_count_reset(queue);
	atomic_store(&queue->cancel, CANCEL_NONE);
	return cancel == CANCEL_DESTROY ? JOB_DEAD : JOB_YIELD;
}

static enum job_next job_step(struct queue *queue)
{
	unsigned int cancel = atomic_load(&queue->cancel);

	if (cancel)
		return job_cancel(queue, (enum queue_cancel)cancel);
	switch (queue->stage) {
	case STAGE_FETCH:
		return job_fetch(queue);
	case STAGE_WAIT:
		return job_wait(queue);
	case STAGE_PACKET:
		return job_packet(queue);
	case STAGE_TILES:
		return job_tiles(queue);
	case STAGE_DONE:
		return job_done(queue);
	}
	return JOB_EMPTY;
}

enum job_next job_advance(struct queue *queue)
{
	enum queue_stage stage;
	enum job_next next;

	span_set_cancel(&queue->cancel);
	span_set_patient(true);
	do {
		stage = queue->stage;
		next = job_step(queue);
		if (next != JOB_YIELD)
			break;
		/* Others get their turn between packets and between descriptors. */
	} while ((stage != STAGE_TILES && stage != STAGE_DONE) || !sched_is_due(queue));
	span_set_patient(false);
	span_set_cancel(NULL);
	return next;
}

void job_cancel_now(struct queue *queue)
{
	job_cancel(queue, (enum queue_cancel)atomic_load(&queue->cancel));
}
