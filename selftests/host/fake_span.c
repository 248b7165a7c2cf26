// SPDX-License-Identifier: GPL-2.0-only
/*
 * An address space for engine tests: the card address of a byte is its host address. One range
 * can be made to fault.
 */
#include <errno.h>
#include <string.h>

#include "driver/maru_hw.h"
#include "selftests/host/fake_span.h"

static struct {
	uint64_t va;
	uint64_t bytes;
	uint32_t kind;
} hole;

long fake_span_held;

void fake_span_fault(uint64_t va, uint64_t bytes, uint32_t kind)
{
	hole.va = va;
	hole.bytes = bytes;
	hole.kind = kind;
}

int span_resolve(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
		 struct span *span, struct span_fault *fault)
{
	(void)vm;
	if (hole.bytes && va < hole.va + hole.bytes && hole.va < va + bytes &&
	    (hole.kind != MARU_FAULT_WRITE || access & SPAN_WRITE)) {
		fault->va = va > hole.va ? va : hole.va;
		fault->kind = hole.kind;
		return -EFAULT;
	}
	memset(span, 0, sizeof(*span));
	span->host = (uint8_t *)va;
	span->bytes = bytes;
	span->per_tier[va >> 6 & 1] = bytes;
	__atomic_add_fetch(&fake_span_held, 1, __ATOMIC_RELAXED);
	return 0;
}

void span_release(struct span *span)
{
	span->host = NULL;
	__atomic_sub_fetch(&fake_span_held, 1, __ATOMIC_RELAXED);
}
