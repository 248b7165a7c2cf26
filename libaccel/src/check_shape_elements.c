// SPDX-License-Identifier: MIT
/* Functions of single elements, and of pairs of them that turn together. */
#include <drm/maru_cmd_ops.h>

#include "check_shape.h"

#define CODE_FIELD	16
#define P_FIELD(i)	(20 + 4 * (i))

/* Codes are four runs of numbers. Return: whether it is one, and how many parameters it has. */
static bool find_code(unsigned int code, unsigned int *params)
{
	static const struct {
		uint16_t first, last;
		uint8_t params;
	} runs[] = {
		{ MARU_CODE_ABS, MARU_CODE_GELU_ERF, 0 }, { MARU_CODE_XIELU, MARU_CODE_XIELU, 4 },
		{ MARU_CODE_FLOOR, MARU_CODE_TRUNC, 0 }, { MARU_CODE_SQR, MARU_CODE_COS, 0 },
		{ MARU_CODE_LEAKY_RELU, MARU_CODE_LEAKY_RELU, 1 },
		{ MARU_CODE_SCALE, MARU_CODE_CLAMP, 2 }, { MARU_CODE_ADD, MARU_CODE_MAX, 0 },
		{ MARU_CODE_REGLU, MARU_CODE_SWIGLU, 0 },
		{ MARU_CODE_SWIGLU_OAI, MARU_CODE_SWIGLU_OAI, 2 },
		{ MARU_CODE_GEGLU_ERF, MARU_CODE_GEGLU_QUICK, 0 },
		{ MARU_CODE_SWIGLU_CLAMP, MARU_CODE_SWIGLU_CLAMP, 2 },
	};

	for (unsigned int i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		if (code >= runs[i].first && code <= runs[i].last) {
			*params = runs[i].params;
			return true;
		}
	}
	return false;
}

static struct accel_fault check_code(const struct maru_packet *packet)
{
	const struct maru_params_elementwise *params = &packet->elementwise;
	bool has_right = accel_packet_operand(packet, MARU_ROLE_RIGHT);
	unsigned int count;

	if (!find_code(params->code, &count))
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, CODE_FIELD, params->code);
	if (has_right != (params->code >= MARU_CODE_ADD))
		return ACCEL_FAULT(BAD_ROLES, MARU_ROLE_NONE, 8, packet->roles);
	for (; count < 4; count++) {
		if (params->p[count])
			return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, P_FIELD(count),
					   params->p[count]);
	}
	return ACCEL_RIGHT;
}

struct accel_fault accel_check_elementwise(const struct maru_packet *packet)
{
	unsigned int code = packet->elementwise.code;
	bool is_float = accel_is_float(accel_packet_operand(packet, MARU_ROLE_DST)->type);
	struct accel_fault fault = check_code(packet);
	const struct maru_operand *operand;

	if (fault.word)
		return fault;
	for (unsigned int role = MARU_ROLE_LEFT; role <= MARU_ROLE_RIGHT; role++) {
		operand = accel_packet_operand(packet, role);
		if (operand && accel_is_float(operand->type) != is_float)
			return accel_unsupported_type(packet, role);
	}
	if (!is_float &&
	    (code < MARU_CODE_ADD || code > MARU_CODE_MAX || code == MARU_CODE_DIV))
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, CODE_FIELD, code);
	return ACCEL_RIGHT;
}

static struct accel_fault check_rope_params(const struct maru_params_rope *params, uint32_t d)
{
	if (params->mode == MARU_ROPE_MROPE || params->mode == MARU_ROPE_VISION ||
	    params->mode == MARU_ROPE_IMROPE)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 16, params->mode);
	if (params->mode != MARU_ROPE_NORMAL && params->mode != MARU_ROPE_NEOX)
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 16, params->mode);
	for (int i = 0; i < 4; i++) {
		if (params->sect[i])
			return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 24 + 2 * i, params->sect[i]);
	}
	if (params->n_dims % 2)
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 20, params->n_dims);
	if (params->n_offs % 2 || (d && (uint32_t)params->n_offs + params->n_dims > d))
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 22, params->n_offs);
	if (!(accel_float(params->base) > 0))
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 36, params->base);
	return ACCEL_RIGHT;
}

struct accel_fault accel_check_rope(const struct maru_packet *packet)
{
	const struct maru_operand *dst = accel_packet_operand(packet, MARU_ROLE_DST);
	const uint64_t positions[4] = { dst->dim[2], 1, 1, 1 };
	const uint64_t factors[4] = { packet->rope.n_dims / 2, 1, 1, 1 };
	struct accel_fault fault = check_rope_params(&packet->rope, dst->dim[0]);

	if (!fault.word)
		fault = accel_check_dims(packet, MARU_ROLE_POS, positions);
	if (!fault.word)
		fault = accel_check_dims(packet, MARU_ROLE_FACTORS, factors);
	return fault;
}
