// SPDX-License-Identifier: GPL-2.0-only
/* See llama.h. Formulas: docs/card.md, sections of NORM, ROPE, ATTENTION and ELEMENTWISE. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llama.h"
#include "ref.h"

struct layer {
	double *norm1, *q, *k, *v, *o, *norm2, *gate, *up, *down;
	double *keys, *values;		/* [context][kv_heads · size] */
};

struct ref_llama {
	uint32_t d, heads, kv_heads, size, ffn, layers, vocab, context, position, rope;
	unsigned int cache;		/* type of keys and values */
	double eps, base;
	double *embed, *norm, *output;
	struct layer *layer;
	double *x, *n, *q, *a, *g, *u, *logits, *factors, *score;
};

static double half(uint16_t h)
{
	int exponent = h >> 10 & 31;
	double m = h & 1023, v = exponent == 31 ? (m ? NAN : INFINITY) :
				 exponent ? ldexp(1024 + m, exponent - 25) : ldexp(m, -24);

	return h & 0x8000 ? -v : v;
}

static double brain(uint16_t b)
{
	uint32_t bits = (uint32_t)b << 16;
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

/* Weights of a tensor as doubles; rows × columns is what it must hold. */
static double *widen(struct gguf *file, const char *name, uint64_t columns, uint64_t rows)
{
	const struct gguf_tensor *t = gguf_tensor(file, name);
	double *w;

	if (!t || (t->type != 0 && t->type != 1 && t->type != 30) || t->dim[0] != columns ||
	    t->dim[1] != rows) {
		snprintf(file->error, sizeof(file->error), "tensor %s: missing, or not %llu × %llu",
			 name, (unsigned long long)columns, (unsigned long long)rows);
		return NULL;
	}
	w = malloc(columns * rows * sizeof(*w));
	for (uint64_t i = 0; w && i < columns * rows; i++) {
		float f;
		uint16_t h;

		if (t->type == 0) {
			memcpy(&f, t->data + 4 * i, 4);
			w[i] = f;
		} else {
			memcpy(&h, t->data + 2 * i, 2);
			w[i] = t->type == 1 ? half(h) : brain(h);
		}
	}
	return w;
}

static double *room(uint64_t count)
{
	return calloc(count ? count : 1, sizeof(double));
}

static int load_layer(struct gguf *file, struct ref_llama *m, uint32_t i)
{
	struct layer *l = &m->layer[i];
	uint32_t kv = m->kv_heads * m->size, all = m->heads * m->size;
	char name[64];

#define LOAD(field, text, columns, rows) do { \
		snprintf(name, sizeof(name), "blk.%u." text ".weight", i); \
		l->field = widen(file, name, columns, rows); \
		if (!l->field) \
			return -1; \
	} while (0)
	LOAD(norm1, "attn_norm", m->d, 1);
	LOAD(q, "attn_q", m->d, all);
	LOAD(k, "attn_k", m->d, kv);
	LOAD(v, "attn_v", m->d, kv);
	LOAD(o, "attn_output", all, m->d);
	LOAD(norm2, "ffn_norm", m->d, 1);
	LOAD(gate, "ffn_gate", m->d, m->ffn);
	LOAD(up, "ffn_up", m->d, m->ffn);
	LOAD(down, "ffn_down", m->ffn, m->d);
#undef LOAD
	l->keys = room((uint64_t)m->context * kv);
	l->values = room((uint64_t)m->context * kv);
	return l->keys && l->values ? 0 : -1;
}

