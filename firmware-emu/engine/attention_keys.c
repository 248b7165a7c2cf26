// SPDX-License-Identifier: MIT
/* The rows of a tile meet their keys, block by block, with a running softmax. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/attention.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/kernels_attention.h"

#define FEW_ROWS	8u	/* up to so many rows keys are read where they lie */
#define GROUPS_MAX	(ATTENTION_ROWS / 4 + 1)
#define LOG2_E		1.44269504088896341f

static void rows_of(const struct engine_operand *operand, uint64_t head, uint64_t last,
		    uint32_t key, uint32_t count, const uint8_t **rows)
{
	const struct maru_operand *desc = operand->desc;
	const uint8_t *at = operand->host + head * desc->stride[2] + last * desc->stride[3] +
			    key * desc->stride[1];
	uint32_t i;

	for (i = 0; i < count; i++)
		rows[i] = at + i * desc->stride[1];
}

int attention_rows(const struct engine_op *op, const struct attention_run *run, uint32_t key,
		   uint32_t count, const uint8_t **k_rows, const uint8_t **v_rows,
		   struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	const struct engine_operand *k = &op->operands[MARU_ROLE_K];
	const struct engine_operand *v = &op->operands[MARU_ROLE_V];
	const struct engine_operand *table = &op->operands[MARU_ROLE_BLOCKS];
	uint32_t k_head = run->head / plan->k_share, v_head = run->head / plan->v_share;
	uint32_t i, part, at, index;
	int32_t block;

	if (!count)
		return 0;
	if (!plan->block) {
		rows_of(k, k_head, run->seq, key, count, k_rows);
		rows_of(v, v_head, run->seq, key, count, v_rows);
		return 0;
	}
	for (i = 0; i < count; i += part) {
		index = (key + i) / plan->block;
		at = (key + i) % plan->block;
		part = plan->block - at < count - i ? plan->block - at : count - i;
		block = __atomic_load_n((const int32_t *)(const void *)
					(table->host + run->seq * table->desc->stride[1] +
					 index * 4ULL), __ATOMIC_RELAXED);
		if (block < 0 || (uint32_t)block >= k->desc->dim[3])
			return attention_refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_BLOCKS,
						(uint64_t)run->seq * table->desc->dim[0] + index,
						error);
		rows_of(k, k_head, (uint32_t)block, at, part, k_rows + i);
		rows_of(v, v_head, (uint32_t)block, at, part, v_rows + i);
	}
	return 0;
}

/* A block of keys as a run meets it. */
struct block {
	uint32_t key, count;
	bool is_few, is_careful;
	unsigned int side;		/* which of the rows in scratch */
	uint32_t next;			/* keys of the next block, on the other side */
	struct kernels_group group[GROUPS_MAX];
	uint32_t groups;
};

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

static void load_row(const struct engine_op *op, const struct attention_run *run, uint32_t row,
		     const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	const struct engine_operand *q = &op->operands[MARU_ROLE_Q];
	uint32_t pitch = attention_q_pitch(plan);
	float *to = scratch->q + (run->row + row) * pitch;

	attention_widen(q->desc->type, to,
			q->host + (run->query + row % run->queries) * q->desc->stride[1] +
			(run->head + row / run->queries) * q->desc->stride[2] +
			(plan->is_ragged ? 0 : run->seq) * q->desc->stride[3], plan->dk);
	memset(to + plan->dk, 0, (pitch - plan->dk) * sizeof(float));
}

static void load_queries(const struct engine_op *op, const struct attention_run *run,
			 const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t pitch = attention_out_pitch(plan), row;

	for (row = 0; row < run->heads * run->queries; row++) {
		load_row(op, run, row, scratch);
		memset(scratch->out + (run->row + row) * pitch, 0, pitch * sizeof(float));
		scratch->max[run->row + row] = -INFINITY;
		scratch->sum[run->row + row] = 0;
	}
}

/* What a row sees of a block, counted from its first key. */
static void window_of(const struct attention_plan *plan, const struct attention_run *run,
		      const struct block *block, uint32_t row, uint32_t *first, uint32_t *end)
{
	int64_t low, high;

	window(plan, run, run->position + row % run->queries, &low, &high);
	low = low < block->key ? 0 : low - block->key;
	high = high > (int64_t)block->key + block->count ? block->count : high - block->key;
	if (low >= high)
		low = high = 0;
	*first = (uint32_t)low;
	*end = (uint32_t)high;
}

