// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <accel/accel.h>

#include "selftests/layer/layer.h"

#define SHAPE(...)	((const uint32_t[]){ __VA_ARGS__ })

/* Each step is one call of libaccel; the first that fails is the one that is told. */
#define DO(call) \
	do { \
		int do_error = (call); \
		if (do_error) { \
			if (!run->info->error[0])	/* the innermost call */ \
				snprintf(run->info->error, sizeof(run->info->error), \
					 "%.100s: %.140s", #call, accel_error_text()); \
			return do_error; \
		} \
	} while (0)

struct run {
	struct accel_device *card;
	struct accel_queue *queue;
	struct layer_info *info;
	struct accel_tensor words, norm1, norm2, norm3, q, k, v, out, gate, up, down, head;
	struct accel_tensor keys, values;	/* the cache */
};

/* What one recording works on: @n tokens. */
struct step {
	struct accel_cmd *cmd;
	uint32_t n;
	struct accel_tensor ids, pos, slots, len;
	struct accel_tensor x, h, q, k, v, a, gate, up, logits, share, largest, best, best_logits;
};

static int make(struct run *run, enum accel_type type, uint32_t rows, uint32_t columns,
		struct accel_tensor *tensor)
{
	DO(accel_tensor_create(run->card, ACCEL_TIER_HBM, type, 2, SHAPE(rows, columns), tensor));
	return 0;
}

static int submit(struct run *run, struct accel_cmd *cmd)
{
	char text[200] = "";
	struct accel_fence fence;
	int error = accel_queue_submit(run->queue, cmd, &fence);

	if (!error)
		error = accel_fence_wait(fence, accel_deadline(60000000000ll));
	if (error && accel_queue_error(run->queue, text, sizeof(text)))
		snprintf(run->info->error, sizeof(run->info->error), "job: %s", text);
	else if (error)
		snprintf(run->info->error, sizeof(run->info->error), "job: %s",
			 accel_error_text());
	return error;
}

/* A matrix of bf16, converted on the card; prepared for products. */
static int upload(struct run *run, const float *values, uint32_t rows, uint32_t columns,
		  int is_prepared, struct accel_tensor *tensor)
{
	struct accel_tensor wide, narrow;
	struct accel_cmd *cmd;

	DO(make(run, ACCEL_TYPE_F32, rows, columns, &wide));
	DO(make(run, ACCEL_TYPE_BF16, rows, columns, &narrow));
	DO(accel_tensor_upload(wide, values, rows * columns * sizeof(*values)));
	DO(accel_cmd_create(run->card, 0, &cmd));
	DO(accel_cmd_copy(cmd, narrow, wide));
	*tensor = narrow;
	if (is_prepared) {
		DO(accel_tensor_create_prepared(run->card, ACCEL_TIER_HBM, ACCEL_TYPE_BF16,
						ACCEL_LAYOUT_K16N64K2, 2, SHAPE(rows, columns),
						tensor));
		DO(accel_cmd_prepare(cmd, *tensor, narrow));
	}
	DO(submit(run, cmd));
	accel_cmd_destroy(cmd);
	accel_tensor_destroy(&wide);
	if (is_prepared)
		accel_tensor_destroy(&narrow);
	return 0;
}

static int upload_vector(struct run *run, const float *values, struct accel_tensor *tensor)
{
	DO(accel_tensor_create(run->card, ACCEL_TIER_HBM, ACCEL_TYPE_F32, 1, SHAPE(LAYER_WIDTH),
			       tensor));
	DO(accel_tensor_upload(*tensor, values, LAYER_WIDTH * sizeof(*values)));
	return 0;
}

static int upload_all(struct run *run, const struct layer_weights *w)
{
	DO(upload(run, w->words, LAYER_WORDS, LAYER_WIDTH, 0, &run->words));
	DO(upload(run, w->q, LAYER_WIDTH, LAYER_WIDTH, 1, &run->q));
	DO(upload(run, w->k, LAYER_KEYS, LAYER_WIDTH, 1, &run->k));
	DO(upload(run, w->v, LAYER_KEYS, LAYER_WIDTH, 1, &run->v));
	DO(upload(run, w->out, LAYER_WIDTH, LAYER_WIDTH, 1, &run->out));
	DO(upload(run, w->gate, LAYER_INNER, LAYER_WIDTH, 1, &run->gate));
	DO(upload(run, w->up, LAYER_INNER, LAYER_WIDTH, 1, &run->up));
	DO(upload(run, w->down, LAYER_WIDTH, LAYER_INNER, 1, &run->down));
	DO(upload(run, w->head, LAYER_WORDS, LAYER_WIDTH, 1, &run->head));
	DO(upload_vector(run, w->norm1, &run->norm1));
	DO(upload_vector(run, w->norm2, &run->norm2));
	DO(upload_vector(run, w->norm3, &run->norm3));
	DO(make(run, ACCEL_TYPE_F16, LAYER_CAPACITY, LAYER_KEYS, &run->keys));
	DO(make(run, ACCEL_TYPE_F16, LAYER_CAPACITY, LAYER_KEYS, &run->values));
	return 0;
}

static int step_make(struct run *run, struct step *s, uint32_t n)
{
	s->n = n;
	DO(accel_cmd_create(run->card, 0, &s->cmd));
	DO(accel_tensor_create(run->card, ACCEL_TIER_SYSTEM, ACCEL_TYPE_I32, 1, SHAPE(n), &s->ids));
	DO(accel_tensor_create(run->card, ACCEL_TIER_SYSTEM, ACCEL_TYPE_I32, 1, SHAPE(n), &s->pos));
	DO(accel_tensor_create(run->card, ACCEL_TIER_SYSTEM, ACCEL_TYPE_I64, 1, SHAPE(n),
			       &s->slots));
	DO(accel_tensor_create(run->card, ACCEL_TIER_SYSTEM, ACCEL_TYPE_I32, 1, SHAPE(1), &s->len));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_WIDTH, &s->x));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_WIDTH, &s->h));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_WIDTH, &s->q));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_KEYS, &s->k));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_KEYS, &s->v));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_WIDTH, &s->a));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_INNER, &s->gate));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_INNER, &s->up));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_WORDS, &s->logits));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_WORDS, &s->share));
	DO(make(run, ACCEL_TYPE_I32, n, 1, &s->largest));
	DO(make(run, ACCEL_TYPE_I32, n, LAYER_BEST, &s->best));
	DO(make(run, ACCEL_TYPE_F32, n, LAYER_BEST, &s->best_logits));
	return 0;
}

