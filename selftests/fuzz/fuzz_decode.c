// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random packets through decoding and planning: fuzz_decode [packets] [seed].
 *
 * Most are right packets with a few bytes changed, so that they come far; the grammar is the
 * table of maru_cmd_ops.h. Built with address and undefined-behaviour sanitizers. What is
 * accepted must hold what the engines rely on: extents that end below 2^48, tiles that exist.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/engine/decode.h"

static uint64_t seed = 1;

static uint64_t next(void)
{
	uint64_t x = seed += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* No memory behind it: tiles are not run. */
int span_resolve(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
		 struct span *span, struct span_fault *fault)
{
	(void)vm, (void)access, (void)fault;
	if (!bytes || (va & ((1ULL << 60) - 1)) + bytes > 1ULL << 48) {
		fprintf(stderr, "fuzz: asked for %#llx + %#llx\n", (unsigned long long)va,
			(unsigned long long)bytes);
		abort();
	}
	memset(span, 0, sizeof(*span));
	span->host = (uint8_t *)(uintptr_t)64;
	span->per_tier[va >> 60 & 1] = bytes;
	return 0;
}

void span_release(struct span *span)
{
	span->host = NULL;
}

static uint32_t random_dim(void)
{
	static const uint32_t edges[] = { 0, 1, 1, 1, 2, 3, 64, 255, 1000, 65536, 0x7fffffff,
					  0x80000000, 0xffffffff };

	return next() & 7 ? 1 + (uint32_t)next() % 8 : edges[next() % 13];
}

static void random_operand(struct maru_operand *desc, const struct decode_role *rule,
			   const uint32_t dim[4])
{
	unsigned int d, type;
	uint64_t stride;

	memset(desc, 0, sizeof(*desc));
	do {
		type = (unsigned int)(next() & 0xbf);
	} while ((type & 127) >= 64 || !(rule->types[type >> 7] & 1ULL << (type & 127)));
	desc->type = (uint8_t)type;
	desc->va = (next() % (1u << 30)) * 64 | next() % 3 << 60;
	stride = maru_type_bytes(type);
	for (d = 0; d < 4; d++) {
		desc->dim[d] = next() % 16 ? dim[d] : random_dim();
		desc->stride[d] = stride;
		stride *= desc->dim[d] ? desc->dim[d] : 1;
	}
	if (next() % 3 == 0) {
		desc->layout = (uint8_t)(next() % 5);
		if (desc->layout)
			memset(desc->stride, 0, sizeof(desc->stride));
	} else if (next() % 4 == 0) {
		desc->stride[next() % 4] = next() % 3 ? (next() % 4096) * 8 : next();
	}
}

static uint32_t random_packet(uint8_t *packet)
{
	struct maru_packet *header = (struct maru_packet *)packet;
	uint32_t dim[4] = { random_dim(), random_dim(), random_dim(), random_dim() };
	const struct decode_op *row = decode_row((unsigned int)(next() % 6));
	struct maru_operand *line = (struct maru_operand *)(packet + MARU_LINE_BYTES);
	unsigned int role, changes, bytes;

	memset(packet, 0, MARU_PACKET_MAX_BYTES);
	header->op = row->op;
	header->roles = row->required | (row->optional & (uint16_t)next());
	header->bytes = MARU_LINE_BYTES * (1 + (uint32_t)__builtin_popcount(header->roles));
	bytes = header->bytes;
	if (row->op == MARU_OP_MATMUL) {
		header->matmul.b_as = next() & 1 ? MARU_TYPE_NONE : (uint8_t)next();
		header->matmul.act = (uint8_t)(next() % 24);
		header->matmul.scale = next() & 3 ? 0x3f800000 : (uint32_t)next();
	} else if (row->op == MARU_OP_COPY) {
		header->copy.mode = (uint8_t)(next() % 2);
	}
	for (role = 0; role < MARU_ROLES; role++)
		if (header->roles & 1u << role)
			random_operand(line++, &row->roles[role], dim);
	for (changes = next() % 4 ? 0 : 1 + next() % 3; changes; changes--)
		packet[next() % bytes] ^= (uint8_t)(1u << next() % 8);
	return next() % 64 ? bytes : (uint32_t)(next() % 1200);
}

int main(int argc, char **argv)
{
	unsigned long packets = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000, i, passed = 0;
	static uint8_t packet[MARU_PACKET_MAX_BYTES * 2];
	static struct engine_op op;
	uint64_t codes[32] = { 0 };

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	engine_init(~0u);
	for (i = 0; i < packets; i++) {
		uint32_t bytes = random_packet(packet), code;

		if (!engine_begin(&op, NULL, (unsigned int)(next() % 3), packet, bytes)) {
			passed++;
			engine_end(&op);
			continue;
		}
		code = MARU_ERROR_CODE(op.error.word);
		if (!code || code >= 32) {
			fprintf(stderr, "fuzz: refused with error %#x\n", op.error.word);
			return 1;
		}
		codes[code]++;
	}
	printf("%lu packets, %lu accepted", packets, passed);
	for (i = 0; i < 32; i++)
		if (codes[i])
			printf(", error %lu: %llu", i, (unsigned long long)codes[i]);
	printf("\n");
	return passed < packets / 100;	/* a fuzzer that nothing gets past tests nothing */
}