static int load(struct gguf *file, struct ref_llama *m)
{
	m->d = gguf_u32(file, "llama.embedding_length", 0);
	m->heads = gguf_u32(file, "llama.attention.head_count", 0);
	m->kv_heads = gguf_u32(file, "llama.attention.head_count_kv", m->heads);
	m->ffn = gguf_u32(file, "llama.feed_forward_length", 0);
	m->layers = gguf_u32(file, "llama.block_count", 0);
	m->eps = gguf_f32(file, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
	m->base = gguf_f32(file, "llama.rope.freq_base", 10000);
	if (!m->d || !m->heads || !m->kv_heads || m->heads % m->kv_heads || m->d % m->heads ||
	    m->layers > 1000)
		return -1;
	m->size = m->d / m->heads;
	m->rope = gguf_u32(file, "llama.rope.dimension_count", m->size);
	m->vocab = gguf_key(file, "tokenizer.ggml.tokens")->count;
	m->embed = widen(file, "token_embd.weight", m->d, m->vocab);
	m->norm = widen(file, "output_norm.weight", m->d, 1);
	m->output = m->embed;
	if (m->norm && gguf_tensor(file, "output.weight"))
		m->output = widen(file, "output.weight", m->d, m->vocab);
	m->layer = calloc(m->layers, sizeof(*m->layer));
	if (!m->embed || !m->norm || !m->output || !m->layer)
		return -1;
	for (uint32_t i = 0; i < m->layers; i++)
		if (load_layer(file, m, i))
			return -1;
	m->x = room(m->d);
	m->n = room(m->d);
	m->q = room(m->d);
	m->a = room(m->d);
	m->g = room(m->ffn);
	m->u = room(m->ffn);
	m->logits = room(m->vocab);
	m->score = room(m->context);
	if (gguf_tensor(file, "rope_freqs.weight")) {
		m->factors = widen(file, "rope_freqs.weight", m->rope / 2, 1);
		if (!m->factors)
			return -1;
	}
	return m->x && m->n && m->q && m->a && m->g && m->u && m->logits && m->score ? 0 : -1;
}

struct ref_llama *ref_llama_load(struct gguf *file, uint32_t context)
{
	struct ref_llama *m = calloc(1, sizeof(*m));

	m->context = context;
	m->cache = MARU_TYPE_F64;
	if (!load(file, m))
		return m;
	ref_llama_free(m);
	return NULL;
}

void ref_llama_free(struct ref_llama *m)
{
	for (uint32_t i = 0; m->layer && i < m->layers; i++) {
		double **p = &m->layer[i].norm1;

		for (size_t j = 0; j < sizeof(struct layer) / sizeof(double *); j++)
			free(p[j]);
	}
	if (m->output != m->embed)
		free(m->output);
	for (double **p = &m->x; p <= &m->score; p++)
		free(*p);
	free(m->embed);
	free(m->norm);
	free(m->layer);
	free(m);
}

uint32_t ref_llama_vocab(const struct ref_llama *m)
{
	return m->vocab;
}

void ref_llama_cache(struct ref_llama *m, unsigned int type)
{
	m->cache = type;
}

static void rms_norm(const struct ref_llama *m, const double *weight, double *out)
{
	double sum = 0;

	for (uint32_t i = 0; i < m->d; i++)
		sum += m->x[i] * m->x[i];
	for (uint32_t i = 0; i < m->d; i++)
		out[i] = m->x[i] / sqrt(sum / m->d + m->eps) * weight[i];
}

static void multiply(const double *w, const double *x, uint32_t columns, uint32_t rows, double *y)
{
	for (uint32_t r = 0; r < rows; r++) {
		double sum = 0;

		for (uint32_t c = 0; c < columns; c++)
			sum += w[(uint64_t)r * columns + c] * x[c];
		y[r] = sum;
	}
}

/* Neighbouring pairs turn by position · base^(−2i/rope), over the pair's factor. */
static void rotate(const struct ref_llama *m, double *heads, uint32_t count)
{
	for (uint32_t h = 0; h < count; h++)
		for (uint32_t i = 0; i < m->rope; i += 2) {
			double *p = heads + h * m->size + i, a = p[0], b = p[1];
			double t = m->position * pow(m->base, -(double)i / m->rope);

			t /= m->factors ? m->factors[i / 2] : 1;
			p[0] = a * cos(t) - b * sin(t);
			p[1] = a * sin(t) + b * cos(t);
		}
}

static void attend(struct ref_llama *m, const struct layer *l, uint32_t head)
{
	uint32_t kv = m->kv_heads * m->size, from = head / (m->heads / m->kv_heads) * m->size;
	const double *q = m->q + head * m->size;
	double top = -INFINITY, sum = 0;

	for (uint32_t t = 0; t <= m->position; t++) {
		double dot = 0;

		for (uint32_t i = 0; i < m->size; i++)
			dot += q[i] * l->keys[(uint64_t)t * kv + from + i];
		m->score[t] = dot / sqrt(m->size);
		top = fmax(top, m->score[t]);
	}
	for (uint32_t t = 0; t <= m->position; t++)
		sum += m->score[t] = exp(m->score[t] - top);
	for (uint32_t i = 0; i < m->size; i++) {
		double out = 0;

		for (uint32_t t = 0; t <= m->position; t++)
			out += m->score[t] * l->values[(uint64_t)t * kv + from + i];
		m->a[head * m->size + i] = out / sum;
	}
}

const double *ref_llama_step(struct ref_llama *m, int32_t token)
{
	uint32_t kv = m->kv_heads * m->size;

	if (m->position >= m->context || token < 0 || (uint32_t)token >= m->vocab)
		return NULL;
	memcpy(m->x, m->embed + (uint64_t)token * m->d, m->d * sizeof(*m->x));
	for (uint32_t i = 0; i < m->layers; i++) {
		struct layer *l = &m->layer[i];
		double *key = l->keys + (uint64_t)m->position * kv;
		double *value = l->values + (uint64_t)m->position * kv;

		rms_norm(m, l->norm1, m->n);
		multiply(l->q, m->n, m->d, m->d, m->q);
		multiply(l->k, m->n, m->d, kv, key);
		multiply(l->v, m->n, m->d, kv, value);
		rotate(m, m->q, m->heads);
		rotate(m, key, m->kv_heads);
		for (uint32_t j = 0; j < kv; j++) {
			key[j] = (double)ref_round(m->cache, key[j]);
			value[j] = (double)ref_round(m->cache, value[j]);
		}
		for (uint32_t h = 0; h < m->heads; h++)
			attend(m, l, h);
		multiply(l->o, m->a, m->d, m->d, m->n);
		for (uint32_t j = 0; j < m->d; j++)
			m->x[j] += m->n[j];
		rms_norm(m, l->norm2, m->n);
		multiply(l->gate, m->n, m->d, m->ffn, m->g);
		multiply(l->up, m->n, m->d, m->ffn, m->u);
		for (uint32_t j = 0; j < m->ffn; j++)
			m->u[j] *= m->g[j] / (1 + exp(-m->g[j]));
		multiply(l->down, m->u, m->ffn, m->d, m->n);
		for (uint32_t j = 0; j < m->d; j++)
			m->x[j] += m->n[j];
	}
	rms_norm(m, m->norm, m->n);
	multiply(m->output, m->n, m->d, m->vocab, m->logits);
	m->position++;
	return m->logits;
}
