// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/attention.h"
#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/kernels_attention.h"

#define DIRECT_ROWS	8u	/* up to so many rows keys are read where they lie */
#define LOG2_E		1.44269504088896341f

static void scratch_share(const struct engine_scratch *thread, struct attention_scratch *scratch)
{
	uint8_t *at = thread->base;

#define TAKE(field, bytes) do { scratch->field = (void *)at; at += (bytes); } while (0)
	TAKE(q, ATTENTION_ROWS * ATTENTION_D_MAX * 4);
	TAKE(out, ATTENTION_ROWS * ATTENTION_D_MAX * 4);
	TAKE(scores, ATTENTION_ROWS * ATTENTION_KEYS * 4);
	TAKE(max, ATTENTION_ROWS * 4);
	TAKE(sum, ATTENTION_ROWS * 4);
	TAKE(mask, ATTENTION_KEYS * 4);
	TAKE(k, ATTENTION_KEYS * ATTENTION_D_MAX * 4);
	TAKE(v, ATTENTION_KEYS * ATTENTION_D_MAX * 4);
	TAKE(wide, 64 * ATTENTION_D_MAX * 4);
	TAKE(k_rows, ATTENTION_KEYS * sizeof(void *));
	TAKE(v_rows, ATTENTION_KEYS * sizeof(void *));
	TAKE(gemm, KERNELS_GEMM_SCRATCH);
#undef TAKE
	_Static_assert(4 * ATTENTION_D_MAX * (2 * ATTENTION_ROWS + 2 * ATTENTION_KEYS + 64) +
		       ATTENTION_KEYS * (4 * ATTENTION_ROWS + 32) + KERNELS_GEMM_SCRATCH <
		       ENGINE_SCRATCH_BYTES, "scratch");
}

static int refuse(const struct engine_op *op, unsigned int code, unsigned int role,
		  uint64_t value, struct engine_error *error)
{
	memset(error, 0, sizeof(*error));
	error->word = MARU_ERROR(code, role, role == MARU_ROLE_NONE ? 0 : MARU_FIELD_VA);
	error->tag = op->header.tag;
	error->value = value;
	return -EINVAL;
}

/* Slope of a head: 2^(-max_bias · x), as ALiBi spreads them. */
static float slope_of(const struct attention_plan *plan, uint32_t head)
{
	uint32_t whole = 1u << (31 - __builtin_clz(plan->heads));

	if (plan->max_bias == 0)
		return 1.0f;
	if (head < whole)
		return exp2f(-plan->max_bias * (float)(head + 1) / (float)whole);
	return exp2f(-plan->max_bias * (float)(2 * (head - whole) + 1) / (float)(2 * whole));
}

/* The keys that a query at @position sees: from *first up to *end - 1, maybe none. */
static void window(const struct attention_plan *plan, const struct attention_run *run,
		   int64_t position, int64_t *first, int64_t *end)
{
	*first = plan->left == MARU_ATTENTION_OPEN ? 0 : position - plan->left;
	if (*first < 0)
		*first = 0;
	*end = run->len;
	if (plan->is_causal && position + 1 < *end)
		*end = position + 1;
	if (plan->right != MARU_ATTENTION_OPEN && position + plan->right + 1 < *end)
		*end = position + plan->right + 1;
}

static void load_queries(const struct engine_op *op, const struct attention_run *run,
			 const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	const struct engine_operand *q = &op->operands[MARU_ROLE_Q];
	uint32_t h, j, row = run->row;

	for (h = 0; h < run->heads; h++)
		for (j = 0; j < run->queries; j++, row++)
			attention_widen(q->desc->type, scratch->q + row * plan->dk,
					q->host + (run->query + j) * q->desc->stride[1] +
					(run->head + h) * q->desc->stride[2] +
					(plan->is_ragged ? 0 : run->seq) * q->desc->stride[3],
					plan->dk);
	for (row = run->row; row < run->row + run->heads * run->queries; row++) {
		memset(scratch->out + row * attention_out_pitch(plan), 0,
		       attention_out_pitch(plan) * sizeof(float));
		scratch->max[row] = -INFINITY;
		scratch->sum[row] = 0;
	}
}

