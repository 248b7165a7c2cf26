// SPDX-License-Identifier: MIT
/* See shape.h. Keys and names are those that llama.cpp writes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"

#define MAX_WIDTH	65536u
#define MAX_FFN		(1u << 20)
#define MAX_LAYERS	1024u
#define MAX_VOCAB	(1u << 20)
#define MAX_CONTEXT	(1u << 20)

static int read_number(struct gguf *file, const char *name, uint32_t otherwise, uint32_t most,
		       uint32_t *value)
{
	*value = gguf_u32(file, name, otherwise);
	if (file->error[0])
		return -1;
	if (!*value && !gguf_key(file, name))
		return gguf_fail(file, "key %s is missing", name);
	if (!*value || *value > most)
		return gguf_fail(file, "%s is %u: only 1 to %u make sense", name, *value, most);
	return 0;
}

static int read_sizes(struct shape *s, struct gguf *file)
{
	const struct gguf_key *tokens = gguf_key(file, "tokenizer.ggml.tokens");

	if (read_number(file, "llama.embedding_length", 0, MAX_WIDTH, &s->width) ||
	    read_number(file, "llama.block_count", 0, MAX_LAYERS, &s->layers) ||
	    read_number(file, "llama.feed_forward_length", 0, MAX_FFN, &s->ffn) ||
	    read_number(file, "llama.context_length", 0, MAX_CONTEXT, &s->context) ||
	    read_number(file, "llama.attention.head_count", 0, s->width, &s->heads) ||
	    read_number(file, "llama.attention.head_count_kv", s->heads, s->heads, &s->kv_heads))
		return -1;
	if (s->width % s->heads || s->heads % s->kv_heads)
		return gguf_fail(file, "%u heads of keys, %u heads and width %u do not go together",
				 s->kv_heads, s->heads, s->width);
	s->head = s->width / s->heads;
	if (read_number(file, "llama.attention.key_length", s->head, MAX_WIDTH, &s->turned))
		return -1;
	if (s->turned != s->head)
		return gguf_fail(file, "llama.attention.key_length is %u: only width / heads, %u",
				 s->turned, s->head);
	if (!tokens || tokens->kind != GGUF_ARRAY || !tokens->count || tokens->count > MAX_VOCAB)
		return gguf_fail(file, "tokenizer.ggml.tokens is missing, empty or too long");
	s->vocab = (uint32_t)tokens->count;
	return 0;
}

static int read_numerics(struct shape *s, struct gguf *file)
{
	struct gguf_string scaling = gguf_text(file, "llama.rope.scaling.type", "none");

	s->eps = gguf_f32(file, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
	s->base = gguf_f32(file, "llama.rope.freq_base", 10000);
	if (read_number(file, "llama.rope.dimension_count", s->head, s->head, &s->turned))
		return -1;
	if (s->turned % 2)
		return gguf_fail(file, "llama.rope.dimension_count is odd: %u", s->turned);
	if (!(s->eps >= 0) || !isfinite(s->eps) || !(s->base > 0) || !isfinite(s->base))
		return gguf_fail(file, "epsilon %g or rope base %g makes no sense", s->eps,
				 s->base);
	if (!gguf_is(scaling, "none"))
		return gguf_fail(file, "llama.rope.scaling.type '%.*s' is not known here",
				 (int)(scaling.bytes < 32 ? scaling.bytes : 32), scaling.text);
	if (gguf_u32(file, "llama.expert_count", 0))
		return gguf_fail(file, "a model of experts: only dense ones are known here");
	return file->error[0] ? -1 : 0;
}

/* A tensor [rows, columns] that must be there; rows 1 is a vector. */
static const struct gguf_tensor *find(struct gguf *file, const char *name, uint32_t columns,
				      uint32_t rows)
{
	const struct gguf_tensor *t = gguf_tensor(file, name);

	if (!t) {
		gguf_fail(file, "tensor %s is missing", name);
		return NULL;
	}
	if (!gguf_type_bytes(t->type)) {
		gguf_fail(file, "tensor %s is of type %s (%u): only f32, f16 and bf16 are read",
			  name, gguf_type_name(t->type), t->type);
		return NULL;
	}
	if (t->dim[0] != columns || t->dim[1] != rows || t->dim[2] != 1 || t->dim[3] != 1) {
		gguf_fail(file, "tensor %s is [%u, %u, %u, %u], not [%u, %u]", name, t->dim[3],
			  t->dim[2], t->dim[1], t->dim[0], rows, columns);
		return NULL;
	}
	return t;
}

