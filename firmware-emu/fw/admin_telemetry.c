// SPDX-License-Identifier: MIT
/* Commands that only tell: IDENTIFY, TELEMETRY, CLOCK. */
#include <stddef.h>

#include "firmware-emu/engine/engine.h"
#include "firmware-emu/fw/admin.h"
#include "firmware-emu/mem/mmu.h"

#define BUFFER_MAX		0x10000
#define IDENTIFY_CAPS		0
#define IDENTIFY_OPS		1

static uint16_t buffer_check(struct admin_command *command, unsigned int pages)
{
	const struct maru_admin_buffer *args = &command->sqe.buffer;
	unsigned int offset;

	if (args->page >= pages)
		return admin_invalid(command, ADMIN_FIELD(buffer.page));
	if (!args->bytes || args->bytes > BUFFER_MAX)
		return admin_invalid(command, ADMIN_FIELD(buffer.bytes));
	if (!mmu_entry_is_ok(args->buffer))
		return admin_invalid(command, ADMIN_FIELD(buffer.buffer));
	if (admin_has_bits(command, ADMIN_FIELD(buffer.mbz2), sizeof(command->sqe), &offset))
		return admin_invalid(command, offset);
	return MARU_ADMIN_OK;
}

/* value[0]: bytes written, value[1]: bytes that there are. */
static uint16_t buffer_write(struct admin_command *command, const void *from, uint64_t bytes)
{
	const struct maru_admin_buffer *args = &command->sqe.buffer;
	uint64_t written = bytes < args->bytes ? bytes : args->bytes;
	struct span_fault fault;

	if (span_write(fw_kernel(), fw_entry_va(args->buffer), from, written, &fault))
		return admin_fault(command, fault.va);
	command->value[0] = written;
	command->value[1] = bytes;
	return MARU_ADMIN_OK;
}

uint16_t admin_identify(struct admin_command *command)
{
	static _Alignas(8) uint8_t page[BUFFER_MAX];	/* under fw.lock */
	uint16_t status = buffer_check(command, IDENTIFY_OPS + 1);
	uint64_t bytes;

	if (status)
		return status;
	bytes = command->sqe.buffer.page == IDENTIFY_CAPS ? fw_caps(page, sizeof(page)) :
		engine_identify(page, sizeof(page));
	return buffer_write(command, page, bytes);
}

uint16_t admin_telemetry(struct admin_command *command)
{
	uint16_t status = buffer_check(command, 1);
	struct maru_telemetry telemetry;

	if (status)
		return status;
	telemetry = fw.shared->telemetry;
	telemetry.card_ns = fw_now_ns();
	return buffer_write(command, &telemetry, sizeof(telemetry));
}

uint16_t admin_clock(struct admin_command *command)
{
	unsigned int offset;

	if (admin_has_bits(command, ADMIN_FIELD(bytes), sizeof(command->sqe), &offset))
		return admin_invalid(command, offset);
	command->value[0] = fw_now_ns();
	return MARU_ADMIN_OK;
}