/* A block of keys as a run meets it. */
struct block {
	uint32_t key, count;
	bool is_direct, is_careful;
};

static void make_scores(const struct engine_op *op, const struct attention_run *run,
			const struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t rows = run->heads * run->queries;
	struct kernels_gemm gemm = {
		.out = scratch->scores, .out_step = ATTENTION_KEYS * 4,
		.b = scratch->q + run->row * plan->dk, .b_step = plan->dk * 4ULL,
		.a = scratch->k, .panel_bytes = plan->dk * 256ULL,
		.m = rows, .n = block->count, .k = plan->dk, .scratch = scratch->gemm,
	};
	struct kernels_attend attend = {
		.out = scratch->scores, .out_step = ATTENTION_KEYS,
		.in = scratch->q + run->row * plan->dk, .in_step = plan->dk,
		.keys = scratch->k_rows, .type = op->operands[MARU_ROLE_K].desc->type,
		.rows = rows, .count = block->count, .d = plan->dk,
	};

	if (block->is_direct)
		kernels_attention.scores(&attend);
	else
		kernels.gemm_f32(&gemm);
}

/* Adds what the seen keys of a block give to the rows; weights of 0 take no part. */
static void add_carefully(const struct engine_op *op, const struct attention_run *run,
			  const struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	unsigned int type = op->operands[MARU_ROLE_V].desc->type;
	uint32_t rows = run->heads * run->queries, i, r, d;

	for (i = 0; i < block->count; i++) {
		attention_widen(type, scratch->wide, scratch->v_rows[i], plan->dv);
		for (r = 0; r < rows; r++) {
			float *out = scratch->out + (run->row + r) * attention_out_pitch(plan);
			float weight = scratch->scores[r * ATTENTION_KEYS + i];

			if (weight == 0)
				continue;
			for (d = 0; d < plan->dv; d++)
				out[d] += weight * scratch->wide[d];
		}
	}
}

static void add_values(const struct engine_op *op, const struct attention_run *run,
		       const struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t rows = run->heads * run->queries, pitch = attention_out_pitch(plan);
	struct kernels_gemm gemm = {
		.out = scratch->out + run->row * pitch, .out_step = pitch * 4ULL,
		.b = scratch->scores, .b_step = ATTENTION_KEYS * 4,
		.a = scratch->v, .panel_bytes = ATTENTION_KEYS * 256,
		.m = rows, .n = plan->dv, .k = block->count, .add = 1, .scratch = scratch->gemm,
	};
	struct kernels_attend attend = {
		.out = scratch->out + run->row * pitch, .out_step = pitch,
		.in = scratch->scores, .in_step = ATTENTION_KEYS,
		.keys = scratch->v_rows, .type = op->operands[MARU_ROLE_V].desc->type,
		.rows = rows, .count = block->count, .d = plan->dv,
	};

	if (block->is_careful)
		add_carefully(op, run, block, scratch);
	else if (block->is_direct)
		kernels_attention.values(&attend);
	else
		kernels.gemm_f32(&gemm);
}

/* Softcap, mask and slopes: scores as they are, instead of products. */
static void bias(const struct engine_op *op, const struct attention_run *run, uint32_t row,
		 uint32_t key, uint32_t count, float *scores,
		 const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	const struct engine_operand *mask = &op->operands[MARU_ROLE_MASK];
	uint32_t head = run->head + row / run->queries, query = row % run->queries, i;
	struct kernels_bias kernel = {
		.scale = plan->scale, .softcap = plan->softcap, .slope = slope_of(plan, head),
	};

	if (mask->desc) {
		attention_widen(mask->desc->type, scratch->mask, mask->host +
				key * maru_type_bytes(mask->desc->type) +
				(run->query + query) * mask->desc->stride[1] +
				head % mask->desc->dim[2] * mask->desc->stride[2] +
				run->seq % mask->desc->dim[3] * mask->desc->stride[3], count);
		kernel.mask = scratch->mask;
	} else if (plan->max_bias != 0) {
		for (i = 0; i < count; i++)
			scratch->mask[i] = (float)((int64_t)key + i - run->position - query);
		kernel.mask = scratch->mask;
	}
	kernels_attention.bias(scores, count, &kernel);
}