static int find_layer(struct shape *s, struct gguf *file, uint32_t i)
{
	uint32_t kv = s->kv_heads * s->head;
	const struct {
		const char *name;
		uint32_t columns, rows;
	} parts[SHAPE_PARTS] = {
		[PART_NORM1] = { "attn_norm", s->width, 1 },
		[PART_Q] = { "attn_q", s->width, s->width },
		[PART_K] = { "attn_k", s->width, kv },
		[PART_V] = { "attn_v", s->width, kv },
		[PART_OUT] = { "attn_output", s->width, s->width },
		[PART_NORM2] = { "ffn_norm", s->width, 1 },
		[PART_GATE] = { "ffn_gate", s->width, s->ffn },
		[PART_UP] = { "ffn_up", s->width, s->ffn },
		[PART_DOWN] = { "ffn_down", s->ffn, s->width },
	};
	const struct gguf_tensor **found = s->layer[i];
	char name[64];

	for (int p = 0; p < SHAPE_PARTS; p++) {
		snprintf(name, sizeof(name), "blk.%u.%s.weight", i, parts[p].name);
		found[p] = find(file, name, parts[p].columns, parts[p].rows);
		if (!found[p])
			return -1;
	}
	if (found[PART_K]->type != found[PART_Q]->type ||
	    found[PART_V]->type != found[PART_Q]->type)
		return gguf_fail(file, "blk.%u: attn_q, attn_k and attn_v differ in type", i);
	if (found[PART_UP]->type != found[PART_GATE]->type)
		return gguf_fail(file, "blk.%u: ffn_gate and ffn_up differ in type", i);
	return 0;
}

/* A tensor that this program does not know would be left out of the sums: better say so. */
static int check_all_known(const struct shape *s, struct gguf *file)
{
	uint32_t known = 2 + (s->output != s->embed) + !!s->factors + SHAPE_PARTS * s->layers;
	const struct gguf_tensor *t;

	if (file->tensor_count == known)
		return 0;
	for (uint32_t i = 0; i < file->tensor_count; i++) {
		int is_known;

		t = &file->tensors[i];
		is_known = t == s->embed || t == s->norm || t == s->output || t == s->factors;
		for (uint32_t j = 0; !is_known && j < s->layers * SHAPE_PARTS; j++)
			is_known = s->layer[j / SHAPE_PARTS][j % SHAPE_PARTS] == t;
		if (!is_known)
			return gguf_fail(file, "tensor %.*s is not known here",
					 (int)(t->name.bytes < 64 ? t->name.bytes : 64),
					 t->name.text);
	}
	return gguf_fail(file, "%u tensors, %u are needed", file->tensor_count, known);
}

static int find_all(struct shape *s, struct gguf *file)
{
	s->embed = find(file, "token_embd.weight", s->width, s->vocab);
	s->norm = s->embed ? find(file, "output_norm.weight", s->width, 1) : NULL;
	s->output = s->embed;
	if (s->norm && gguf_tensor(file, "output.weight"))
		s->output = find(file, "output.weight", s->width, s->vocab);
	if (s->norm && gguf_tensor(file, "rope_freqs.weight")) {
		s->factors = find(file, "rope_freqs.weight", s->turned / 2, 1);
		if (s->factors && s->factors->type)
			return gguf_fail(file, "rope_freqs.weight is not f32");
	}
	/* Bounds the memory for the layers' table by what the file holds. */
	if (!file->error[0] && file->tensor_count / SHAPE_PARTS < s->layers)
		return gguf_fail(file, "%u layers, but only %u tensors", s->layers,
				 file->tensor_count);
	if (file->error[0])
		return -1;
	s->layer = calloc(s->layers, sizeof(*s->layer));
	if (!s->layer)
		return gguf_fail(file, "out of memory");
	for (uint32_t i = 0; i < s->layers; i++)
		if (find_layer(s, file, i))
			return -1;
	return check_all_known(s, file);
}

int shape_load(struct shape *s, struct gguf *file)
{
	struct gguf_string kind = gguf_text(file, "general.architecture", "");

	memset(s, 0, sizeof(*s));
	if (!gguf_is(kind, "llama"))
		return gguf_fail(file, "architecture '%.*s': only llama is read",
				 (int)(kind.bytes < 32 ? kind.bytes : 32), kind.text);
	if (!read_sizes(s, file) && !read_numerics(s, file) && !find_all(s, file))
		return 0;
	shape_free(s);
	return -1;
}

void shape_free(struct shape *s)
{
	free(s->layer);
	s->layer = NULL;
}
