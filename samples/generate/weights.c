// SPDX-License-Identifier: MIT
/* See weights.h. */
#include <errno.h>
#include <stdlib.h>

#include "weights.h"

struct loader {
	struct weights *w;
	struct card *card;
	struct accel_cmd *cmd;
	struct accel_memory *staging;	/* large enough for any matrix, used again for each */
};

static uint64_t matrix_bytes(const struct gguf_tensor *const *parts, unsigned int count)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < count; i++)
		bytes += parts[i]->bytes;
	return bytes;
}

/* Matrices that share their input become one, row after row, in the card's own layout. */
static struct accel_tensor load_matrix(struct loader *l, const struct gguf_tensor *const *parts,
				       unsigned int count)
{
	enum accel_type type = (enum accel_type)parts[0]->type;
	uint32_t columns = parts[0]->dim[0], rows = 0;
	enum accel_layout layout = type == ACCEL_TYPE_F32 ? ACCEL_LAYOUT_K16N64 :
				   ACCEL_LAYOUT_K16N64K2;
	struct accel_tensor plain, prepared;
	struct accel_fence fence;
	uint64_t at = 0;

	for (unsigned int i = 0; i < count; i++) {
		OK(accel_memory_upload(l->staging, at, parts[i]->data, parts[i]->bytes));
		at += parts[i]->bytes;
		rows += parts[i]->dim[1];
	}
	plain = accel_tensor_make(l->staging, 0, type, 2, SHAPE(rows, columns));
	OK(accel_tensor_create_prepared(l->card->device, ACCEL_TIER_HBM, type,
					layout, 2, SHAPE(rows, columns), &prepared));
	OK(accel_cmd_reset(l->cmd));
	OK(accel_cmd_prepare(l->cmd, prepared, plain));
	OK(accel_queue_submit(l->card->queue, l->cmd, &fence));
	card_wait(fence);
	l->w->bytes += accel_tensor_bytes(prepared);
	return prepared;
}

static struct accel_tensor load_vector(struct loader *l, const struct gguf_tensor *t)
{
	struct accel_tensor vector;

	OK(accel_tensor_create(l->card->device, ACCEL_TIER_HBM, (enum accel_type)t->type, 1,
			       SHAPE(t->dim[0]), &vector));
	OK(accel_tensor_upload(vector, t->data, t->bytes));
	l->w->bytes += t->bytes;
	return vector;
}

static uint64_t largest(const struct shape *shape)
{
	uint64_t most = shape->embed->bytes, bytes;

	if (most < shape->output->bytes)
		most = shape->output->bytes;
	for (uint32_t i = 0; i < shape->layers; i++) {
		bytes = matrix_bytes(&shape->layer[i][PART_Q], 3);
		most = most < bytes ? bytes : most;
		bytes = matrix_bytes(&shape->layer[i][PART_GATE], 2);
		most = most < bytes ? bytes : most;
		bytes = shape->layer[i][PART_DOWN]->bytes;
		most = most < bytes ? bytes : most;
	}
	return most;
}

void weights_load(struct weights *w, struct card *card, const struct shape *shape)
{
	struct loader l = { .w = w, .card = card };

	w->bytes = 0;
	w->layer = calloc(shape->layers, sizeof(*w->layer));
	if (!w->layer)
		die(-ENOMEM, "not enough host memory");
	OK(accel_cmd_create(card->device, 0, &l.cmd));
	OK(accel_memory_create(card->device, ACCEL_TIER_HBM, largest(shape), 0, &l.staging));
	for (uint32_t i = 0; i < shape->layers; i++) {
		const struct gguf_tensor *const *from = shape->layer[i];
		struct weights_layer *to = &w->layer[i];

		to->norm1 = load_vector(&l, from[PART_NORM1]);
		to->qkv = load_matrix(&l, &from[PART_Q], 3);
		to->out = load_matrix(&l, &from[PART_OUT], 1);
		to->norm2 = load_vector(&l, from[PART_NORM2]);
		to->gate_up = load_matrix(&l, &from[PART_GATE], 2);
		to->down = load_matrix(&l, &from[PART_DOWN], 1);
	}
	w->norm = load_vector(&l, shape->norm);
	if (shape->factors)
		w->factors = load_vector(&l, shape->factors);
	w->step_bytes = w->bytes;
	w->output = load_matrix(&l, &shape->output, 1);
	w->step_bytes += accel_tensor_bytes(w->output);
	/* The card fetches rows from the prepared image too: one copy serves both ends. */
	w->embed = shape->embed == shape->output ? w->output : load_matrix(&l, &shape->embed, 1);
	accel_cmd_destroy(l.cmd);
	accel_memory_destroy(l.staging);
}