/* Turns the scores of a row into weights, and what was added before to the new maximum. */
static void weigh(const struct engine_op *op, const struct attention_run *run,
		  const struct block *block, uint32_t row, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	float *scores = scratch->scores + row * ATTENTION_KEYS, factor, scale = plan->scale;
	int64_t first, end, last = (int64_t)block->key + block->count;
	uint32_t skip, count, pitch = attention_out_pitch(plan);

	window(plan, run, run->position + row % run->queries, &first, &end);
	first = first < block->key ? block->key : first;
	end = end > last ? last : end;
	if (first >= end) {
		memset(scores, 0, block->count * sizeof(*scores));
		return;
	}
	skip = (uint32_t)(first - block->key);
	count = (uint32_t)(end - first);
	if (operand_present(op, MARU_ROLE_MASK) || plan->softcap != 0 || plan->max_bias != 0) {
		bias(op, run, row, (uint32_t)first, count, scores + skip, scratch);
		scale = 1.0f;
	}
	memset(scores, 0, skip * sizeof(*scores));
	memset(scores + skip + count, 0, (block->count - skip - count) * sizeof(*scores));
	factor = kernels_attention.softmax(scores + skip, count, scale * LOG2_E,
					&scratch->max[run->row + row],
					&scratch->sum[run->row + row]);
	if (factor != 1.0f)
		kernels_attention.scale(scratch->out + (run->row + row) * pitch, pitch, factor);
}

static int run_keys(struct engine_op *op, const struct attention_run *run, bool is_careful,
		    const struct attention_scratch *scratch, struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	struct block block = { .is_direct = run->heads * run->queries <= DIRECT_ROWS,
			       .is_careful = is_careful };
	int64_t first, end, unused, key;
	uint32_t row;

	window(plan, run, run->position, &first, &unused);
	window(plan, run, run->position + run->queries - 1, &unused, &end);
	for (key = first; key < end; key = block.key + block.count) {
		block.key = (uint32_t)key;
		block.count = ATTENTION_KEYS - block.key % ATTENTION_KEYS;
		if (block.count > end - key)
			block.count = (uint32_t)(end - key);
		if (op->stop && *op->stop)
			return refuse(op, MARU_ERR_CANCELLED, MARU_ROLE_NONE, 0, error);
		if (attention_rows(op, run, block.key, block.count, scratch, error))
			return -EINVAL;
		if (!block.is_direct)
			attention_pack(op, block.count, scratch);
		make_scores(op, run, &block, scratch);
		for (row = 0; row < run->heads * run->queries; row++)
			weigh(op, run, &block, row, scratch);
		add_values(op, run, &block, scratch);
	}
	return 0;
}

/* Is there a NaN or an infinity? A key that some rows do not see may have brought it. */
static bool is_finite(const struct attention_plan *plan, const struct attention_run *run,
		      const struct attention_scratch *scratch)
{
	uint32_t rows = run->heads * run->queries, pitch = attention_out_pitch(plan), i;
	const float *out = scratch->out + run->row * pitch;
	float nothing = 0;

	for (i = 0; i < rows * pitch; i++)
		nothing += out[i] * 0.0f;
	return nothing == 0;
}

static int run_one(struct engine_op *op, const struct attention_run *run,
		   const struct attention_scratch *scratch, struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);

	load_queries(op, run, scratch);
	if (run_keys(op, run, false, scratch, error))
		return -EINVAL;
	if (is_finite(plan, run, scratch))
		return 0;
	load_queries(op, run, scratch);
	return run_keys(op, run, true, scratch, error);
}

static void store(struct engine_op *op, const struct attention_run *run,
		  const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	uint32_t size = maru_type_bytes(dst->desc->type), h, j, row = run->row;
	convert_fn convert = convert_lookup(dst->desc->type, MARU_TYPE_F32);

	for (h = 0; h < run->heads; h++) {
		for (j = 0; j < run->queries; j++, row++) {
			float *out = scratch->out + row * attention_out_pitch(plan);

			if (scratch->sum[row] != 0)
				kernels_attention.scale(out, attention_out_pitch(plan),
						     1.0f / scratch->sum[row]);
			convert(dst->host + (run->head + h) * dst->desc->stride[1] +
				(run->query + j) * dst->desc->stride[2] +
				(plan->is_ragged ? 0 : run->seq) * dst->desc->stride[3],
				size, out, 4, plan->dv);
		}
	}
}

