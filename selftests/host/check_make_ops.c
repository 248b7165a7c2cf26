// SPDX-License-Identifier: GPL-2.0-only
/* Packets of a transformer. */
#include <string.h>

#include "selftests/host/check_make.h"

#define ONE	0x3f800000u
#define SMALL	0x3a83126fu	/* 0.001 */

static uint8_t pick_float(void)
{
	return check_types[check_pick(3)];
}

static uint8_t pick_index(void)
{
	return check_pick(2) ? MARU_TYPE_I32 : MARU_TYPE_I64;
}

static void set_dims(struct maru_operand *operand, uint32_t d0, uint32_t d1, uint32_t d2,
		     uint32_t d3)
{
	const uint32_t dims[4] = { d0, d1, d2, d3 };

	memcpy(operand->dim, dims, sizeof(dims));
	check_strides(operand, false);
}

/* Of the same dims; where it may be exactly dst, half of them are. */
static struct maru_operand *add_same(union check_packet *packet, unsigned int role, uint8_t type,
				     const struct maru_operand *dst, bool may_be)
{
	struct maru_operand *same = check_add(packet, role, type);

	set_dims(same, dst->dim[0], dst->dim[1], dst->dim[2], dst->dim[3]);
	if (may_be && check_pick(2)) {
		*same = *dst;
		same->type = type == dst->type || check_pick(3) ? dst->type : type;
	}
	return same;
}

/* A part of each dim, or 1, or all of it. */
static uint32_t pick_part(uint32_t dim)
{
	return dim && check_pick(2) ? (check_pick(2) && dim % 2 == 0 ? dim / 2 : 1) : dim;
}

static struct maru_operand *add_part(union check_packet *packet, unsigned int role, uint8_t type,
				     const struct maru_operand *dst)
{
	struct maru_operand *part = check_add(packet, role, type);

	set_dims(part, pick_part(dst->dim[0]), pick_part(dst->dim[1]), pick_part(dst->dim[2]),
		 pick_part(dst->dim[3]));
	return part;
}

static void make_gather(union check_packet *packet)
{
	bool is_int = !check_pick(5);
	struct maru_operand *dst = check_add(packet, 0, is_int ? MARU_TYPE_I32 : pick_float());
	struct maru_operand *src = check_add(packet, 1, is_int ? MARU_TYPE_I32 : pick_float());
	struct maru_operand *idx = check_add(packet, 2, pick_index());

	packet->header.gather.skip_neg = check_pick(2);
	check_strides(dst, false);
	set_dims(src, dst->dim[0], 1 + check_pick(9), pick_part(dst->dim[2]),
		 pick_part(dst->dim[3]));
	if (!is_int && !check_pick(4)) {
		src->layout = MARU_LAYOUT_K16N64 + (src->type != MARU_TYPE_F32 && check_pick(2));
		memset(src->stride, 0, sizeof(src->stride));
	}
	set_dims(idx, dst->dim[1], dst->dim[2], dst->dim[3], 1);
}

static void make_scatter(union check_packet *packet)
{
	struct maru_operand *dst = check_add(packet, 0, check_types[check_pick(CHECK_TYPES)]);
	struct maru_operand *src = check_add(packet, 1, pick_float());
	struct maru_operand *idx = check_add(packet, 2, pick_index());

	packet->header.scatter.skip_neg = check_pick(2);
	check_strides(dst, false);
	set_dims(src, dst->dim[0], check_pick(9), dst->dim[2], dst->dim[3]);
	set_dims(idx, src->dim[1], pick_part(dst->dim[2]), pick_part(dst->dim[3]), 1);
}

