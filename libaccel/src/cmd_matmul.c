// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "cmd.h"
#include "error.h"

/* Fields up to this one are the first version of the struct. */
#define DESC_FIRST_BYTES \
	(offsetof(struct accel_matmul_desc, b_as) + sizeof(((struct accel_matmul_desc *)0)->b_as))

int accel_cmd_matmul(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor a,
		     struct accel_tensor b, const struct accel_matmul_desc *desc)
{
	static const struct accel_matmul_desc plain = ACCEL_MATMUL_DESC_INIT;
	struct accel_packet packet = {
		.call = "accel_cmd_matmul",
		.header.op = MARU_OP_MATMUL,
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_A] = &a,
		.tensors[MARU_ROLE_B] = &b,
	};

	if (!desc)
		desc = &plain;
	if (desc->size < DESC_FIRST_BYTES || desc->size > sizeof(*desc))
		return accel_refuse(-EINVAL, "accel_cmd_matmul: desc: its size is %zu, not %zu",
				    desc->size, sizeof(*desc));
	if ((unsigned int)desc->act > 0xff || (unsigned int)desc->b_as > 0xff)
		return accel_refuse(-EINVAL, "accel_cmd_matmul: desc: %s: %u is no such number",
				    (unsigned int)desc->act > 0xff ? "act" : "b_as",
				    (unsigned int)desc->act > 0xff ? desc->act : desc->b_as);
	packet.header.matmul.act = (uint8_t)desc->act;
	packet.header.matmul.b_as = (uint8_t)desc->b_as;
	memcpy(&packet.header.matmul.scale, &desc->scale, sizeof(desc->scale));
	packet.tensors[MARU_ROLE_BIAS] = desc->bias;
	packet.tensors[MARU_ROLE_RESIDUAL] = desc->residual;
	if (desc->size >= offsetof(struct accel_matmul_desc, a_scale) + sizeof(desc->a_scale))
		packet.tensors[MARU_ROLE_A_SCALE] = desc->a_scale;
	return accel_cmd_append(cmd, &packet);
}
