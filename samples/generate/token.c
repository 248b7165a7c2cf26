// SPDX-License-Identifier: MIT
/* Byte-pair encoding as SentencePiece and GPT-2 do it: see token.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "token.h"

#define SPACE_PIECE	"\xe2\x96\x81"	/* U+2581, which stands for a space */
#define MAX_VOCAB	(1u << 20)

enum { KIND_NORMAL = 1, KIND_UNKNOWN, KIND_CONTROL, KIND_USER, KIND_UNUSED, KIND_BYTE };

struct vocab {
	uint32_t count;
	struct gguf_string *pieces;
	float *scores;
	int32_t *kinds;
	struct table by_text, merges;
	int32_t byte_ids[256];
	int32_t eos, bos, unknown;
	int byte_level, add_space, add_bos;
	uint32_t byte_code[256];	/* gpt2: code point that stands for a byte */
	uint8_t code_byte[512];
};

struct symbol {			/* while encoding: a run of bytes that is a piece so far */
	const char *at;
	uint32_t bytes;
	int32_t previous, next;
};

/* A copy of an array of 4-byte values: in the file they lie at any address. */
static void *array(struct gguf *file, const char *name, enum gguf_kind of, uint64_t count)
{
	const struct gguf_key *key = gguf_key(file, name);
	void *copy;

	if (!key)
		return NULL;
	if (key->kind == GGUF_ARRAY && key->of == of && key->count == count) {
		copy = malloc(4 * count);
		if (!copy)
			gguf_fail(file, "out of memory");
		return copy ? memcpy(copy, key->data, 4 * count) : NULL;
	}
	gguf_fail(file, "key %s is not an array of %llu such values", name,
		  (unsigned long long)count);
	return NULL;
}

/* GPT-2 shows each byte as a printable character: itself, or one from U+0100 on. */
static void byte_alphabet(struct vocab *v)
{
	uint32_t next = 256;

	for (uint32_t b = 0; b < 256; b++) {
		int plain = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;

		v->byte_code[b] = plain ? b : next++;
		v->code_byte[v->byte_code[b]] = b;
	}
}

static int load_merges(struct gguf *file, struct vocab *v)
{
	const struct gguf_key *key = gguf_key(file, "tokenizer.ggml.merges");
	struct gguf_string *merges;
	int error;

	if (!key || key->kind != GGUF_ARRAY || key->of != GGUF_STRING || key->count > MAX_VOCAB * 4)
		return gguf_fail(file, "tokenizer.ggml.merges is missing, or no array of strings");
	merges = calloc(key->count + 1, sizeof(*merges));
	if (!merges)
		return gguf_fail(file, "out of memory");
	gguf_strings(key, merges, key->count);
	error = table_create(&v->merges, merges, key->count);
	free(merges);
	return error ? gguf_fail(file, "out of memory") : 0;
}

static void load_bytes(struct vocab *v)
{
	for (uint32_t b = 0; b < 256; b++) {
		char text[16];

		snprintf(text, sizeof(text), "<0x%02X>", b);
		v->byte_ids[b] = table_find(&v->by_text, text, 6);
	}
}

static int load(struct gguf *file, struct vocab *v)
{
	const struct gguf_key *tokens = gguf_key(file, "tokenizer.ggml.tokens");
	struct gguf_string model = gguf_text(file, "tokenizer.ggml.model", "");

	if (!tokens || tokens->kind != GGUF_ARRAY || tokens->of != GGUF_STRING || !tokens->count ||
	    tokens->count > MAX_VOCAB)
		return gguf_fail(file, "tokenizer.ggml.tokens is missing, or no array of strings");
	v->count = tokens->count;
	v->byte_level = gguf_is(model, "gpt2");
	if (!v->byte_level && !gguf_is(model, "llama"))
		return gguf_fail(file, "tokenizer.ggml.model is neither \"llama\" nor \"gpt2\"");
	v->pieces = calloc(v->count, sizeof(*v->pieces));
	if (!v->pieces)
		return gguf_fail(file, "out of memory");
	gguf_strings(tokens, v->pieces, v->count);
	if (table_create(&v->by_text, v->pieces, v->count))
		return gguf_fail(file, "out of memory");
	v->scores = array(file, "tokenizer.ggml.scores", GGUF_F32, v->count);
	v->kinds = array(file, "tokenizer.ggml.token_type", GGUF_I32, v->count);
	v->eos = gguf_u32(file, "tokenizer.ggml.eos_token_id", v->byte_level ? 11 : 2);
	v->bos = gguf_u32(file, "tokenizer.ggml.bos_token_id", v->byte_level ? 11 : 1);
	v->unknown = gguf_u32(file, "tokenizer.ggml.unknown_token_id", 0);
	v->add_space = gguf_u32(file, "tokenizer.ggml.add_space_prefix", !v->byte_level);
	v->add_bos = gguf_u32(file, "tokenizer.ggml.add_bos_token", !v->byte_level);
	if ((uint32_t)v->eos >= v->count || (uint32_t)v->bos >= v->count ||
	    (uint32_t)v->unknown >= v->count)
		return gguf_fail(file, "a special token id is beyond the vocabulary");
	if (!v->byte_level && !v->scores)
		return gguf_fail(file, "tokenizer.ggml.scores is missing");
	byte_alphabet(v);
	load_bytes(v);
	if (v->byte_level && load_merges(file, v))
		return -1;
	return file->error[0] ? -1 : 0;
}

