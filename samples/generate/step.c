// SPDX-License-Identifier: MIT
/* See step.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "step.h"

const char *const step_names[STEP_KINDS] = {
	[STEP_GATHER] = "gather", [STEP_NORM] = "norm", [STEP_MATMUL] = "matmul",
	[STEP_ROPE] = "rope", [STEP_SCATTER] = "scatter", [STEP_ATTENTION] = "attention",
	[STEP_GLU] = "swiglu", [STEP_PICK] = "pick",
};

#define LAYER_PACKETS	11u
#define OTHER_PACKETS	4u

/* Everything that recording needs: the step's tensors and where the next packet goes. */
struct recorder {
	struct engine *engine;
	struct step *step;
	struct accel_cmd *cmd;
	uint32_t tokens;
	struct accel_tensor ids, positions, slots, lengths, tables, best, best_logits, times;
	struct accel_tensor x, n, qkv, mixed, gate_up, gated;	/* [tokens, …] F32 */
};

static struct accel_tensor create(struct engine *e, struct step *step, enum accel_tier tier,
				  enum accel_type type, uint32_t rows, uint32_t columns)
{
	struct accel_tensor tensor;

	OK(accel_tensor_create(e->card->device, tier, type, 2, SHAPE(rows, columns), &tensor));
	step->memory[step->memories++] = tensor.memory;
	return tensor;
}

/* What the program writes and the card reads lies in host memory. */
static struct accel_tensor shared(struct recorder *r, enum accel_type type, uint32_t count,
				  void *pointer)
{
	struct accel_tensor tensor = create(r->engine, r->step, ACCEL_TIER_SYSTEM, type, 1, count);
	void *map;

	OK(accel_memory_map(tensor.memory, &map));
	memcpy(pointer, &map, sizeof(map));
	return accel_tensor_reshape(tensor, 1, SHAPE(count));
}

static struct accel_tensor rows(struct recorder *r, uint32_t columns)
{
	return create(r->engine, r->step, ACCEL_TIER_HBM, ACCEL_TYPE_F32, r->tokens, columns);
}

/* Notes what the packet just recorded was, and in the timed copy looks at the clock. */
static void packet(struct recorder *r, enum step_kind kind)
{
	r->step->kinds[r->step->packets++] = (uint8_t)kind;
	if (r->cmd == r->step->timed)
		OK(accel_cmd_timestamp(r->cmd, accel_tensor_reshape(
			accel_tensor_slice(r->times, 0, r->step->packets, 1), 1, SHAPE(2))));
}

/* dst = b · aᵀ (+ residual), one product for each group of tokens. */
static void matmul(struct recorder *r, struct accel_tensor dst, struct accel_tensor a,
		   struct accel_tensor b, int is_added)
{
	struct accel_matmul_desc desc = ACCEL_MATMUL_DESC_INIT;
	uint32_t groups = r->step->groups, size = r->step->rows;

	dst = accel_tensor_reshape(dst, 3, SHAPE(groups, size, accel_tensor_dim(dst, 1)));
	b = accel_tensor_reshape(b, 3, SHAPE(groups, size, accel_tensor_dim(b, 1)));
	desc.residual = is_added ? &dst : NULL;
	OK(accel_cmd_matmul(r->cmd, dst, a, b, &desc));
	packet(r, STEP_MATMUL);
}

static void norm(struct recorder *r, const struct accel_tensor *weight)
{
	struct accel_norm_desc desc = ACCEL_NORM_DESC_INIT;

	desc.eps = r->engine->shape->eps;
	desc.mul = weight;
	OK(accel_cmd_norm(r->cmd, r->n, r->x, &desc));
	packet(r, STEP_NORM);
}

/* Turns queries and keys by their positions, and stores keys and values in the cache. */
static void remember(struct recorder *r, struct accel_tensor pool)
{
	const struct shape *s = r->engine->shape;
	struct accel_tensor heads = accel_tensor_reshape(r->qkv, 3,
		SHAPE(r->tokens, s->heads + 2 * s->kv_heads, s->head));
	struct accel_tensor turned = accel_tensor_slice(heads, 1, 0, s->heads + s->kv_heads);
	struct accel_rope_desc desc = ACCEL_ROPE_DESC_INIT;

	desc.n_dims = s->turned;
	desc.base = s->base;
	desc.factors = s->factors ? &r->engine->weights->factors : NULL;
	OK(accel_cmd_rope(r->cmd, turned, turned, r->positions, &desc));
	packet(r, STEP_ROPE);
	OK(accel_cmd_scatter(r->cmd, pool, accel_tensor_slice(r->qkv, 1, s->heads * s->head,
							      2 * s->kv_heads * s->head),
			     r->slots, ACCEL_SKIP_NEGATIVE));
	packet(r, STEP_SCATTER);
}

