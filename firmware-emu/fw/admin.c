// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <string.h>

#include "firmware-emu/fw/admin.h"
#include "firmware-emu/fw/event.h"
#include "firmware-emu/fw/queue.h"
#include "firmware-emu/log.h"
#include "firmware-emu/mem/point.h"

#define FIRMWARE_ADMIN_TAIL	1	/* info of the event: tail is beyond the ring */
#define SQE_BYTES		sizeof(struct maru_admin_sqe)

static struct {
	atomic_bool is_on;		/* as pending */
	bool is_kicked;
	uint64_t sq, cq;
	uint64_t sq_entries, cq_entries;
	uint64_t head;			/* fetched up to here */
	uint64_t completed;
	atomic_uint pending;		/* read without the lock by admin_is_pending() */
	struct admin_command commands[ADMIN_PENDING];
} admin;

static uint16_t admin_nop(struct admin_command *command)
{
	unsigned int offset;

	if (admin_has_bits(command, ADMIN_FIELD(bytes), SQE_BYTES, &offset))
		return admin_invalid(command, offset);
	return MARU_ADMIN_OK;
}

static const admin_handler handlers[] = {
	[MARU_ADMIN_NOP]		= admin_nop,
	[MARU_ADMIN_IDENTIFY]		= admin_identify,
	[MARU_ADMIN_VM_CREATE]		= admin_vm_create,
	[MARU_ADMIN_VM_DESTROY]		= admin_vm_destroy,
	[MARU_ADMIN_INVALIDATE]		= admin_invalidate,
	[MARU_ADMIN_QUEUE_CREATE]	= admin_queue_create,
	[MARU_ADMIN_QUEUE_DESTROY]	= admin_queue_destroy,
	[MARU_ADMIN_QUEUE_SET]		= admin_queue_set,
	[MARU_ADMIN_QUEUE_RESET]	= admin_queue_reset,
	[MARU_ADMIN_TELEMETRY]		= admin_telemetry,
	[MARU_ADMIN_CLOCK]		= admin_clock,
};

uint16_t admin_invalid(struct admin_command *command, unsigned int offset)
{
	command->value[0] = offset;
	return MARU_ADMIN_INVALID;
}

uint16_t admin_fault(struct admin_command *command, uint64_t address)
{
	command->value[0] = address;
	return MARU_ADMIN_FAULT;
}

bool admin_has_bits(const struct admin_command *command, unsigned int from, unsigned int end,
		    unsigned int *offset)
{
	const uint8_t *bytes = (const uint8_t *)&command->sqe;

	for (*offset = from; *offset < end; (*offset)++) {
		if (bytes[*offset])
			return true;
	}
	return false;
}

void admin_start(uint64_t sq, unsigned int sq_log2, uint64_t cq, unsigned int cq_log2)
{
	/* admin_is_pending() is asked meanwhile. */
	admin.pending = 0;
	memset(admin.commands, 0, sizeof(admin.commands));
	admin.sq = sq;
	admin.cq = cq;
	admin.sq_entries = 1ULL << sq_log2;
	admin.cq_entries = 1ULL << cq_log2;
	admin.head = 0;
	admin.completed = 0;
	admin.is_kicked = true;		/* what was stored before ENABLE */
	admin.is_on = true;
}

void admin_stop(void)
{
	admin.is_on = false;
	admin.pending = 0;
}

void admin_kick(void)
{
	admin.is_kicked = true;
}

bool admin_is_pending(void)
{
	return admin.is_on && admin.pending;
}

/* The VM of a queue, also of one whose QUEUE_CREATE is still under way. */
static unsigned int admin_vm_of_queue(unsigned int id)
{
	const struct queue *queue = queue_lookup(id);

	if (queue)
		return queue->vm->id;
	for (unsigned int i = 0; i < ADMIN_PENDING; i++) {
		const struct admin_command *other = &admin.commands[i];

		if (other->step != ADMIN_FREE && other->sqe.op == MARU_ADMIN_QUEUE_CREATE &&
		    other->queue == id)
			return other->vm;
	}
	return ADMIN_NOBODY;
}

static void admin_find_objects(struct admin_command *command)
{
	command->vm = ADMIN_NOBODY;
	command->queue = ADMIN_NOBODY;
	switch (command->sqe.op) {
	case MARU_ADMIN_VM_CREATE:
	case MARU_ADMIN_VM_DESTROY:
		command->vm = command->sqe.vm.vm;
		break;
	case MARU_ADMIN_INVALIDATE:
		command->vm = command->sqe.invalidate.vm;
		break;
	case MARU_ADMIN_QUEUE_CREATE:
		command->queue = command->sqe.queue.queue;
		command->vm = command->sqe.queue.vm;
		break;
	case MARU_ADMIN_QUEUE_DESTROY:
	case MARU_ADMIN_QUEUE_SET:
	case MARU_ADMIN_QUEUE_RESET:
		command->queue = command->sqe.queue.queue;
		command->vm = admin_vm_of_queue(command->queue);
		break;
	}
}

static bool admin_is_of_vm(const struct admin_command *command)
{
	return command->sqe.op == MARU_ADMIN_VM_CREATE || command->sqe.op == MARU_ADMIN_VM_DESTROY;
}

/* Two commands of one queue keep their order; so do the life of a VM and all within it. */
static bool admin_has_to_wait(const struct admin_command *command)
{
	for (unsigned int i = 0; i < ADMIN_PENDING; i++) {
		const struct admin_command *other = &admin.commands[i];

		if (other->step == ADMIN_FREE || other->step == ADMIN_DONE ||
		    other->order >= command->order)
			continue;
		if (command->queue != ADMIN_NOBODY && command->queue == other->queue)
			return true;
		if (command->vm != ADMIN_NOBODY && command->vm == other->vm &&
		    (admin_is_of_vm(command) || admin_is_of_vm(other)))
			return true;
	}
	return false;
}

