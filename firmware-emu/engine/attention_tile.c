// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "firmware-emu/engine/attention.h"
#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/kernels_attention.h"

static void scratch_share(const struct engine_scratch *thread, struct attention_scratch *scratch)
{
	uint8_t *at = thread->base;
	unsigned int side;

#define TAKE(field, bytes) do { scratch->field = (void *)at; at += (bytes); } while (0)
	TAKE(q, ATTENTION_ROOM * ATTENTION_D_MAX * 4);
	TAKE(out, ATTENTION_ROOM * ATTENTION_D_MAX * 4);
	TAKE(scores, ATTENTION_ROOM * ATTENTION_KEYS * 4);
	TAKE(k, ATTENTION_KEYS * ATTENTION_D_MAX * 4);
	TAKE(v, ATTENTION_KEYS * ATTENTION_D_MAX * 4);
	TAKE(line, ATTENTION_D_MAX * 4);
	TAKE(max, ATTENTION_ROWS * 4);
	TAKE(sum, ATTENTION_ROWS * 4);
	for (side = 0; side < 2; side++) {
		TAKE(k_rows[side], ATTENTION_KEYS * sizeof(void *));
		TAKE(v_rows[side], ATTENTION_KEYS * sizeof(void *));
	}
#undef TAKE
	_Static_assert(4 * ATTENTION_D_MAX * (2 * ATTENTION_ROOM + 2 * ATTENTION_KEYS + 1) +
		       ATTENTION_KEYS * (4 * ATTENTION_ROOM + 32) + 8 * ATTENTION_ROWS <
		       ENGINE_SCRATCH_BYTES, "scratch");
}

int attention_refuse(const struct engine_op *op, unsigned int code, unsigned int role,
		     uint64_t value, struct engine_error *error)
{
	memset(error, 0, sizeof(*error));
	error->word = MARU_ERROR(code, role, role == MARU_ROLE_NONE ? 0 : MARU_FIELD_VA);
	error->tag = op->header.tag;
	error->value = value;
	return -EINVAL;
}

void attention_widen(unsigned int type, float *to, const void *from, uint32_t n)
{
	if (type == MARU_TYPE_F16)
		kernels.f16_to_f32(to, from, n);
	else if (type == MARU_TYPE_BF16)
		kernels.bf16_to_f32(to, from, n);
	else
		memcpy(to, from, n * sizeof(float));
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
			return attention_refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_Q_START,
						middle, error);
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
		return attention_refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_Q_START, run->seq, error);
	if (next <= run->query)
		return 0;
	if (next < end)
		run->queries = (uint32_t)(next - run->query);
	run->len = attention_length(op, run->seq);
	run->position = run->len - (next - run->query);
	if (run->len < 0)
		return attention_refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_KV_LEN, run->seq, error);
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
			if (!pass && attention_keys(op, &part, scratch, error))
				return -EINVAL;
			if (pass)
				store(op, &part, scratch);
		}
	}
	return 0;
}

/*
 * Which queries and heads: neighbouring units share keys, so they run at about the same time. The
 * last queries, which may see most keys, come first: threads end together.
 */
static void locate(const struct attention_plan *plan, uint64_t unit, struct attention_run *run)
{
	uint32_t part_query = plan->parts_queries - 1 - (uint32_t)(unit % plan->parts_queries);
	uint32_t part_head, share;

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
		return attention_refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_KV_LEN, run.seq, error);
	run.position = run.len - plan->queries + run.query;
	if (attention_keys(op, &run, scratch, error))
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