/* [tokens, heads · d] as [1, tokens, heads, d]. */
static struct accel_tensor by_heads(struct accel_tensor tensor, uint32_t heads)
{
	return accel_tensor_reshape(tensor, 4, SHAPE(1, accel_tensor_dim(tensor, 0), heads,
						     LAYER_HEAD));
}

/* And as [1, heads, tokens, d]. */
static struct accel_tensor heads_first(struct accel_tensor tensor, uint32_t heads)
{
	static const unsigned int order[] = { 0, 2, 1, 3 };

	return accel_tensor_permute(by_heads(tensor, heads), order);
}

static int record_attention(struct run *run, struct step *s)
{
	struct accel_attention_desc desc = ACCEL_ATTENTION_DESC_INIT;
	struct accel_norm_desc norm = ACCEL_NORM_DESC_INIT;
	struct accel_matmul_desc residual = ACCEL_MATMUL_DESC_INIT;

	norm.eps = LAYER_EPS;
	norm.mul = &run->norm1;
	DO(accel_cmd_gather(s->cmd, s->h, run->words, s->ids, 0));
	DO(accel_cmd_copy(s->cmd, s->x, s->h));
	DO(accel_cmd_norm(s->cmd, s->h, s->x, &norm));
	DO(accel_cmd_matmul(s->cmd, s->q, run->q, s->h, NULL));
	DO(accel_cmd_matmul(s->cmd, s->k, run->k, s->h, NULL));
	DO(accel_cmd_matmul(s->cmd, s->v, run->v, s->h, NULL));
	DO(accel_cmd_rope(s->cmd, by_heads(s->q, LAYER_HEADS), by_heads(s->q, LAYER_HEADS),
			  s->pos, NULL));
	DO(accel_cmd_rope(s->cmd, by_heads(s->k, LAYER_KEY_HEADS),
			  by_heads(s->k, LAYER_KEY_HEADS), s->pos, NULL));
	DO(accel_cmd_scatter(s->cmd, run->keys, s->k, s->slots, 0));
	DO(accel_cmd_scatter(s->cmd, run->values, s->v, s->slots, 0));
	desc.scale = 0.125f;
	desc.causal = 1;
	desc.kv_len = &s->len;
	DO(accel_cmd_attention(s->cmd, by_heads(s->a, LAYER_HEADS),
			       heads_first(s->q, LAYER_HEADS),
			       heads_first(run->keys, LAYER_KEY_HEADS),
			       heads_first(run->values, LAYER_KEY_HEADS), &desc));
	residual.residual = &s->x;
	DO(accel_cmd_matmul(s->cmd, s->x, run->out, s->a, &residual));
	return 0;
}

