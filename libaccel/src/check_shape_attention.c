// SPDX-License-Identifier: MIT
#include <drm/maru_cmd_ops.h>

#include "check_shape.h"

#define HEAD_MAX	512	/* elements of a head */

struct attention {
	const struct maru_packet *packet;
	const struct maru_operand *q, *k, *v, *mask, *blocks, *kv_len, *q_start;
	uint32_t sequences;
};

/* Both must be ≥ 0. */
static struct accel_fault check_params(const struct maru_params_attention *params)
{
	if (accel_float(params->max_bias) < 0)
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 20, params->max_bias);
	if (accel_float(params->softcap) < 0)
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 24, params->softcap);
	return ACCEL_RIGHT;
}

static struct accel_fault check_queries(const struct attention *all)
{
	const struct maru_operand *q = all->q, *v = all->v;
	const uint64_t dims[4] = { v->dim[0], q->dim[2], q->dim[1], q->dim[3] };

	if (q->dim[0] < 1 || q->dim[0] > HEAD_MAX)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_Q, MARU_FIELD_DIM(0), q->dim[0]);
	if (v->dim[0] > HEAD_MAX)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_V, MARU_FIELD_DIM(0), v->dim[0]);
	if (all->q_start && q->dim[3] != 1)
		return accel_bad_dim(all->packet, MARU_ROLE_Q, 3);
	return accel_check_dims(all->packet, MARU_ROLE_DST, dims);
}

static struct accel_fault check_keys(const struct attention *all)
{
	const struct maru_operand *q = all->q, *k = all->k, *v = all->v;

	if (k->dim[0] != q->dim[0])
		return accel_bad_dim(all->packet, MARU_ROLE_K, 0);
	if (!accel_divides(k->dim[2], q->dim[2]))
		return accel_bad_dim(all->packet, MARU_ROLE_K, 2);
	if (!all->blocks && k->dim[3] != all->sequences)
		return accel_bad_dim(all->packet, MARU_ROLE_K, 3);
	if (v->dim[1] != k->dim[1])
		return accel_bad_dim(all->packet, MARU_ROLE_V, 1);
	if (!accel_divides(v->dim[2], q->dim[2]))
		return accel_bad_dim(all->packet, MARU_ROLE_V, 2);
	if (v->dim[3] != k->dim[3])
		return accel_bad_dim(all->packet, MARU_ROLE_V, 3);
	return ACCEL_RIGHT;
}

static struct accel_fault check_mask(const struct attention *all)
{
	const struct maru_operand *mask = all->mask;

	if (mask->dim[0] != all->k->dim[1])
		return accel_bad_dim(all->packet, MARU_ROLE_MASK, 0);
	if (mask->dim[1] < all->q->dim[1])
		return accel_bad_dim(all->packet, MARU_ROLE_MASK, 1);
	if (!accel_divides(mask->dim[2], all->q->dim[2]))
		return accel_bad_dim(all->packet, MARU_ROLE_MASK, 2);
	if (!accel_divides(mask->dim[3], all->sequences))
		return accel_bad_dim(all->packet, MARU_ROLE_MASK, 3);
	return ACCEL_RIGHT;
}

/* What the card reads as numbers: blocks, lengths and starts. */
static struct accel_fault check_numbers(const struct attention *all)
{
	uint64_t blocks[4] = { 0, all->sequences, 1, 1 };
	const uint64_t lengths[4] = { all->sequences, 1, 1, 1 };
	const uint64_t starts[4] = { all->sequences + 1ull, 1, 1, 1 };
	struct accel_fault fault = ACCEL_RIGHT;

	if (all->blocks) {
		blocks[0] = all->blocks->dim[0];
		fault = accel_check_dims(all->packet, MARU_ROLE_BLOCKS, blocks);
	}
	if (!fault.word)
		fault = accel_check_dims(all->packet, MARU_ROLE_KV_LEN, lengths);
	if (!fault.word)
		fault = accel_check_dims(all->packet, MARU_ROLE_Q_START, starts);
	return fault;
}

struct accel_fault accel_check_attention(const struct maru_packet *packet)
{
	struct attention all = {
		.packet = packet,
		.q = accel_packet_operand(packet, MARU_ROLE_Q),
		.k = accel_packet_operand(packet, MARU_ROLE_K),
		.v = accel_packet_operand(packet, MARU_ROLE_V),
		.mask = accel_packet_operand(packet, MARU_ROLE_MASK),
		.blocks = accel_packet_operand(packet, MARU_ROLE_BLOCKS),
		.kv_len = accel_packet_operand(packet, MARU_ROLE_KV_LEN),
		.q_start = accel_packet_operand(packet, MARU_ROLE_Q_START),
	};
	struct accel_fault fault = check_params(&packet->attention);

	if (fault.word)
		return fault;
	if (((all.blocks || all.q_start) && !all.kv_len) || (all.blocks && all.mask))
		return ACCEL_FAULT(BAD_ROLES, MARU_ROLE_NONE, 8, packet->roles);
	all.sequences = all.q_start ? all.kv_len->dim[0] : all.q->dim[3];
	fault = check_queries(&all);
	if (!fault.word)
		fault = check_keys(&all);
	if (!fault.word && all.mask)
		fault = check_mask(&all);
	if (!fault.word)
		fault = check_numbers(&all);
	return fault;
}
