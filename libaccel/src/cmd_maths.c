// SPDX-License-Identifier: MIT
/* Packets of norms, rotations and functions of elements. */
#include <errno.h>
#include <string.h>

#include "cmd.h"
#include "error.h"

static uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

int accel_cmd_attention(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor q,
			struct accel_tensor k, struct accel_tensor v,
			const struct accel_attention_desc *desc)
{
	static const struct accel_attention_desc plain = ACCEL_ATTENTION_DESC_INIT;
	struct accel_packet packet = {
		.call = "accel_cmd_attention",
		.header.op = MARU_OP_ATTENTION,
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_Q] = &q,
		.tensors[MARU_ROLE_K] = &k,
		.tensors[MARU_ROLE_V] = &v,
	};
	struct maru_params_attention *params = &packet.header.attention;

	if (!desc)
		desc = &plain;
	if (desc->size != sizeof(*desc))
		return accel_refuse_desc(packet.call, desc->size, sizeof(*desc));
	if (desc->causal > 1)
		return accel_refuse(-EINVAL, "%s: desc: causal: %u, not 0 or 1", packet.call,
				    desc->causal);
	params->scale = bits_of(desc->scale);
	params->softcap = bits_of(desc->softcap);
	params->max_bias = bits_of(desc->max_bias);
	params->flags = desc->causal ? MARU_ATTENTION_CAUSAL : 0;
	params->left = desc->left;
	params->right = desc->right;
	packet.tensors[MARU_ROLE_MASK] = desc->mask;
	packet.tensors[MARU_ROLE_BLOCKS] = desc->block_table;
	packet.tensors[MARU_ROLE_KV_LEN] = desc->kv_len;
	packet.tensors[MARU_ROLE_Q_START] = desc->q_start;
	return accel_cmd_append(cmd, &packet);
}

int accel_cmd_norm(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor x,
		   const struct accel_norm_desc *desc)
{
	static const struct accel_norm_desc plain = ACCEL_NORM_DESC_INIT;
	struct accel_packet packet = {
		.call = "accel_cmd_norm",
		.header.op = MARU_OP_NORM,
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_X] = &x,
	};

	if (!desc)
		desc = &plain;
	if (desc->size != sizeof(*desc))
		return accel_refuse_desc(packet.call, desc->size, sizeof(*desc));
	if ((unsigned int)desc->kind > 0xff)
		return accel_refuse(-EINVAL, "%s: desc: kind: %u is no such number", packet.call,
				    (unsigned int)desc->kind);
	packet.header.norm.kind = (uint8_t)desc->kind;
	packet.header.norm.eps = bits_of(desc->eps);
	packet.tensors[MARU_ROLE_MUL] = desc->mul;
	packet.tensors[MARU_ROLE_ADD] = desc->add;
	return accel_cmd_append(cmd, &packet);
}

/* Numbers that have fewer bits in the packet than in the desc. */
static int check_rope(const char *call, const struct accel_rope_desc *desc, uint32_t n_dims)
{
	const struct {
		const char *name;
		uint32_t value, limit;
	} fields[] = {
		{ "mode", desc->mode, 0xff }, { "inverse", desc->inverse, 1 },
		{ "n_dims", n_dims, 0xffff }, { "n_offs", desc->n_offs, 0xffff },
	};

	for (unsigned int i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].value > fields[i].limit)
			return accel_refuse(-EINVAL, "%s: desc: %s: %u, above %u", call,
					    fields[i].name, fields[i].value, fields[i].limit);
	}
	return 0;
}

static void set_rope(struct maru_params_rope *params, const struct accel_rope_desc *desc,
		     uint32_t n_dims)
{
	params->mode = (uint8_t)desc->mode;
	params->inverse = (uint8_t)desc->inverse;
	params->n_dims = (uint16_t)n_dims;
	params->n_offs = (uint16_t)desc->n_offs;
	params->n_ctx = desc->n_ctx;
	params->base = bits_of(desc->base);
	params->freq_scale = bits_of(desc->freq_scale);
	params->ext_factor = bits_of(desc->ext_factor);
	params->attn_factor = bits_of(desc->attn_factor);
	params->beta_fast = bits_of(desc->beta_fast);
	params->beta_slow = bits_of(desc->beta_slow);
}