/* Sixes, and fours where that wastes less. */
static void make_groups(const struct attention_plan *plan, const struct attention_run *run,
			struct block *block)
{
	uint32_t rows = run->heads * run->queries, row, n, r, first, end;

	block->groups = 0;
	for (row = 0; row < rows; row += n) {
		struct kernels_group *group = &block->group[block->groups++];

		n = rows - row > 8 || rows - row == 5 || rows - row == 6 ? 6 : 4;
		n = n < rows - row ? n : rows - row;
		*group = (struct kernels_group) { .row = row, .rows = n };
		for (r = row; r < row + n; r++) {
			window_of(plan, run, block, r, &first, &end);
			if (first == end)
				continue;
			if (group->first == group->end || first < group->first)
				group->first = first;
			if (end > group->end)
				group->end = end;
		}
	}
}

static void few_scores(const struct engine_op *op, const struct attention_run *run,
		       const struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	const struct kernels_attend attend = {
		.out = scratch->scores, .out_step = ATTENTION_KEYS,
		.in = scratch->q + run->row * attention_q_pitch(plan),
		.in_step = attention_q_pitch(plan),
		.keys = scratch->k_rows[block->side],
		.type = op->operands[MARU_ROLE_K].desc->type,
		.rows = run->heads * run->queries, .count = block->count, .d = plan->dk,
		.ahead = scratch->v_rows[block->side], .ahead_count = block->count,
		.ahead_bytes = plan->dv * maru_type_bytes(op->operands[MARU_ROLE_V].desc->type),
	};

	kernels_attention.scores(&attend);
}

/* Can the values of a block be strips where they lie? Steps are taken in fours. */
static bool are_values_plain(const struct engine_op *op, const struct attention_plan *plan,
			     const struct block *block)
{
	const struct maru_operand *v = op->operands[MARU_ROLE_V].desc;

	return kernels_attention.is_advance_free && v->type == MARU_TYPE_F32 && !plan->block &&
	       plan->dv % KERNELS_STRIP == 0 && block->count % 4 == 0 &&
	       v->stride[1] / 4 <= UINT32_MAX;
}

static void many_scores(const struct engine_op *op, const struct attention_run *run,
			const struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t pitch = attention_q_pitch(plan);
	const struct kernels_pack k = {
		.to = scratch->k, .strip_step = pitch * KERNELS_STRIP,
		.keys = scratch->k_rows[block->side],
		.type = op->operands[MARU_ROLE_K].desc->type,
		.count = block->count, .d = plan->dk,
	};
	const struct kernels_pack v = {
		.to = scratch->v, .strip_step = ATTENTION_KEYS * KERNELS_STRIP,
		.keys = scratch->v_rows[block->side],
		.type = op->operands[MARU_ROLE_V].desc->type,
		.count = block->count, .d = plan->dv,
	};
	const struct kernels_block product = {
		.out = scratch->scores, .out_step = ATTENTION_KEYS,
		.in = scratch->q + run->row * pitch, .in_step = pitch,
		.strip = scratch->k, .strip_step = k.strip_step,
		.strip_advance = KERNELS_STRIP,
		.strips = (block->count + KERNELS_STRIP - 1) / KERNELS_STRIP,
		.steps = plan->dk, .group = block->group, .groups = block->groups,
	};

	kernels_attention.pack_keys(&k);
	if (!are_values_plain(op, plan, block))
		kernels_attention.pack_values(&v);
	kernels_attention.block_scores(&product);
}

/* Adds what the seen keys of a block give to the rows; weights of 0 take no part. */
static void add_carefully(const struct engine_op *op, const struct attention_run *run,
			  const struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	unsigned int type = op->operands[MARU_ROLE_V].desc->type;
	uint32_t rows = run->heads * run->queries, i, r, d;

	for (i = 0; i < block->count; i++) {
		attention_widen(type, scratch->line, scratch->v_rows[block->side][i], plan->dv);
		for (r = 0; r < rows; r++) {
			float *out = scratch->out + (run->row + r) * attention_out_pitch(plan);
			float weight = scratch->scores[r * ATTENTION_KEYS + i];

			if (weight == 0)
				continue;
			for (d = 0; d < plan->dv; d++)
				out[d] += weight * scratch->line[d];
		}
	}
}

