// SPDX-License-Identifier: MIT
/* From what went wrong to error words and events. */
#include <string.h>

#include "firmware-emu/fw/event.h"
#include "firmware-emu/fw/fault.h"
#include "firmware-emu/log.h"

_Static_assert(MARU_ERR_FAULT_WRITE == MARU_ERR_FAULT_READ + MARU_FAULT_WRITE &&
	       MARU_ERR_FAULT_PTE == MARU_ERR_FAULT_READ + MARU_FAULT_PTE &&
	       MARU_ERR_FAULT_WINDOW == MARU_ERR_FAULT_READ + MARU_FAULT_WINDOW, "fault kinds");

void fault_fill(struct queue_error *error, const struct span_vm *space,
		const struct span_fault *fault, unsigned int field)
{
	uint32_t kind = fault->kind > MARU_FAULT_WINDOW ? MARU_FAULT_READ : fault->kind;

	memset(error, 0, sizeof(*error));
	error->error.word = MARU_ERROR(MARU_ERR_FAULT_READ + kind, MARU_ROLE_NONE, field);
	error->error.va = fault->va;
	error->error.vm = span_vm_id(space);
	error->error.fault = kind;
}

static bool error_is_fault(uint32_t word)
{
	uint32_t code = MARU_ERROR_CODE(word);

	return code >= MARU_ERR_FAULT_READ && code <= MARU_ERR_FAULT_WINDOW;
}

void fault_post(const struct queue *queue, const struct queue_error *error)
{
	uint32_t word = error->error.word;

	fw_count(&fw.shared->telemetry.errors, 1);
	log_debug("fw", "queue %u job %llu: error 0x%08x at packet +0x%x, value 0x%llx, va 0x%llx",
		  queue->id, (unsigned long long)queue->block.job, word, error->packet_offset,
		  (unsigned long long)error->error.value, (unsigned long long)error->error.va);
	if (error_is_fault(word)) {
		fw_count(&fw.shared->telemetry.faults, 1);
		event_post(MARU_EVENT_MMU_FAULT, (uint16_t)queue->id,
			   (MARU_ERROR_CODE(word) - MARU_ERR_FAULT_READ) << 16 |
			   (error->error.vm & 0xffff), 0, error->error.va);
	}
	event_post(MARU_EVENT_QUEUE_ERROR, (uint16_t)queue->id, word, queue->block.job,
		   error->packet_offset);
}