struct vocab *vocab_load(struct gguf *file)
{
	struct vocab *v = calloc(1, sizeof(*v));

	if (!v)
		gguf_fail(file, "out of memory");
	else if (!load(file, v))
		return v;
	vocab_free(v);
	return NULL;
}

void vocab_free(struct vocab *v)
{
	if (!v)
		return;
	free(v->pieces);
	free(v->scores);
	free(v->kinds);
	free(v->by_text.entries);
	free(v->merges.entries);
	free(v);
}

uint32_t vocab_size(const struct vocab *v)
{
	return v->count;
}

int32_t vocab_eos(const struct vocab *v)
{
	return v->eos;
}

/* How good it is to join two neighbours: higher is better, -INFINITY is never. */
static float join_score(const struct vocab *v, const struct symbol *a, const struct symbol *b)
{
	char pair[512];
	float score;
	int32_t id;

	if (v->byte_level) {
		if (a->bytes + b->bytes + 1 > sizeof(pair))
			return -INFINITY;
		memcpy(pair, a->at, a->bytes);
		pair[a->bytes] = ' ';
		memcpy(pair + a->bytes + 1, b->at, b->bytes);
		id = table_find(&v->merges, pair, a->bytes + 1 + b->bytes);
		return id >= 0 ? -(float)id : -INFINITY;
	}
	/* Neighbours lie side by side. */
	id = table_find(&v->by_text, a->at, a->bytes + b->bytes);
	if (id < 0 || (v->kinds && v->kinds[id] != KIND_NORMAL && v->kinds[id] != KIND_USER))
		return -INFINITY;
	score = v->scores[id];
	return isnan(score) ? -INFINITY : score;
}

/*
 * Joins the best pair until none is left. Scores of pairs are kept beside the symbols, so a
 * step is one pass over floats: quick enough for prompts.
 */
static void join_all(const struct vocab *v, struct symbol *s, float *scores, int32_t count)
{
	for (int32_t i = 0; i < count; i++)
		scores[i] = i + 1 < count ? join_score(v, &s[i], &s[i + 1]) : -INFINITY;
	for (;;) {
		int32_t best = -1, next;

		for (int32_t i = 0; i >= 0 && i < count; i = s[i].next)
			if (scores[i] > -INFINITY && (best < 0 || scores[i] > scores[best]))
				best = i;
		if (best < 0)
			return;
		next = s[best].next;
		s[best].bytes += s[next].bytes;
		s[best].next = s[next].next;
		if (s[next].next < count)
			s[s[next].next].previous = best;
		scores[next] = -INFINITY;
		scores[best] = s[best].next < count ?
			       join_score(v, &s[best], &s[s[best].next]) : -INFINITY;
		if (s[best].previous >= 0)
			scores[s[best].previous] = join_score(v, &s[s[best].previous], &s[best]);
	}
}

static uint32_t character_bytes(const char *at, size_t left)
{
	uint8_t c = *at;
	uint32_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

	return n < left ? n : left;
}

static uint32_t put_code(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = code;
		return 1;
	}
	out[0] = 0xc0 | code >> 6;
	out[1] = 0x80 | (code & 0x3f);
	return 2;
}

