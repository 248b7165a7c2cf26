/* SPDX-License-Identifier: MIT */
/* The table of maru_cmd_ops.h as arrays, and a packet checked by it. Pure. */
#ifndef ACCEL_OPS_INTERNAL_H
#define ACCEL_OPS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <drm/maru_cmd.h>

#include "caps.h"

struct accel_op {
	const char *name;
	uint16_t op;
	uint8_t revision;
	uint8_t classes;
	uint16_t required;
	uint16_t optional;
};

struct accel_op_role {
	uint16_t op;
	uint8_t role;
	const char *name;
	uint64_t types[2];
	uint16_t layouts;
	uint8_t rule;
	uint8_t flags;
};

struct accel_op_param {
	uint16_t op;
	const char *name;
	uint8_t offset;
	uint8_t bytes;
	uint8_t kind;
	uint64_t low, high;
};

/** accel_op_find() - Row of an operation. Return: it, or NULL. */
const struct accel_op *accel_op_find(uint16_t op);

/** accel_op_role_find() - Row of a role. Return: it, or NULL. */
const struct accel_op_role *accel_op_role_find(uint16_t op, unsigned int role);

/** accel_op_param_at() - Row of the parameter that begins at a byte of the header line, or NULL. */
const struct accel_op_param *accel_op_param_at(uint16_t op, unsigned int offset);

/** accel_op_param_find() - Row of the parameter that a byte of the header line is in, or NULL. */
const struct accel_op_param *accel_op_param_find(uint16_t op, unsigned int offset);

/** accel_packet_operand() - Operand of a packet whose length is right, or NULL: not there. */
const struct maru_operand *accel_packet_operand(const struct maru_packet *packet,
						unsigned int role);

/**
 * accel_operand_extent() - Bytes from the first to the last that an operand touches.
 * @operand: of a known type.
 * @bytes: set on success; 0 for an empty one.
 *
 * Return: whether it fits into 2^48.
 */
bool accel_operand_extent(const struct maru_operand *operand, uint64_t *bytes);

/** accel_operand_is_dense() - Whether a destination writes each byte of its extent. */
bool accel_operand_is_dense(const struct maru_operand *operand);

/** struct accel_fault - What is wrong with a packet: as the card reports it. */
struct accel_fault {
	uint32_t word;		/* MARU_ERROR(), 0: nothing */
	uint64_t value;
};

/**
 * accel_packet_check() - Check a packet as the card will.
 * @packet: its lines; packet->bytes of them are there.
 * @caps: of the card, or NULL: whatever the contract allows.
 * @has_addresses: 0: operands lie nowhere; addresses and overlaps are not looked at.
 *
 * Return: what is wrong.
 */
struct accel_fault accel_packet_check(const struct maru_packet *packet,
				      const struct accel_caps *caps, bool has_addresses);

/** accel_shape_check() - The rules of one operation beyond the table, in check_shape.c. */
struct accel_fault accel_shape_check(const struct maru_packet *packet);

/** accel_overlap_check() - That destinations and sources do not overlap, in check_overlap.c. */
struct accel_fault accel_overlap_check(const struct maru_packet *packet);

/** accel_packet_classes() - Queue classes that take a right packet, as bits. */
uint32_t accel_packet_classes(const struct maru_packet *packet);

#define ACCEL_FAULT(code, role, field, number) \
	((struct accel_fault){ MARU_ERROR(MARU_ERR_##code, role, field), number })
#define ACCEL_RIGHT	((struct accel_fault){ 0, 0 })

#endif
