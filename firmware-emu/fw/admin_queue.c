// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "firmware-emu/fw/admin.h"
#include "firmware-emu/fw/doorbell.h"
#include "firmware-emu/fw/sched.h"
#include "firmware-emu/mem/mmu.h"
#include "firmware-emu/mem/point.h"

#define QUEUE_LOG2_MIN		6
#define SLICE_MAX_US		1000000
#define WEIGHT_MAX		1000
#define BLOCK_BYTES		sizeof(struct maru_queue_block)

static bool is_weight(uint64_t weight)
{
	return weight >= 1 && weight <= WEIGHT_MAX;
}

/* Numbers of QUEUE_CREATE. */
static uint16_t create_check_numbers(struct admin_command *command)
{
	const struct maru_admin_queue *args = &command->sqe.queue;

	if (args->queue >= FW_QUEUES)
		return admin_invalid(command, ADMIN_FIELD(queue.queue));
	if (args->vm >= FW_VMS)
		return admin_invalid(command, ADMIN_FIELD(queue.vm));
	if (args->cls >= MARU_CLASS_COUNT)
		return admin_invalid(command, ADMIN_FIELD(queue.cls));
	if (args->priority > MARU_PRIORITY_REALTIME)
		return admin_invalid(command, ADMIN_FIELD(queue.priority));
	if (!is_weight(args->weight))
		return admin_invalid(command, ADMIN_FIELD(queue.weight));
	if (args->slot >= MARU_GROUP_SLOTS)
		return admin_invalid(command, ADMIN_FIELD(queue.slot));
	if (args->ring_log2 < QUEUE_LOG2_MIN || args->ring_log2 > FW_RING_LOG2_MAX)
		return admin_invalid(command, ADMIN_FIELD(queue.ring_log2));
	if (args->flags & ~(MARU_QUEUE_USER | MARU_QUEUE_WRITE))
		return admin_invalid(command, ADMIN_FIELD(queue.flags));
	if (args->mbz)
		return admin_invalid(command, ADMIN_FIELD(queue.mbz));
	if (args->time_slice_us > SLICE_MAX_US)
		return admin_invalid(command, ADMIN_FIELD(queue.time_slice_us));
	if (args->mbz2)
		return admin_invalid(command, ADMIN_FIELD(queue.mbz2));
	return MARU_ADMIN_OK;
}

static uint64_t ring_bytes(const struct maru_admin_queue *args)
{
	return sizeof(struct maru_ring) + ((uint64_t)sizeof(struct maru_desc) << args->ring_log2);
}

/* Fields that depend on each other. */
static uint16_t create_check_use(struct admin_command *command)
{
	const struct maru_admin_queue *args = &command->sqe.queue;
	bool is_user = args->flags & MARU_QUEUE_USER;

	if (args->cls == MARU_CLASS_STORAGE)
		return MARU_ADMIN_UNSUPPORTED;
	if (args->flags & MARU_QUEUE_WRITE)
		return admin_invalid(command, ADMIN_FIELD(queue.flags));
	if (args->ns)
		return admin_invalid(command, ADMIN_FIELD(queue.ns));
	if (is_user && !args->vm)
		return admin_invalid(command, ADMIN_FIELD(queue.vm));
	if (!is_user && args->slot == MARU_SLOT_ADMIN)
		return admin_invalid(command, ADMIN_FIELD(queue.slot));
	if (is_user ? args->ring % MARU_PAGE_BYTES ||
		      args->ring >= (1ULL << MARU_VA_BITS) - ring_bytes(args) :
		      !mmu_entry_is_ok(args->ring))
		return admin_invalid(command, ADMIN_FIELD(queue.ring));
	if (!mmu_entry_is_ok(args->block))
		return admin_invalid(command, ADMIN_FIELD(queue.block));
	if (args->block_offset % BLOCK_BYTES || args->block_offset >= MARU_PAGE_BYTES)
		return admin_invalid(command, ADMIN_FIELD(queue.block_offset));
	return MARU_ADMIN_OK;
}

/* Rings and blocks of the kernel have to be there whole. */
static bool create_is_reachable(const struct maru_admin_queue *args, struct span_fault *fault)
{
	uint64_t va = fw_entry_va(args->block) + args->block_offset;
	struct span span;

	if (span_resolve(fw_kernel(), va, BLOCK_BYTES, SPAN_READ | SPAN_WRITE, &span, fault))
		return false;
	span_release(&span);
	if (args->flags & MARU_QUEUE_USER)
		return true;
	va = fw_entry_va(args->ring);
	if (span_resolve(fw_kernel(), va, ring_bytes(args), SPAN_READ | SPAN_WRITE, &span, fault))
		return false;
	span_release(&span);
	return true;
}