static int record_rest(struct run *run, struct step *s)
{
	struct accel_norm_desc norm = ACCEL_NORM_DESC_INIT;
	struct accel_matmul_desc residual = ACCEL_MATMUL_DESC_INIT;

	norm.eps = LAYER_EPS;
	norm.mul = &run->norm2;
	residual.residual = &s->x;
	DO(accel_cmd_norm(s->cmd, s->h, s->x, &norm));
	DO(accel_cmd_matmul(s->cmd, s->gate, run->gate, s->h, NULL));
	DO(accel_cmd_matmul(s->cmd, s->up, run->up, s->h, NULL));
	DO(accel_cmd_glu(s->cmd, ACCEL_GLU_SWIGLU, s->gate, s->gate, s->up, NULL));
	DO(accel_cmd_matmul(s->cmd, s->x, run->down, s->gate, &residual));
	norm.mul = &run->norm3;
	DO(accel_cmd_norm(s->cmd, s->h, s->x, &norm));
	DO(accel_cmd_matmul(s->cmd, s->logits, run->head, s->h, NULL));
	DO(accel_cmd_softmax(s->cmd, s->share, s->logits, NULL));
	DO(accel_cmd_argmax(s->cmd, s->largest, s->logits));
	DO(accel_cmd_top_k(s->cmd, s->best, s->logits, &s->best_logits));
	return 0;
}

/* Tokens @at … of a step: numbers into memory, the job, results out of memory. */
static int step_run(struct run *run, struct step *s, const struct layer_weights *w, uint32_t at,
		    struct layer_result *result)
{
	int32_t pos[LAYER_TOKENS], len = (int32_t)(at + s->n);
	int64_t slots[LAYER_TOKENS];
	uint32_t i, n = s->n;

	for (i = 0; i < n; i++) {
		pos[i] = (int32_t)(at + i);
		slots[i] = pos[i];
	}
	DO(accel_tensor_upload(s->ids, w->tokens + at, n * sizeof(*w->tokens)));
	DO(accel_tensor_upload(s->pos, pos, n * sizeof(*pos)));
	DO(accel_tensor_upload(s->slots, slots, n * sizeof(*slots)));
	DO(accel_tensor_upload(s->len, &len, sizeof(len)));
	DO(submit(run, s->cmd));
	DO(accel_tensor_download(s->x, result->x[at], n * sizeof(result->x[0])));
	DO(accel_tensor_download(s->logits, result->logits[at], n * sizeof(result->logits[0])));
	DO(accel_tensor_download(s->share, result->share[at], n * sizeof(result->share[0])));
	DO(accel_tensor_download(s->largest, &result->largest[at], n * sizeof(int32_t)));
	DO(accel_tensor_download(s->best, result->best[at], n * sizeof(result->best[0])));
	DO(accel_tensor_download(s->best_logits, result->best_logits[at],
				 n * sizeof(result->best_logits[0])));
	return 0;
}

static int run_all(struct run *run, const struct layer_weights *weights,
		   struct layer_result *result)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	struct step prompt, one;
	uint32_t at;

	DO(accel_device_info(run->card, &info));
	snprintf(run->info->way, sizeof(run->info->way), "%s", info.way);
	run->info->profile = info.profile;
	DO(accel_queue_create(run->card, NULL, &run->queue));
	DO(upload_all(run, weights));
	DO(step_make(run, &prompt, LAYER_PROMPT));
	DO(record_attention(run, &prompt));
	DO(record_rest(run, &prompt));
	DO(step_make(run, &one, 1));
	DO(record_attention(run, &one));
	DO(record_rest(run, &one));
	DO(step_run(run, &prompt, weights, 0, result));
	for (at = LAYER_PROMPT; at < LAYER_TOKENS; at++)
		DO(step_run(run, &one, weights, at, result));
	return 0;
}

int layer_run(const char *spec, const struct layer_weights *weights, struct layer_result *result,
	      struct layer_info *info)
{
	struct run run = { .info = info };
	int error;

	memset(info, 0, sizeof(*info));
	memset(result, 0, sizeof(*result));
	error = accel_device_open(spec, &run.card);
	if (error) {
		snprintf(info->error, sizeof(info->error), "open: %s", accel_error_text());
		return error;
	}
	error = run_all(&run, weights, result);
	accel_device_close(run.card);
	return error;
}