/* The text as the vocabulary writes it: spaces as U+2581, or bytes in GPT-2's alphabet. */
static char *spell(const struct vocab *v, const char *text, size_t *bytes)
{
	size_t n = strlen(text), at = 0;
	char *out = malloc(3 * n + 4);

	if (!out)
		return NULL;
	if (!v->byte_level && v->add_space && n) {
		memcpy(out, SPACE_PIECE, 3);
		at = 3;
	}
	for (size_t i = 0; i < n; i++) {
		if (v->byte_level) {
			at += put_code(out + at, v->byte_code[(uint8_t)text[i]]);
		} else if (text[i] == ' ') {
			memcpy(out + at, SPACE_PIECE, 3);
			at += 3;
		} else {
			out[at++] = text[i];
		}
	}
	*bytes = at;
	return out;
}

/* A piece that is not in the vocabulary falls back to its bytes. */
static int64_t emit(const struct vocab *v, const struct symbol *s, int32_t *ids, uint32_t limit)
{
	int32_t id = table_find(&v->by_text, s->at, s->bytes);
	int64_t n = 0;

	if (id >= 0) {
		if (!limit)
			return -1;
		ids[0] = id;
		return 1;
	}
	for (uint32_t i = 0; i < s->bytes; i++) {
		if (n == limit)
			return -1;
		id = v->byte_ids[(uint8_t)s->at[i]];
		ids[n++] = id >= 0 ? id : v->unknown;
	}
	return n;
}

static int64_t encode(const struct vocab *v, const char *spelt, size_t bytes, struct symbol *s,
		      float *scores, int32_t *ids, uint32_t limit)
{
	int64_t count = 0, n = 0;

	if (v->add_bos && limit)
		ids[n++] = v->bos;
	for (size_t at = 0; at < bytes; count++) {
		uint32_t size = character_bytes(spelt + at, bytes - at);

		s[count] = (struct symbol){ spelt + at, size, count - 1, count + 1 };
		at += size;
	}
	join_all(v, s, scores, count);
	for (int64_t i = 0; i < count; i = s[i].next) {
		int64_t more = emit(v, &s[i], ids + n, limit - n);

		if (more < 0)
			return -1;
		n += more;
	}
	return n;
}

int64_t vocab_encode(const struct vocab *v, const char *text, int32_t *ids, uint32_t limit)
{
	size_t bytes;
	char *spelt = spell(v, text, &bytes);
	struct symbol *s = spelt ? malloc((bytes + 1) * sizeof(*s)) : NULL;
	float *scores = s ? malloc((bytes + 1) * sizeof(*scores)) : NULL;
	int64_t n = -1;

	if (scores && bytes < INT32_MAX)
		n = encode(v, spelt, bytes, s, scores, ids, limit);
	free(scores);
	free(s);
	free(spelt);
	return n;
}

static uint32_t decode_byte_level(const struct vocab *v, struct gguf_string p, char *out,
				  uint32_t limit)
{
	uint32_t n = 0;

	for (size_t i = 0; i < p.bytes && n < limit; i++) {
		uint32_t code = (uint8_t)p.text[i];

		if ((code & 0xe0) == 0xc0 && i + 1 < p.bytes)
			code = (code & 0x1f) << 6 | (p.text[++i] & 0x3f);
		out[n++] = code < 512 ? (char)v->code_byte[code] : '?';
	}
	return n;
}

uint32_t vocab_decode(const struct vocab *v, int32_t id, char *out, uint32_t limit)
{
	struct gguf_string p;
	uint32_t n = 0;

	if (id < 0 || (uint32_t)id >= v->count)
		return 0;
	p = v->pieces[id];
	if (v->byte_level)
		return decode_byte_level(v, p, out, limit);
	for (uint32_t b = 0; b < 256; b++)
		if (v->byte_ids[b] == id) {
			if (limit)
				out[n++] = b;
			return n;
		}
	if (v->kinds && (v->kinds[id] == KIND_CONTROL || v->kinds[id] == KIND_UNKNOWN))
		return 0;
	for (size_t i = 0; i < p.bytes && n < limit; i++) {
		if (i + 3 <= p.bytes && !memcmp(p.text + i, SPACE_PIECE, 3)) {
			out[n++] = ' ';
			i += 2;
		} else {
			out[n++] = p.text[i];
		}
	}
	return n;
}