uint16_t admin_queue_create(struct admin_command *command)
{
	const struct maru_admin_queue *args = &command->sqe.queue;
	uint16_t status = create_check_numbers(command);
	struct span_fault fault;
	struct queue *queue;
	struct vm *vm;

	if (!status)
		status = create_check_use(command);
	if (status)
		return status;
	vm = fw.vms[args->vm];
	if (!vm || args->sched_group)
		return MARU_ADMIN_NOT_FOUND;
	if ((args->flags & MARU_QUEUE_USER) && !vm->group)
		return admin_invalid(command, ADMIN_FIELD(queue.flags));
	if (queue_lookup(args->queue))
		return MARU_ADMIN_EXISTS;
	if (!create_is_reachable(args, &fault))
		return admin_fault(command, fault.va);
	queue = queue_create(args, vm);
	if (!queue)
		return MARU_ADMIN_NO_SPACE;
	if (!group_bind(queue->group, queue->slot, queue)) {
		queue_free(queue);
		return MARU_ADMIN_BUSY;
	}
	/* What is in the ring already was not kicked for this queue. */
	sched_kick(queue);
	return MARU_ADMIN_OK;
}

/* The queue of a command whose other bytes from @rest on are 0; else a status. */
static struct queue *queue_of(struct admin_command *command, unsigned int rest, uint16_t *status)
{
	unsigned int id = command->sqe.queue.queue, offset;
	struct queue *queue;

	*status = MARU_ADMIN_OK;
	if (id >= FW_QUEUES) {
		*status = admin_invalid(command, ADMIN_FIELD(queue.queue));
		return NULL;
	}
	if (admin_has_bits(command, rest, sizeof(command->sqe), &offset)) {
		*status = admin_invalid(command, offset);
		return NULL;
	}
	queue = queue_lookup(id);
	if (!queue)
		*status = MARU_ADMIN_NOT_FOUND;
	return queue;
}

static bool command_is_late(const struct admin_command *command)
{
	return fw_now_ns() >= command->deadline_ns;
}

static void command_begin(struct admin_command *command, struct queue *queue,
			  enum queue_cancel cancel)
{
	command->is_begun = true;
	command->deadline_ns = fw_now_ns() + ADMIN_RESET_MS * 1000000ULL;
	sched_cancel(queue, cancel);
}

uint16_t admin_queue_destroy(struct admin_command *command)
{
	uint16_t status;
	struct queue *queue = queue_of(command, ADMIN_FIELD(queue.vm), &status);

	if (!queue)
		return status;
	if (!command->is_begun)
		command_begin(command, queue, CANCEL_DESTROY);
	if (!sched_is_dead(queue))
		return command_is_late(command) ? MARU_ADMIN_TIMEOUT : ADMIN_WAIT;
	group_unbind(queue->group, queue->slot);
	command->value[0] = queue->head;
	queue_free(queue);
	return MARU_ADMIN_OK;
}

uint16_t admin_queue_set(struct admin_command *command)
{
	const struct maru_admin_queue_set *args = &command->sqe.queue_set;
	uint16_t status;
	struct queue *queue = queue_of(command, ADMIN_FIELD(queue_set.mbz2), &status);
	bool is_valid = false;

	if (status == MARU_ADMIN_INVALID)
		return status;
	if (args->mbz)
		return admin_invalid(command, ADMIN_FIELD(queue_set.mbz));
	switch (args->property) {
	case MARU_PROPERTY_PRIORITY:
		is_valid = args->value <= MARU_PRIORITY_REALTIME;
		break;
	case MARU_PROPERTY_WEIGHT:
		is_valid = is_weight(args->value);
		break;
	case MARU_PROPERTY_TIME_SLICE:
		is_valid = args->value >= 1 && args->value <= SLICE_MAX_US;
		break;
	case MARU_PROPERTY_IRQ_US:
		return MARU_ADMIN_UNSUPPORTED;
	default:
		return admin_invalid(command, ADMIN_FIELD(queue_set.property));
	}
	if (!is_valid)
		return admin_invalid(command, ADMIN_FIELD(queue_set.value));
	if (!queue)
		return status;
	sched_set(queue, args->property, args->value);
	return MARU_ADMIN_OK;
}

uint16_t admin_queue_reset(struct admin_command *command)
{
	const struct maru_admin_queue_reset *args = &command->sqe.queue_reset;
	uint16_t status;
	struct queue *queue = queue_of(command, ADMIN_FIELD(queue_reset.mbz), &status);

	if (status == MARU_ADMIN_INVALID)
		return status;
	if (args->mode > MARU_RESET_DROP)
		return admin_invalid(command, ADMIN_FIELD(queue_reset.mode));
	if (!queue)
		return status;
	if (!command->is_begun) {
		switch (point_try(IPC_POINT_QUEUE_RESET, &command->is_held)) {
		case POINT_HELD:
			return ADMIN_WAIT;
		case POINT_FAIL:
			return MARU_ADMIN_TIMEOUT;
		default:
			command_begin(command, queue, args->mode == MARU_RESET_DROP ?
				      CANCEL_DROP : CANCEL_CURRENT);
		}
	}
	if (sched_cancel_is_done(queue)) {
		command->value[0] = queue->head;
		return MARU_ADMIN_OK;
	}
	return command_is_late(command) ? MARU_ADMIN_TIMEOUT : ADMIN_WAIT;
}
