/* SPDX-License-Identifier: MIT */
/* Recording: what the files that append packets share. */
#ifndef ACCEL_CMD_INTERNAL_H
#define ACCEL_CMD_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <accel/cmd.h>
#include <accel/ops.h>

#include <drm/maru_cmd.h>

/* A packet while it is put together: header and operands by role. */
struct accel_packet {
	const char *call;		/* public function, for error texts */
	struct maru_packet header;	/* op and parameters; the rest is filled in */
	const struct accel_tensor *tensors[MARU_ROLES];	/* by role, NULL: absent */
};

/**
 * accel_cmd_append() - Check a packet and append it.
 * @cmd: to which; NULL is refused.
 * @packet: op, parameters and tensors are set.
 *
 * Return: what the public functions of cmd.h say; the error text is set.
 */
int accel_cmd_append(struct accel_cmd *cmd, struct accel_packet *packet);

/** accel_refuse_desc() - Refuse a desc for its @size. Return: -EINVAL. */
int accel_refuse_desc(const char *call, size_t size, size_t want);

/** accel_operand_from_tensor() - Operand line of a right tensor; dims of 1 get plain strides. */
void accel_operand_from_tensor(struct maru_operand *operand, const struct accel_tensor *tensor);

/**
 * accel_packets_idempotent() - Whether a list of right packets may run again after a part of it
 * ran.
 * @packets: lines.
 * @bytes: of them.
 *
 * Return: true; false also when there is no memory to find out.
 */
bool accel_packets_idempotent(const void *packets, uint32_t bytes);

#endif
