// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATTENTION, NORM, SOFTMAX and ROPE in their variants, once each through a real card by the direct
 * way, against the references of the engines' tests.
 */
#include <math.h>

#include "selftests/host/direct_twin.h"
#include "selftests/ref/ref_attention.h"
#include "selftests/ref/ref_rows.h"

struct attention {
	const char *name;
	enum accel_type q, kv, dst, mask;
	uint32_t seqs, heads, kv_heads, n, keys, d;
	uint32_t mask_heads;			/* 0: no mask */
	float softcap, max_bias;
	uint32_t causal, left, right;		/* of windows: and 1 more, 0: open */
	int32_t kv_len[3], q_start[4];		/* the first, the second 0: none */
	uint32_t block;				/* keys of one, 0: contiguous */
};

#define SHAPES(s, h, g, rows, k, size) \
	.seqs = (s), .heads = (h), .kv_heads = (g), .n = (rows), .keys = (k), .d = (size)

static const struct attention attentions[] = {
	{ "mask", SHAPES(2, 4, 2, 5, 40, 64), .mask_heads = 1 },
	{ "mask a head, causal", SHAPES(2, 4, 2, 5, 40, 64), .kv = F16, .mask = F16,
	  .mask_heads = 4, .causal = 1, .kv_len = { 40, 23 } },
	{ "soft-cap", SHAPES(1, 4, 1, 7, 300, 64), .kv = BF16, .softcap = 5, .causal = 1 },
	{ "soft-cap and mask, F16", SHAPES(1, 2, 2, 7, 40, 96), .q = F16, .kv = F16, .dst = F16,
	  .mask_heads = 2, .softcap = 5 },
	{ "max_bias", SHAPES(1, 6, 3, 5, 40, 64), .max_bias = 8, .causal = 1 },
	{ "max_bias and mask", SHAPES(1, 6, 3, 5, 40, 64), .dst = BF16, .mask_heads = 1,
	  .max_bias = 8 },
	{ "window to the left", SHAPES(1, 2, 1, 20, 50, 64), .causal = 1, .left = 8 },
	{ "window to both", SHAPES(1, 2, 1, 20, 50, 128), .kv = BF16, .left = 8, .right = 3 },
	{ "one query of 256, 0 keys", SHAPES(3, 4, 1, 1, 600, 256), .kv = F16,
	  .kv_len = { 600, 1, 0 } },
	{ "paged", SHAPES(3, 4, 2, 1, 0, 128), .kv = F16, .kv_len = { 33, 16, 5 }, .block = 16 },
	{ "ragged", SHAPES(3, 4, 2, 9, 20, 64), .causal = 1, .kv_len = { 20, 3, 7 },
	  .q_start = { 0, 4, 4, 7 } },
	{ "ragged and mask", SHAPES(3, 4, 2, 9, 20, 64), .mask = F16, .mask_heads = 2,
	  .kv_len = { 20, 3, 7 }, .q_start = { 0, 4, 4, 7 } },
	{ "paged, ragged, soft-cap, window", SHAPES(3, 4, 2, 9, 0, 64), .kv = BF16, .softcap = 3,
	  .causal = 1, .left = 10, .kv_len = { 33, 16, 5 }, .q_start = { 0, 4, 5, 9 },
	  .block = 8 },
};

/* A third of it is −Inf. */
static struct twin make_mask(const struct attention *a)
{
	struct twin mask = SOME(a->mask, a->q_start[1] ? 1 : a->seqs, a->mask_heads, a->n, a->keys);

	EACH(i, mask, 0) {
		if (twin_draw() % 3 == 0)
			ref_store(a->mask, ref_at(&mask.host, i[0], i[1], i[2], i[3]), -INFINITY);
	}
	twin_upload(&mask);
	return mask;
}

static struct twin make_blocks(const struct attention *a, uint32_t blocks)
{
	int32_t table[3 * 8];

	for (int i = 0; i < 24; i++)	/* what lies behind a length is no block */
		table[i] = i % 8 * (int)a->block < a->kv_len[i / 8] ?
			   (int32_t)(twin_draw() % blocks) : -7;
	return GIVEN(I32, table, a->seqs, 8);
}

