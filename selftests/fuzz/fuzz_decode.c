// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random packets through decoding, planning and looking at numbers in memory, and those of small
 * operands through their tiles too: fuzz_decode [packets] [seed].
 *
 * Built with address and undefined-behaviour sanitizers. What is accepted must hold what the
 * engines rely on: extents that end below 2^48, and no byte touched outside of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/engine/decode.h"
#include "selftests/fuzz/packet.h"

#define MEMORY_MOST	(1u << 16)	/* bytes of an operand that has memory */
#define TILES_MOST	8u

static bool has_memory;			/* each operand of this packet */

static bool is_index(const struct maru_operand *desc)
{
	return desc->type == MARU_TYPE_I32 || desc->type == MARU_TYPE_I64;
}

/* Numbers near 0, or floats; what is read is any of it. */
static void fill(uint8_t *host, uint64_t bytes)
{
	uint64_t i;
	bool is_small = fuzz_next() % 4;

	for (i = 0; i < bytes; i++)
		host[i] = is_small ? 0 : (uint8_t)fuzz_next();
	for (i = 0; is_small && i + 4 <= bytes; i += 4)
		host[i] = (uint8_t)(fuzz_next() % 3);
}

/*
 * Memory of exactly the extent, so that a sanitizer sees what goes beyond. Large operands have
 * none: their tiles are not run, and numbers in them fault.
 */
int span_resolve(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
		 struct span *span, struct span_fault *fault)
{
	void *memory;

	(void)vm, (void)access;
	if (!bytes || (va & ((1ULL << 60) - 1)) + bytes > 1ULL << 48) {
		fprintf(stderr, "fuzz: asked for %#llx + %#llx\n", (unsigned long long)va,
			(unsigned long long)bytes);
		abort();
	}
	memset(span, 0, sizeof(*span));
	span->per_tier[va >> 60 & 1] = bytes;
	if (bytes > MEMORY_MOST) {
		has_memory = false;
		if (vm) {	/* looked at */
			fault->va = va;
			fault->kind = MARU_FAULT_READ;
			return -EFAULT;
		}
		span->host = (uint8_t *)(uintptr_t)64;
		return 0;
	}
	if (posix_memalign(&memory, 64, bytes + (va & 63)))
		abort();
	span->host = (uint8_t *)memory + (va & 63);
	fill(span->host, bytes);
	return 0;
}

void span_release(struct span *span)
{
	if (span->host != (uint8_t *)(uintptr_t)64)
		free((void *)((uintptr_t)span->host & ~(uintptr_t)63));
	span->host = NULL;
}

/* A VM that is there marks packets in whose large operands numbers would be looked at. */
static struct span_vm *vm_of(const uint8_t *packet, uint32_t bytes)
{
	static long marker;
	const struct maru_operand *line = (const void *)(packet + MARU_LINE_BYTES);
	uint32_t i;

	for (i = 0; i + 1 < bytes / MARU_LINE_BYTES && i < MARU_ROLES; i++)
		if (is_index(&line[i]))
			return (struct span_vm *)(void *)&marker;
	return NULL;
}

static void run_tiles(struct engine_op *op)
{
	static struct engine_scratch scratch = { .bytes = ENGINE_SCRATCH_BYTES };
	struct engine_error error;
	uint32_t tile;

	if (!scratch.base)
		scratch.base = aligned_alloc(4096, scratch.bytes);
	if (!scratch.base)
		abort();
	for (tile = 0; tile < op->tiles && tile < TILES_MOST; tile++)
		engine_tile(op, tile, &scratch, &error);
}

struct count {
	unsigned long tried, accepted, run;
};

static void run_packet(struct engine_op *op, const uint8_t *packet, uint32_t bytes,
		       struct count *count, uint64_t codes[32])
{
	uint32_t code;

	has_memory = true;
	count->tried++;
	if (!engine_begin(op, vm_of(packet, bytes), fuzz_next() % 8 ? 0 : (uint32_t)fuzz_next() % 3,
			  packet, bytes)) {
		count->accepted++;
		if (has_memory && op->tiles && fuzz_next() % 2) {
			count->run++;
			run_tiles(op);
		}
		engine_end(op);
		return;
	}
	code = MARU_ERROR_CODE(op->error.word);
	if (!code || code >= 32) {
		fprintf(stderr, "fuzz: refused with error %#x\n", op->error.word);
		abort();
	}
	codes[code]++;
}

/* A fuzzer that nothing gets past tests nothing. */
static int report(const struct count *counts, const uint64_t codes[32], unsigned long packets)
{
	int status = 0;
	unsigned int i;

	for (i = 0; decode_row(i); i++) {
		const struct count *count = &counts[i];

		printf("%-12s %lu packets, %lu accepted, %lu run\n", decode_row(i)->name,
		       count->tried, count->accepted, count->run);
		status |= packets >= 10000 && (count->accepted < count->tried / 50 ||
					       (!count->run && decode_row(i)->required));
	}
	for (i = 0; i < 32; i++)
		if (codes[i])
			printf("%serror %u: %llu", i == 1 ? "" : ", ", i,
			       (unsigned long long)codes[i]);
	printf("\n");
	return status;
}

int main(int argc, char **argv)
{
	unsigned long packets = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000, i;
	static uint8_t packet[MARU_PACKET_MAX_BYTES * 2];
	static struct engine_op op;
	static struct count counts[64], none;
	uint64_t codes[32] = { 0 };

	fuzz_seed(argc > 2 ? strtoull(argv[2], NULL, 0) : 1);
	if (engine_init(~0u))
		return 1;
	for (i = 0; i < packets; i++) {
		uint32_t bytes = fuzz_packet(packet);
		struct count *count = &none;
		unsigned int row;

		for (row = 0; decode_row(row); row++)
			if (decode_row(row)->op == ((struct maru_packet *)packet)->op)
				count = &counts[row];
		run_packet(&op, packet, bytes, count, codes);
	}
	return report(counts, codes, packets);
}
