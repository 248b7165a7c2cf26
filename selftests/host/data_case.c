// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "selftests/host/data_case.h"
#include "selftests/ref/ref.h"

static void gap_strides(struct maru_operand *desc, uint64_t *seed)
{
	uint64_t size = maru_type_bytes(desc->type), inside = size;
	unsigned int d;

	for (d = 0; d < 4; d++) {
		desc->stride[d] = inside + (d ? size * (case_random(seed) % 3) : 0);
		inside = desc->stride[d] * (desc->dim[d] ? desc->dim[d] : 1);
	}
}

uint64_t data_bytes(const struct maru_operand *desc)
{
	uint64_t bytes = maru_type_bytes(desc->type);
	unsigned int d;

	if (desc->layout)
		return maru_layout_bytes(desc->layout, desc->type, desc->dim);
	for (d = 0; d < 4; d++) {
		if (!desc->dim[d])
			return 0;
		bytes += (desc->dim[d] - 1) * desc->stride[d];
	}
	return bytes;
}

void data_fill(const struct maru_operand *desc, uint64_t *seed)
{
	uint64_t bytes = data_bytes(desc), size = maru_type_bytes(desc->type), i;
	uint8_t *host = (uint8_t *)(uintptr_t)desc->va;

	if (desc->type == MARU_TYPE_F32 || desc->type == MARU_TYPE_F16 ||
	    desc->type == MARU_TYPE_BF16 || desc->type == MARU_TYPE_F64)
		case_fill(desc->type, host, bytes / size, 4, seed);
	else
		for (i = 0; i + size <= bytes; i += size)
			ref_store(desc->type, host + i, (int)(case_random(seed) % 200) - 100);
}

struct maru_operand *data_add(struct engine_case *c, unsigned int role, unsigned int type,
			      const uint32_t dim[4], bool is_gapped, uint64_t *seed)
{
	struct maru_operand *desc = case_add(c, role, NULL, type, dim[0], dim[1], dim[2], dim[3]);

	if (is_gapped)
		gap_strides(desc, seed);
	desc->va = (uint64_t)(uintptr_t)case_memory(data_bytes(desc));
	data_fill(desc, seed);
	return desc;
}

struct maru_operand *data_add_noise(struct engine_case *c, unsigned int role, unsigned int type,
				    uint32_t n, uint64_t *seed)
{
	struct maru_operand *desc = case_add(c, role, NULL, type, n, 1, 1, 1);
	uint64_t bytes = data_bytes(desc), i;
	uint64_t *host = case_memory(bytes);
	uint64_t mask = type == MARU_TYPE_F32 ? 0xbfffffffbfffffff : 0xbfffbfffbfffbfff;

	for (i = 0; i < (bytes + 7) / 8; i++)
		host[i] = case_random(seed) & mask;
	mask = type == MARU_TYPE_F32 ? 0x83ffffff83ffffff : 0x97ff97ff97ff97ff;
	for (i = 0; i < (bytes + 7) / 8; i += 3)	/* up to where functions end */
		host[i] = (host[i] & mask) |
			  (type == MARU_TYPE_F32 ? 0x4000000040000000 : 0x4000400040004000);
	desc->va = (uint64_t)(uintptr_t)host;
	return desc;
}

void data_copy(const struct maru_operand *desc, struct maru_operand *as)
{
	uint64_t bytes = data_bytes(desc);
	void *copy = case_memory(bytes);

	if (bytes)
		memcpy(copy, (const void *)(uintptr_t)desc->va, bytes);
	*as = *desc;
	as->va = (uint64_t)(uintptr_t)copy;
}

void data_index(const struct maru_operand *desc, uint64_t i, int64_t value)
{
	ref_store(desc->type, ref_at(desc, i, 0, 0, 0), value);
}

static struct {
	uint8_t *memory, *closed;	/* readable up to there */
	uint64_t bytes, more;
	unsigned int hits;
	struct sigaction before;
} trap;

volatile uint32_t data_trap_stop;

static void open_trap(int number, siginfo_t *info, void *context)
{
	uint8_t *at = info->si_addr, *end = trap.memory + trap.bytes;

	(void)context;
	if (at < trap.closed || at >= end) {
		sigaction(number, &trap.before, NULL);
		return;
	}
	data_trap_stop = 1;
	if (!trap.hits++ && (uint64_t)(end - trap.closed) > trap.more)
		end = trap.closed + trap.more;
	mprotect(trap.closed, (size_t)(end - trap.closed), PROT_READ);
	trap.closed = end;
}

void data_trap(struct maru_operand *desc, uint64_t at, uint64_t more)
{
	const struct sigaction action = { .sa_sigaction = open_trap, .sa_flags = SA_SIGINFO };

	trap.bytes = data_bytes(desc);
	trap.more = more;
	trap.hits = 0;
	data_trap_stop = 0;
	trap.memory = mmap(NULL, trap.bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			   -1, 0);
	assert_true(trap.memory != MAP_FAILED);
	trap.closed = trap.memory + at;
	assert_int_equal(mprotect(trap.closed, trap.bytes - at, PROT_NONE), 0);
	assert_int_equal(sigaction(SIGSEGV, &action, &trap.before), 0);
	desc->va = (uint64_t)(uintptr_t)trap.memory;
}

void data_trap_end(void)
{
	sigaction(SIGSEGV, &trap.before, NULL);
	assert_int_equal(munmap(trap.memory, trap.bytes), 0);
	assert_int_equal(trap.hits, 1);
}