static void attend(const struct attention *a)
{
	struct accel_attention_desc desc = { sizeof(desc), 0.2f, a->softcap, a->max_bias, a->causal,
					     a->left - 1, a->right - 1, NULL, NULL, NULL, NULL };
	struct ref_attention ref = { .params = {
		.scale = twin_bits(0.2f), .max_bias = twin_bits(a->max_bias),
		.softcap = twin_bits(a->softcap), .flags = a->causal, .left = a->left - 1,
		.right = a->right - 1 } };
	uint32_t seqs = a->q_start[1] ? 1 : a->seqs, pools = a->block ? 11 : a->seqs;
	uint32_t keys = a->block ? a->block : a->keys;
	struct twin dst = MAKE(a->dst, seqs, a->n, a->heads, a->d), mask, blocks, kv_len, q_start;
	struct twin q = SOME(a->q, seqs, a->heads, a->n, a->d);
	struct twin k = SOME(a->kv, pools, a->kv_heads, keys, a->d);
	struct twin v = SOME(a->kv, pools, a->kv_heads, keys, a->d);
	struct ref_element row[256];

	ref.dst = &dst.host, ref.q = &q.host, ref.k = &k.host, ref.v = &v.host;
	if (a->mask_heads) {
		mask = make_mask(a);
		desc.mask = &mask.card, ref.mask = &mask.host;
	}
	if (a->block) {
		blocks = make_blocks(a, pools);
		desc.block_table = &blocks.card, ref.blocks = &blocks.host;
	}
	if (a->kv_len[0]) {
		kv_len = GIVEN(I32, a->kv_len, a->seqs);
		desc.kv_len = &kv_len.card, ref.kv_len = &kv_len.host;
	}
	if (a->q_start[1]) {
		q_start = GIVEN(I32, a->q_start, a->seqs + 1);
		desc.q_start = &q_start.card, ref.q_start = &q_start.host;
	}
	OK(accel_cmd_attention(twin_case.cmd, dst.card, q.card, k.card, v.card, &desc));
	twin_run(&dst);
	EACH(i, dst, 1) {
		ref_attention_row(&ref, &i[1], row);
		for (uint64_t d = 0; d < a->d; d++)
			twin_expect(&dst, (uint64_t[]){ d, i[1], i[2], i[3] }, row[d].value,
				    row[d].bound);
	}
}

static void test_attention(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(attentions) / sizeof(attentions[0]); i++) {
		twin_variant = attentions[i].name;
		twin_forget();
		attend(&attentions[i]);
	}
}

static void check_rows(const struct twin *dst, const uint64_t i[4], const struct ref_value *row)
{
	for (uint64_t d = 0; d < dst->host.dim[0]; d++)
		twin_expect(dst, (uint64_t[]){ d, i[1], i[2], i[3] }, row[d].value, row[d].bound);
}

static void test_norm(void **state)
{
	static const struct {
		const char *name;
		enum accel_norm kind;
		enum accel_type x, dst;
		int has_mul, has_add;
	} norms[] = {
		{ "RMS, mul", ACCEL_NORM_RMS, F32, F32, 1, 0 },
		{ "RMS, mul and add", ACCEL_NORM_RMS, BF16, F32, 1, 1 },
		{ "layer", ACCEL_NORM_LAYER, F32, F32, 0, 0 },
		{ "layer, mul and add", ACCEL_NORM_LAYER, F32, F32, 1, 1 },
		{ "layer, F16", ACCEL_NORM_LAYER, F16, F16, 1, 1 },
		{ "L2", ACCEL_NORM_L2, F32, BF16, 0, 0 }, { "sum", ACCEL_NORM_SUM, F32, F32, 0, 0 },
	};
	struct ref_value row[300];

	(void)state;
	for (size_t n = 0; n < sizeof(norms) / sizeof(norms[0]); n++) {
		struct accel_norm_desc desc = { sizeof(desc), norms[n].kind, 1e-3f, NULL, NULL };
		struct maru_params_norm params = { .kind = (uint8_t)norms[n].kind,
						   .eps = twin_bits(1e-3f) };
		struct twin dst = MAKE(norms[n].dst, 2, 3, 300), x = SOME(norms[n].x, 2, 3, 300);
		struct twin mul = SOME(F32, 300), add = SOME(F32, 3, 300);

		twin_variant = norms[n].name;
		desc.mul = norms[n].has_mul ? &mul.card : NULL;
		desc.add = norms[n].has_add ? &add.card : NULL;
		OK(accel_cmd_norm(twin_case.cmd, dst.card, x.card, &desc));
		twin_run(&dst);
		EACH(i, dst, 1) {
			ref_norm(&params, &dst.host, &x.host, desc.mul ? &mul.host : NULL,
				 desc.add ? &add.host : NULL, &i[1], row);
			check_rows(&dst, i, row);
		}
	}
}