/* Keys lie with a mask, with lengths, in a pool of blocks; queries regular or ragged. */
static void make_attention(union check_packet *packet)
{
	uint32_t d = 8u << check_pick(3), dv = check_pick(3) ? d : 16, n = check_pick(6);
	uint32_t shared = 1 + check_pick(3), k_heads = 1 + check_pick(2), keys = check_pick(20);
	uint32_t v_heads = check_pick(4) ? k_heads : 1, heads = k_heads * shared;
	bool is_paged = !check_pick(3), is_ragged = !check_pick(3);
	uint32_t sequences = 1 + check_pick(3), pools = is_paged ? check_pick(7) : sequences;
	struct maru_params_attention *params = &packet->header.attention;

	params->scale = ONE;
	params->max_bias = check_pick(3) ? 0 : ONE;
	params->softcap = check_pick(3) ? 0 : ONE;
	params->flags = check_pick(2);
	params->left = check_pick(2) ? MARU_ATTENTION_OPEN : check_pick(9);
	params->right = check_pick(2) ? MARU_ATTENTION_OPEN : check_pick(9);
	set_dims(check_add(packet, MARU_ROLE_DST, pick_float()), dv, heads, n,
		 is_ragged ? 1 : sequences);
	set_dims(check_add(packet, MARU_ROLE_Q, pick_float()), d, n, heads,
		 is_ragged ? 1 : sequences);
	set_dims(check_add(packet, MARU_ROLE_K, pick_float()), d, keys, k_heads, pools);
	set_dims(check_add(packet, MARU_ROLE_V, pick_float()), dv, keys, v_heads, pools);
	if (!is_paged && check_pick(2))
		set_dims(check_add(packet, MARU_ROLE_MASK, pick_float()), keys, n + check_pick(2),
			 pick_part(heads), pick_part(sequences));
	if (is_paged)
		set_dims(check_add(packet, MARU_ROLE_BLOCKS, MARU_TYPE_I32), check_pick(5),
			 sequences, 1, 1);
	if (is_paged || is_ragged || check_pick(2))
		set_dims(check_add(packet, MARU_ROLE_KV_LEN, MARU_TYPE_I32), sequences, 1, 1, 1);
	if (is_ragged)
		set_dims(check_add(packet, MARU_ROLE_Q_START, MARU_TYPE_I32), sequences + 1, 1, 1,
			 1);
}

static void make_norm(union check_packet *packet)
{
	static const uint8_t kinds[] = { 0, 0, 1, 1, 2, 3, 4 };
	struct maru_operand *dst = check_add(packet, 0, pick_float());

	packet->header.norm.kind = kinds[check_pick(7)];
	packet->header.norm.eps = check_pick(4) ? SMALL : 0;
	packet->header.norm.groups = check_pick(9) ? 0 : 2;
	check_strides(dst, false);
	add_same(packet, MARU_ROLE_X, pick_float(), dst, true);
	if (check_pick(2))
		add_part(packet, MARU_ROLE_MUL, pick_float(), dst);
	if (!check_pick(3))
		add_part(packet, MARU_ROLE_ADD, pick_float(), dst);
	else if (!check_pick(3))
		add_same(packet, MARU_ROLE_ADD, pick_float(), dst, true);
}

static void make_rope(union check_packet *packet)
{
	static const uint8_t modes[9] = { 0, 0, 0, 2, 2, 2, MARU_ROPE_MROPE, MARU_ROPE_VISION,
					  MARU_ROPE_IMROPE };
	struct maru_params_rope *params = &packet->header.rope;
	struct maru_operand *dst = check_add(packet, 0, pick_float());
	uint32_t d = 2 * (1 + check_pick(9));

	params->mode = modes[check_pick(9)];
	params->sect[check_pick(4)] = check_pick(9) ? 0 : 16;
	params->inverse = check_pick(2);
	params->n_dims = (uint16_t)(check_pick(2) ? d : 2 * (1 + check_pick(d / 2)));
	params->n_offs = check_pick(3) ? 0 : (uint16_t)(d - params->n_dims);
	params->n_ctx = 4096;
	params->base = 0x461c4000;	/* 10000 */
	params->freq_scale = params->attn_factor = ONE;
	params->ext_factor = check_pick(2) ? 0 : ONE;
	params->beta_fast = 0x42000000;	/* 32 */
	params->beta_slow = ONE;
	set_dims(dst, d, dst->dim[1], dst->dim[2], dst->dim[3]);
	add_same(packet, MARU_ROLE_X, pick_float(), dst, true);
	set_dims(check_add(packet, MARU_ROLE_POS, MARU_TYPE_I32), dst->dim[2], 1, 1, 1);
	if (!check_pick(3))
		set_dims(check_add(packet, MARU_ROLE_FACTORS, MARU_TYPE_F32), params->n_dims / 2,
			 1, 1, 1);
}

