/* SPDX-License-Identifier: GPL-2.0-only */
/* Right packets of every operation, made at random, for tests of those that check them. */
#ifndef CHECK_MAKE_H
#define CHECK_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <drm/maru_cmd.h>

union check_packet {
	struct maru_packet header;
	uint8_t bytes[MARU_PACKET_MAX_BYTES];
	uint32_t words[MARU_PACKET_MAX_BYTES / 4];
};

#define CHECK_TYPES	9

extern const uint8_t check_types[CHECK_TYPES];	/* the first three are floats */

/** check_pick() - A random number below @below, which is not 0. */
uint32_t check_pick(uint32_t below);

/** check_make() - Make a packet of @op: most are right, some are nearly. */
void check_make(union check_packet *packet, uint16_t op);

/** check_add() - Add an operand in a role above all others; dims are random, strides 0. */
struct maru_operand *check_add(union check_packet *packet, unsigned int role, uint8_t type);

/** check_strides() - Strides of a plain operand, now and then with gaps. */
void check_strides(struct maru_operand *operand, bool is_transposed);

/** check_make_ops() - Operations of a transformer. Return: whether @op is one. */
bool check_make_ops(union check_packet *packet, uint16_t op);

#endif