static void test_softmax(void **state)
{
	static const struct {
		const char *name;
		enum accel_type mask;
		uint32_t heads;
		float max_bias;
	} masks[] = {
		{ "no mask", 0, 0, 0 }, { "mask", F32, 1, 0 }, { "mask a head", F16, 6, 0 },
		{ "max_bias", BF16, 1, 8 },
	};
	struct ref_value row[70];

	(void)state;
	for (size_t n = 0; n < 4; n++) {
		struct accel_softmax_desc desc = { sizeof(desc), 1.5f, masks[n].max_bias, NULL };
		struct maru_params_softmax params = { .scale = twin_bits(1.5f),
						      .max_bias = twin_bits(masks[n].max_bias) };
		struct twin dst = MAKE(F32, 2, 6, 3, 70), x = SOME(F32, 2, 6, 3, 70), mask;

		twin_variant = masks[n].name;
		if (masks[n].heads) {	/* with a row that is not needed */
			mask = SOME(masks[n].mask, 1, masks[n].heads, 4, 70);
			desc.mask = &mask.card;
		}
		OK(accel_cmd_softmax(twin_case.cmd, dst.card, x.card, &desc));
		twin_run(&dst);
		EACH(i, dst, 1) {
			ref_softmax(&params, &dst.host, &x.host, desc.mask ? &mask.host : NULL,
				    &i[1], row);
			check_rows(&dst, i, row);
		}
	}
}

static void test_rope(void **state)
{
	static const struct {
		const char *name;
		enum accel_type type;
		struct accel_rope_desc desc;
		int has_factors;
	} ropes[] = {
		{ "normal", F32, { .n_dims = 64, .freq_scale = 1 }, 0 },
		{ "NEOX, factors", F32, { .mode = ACCEL_ROPE_NEOX, .n_dims = 64,
					  .freq_scale = 1 }, 1 },
		{ "NEOX, a part, back", BF16, { .mode = ACCEL_ROPE_NEOX, .inverse = 1, .n_dims = 32,
						.n_offs = 8, .freq_scale = 1 }, 0 },
		{ "YaRN, factors, F16", F16, { .n_dims = 64, .n_ctx = 64, .freq_scale = 0.25f,
					       .ext_factor = 1 }, 1 },
	};
	const int32_t positions[5] = { 0, 1, 77, -3, 4000 };
	struct ref_value row[64];

	(void)state;
	for (size_t n = 0; n < sizeof(ropes) / sizeof(ropes[0]); n++) {
		struct accel_rope_desc desc = ropes[n].desc;
		struct maru_params_rope params = {
			.mode = (uint8_t)desc.mode, .inverse = (uint8_t)desc.inverse,
			.n_dims = (uint16_t)desc.n_dims, .n_offs = (uint16_t)desc.n_offs,
			.n_ctx = desc.n_ctx, .base = twin_bits(5000),
			.freq_scale = twin_bits(desc.freq_scale),
			.ext_factor = twin_bits(desc.ext_factor), .attn_factor = twin_bits(1.25f),
			.beta_fast = twin_bits(32), .beta_slow = twin_bits(1),
		};
		struct twin dst = MAKE(ropes[n].type, 2, 5, 3, 64);
		struct twin x = SOME(ropes[n].type, 2, 5, 3, 64), pos = GIVEN(I32, positions, 5);
		struct twin factors = SOME(F32, desc.n_dims / 2);

		twin_variant = ropes[n].name;
		EACH(i, factors, 0)
			ref_store(F32, ref_at(&factors.host, i[0], 0, 0, 0), 1 + i[0] * 0.125);
		twin_upload(&factors);
		desc.size = sizeof(desc);
		desc.base = 5000, desc.attn_factor = 1.25f, desc.beta_fast = 32, desc.beta_slow = 1;
		desc.factors = ropes[n].has_factors ? &factors.card : NULL;
		OK(accel_cmd_rope(twin_case.cmd, dst.card, x.card, pos.card, &desc));
		twin_run(&dst);
		EACH(i, dst, 1) {
			ref_rope(&params, &dst.host, &x.host, &pos.host,
				 desc.factors ? &factors.host : NULL, &i[1], row);
			check_rows(&dst, i, row);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, twin_open, twin_close)
	static const struct CMUnitTest tests[] = {
		TEST(test_attention), TEST(test_norm), TEST(test_softmax), TEST(test_rope),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