/* One head after another inside a block: [blocks, heads, tokens of a block, head]. */
static struct accel_tensor pool_heads(const struct engine *e, struct accel_tensor pool,
				      uint32_t first)
{
	const struct shape *s = e->shape;
	struct accel_tensor all = accel_tensor_reshape(pool, 4,
		SHAPE(e->kv.blocks, KV_BLOCK, 2 * s->kv_heads, s->head));

	return accel_tensor_permute(accel_tensor_slice(all, 2, first, s->kv_heads),
				    (const unsigned int[]){ 0, 2, 1, 3 });
}

static void attend(struct recorder *r, struct accel_tensor pool)
{
	const struct shape *s = r->engine->shape;
	struct accel_attention_desc desc = ACCEL_ATTENTION_DESC_INIT;
	/* Decoding: a query of each sequence. Prompts: each group is a sequence of queries. */
	uint32_t inner = r->step->tables ? r->step->rows : 1, outer = r->tokens / inner;
	struct accel_tensor q = accel_tensor_reshape(r->qkv, 4,
		SHAPE(outer, inner, s->heads + 2 * s->kv_heads, s->head));
	struct accel_tensor dst = accel_tensor_reshape(r->mixed, 4,
		SHAPE(outer, inner, s->heads, s->head));

	q = accel_tensor_permute(accel_tensor_slice(q, 2, 0, s->heads),
				 (const unsigned int[]){ 0, 2, 1, 3 });
	desc.scale = (float)(1 / sqrt(s->head));
	desc.causal = 1;
	desc.block_table = &r->tables;
	desc.kv_len = &r->lengths;
	OK(accel_cmd_attention(r->cmd, dst, q, pool_heads(r->engine, pool, 0),
			       pool_heads(r->engine, pool, s->kv_heads), &desc));
	packet(r, STEP_ATTENTION);
}

static void layer(struct recorder *r, const struct weights_layer *w, struct accel_tensor pool)
{
	uint32_t ffn = r->engine->shape->ffn;

	norm(r, &w->norm1);
	matmul(r, r->qkv, w->qkv, r->n, 0);
	remember(r, pool);
	attend(r, pool);
	matmul(r, r->x, w->out, r->mixed, 1);
	norm(r, &w->norm2);
	matmul(r, r->gate_up, w->gate_up, r->n, 0);
	OK(accel_cmd_glu(r->cmd, ACCEL_GLU_SWIGLU, r->gated,
			 accel_tensor_slice(r->gate_up, 1, 0, ffn),
			 accel_tensor_slice(r->gate_up, 1, ffn, ffn), NULL));
	packet(r, STEP_GLU);
	matmul(r, r->x, w->down, r->gated, 1);
}

static void record(struct recorder *r, struct accel_cmd *cmd)
{
	const struct weights *w = r->engine->weights;

	r->cmd = cmd;
	r->step->packets = 0;
	if (cmd == r->step->timed)
		OK(accel_cmd_timestamp(cmd, accel_tensor_reshape(
			accel_tensor_slice(r->times, 0, 0, 1), 1, SHAPE(2))));
	OK(accel_cmd_gather(cmd, r->x, w->embed, r->ids, 0));
	packet(r, STEP_GATHER);
	for (uint32_t i = 0; i < r->engine->shape->layers; i++)
		layer(r, &w->layer[i], r->engine->pools[i]);
	if (r->step->tables)
		return;			/* of a prompt only the cache is wanted */
	norm(r, &w->norm);
	matmul(r, r->step->logits, w->output, r->n, 0);
	if (r->step->choices == 1)
		OK(accel_cmd_argmax(cmd, r->best, r->step->logits));
	else
		OK(accel_cmd_top_k(cmd, r->best, r->step->logits, &r->best_logits));
	packet(r, STEP_PICK);
}

static void begin(struct recorder *r, struct engine *e, struct step *step)
{
	const struct shape *s = e->shape;

	r->engine = e;
	r->step = step;
	r->tokens = step->groups * step->rows;
	r->ids = shared(r, ACCEL_TYPE_I32, r->tokens, &step->ids);
	r->positions = shared(r, ACCEL_TYPE_I32, r->tokens, &step->positions);
	r->slots = shared(r, ACCEL_TYPE_I64, r->tokens, &step->slots);
	r->x = rows(r, s->width);
	r->n = rows(r, s->width);
	r->qkv = rows(r, (s->heads + 2 * s->kv_heads) * s->head);
	r->mixed = rows(r, s->heads * s->head);
	r->gate_up = rows(r, 2 * s->ffn);
	r->gated = rows(r, s->ffn);
	step->kinds = calloc(s->layers * LAYER_PACKETS + OTHER_PACKETS, 1);
	if (!step->kinds)
		die(-ENOMEM, "not enough host memory");
	OK(accel_cmd_create(e->card->device, 0, &step->cmd));
}