static void admin_fetch_one(struct admin_command *command)
{
	uint64_t slot = admin.head & (admin.sq_entries - 1);
	struct span_fault fault;

	memset(command, 0, sizeof(*command));
	command->step = ADMIN_FETCHED;
	command->order = admin.head;
	if (span_read(fw_kernel(), admin.sq + offsetof(struct maru_admin_sq, sqe) +
		      slot * SQE_BYTES, &command->sqe, SQE_BYTES, &fault)) {
		memset(&command->sqe, 0, SQE_BYTES);
		command->status = admin_fault(command, fault.va);
		command->step = ADMIN_DONE;
	}
	admin_find_objects(command);
	admin.head++;
	admin.pending++;
}

/* Return: true when a command was fetched. */
static bool admin_fetch(void)
{
	uint64_t head = admin.head, tail;
	struct span_fault fault;

	if (!admin.is_kicked || admin.pending == ADMIN_PENDING)
		return false;
	admin.is_kicked = false;
	if (span_read(fw_kernel(), admin.sq, &tail, sizeof(tail), &fault))
		return false;
	if (tail - head > admin.sq_entries) {
		log_warn("fw", "admin queue: tail is beyond the ring, no more commands are taken");
		admin.is_on = false;
		event_post(MARU_EVENT_FIRMWARE, 0, FIRMWARE_ADMIN_TAIL, 0, 0);
		return false;
	}
	for (unsigned int i = 0; i < ADMIN_PENDING && admin.head != tail; i++) {
		if (admin.commands[i].step == ADMIN_FREE)
			admin_fetch_one(&admin.commands[i]);
	}
	admin.is_kicked = admin.head != tail;
	if (admin.head != head)
		span_write(fw_kernel(), admin.sq + offsetof(struct maru_admin_sq, head),
			   &admin.head, sizeof(admin.head), &fault);
	return admin.head != head;
}

static void admin_store_as(const struct admin_command *command, uint16_t id)
{
	uint64_t va = admin.cq + (admin.completed & (admin.cq_entries - 1)) *
		      sizeof(struct maru_admin_cqe);
	struct maru_admin_cqe cqe = { .id = id, .status = command->status };
	struct span_fault fault;

	cqe.value[0] = command->value[0];
	cqe.value[1] = command->value[1];
	cqe.phase = !(admin.completed / admin.cq_entries & 1);
	admin.completed++;
	/* The word that holds the phase goes last. */
	span_write(fw_kernel(), va + 8, (uint8_t *)&cqe + 8, sizeof(cqe) - 8, &fault);
	span_write(fw_kernel(), va, &cqe, 8, &fault);
}

static void admin_store(const struct admin_command *command)
{
	if (point_hit(IPC_POINT_ADMIN_ANSWER))
		admin_store_as(command, command->sqe.id ^ 0x8000);
	admin_store_as(command, command->sqe.id);
}

static uint16_t admin_run(struct admin_command *command)
{
	uint16_t status;

	if (command->sqe.flags)
		return admin_invalid(command, ADMIN_FIELD(flags));
	if (command->sqe.op >= sizeof(handlers) / sizeof(handlers[0]) ||
	    !handlers[command->sqe.op])
		return MARU_ADMIN_UNSUPPORTED;
	span_set_patient(true);
	status = handlers[command->sqe.op](command);
	span_set_patient(false);
	return status;
}

/* Return: true when the command came a step further. */
static bool admin_step(struct admin_command *command, bool *is_raised)
{
	enum point_pass pass;

	switch (command->step) {
	case ADMIN_FREE:
		return false;
	case ADMIN_FETCHED:
		pass = point_try(IPC_POINT_ADMIN_FETCH, &command->is_held);
		if (pass == POINT_HELD)
			return false;
		command->step = ADMIN_RUNNING;
		if (pass == POINT_FAIL) {
			command->status = MARU_ADMIN_INTERNAL;
			command->step = ADMIN_DONE;
		}
		return true;
	case ADMIN_RUNNING:
		if (!command->is_begun && admin_has_to_wait(command))
			return false;
		command->status = admin_run(command);
		if (command->status == ADMIN_WAIT)
			return false;
		command->step = ADMIN_DONE;
		return true;
	case ADMIN_DONE:
		pass = point_try(IPC_POINT_ADMIN_COMPLETE, &command->is_held);
		if (pass == POINT_HELD)
			return false;
		if (pass == POINT_PASS)
			admin_store(command);
		command->step = ADMIN_FREE;
		admin.pending--;
		*is_raised = true;
		return true;
	}
	return false;
}

/* The oldest first, so that free commands are carried out as they came. */
static struct admin_command *admin_oldest(uint64_t from)
{
	struct admin_command *oldest = NULL;

	for (unsigned int i = 0; i < ADMIN_PENDING; i++) {
		struct admin_command *command = &admin.commands[i];

		if (command->step != ADMIN_FREE && command->order >= from &&
		    (!oldest || command->order < oldest->order))
			oldest = command;
	}
	return oldest;
}

bool admin_poll(void)
{
	bool is_found = false, is_raised = false;
	struct admin_command *command;
	uint64_t from = 0;

	if (!admin.is_on)
		return false;
	is_found = admin_fetch();
	while (admin.is_on && admin.pending && (command = admin_oldest(from))) {
		from = command->order + 1;
		while (admin_step(command, &is_raised))
			is_found = true;
	}
	if (is_raised)
		fw.ops->irq_raise(MARU_VECTOR_ADMIN);
	return is_found;
}