/* The sequence of a query of a ragged batch: the last one that starts at or before it. */
static int find_sequence(struct engine_op *op, uint32_t query, uint32_t *seq,
			 struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t low = 0, high = plan->seqs, middle;	/* start[low] <= query */
	int64_t start;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		start = attention_start(op, middle);
		if (start < 0)
			return refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_Q_START, middle, error);
		if (start <= query)
			low = middle;
		else
			high = middle;
	}
	*seq = low;
	return 0;
}

/*
 * The part of @unit's queries from run->query on that belongs to one sequence. Queries behind
 * the last sequence have no keys.
 */
static int cut_ragged(struct engine_op *op, uint32_t end, struct attention_run *run,
		      struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	int64_t start, next;

	run->len = 0;
	run->position = 0;
	run->queries = end - run->query;
	if (!plan->seqs)
		return 0;
	if (find_sequence(op, run->query, &run->seq, error))
		return -EINVAL;
	start = attention_start(op, run->seq);
	next = attention_start(op, run->seq + 1);
	if (start < 0 || start > run->query || next < start)
		return refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_Q_START, run->seq, error);
	if (next <= run->query)
		return 0;
	if (next < end)
		run->queries = (uint32_t)(next - run->query);
	run->len = attention_length(op, run->seq);
	run->position = run->len - (next - run->query);
	if (run->len < 0)
		return refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_KV_LEN, run->seq, error);
	return 0;
}

static int run_ragged(struct engine_op *op, struct attention_run run,
		      const struct attention_scratch *scratch, struct engine_error *error)
{
	uint32_t first = run.query, end = run.query + run.queries, row = run.row;
	struct attention_run part;
	int pass;

	for (pass = 0; pass < 2; pass++) {	/* all is done before anything is stored */
		part = run;
		for (part.query = first; part.query < end; part.query += part.queries) {
			part.row = row + (part.query - first) * run.heads;
			if (cut_ragged(op, end, &part, error))
				return -EINVAL;
			if (!pass && run_one(op, &part, scratch, error))
				return -EINVAL;
			if (pass)
				store(op, &part, scratch);
		}
	}
	return 0;
}

/* Which queries and heads: neighbouring units share keys, so they run at about the same time. */
static void locate(const struct attention_plan *plan, uint64_t unit, struct attention_run *run)
{
	uint32_t part_query = (uint32_t)(unit % plan->parts_queries), part_head, share;

	unit /= plan->parts_queries;
	part_head = (uint32_t)(unit % plan->parts_heads);
	unit /= plan->parts_heads;
	share = (uint32_t)(unit % (plan->heads / plan->share));
	memset(run, 0, sizeof(*run));
	run->seq = (uint32_t)(unit / (plan->heads / plan->share));
	run->query = part_query * plan->tile_queries;
	run->queries = plan->queries - run->query;
	if (run->queries > plan->tile_queries)
		run->queries = plan->tile_queries;
	run->heads = plan->share - part_head * plan->tile_heads;
	if (run->heads > plan->tile_heads)
		run->heads = plan->tile_heads;
	run->head = share * plan->share + part_head * plan->tile_heads;
}

static int run_unit(struct engine_op *op, uint64_t unit, const struct attention_scratch *scratch,
		    struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	struct attention_run run;

	locate(plan, unit, &run);
	if (plan->is_ragged)
		return run_ragged(op, run, scratch, error);
	run.len = attention_length(op, run.seq);
	if (run.len < 0)
		return refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_KV_LEN, run.seq, error);
	run.position = run.len - plan->queries + run.query;
	if (run_one(op, &run, scratch, error))
		return -EINVAL;
	store(op, &run, scratch);
	return 0;
}

int attention_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *thread,
		   struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint64_t unit = (uint64_t)tile * plan->group, end = unit + plan->group;
	struct attention_scratch scratch;

	scratch_share(thread, &scratch);
	for (; unit < end && unit < plan->units; unit++)
		if (run_unit(op, unit, &scratch, error))
			return -EINVAL;
	return 0;
}