static void few_values(const struct engine_op *op, const struct attention_run *run,
		       const struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t pitch = attention_out_pitch(plan);
	const struct kernels_attend attend = {
		.out = scratch->out + run->row * pitch, .out_step = pitch,
		.in = scratch->scores, .in_step = ATTENTION_KEYS,
		.keys = scratch->v_rows[block->side],
		.type = op->operands[MARU_ROLE_V].desc->type,
		.rows = run->heads * run->queries, .count = block->count, .d = plan->dv,
		.ahead = scratch->k_rows[!block->side], .ahead_count = block->next,
		.ahead_bytes = plan->dk * maru_type_bytes(op->operands[MARU_ROLE_K].desc->type),
	};

	kernels_attention.values(&attend);
}

static void many_values(const struct engine_op *op, const struct attention_run *run,
			const struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t pitch = attention_out_pitch(plan);
	struct kernels_block product = {
		.out = scratch->out + run->row * pitch, .out_step = pitch,
		.in = scratch->scores, .in_step = ATTENTION_KEYS,
		.strip = scratch->v, .strip_step = ATTENTION_KEYS * KERNELS_STRIP,
		.strip_advance = KERNELS_STRIP,
		.strips = pitch / KERNELS_STRIP, .group = block->group, .groups = block->groups,
	};

	if (are_values_plain(op, plan, block)) {
		product.strip = (const float *)(const void *)scratch->v_rows[block->side][0];
		product.strip_step = KERNELS_STRIP;
		product.strip_advance = (uint32_t)(op->operands[MARU_ROLE_V].desc->stride[1] / 4);
	}
	kernels_attention.block_values(&product);
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
		attention_widen(mask->desc->type, scratch->line, mask->host +
				key * maru_type_bytes(mask->desc->type) +
				(run->query + query) * mask->desc->stride[1] +
				head % mask->desc->dim[2] * mask->desc->stride[2] +
				run->seq % mask->desc->dim[3] * mask->desc->stride[3], count);
		kernel.mask = scratch->line;
	} else if (plan->max_bias != 0) {
		for (i = 0; i < count; i++)
			scratch->line[i] = (float)((int64_t)key + i - run->position - query);
		kernel.mask = scratch->line;
	}
	kernels_attention.bias(scores, count, &kernel);
}

/* What a row sees of a block, and the largest of its scores so far. */
struct view {
	uint32_t first, end;
	float scale, most;
};

static void look(const struct engine_op *op, const struct attention_run *run,
		 const struct block *block, uint32_t row, const struct attention_scratch *scratch,
		 struct view *view)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	float *scores = scratch->scores + row * ATTENTION_KEYS;
	uint32_t first, end;

	window_of(plan, run, block, row, &first, &end);
	memset(scores, 0, first * sizeof(*scores));
	memset(scores + end, 0, (ATTENTION_KEYS - end) * sizeof(*scores));
	*view = (struct view) { .first = first, .end = end, .scale = plan->scale * LOG2_E };
	if (first == end)
		return;
	if (operand_present(op, MARU_ROLE_MASK) || plan->softcap != 0 || plan->max_bias != 0) {
		bias(op, run, row, block->key + first, end - first, scores + first, scratch);
		view->scale = LOG2_E;
	}
	view->most = kernels_attention.largest(scores + first, end - first, view->scale,
					       scratch->max[run->row + row]);
}

/* Turns the scores of a row into weights, and what was added before to the new maximum. */
static void weigh(const struct engine_op *op, const struct attention_run *run, uint32_t row,
		  const struct attention_scratch *scratch, const struct view *view)
{
	uint32_t pitch = attention_out_pitch(IMPL_PLAN(const struct attention_plan, op));
	float factor;

	if (view->first == view->end)
		return;
	factor = kernels_attention.softmax(scratch->scores + row * ATTENTION_KEYS + view->first,
					   view->end - view->first, view->scale, view->most,
					   &scratch->max[run->row + row],
					   &scratch->sum[run->row + row]);
	if (factor != 1.0f)
		kernels_attention.scale(scratch->out + (run->row + row) * pitch, pitch, factor);
}