void step_decode(struct step *step, struct engine *e, uint32_t choices)
{
	const struct shape *s = e->shape;
	uint32_t looks = s->layers * LAYER_PACKETS + OTHER_PACKETS + 1, count;
	struct recorder r = { 0 };

	memset(step, 0, sizeof(*step));
	step->groups = 1;
	step->rows = e->sequences;
	step->choices = choices < s->vocab ? choices : s->vocab;
	count = e->sequences * step->choices;
	begin(&r, e, step);
	r.lengths = shared(&r, ACCEL_TYPE_I32, e->sequences, &step->lengths);
	r.tables = e->table;
	step->logits = rows(&r, s->vocab);
	r.best = accel_tensor_reshape(shared(&r, ACCEL_TYPE_I32, count, &step->best), 2,
				      SHAPE(e->sequences, step->choices));
	r.best_logits = accel_tensor_reshape(shared(&r, ACCEL_TYPE_F32, count,
						    &step->best_logits), 2,
					     SHAPE(e->sequences, step->choices));
	r.times = accel_tensor_reshape(shared(&r, ACCEL_TYPE_U64, 2 * looks, &step->times), 2,
				       SHAPE(looks, 2));
	OK(accel_cmd_create(e->card->device, 0, &step->timed));
	record(&r, step->timed);
	record(&r, step->cmd);
}

void step_prompt(struct step *step, struct engine *e, uint32_t groups)
{
	struct recorder r = { 0 };

	memset(step, 0, sizeof(*step));
	step->groups = groups;
	step->rows = PROMPT_ROWS;
	begin(&r, e, step);
	r.lengths = shared(&r, ACCEL_TYPE_I32, groups, &step->lengths);
	r.tables = accel_tensor_reshape(shared(&r, ACCEL_TYPE_I32, groups * e->kv.row,
					       &step->tables), 2, SHAPE(groups, e->kv.row));
	record(&r, step->cmd);
}

void step_destroy(struct step *step)
{
	accel_cmd_destroy(step->cmd);
	accel_cmd_destroy(step->timed);
	while (step->memories)
		accel_memory_destroy(step->memory[--step->memories]);
	free(step->kinds);
}

/* Otherwise steps would take a page fault wherever the cache is stored to for the first time. */
static void touch_pools(struct engine *e)
{
	static const uint32_t zero;
	struct accel_fence fence;
	struct accel_cmd *cmd;

	OK(accel_cmd_create(e->card->device, 0, &cmd));
	for (uint32_t i = 0; i < e->shape->layers; i++)
		OK(accel_cmd_fill(cmd, e->pools[i], &zero));
	OK(accel_queue_submit(e->card->queue, cmd, &fence));
	card_wait(fence);
	accel_cmd_destroy(cmd);
}

void engine_create(struct engine *e, struct card *card, const struct shape *shape,
		   const struct weights *weights, uint32_t sequences, uint32_t context,
		   enum accel_type type)
{
	uint32_t columns = 2 * shape->kv_heads * shape->head;
	void *table;

	memset(e, 0, sizeof(*e));
	e->card = card;
	e->shape = shape;
	e->weights = weights;
	e->sequences = sequences;
	e->context = context;
	OK(accel_tensor_create(card->device, ACCEL_TIER_SYSTEM, ACCEL_TYPE_I32, 2,
			       SHAPE(sequences, kv_row(context)), &e->table));
	OK(accel_memory_map(e->table.memory, &table));
	e->pools = calloc(shape->layers, sizeof(*e->pools));
	if (!e->pools || kv_create(&e->kv, sequences, context, table))
		die(-ENOMEM, "not enough host memory");
	for (uint32_t i = 0; i < shape->layers; i++) {
		OK(accel_tensor_create(card->device, ACCEL_TIER_HBM, type, 2,
				       SHAPE(e->kv.blocks * KV_BLOCK, columns), &e->pools[i]));
		e->pool_bytes += accel_tensor_bytes(e->pools[i]);
	}
	touch_pools(e);
}

void engine_destroy(struct engine *e)
{
	for (uint32_t i = 0; i < e->shape->layers; i++)
		accel_tensor_destroy(&e->pools[i]);
	accel_tensor_destroy(&e->table);
	free(e->pools);
	kv_destroy(&e->kv);
}