static void make_softmax(union check_packet *packet)
{
	struct maru_operand *dst = check_add(packet, 0, MARU_TYPE_F32);
	bool has_mask = check_pick(2);

	packet->header.softmax.scale = ONE;
	packet->header.softmax.max_bias = has_mask && check_pick(2) ? ONE : 0;
	check_strides(dst, false);
	add_same(packet, MARU_ROLE_X, MARU_TYPE_F32, dst, true);
	if (has_mask)
		set_dims(check_add(packet, MARU_ROLE_SOFTMAX_MASK, pick_float()), dst->dim[0],
			 dst->dim[1] + check_pick(3), pick_part(dst->dim[2]),
			 pick_part(dst->dim[3]));
}

static void make_elementwise(union check_packet *packet)
{
	static const uint8_t first[] = { 0x00, 0x40, 0x80, 0xc0 }, count[] = { 0x16, 8, 6, 7 };
	unsigned int run = check_pick(4), code = first[run] + check_pick(count[run]);
	bool is_int = run == 2 && !check_pick(3), has_p;
	struct maru_operand *dst = check_add(packet, 0, is_int ? MARU_TYPE_I32 : pick_float());

	packet->header.elementwise.code = (uint16_t)code;
	has_p = (code >= MARU_CODE_LEAKY_RELU && code <= MARU_CODE_CLAMP) ||
		code == MARU_CODE_SWIGLU_OAI || code == MARU_CODE_SWIGLU_CLAMP;
	packet->header.elementwise.p[0] = has_p ? SMALL : 0;
	packet->header.elementwise.p[1] = has_p && code != MARU_CODE_LEAKY_RELU ? ONE : 0;
	for (int i = 0; i < 4 && code == MARU_CODE_XIELU; i++)
		packet->header.elementwise.p[i] = ONE;
	check_strides(dst, false);
	add_same(packet, MARU_ROLE_LEFT, is_int ? MARU_TYPE_I32 : pick_float(), dst, true);
	if (run >= 2 && check_pick(3))
		add_part(packet, MARU_ROLE_RIGHT, is_int ? MARU_TYPE_I32 : pick_float(), dst);
	else if (run >= 2)
		add_same(packet, MARU_ROLE_RIGHT, is_int ? MARU_TYPE_I32 : pick_float(), dst,
			 true);
}

static void make_reduce(union check_packet *packet)
{
	unsigned int kind = check_pick(7), dim = check_pick(4);
	uint8_t type = kind >= MARU_REDUCE_ARGMAX ? MARU_TYPE_I32 : MARU_TYPE_F32;
	struct maru_operand *dst = check_add(packet, 0, type), *x;

	packet->header.reduce.kind = (uint8_t)kind;
	packet->header.reduce.dim = (uint8_t)dim;
	dst->dim[dim] = 1;
	check_strides(dst, false);
	x = add_same(packet, MARU_ROLE_X, pick_float(), dst, false);
	x->dim[dim] = check_pick(6);
	check_strides(x, false);
	if (!check_pick(kind >= MARU_REDUCE_ARGMAX ? 9 : 3))
		add_same(packet, MARU_ROLE_REDUCE_ADD, MARU_TYPE_F32, dst, true);
}

static void make_sort(union check_packet *packet)
{
	struct maru_operand *dst = check_add(packet, 0, MARU_TYPE_I32), *x;

	packet->header.sort.descending = check_pick(2);
	check_strides(dst, false);
	x = add_same(packet, MARU_ROLE_X, MARU_TYPE_F32, dst, false);
	x->dim[0] += check_pick(4);
	check_strides(x, false);
	if (check_pick(2))
		add_same(packet, MARU_ROLE_VALUES, MARU_TYPE_F32, dst, false);
}

bool check_make_ops(union check_packet *packet, uint16_t op)
{
	static const struct {
		uint16_t op;
		void (*make)(union check_packet *packet);
	} makers[] = {
		{ MARU_OP_GATHER, make_gather }, { MARU_OP_SCATTER, make_scatter },
		{ MARU_OP_ATTENTION, make_attention }, { MARU_OP_NORM, make_norm },
		{ MARU_OP_ROPE, make_rope }, { MARU_OP_SOFTMAX, make_softmax },
		{ MARU_OP_ELEMENTWISE, make_elementwise }, { MARU_OP_REDUCE, make_reduce },
		{ MARU_OP_SORT, make_sort },
	};

	for (unsigned int i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (makers[i].op == op) {
			makers[i].make(packet);
			return true;
		}
	}
	return false;
}
