// SPDX-License-Identifier: MIT
/* Packets that move bytes, and those that do not even that. */
#include <errno.h>
#include <string.h>

#include "cmd.h"
#include "error.h"

int accel_cmd_nop(struct accel_cmd *cmd)
{
	struct accel_packet packet = { .call = "accel_cmd_nop", .header.op = MARU_OP_NOP };

	return accel_cmd_append(cmd, &packet);
}

int accel_cmd_timestamp(struct accel_cmd *cmd, struct accel_tensor dst)
{
	struct accel_packet packet = {
		.call = "accel_cmd_timestamp",
		.header.op = MARU_OP_TIMESTAMP,
		.tensors[MARU_ROLE_DST] = &dst,
	};

	return accel_cmd_append(cmd, &packet);
}

int accel_cmd_fill(struct accel_cmd *cmd, struct accel_tensor dst, const void *element)
{
	struct accel_packet packet = {
		.call = "accel_cmd_fill",
		.header.op = MARU_OP_FILL,
		.tensors[MARU_ROLE_DST] = &dst,
	};

	if (!element)
		return accel_refuse(-EINVAL, "accel_cmd_fill: element: NULL");
	memcpy(&packet.header.fill.pattern, element,
	       accel_type_bytes((enum accel_type)dst.type));
	return accel_cmd_append(cmd, &packet);
}

static int copy(struct accel_cmd *cmd, const char *call, uint8_t mode, struct accel_tensor *dst,
		struct accel_tensor *src)
{
	struct accel_packet packet = {
		.call = call,
		.header.op = MARU_OP_COPY,
		.header.copy.mode = mode,
		.tensors[MARU_ROLE_DST] = dst,
		.tensors[MARU_ROLE_SRC] = src,
	};

	return accel_cmd_append(cmd, &packet);
}

int accel_cmd_copy(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor src)
{
	return copy(cmd, "accel_cmd_copy", MARU_COPY_RESHAPE, &dst, &src);
}

int accel_cmd_repeat(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor src)
{
	return copy(cmd, "accel_cmd_repeat", MARU_COPY_REPEAT, &dst, &src);
}

int accel_cmd_prepare(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor src)
{
	struct accel_packet packet = {
		.call = "accel_cmd_prepare",
		.header.op = MARU_OP_PREPARE,
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_SRC] = &src,
	};

	return accel_cmd_append(cmd, &packet);
}