/* While rows are weighed their share of the next block is fetched into the second cache. */
static void fetch_next(const struct engine_op *op, const struct attention_run *run,
		       const struct block *block, uint32_t row,
		       const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t rows = run->heads * run->queries, i = row * block->next / rows, at;
	uint32_t k_bytes = plan->dk * maru_type_bytes(op->operands[MARU_ROLE_K].desc->type);
	uint32_t v_bytes = plan->dv * maru_type_bytes(op->operands[MARU_ROLE_V].desc->type);

	for (; i < (row + 1) * block->next / rows; i++) {
		for (at = 0; at < k_bytes; at += 64)
			__builtin_prefetch(scratch->k_rows[!block->side][i] + at, 0, 2);
		for (at = 0; at < v_bytes; at += 64)
			__builtin_prefetch(scratch->v_rows[!block->side][i] + at, 0, 2);
	}
}

static void meet_block(const struct engine_op *op, const struct attention_run *run,
		       struct block *block, const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	struct view view[ATTENTION_ROWS];
	uint32_t row;

	if (block->is_few) {
		few_scores(op, run, block, scratch);
	} else {
		make_groups(plan, run, block);
		many_scores(op, run, block, scratch);
	}
	/* All rows are looked at first: the search in one need not wait for another's end. */
	for (row = 0; row < run->heads * run->queries; row++)
		look(op, run, block, row, scratch, &view[row]);
	for (row = 0; row < run->heads * run->queries; row++) {
		if (!block->is_few)
			fetch_next(op, run, block, row, scratch);
		weigh(op, run, row, scratch, &view[row]);
	}
	if (block->is_careful)
		add_carefully(op, run, block, scratch);
	else if (block->is_few)
		few_values(op, run, block, scratch);
	else
		many_values(op, run, block, scratch);
}

/* Keys from @key on that belong to one block. */
static uint32_t block_count(int64_t key, int64_t end)
{
	int64_t next = (key / ATTENTION_KEYS + 1) * ATTENTION_KEYS;

	return key >= end ? 0 : (uint32_t)((next < end ? next : end) - key);
}

static int run_keys(struct engine_op *op, const struct attention_run *run, bool is_careful,
		    const struct attention_scratch *scratch, struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	struct block block = { .is_few = run->heads * run->queries <= FEW_ROWS,
			       .is_careful = is_careful };
	int64_t key, end, unused;

	window(plan, run, run->position, &key, &unused);
	window(plan, run, run->position + run->queries - 1, &unused, &end);
	block.next = block_count(key, end);
	block.side = 1;
	if (attention_rows(op, run, (uint32_t)key, block.next, scratch->k_rows[0],
			   scratch->v_rows[0], error))
		return -EINVAL;
	for (; block.next; key += block.count) {
		block.key = (uint32_t)key;
		block.count = block.next;
		block.side = !block.side;
		block.next = block_count(key + block.count, end);
		if (op->stop && *op->stop)
			return attention_refuse(op, MARU_ERR_CANCELLED, MARU_ROLE_NONE, 0, error);
		if (attention_rows(op, run, block.key + block.count, block.next,
				   scratch->k_rows[!block.side], scratch->v_rows[!block.side],
				   error))
			return -EINVAL;
		meet_block(op, run, &block, scratch);
	}
	return 0;
}

/* Is there a NaN or an infinity? A key that some rows do not see may have brought it. */
static bool is_finite(const struct attention_plan *plan, const struct attention_run *run,
		      const struct attention_scratch *scratch)
{
	uint32_t count = run->heads * run->queries * attention_out_pitch(plan), i;
	const float *out = scratch->out + run->row * attention_out_pitch(plan);
	float nothing[4] = { 0 };

	for (i = 0; i < count; i += 4)		/* pitches are multiples of it */
		for (unsigned int e = 0; e < 4; e++)
			nothing[e] += out[i + e] * 0.0f;
	return nothing[0] + nothing[1] + nothing[2] + nothing[3] == 0;
}

int attention_keys(struct engine_op *op, const struct attention_run *run,
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