int accel_cmd_rope(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor x,
		   struct accel_tensor pos, const struct accel_rope_desc *desc)
{
	static const struct accel_rope_desc plain = ACCEL_ROPE_DESC_INIT;
	struct accel_packet packet = {
		.call = "accel_cmd_rope",
		.header.op = MARU_OP_ROPE,
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_X] = &x,
		.tensors[MARU_ROLE_POS] = &pos,
	};
	uint32_t n_dims;
	int error;

	if (!desc)
		desc = &plain;
	if (desc->size != sizeof(*desc))
		return accel_refuse_desc(packet.call, desc->size, sizeof(*desc));
	n_dims = desc->n_dims;
	if (!n_dims && desc->n_offs < x.ne[0])
		n_dims = x.ne[0] - desc->n_offs;
	error = check_rope(packet.call, desc, n_dims);
	if (error)
		return error;
	set_rope(&packet.header.rope, desc, n_dims);
	packet.tensors[MARU_ROLE_FACTORS] = desc->factors;
	return accel_cmd_append(cmd, &packet);
}

int accel_cmd_softmax(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor x,
		      const struct accel_softmax_desc *desc)
{
	static const struct accel_softmax_desc plain = ACCEL_SOFTMAX_DESC_INIT;
	struct accel_packet packet = {
		.call = "accel_cmd_softmax",
		.header.op = MARU_OP_SOFTMAX,
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_X] = &x,
	};

	if (!desc)
		desc = &plain;
	if (desc->size != sizeof(*desc))
		return accel_refuse_desc(packet.call, desc->size, sizeof(*desc));
	packet.header.softmax.scale = bits_of(desc->scale);
	packet.header.softmax.max_bias = bits_of(desc->max_bias);
	packet.tensors[MARU_ROLE_SOFTMAX_MASK] = desc->mask;
	return accel_cmd_append(cmd, &packet);
}

/* @low … @high are the codes of the kind that the caller records. */
static int elementwise(struct accel_cmd *cmd, struct accel_packet *packet, unsigned int code,
		       unsigned int low, unsigned int high,
		       const struct accel_elementwise_desc *desc)
{
	static const struct accel_elementwise_desc plain = ACCEL_ELEMENTWISE_DESC_INIT;

	if (!desc)
		desc = &plain;
	if (desc->size != sizeof(*desc))
		return accel_refuse_desc(packet->call, desc->size, sizeof(*desc));
	if (code < low || code > high)
		return accel_refuse(-EINVAL, "%s: code: %u is no such number", packet->call, code);
	packet->header.op = MARU_OP_ELEMENTWISE;
	packet->header.elementwise.code = (uint16_t)code;
	for (int i = 0; i < 4; i++)
		packet->header.elementwise.p[i] = bits_of(desc->p[i]);
	return accel_cmd_append(cmd, packet);
}

int accel_cmd_unary(struct accel_cmd *cmd, enum accel_unary code, struct accel_tensor dst,
		    struct accel_tensor a, const struct accel_elementwise_desc *desc)
{
	struct accel_packet packet = {
		.call = "accel_cmd_unary",
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_LEFT] = &a,
	};

	return elementwise(cmd, &packet, code, 0, ACCEL_UNARY_CLAMP, desc);
}

int accel_cmd_binary(struct accel_cmd *cmd, enum accel_binary code, struct accel_tensor dst,
		     struct accel_tensor a, struct accel_tensor b)
{
	struct accel_packet packet = {
		.call = "accel_cmd_binary",
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_LEFT] = &a,
		.tensors[MARU_ROLE_RIGHT] = &b,
	};

	return elementwise(cmd, &packet, code, ACCEL_BINARY_ADD, ACCEL_BINARY_MAX, NULL);
}

int accel_cmd_glu(struct accel_cmd *cmd, enum accel_glu code, struct accel_tensor dst,
		  struct accel_tensor gate, struct accel_tensor value,
		  const struct accel_elementwise_desc *desc)
{
	struct accel_packet packet = {
		.call = "accel_cmd_glu",
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_LEFT] = &gate,
		.tensors[MARU_ROLE_RIGHT] = &value,
	};

	return elementwise(cmd, &packet, code, ACCEL_GLU_REGLU, ACCEL_GLU_SWIGLU_CLAMP, desc);
}
