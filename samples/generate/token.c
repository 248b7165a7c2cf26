// SPDX-License-Identifier: MIT
/* Byte-pair encoding as SentencePiece and GPT-2 do it: see token.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"
#include "table.h"
#include "token.h"

#define SPACE_PIECE	"\xe2\x96\x81"	/* U+2581, which stands for a space */
#define MAX_VOCAB	(1u << 20)
#define MAX_USERS	4096u	/* each is looked for at each place of a text */

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
	enum split split;		/* gpt2 */
	int32_t *users;			/* user-defined pieces */
	uint32_t user_count;
	uint32_t byte_code[256];	/* gpt2: code point that stands for a byte */
	uint8_t code_byte[512];
};

struct symbol {			/* while encoding: a run of bytes that is a piece so far */
	const char *at;
	uint32_t bytes;
	int32_t previous, next;
};

struct work {			/* of an encoding */
	const struct vocab *vocab;
	char *word;
	struct symbol *symbols;
	float *scores;
	int32_t *ids;
	uint32_t limit, count;
};

/* Pieces that stand for no text. */
static int is_hidden(const struct vocab *v, int32_t id)
{
	return v->kinds && (v->kinds[id] == KIND_CONTROL || v->kinds[id] == KIND_UNKNOWN);
}

static int32_t find(const struct vocab *v, const char *text, size_t bytes)
{
	int32_t id = table_find(&v->by_text, text, bytes);

	return id >= 0 && is_hidden(v, id) ? -1 : id;
}

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

static int load_users(struct gguf *file, struct vocab *v)
{
	v->users = calloc(MAX_USERS, sizeof(*v->users));
	if (!v->users)
		return gguf_fail(file, "out of memory");
	for (uint32_t i = 0; v->kinds && i < v->count; i++) {
		if (v->kinds[i] != KIND_USER || !v->pieces[i].bytes)
			continue;
		if (v->user_count == MAX_USERS)
			return gguf_fail(file, "more than %u user-defined pieces", MAX_USERS);
		v->users[v->user_count++] = (int32_t)i;
	}
	return 0;
}

/* Without merges it does not matter how a text is cut into words. */
static int load_split(struct gguf *file, struct vocab *v)
{
	struct gguf_string pre = gguf_text(file, "tokenizer.ggml.pre", "");
	int way = split_parse(pre);

	if (way < 0 && v->merges.count)
		return gguf_fail(file, "tokenizer.ggml.pre is '%.*s': only gpt-2, llama-bpe and "
				 "smollm are known here",
				 (int)(pre.bytes < 32 ? pre.bytes : 32), pre.text);
	v->split = way < 0 ? SPLIT_GPT2 : (enum split)way;
	return 0;
}

static void load_bytes(struct vocab *v)
{
	for (uint32_t b = 0; b < 256; b++) {
		char text[16];

		snprintf(text, sizeof(text), "<0x%02X>", b);
		v->byte_ids[b] = v->byte_level ? -1 : find(v, text, 6);
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
	if ((uint32_t)v->eos >= v->count || (uint32_t)v->bos >= v->count ||
	    (uint32_t)v->unknown >= v->count)
		return gguf_fail(file, "a special token id is beyond the vocabulary");
	if (!v->byte_level && !v->scores)
		return gguf_fail(file, "tokenizer.ggml.scores is missing");
	byte_alphabet(v);
	load_bytes(v);
	if (load_users(file, v) || (v->byte_level && (load_merges(file, v) || load_split(file, v))))
		return -1;
	v->add_bos = gguf_u32(file, "tokenizer.ggml.add_bos_token",
			      !v->byte_level || v->split == SPLIT_LLAMA3);
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
	free(v->users);
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
	id = find(v, a->at, a->bytes + b->bytes);	/* neighbours lie side by side */
	if (id < 0 || (v->kinds && v->kinds[id] != KIND_NORMAL))
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

/* The text as SentencePiece writes it: spaces as U+2581. */
static size_t spell_spaces(const struct vocab *v, const char *text, char *out)
{
	size_t at = 0;

	if (v->add_space && *text) {
		memcpy(out, SPACE_PIECE, 3);
		at = 3;
	}
	for (; *text; text++) {
		if (*text == ' ') {
			memcpy(out + at, SPACE_PIECE, 3);
			at += 3;
		} else {
			out[at++] = *text;
		}
	}
	return at;
}

static int put_id(struct work *w, int32_t id)
{
	if (w->count == w->limit)
		return -1;
	w->ids[w->count++] = id;
	return 0;
}

/* A piece that is not in the vocabulary falls back to its bytes. */
static int put_symbol(struct work *w, const struct symbol *s)
{
	int32_t id = find(w->vocab, s->at, s->bytes);

	if (id >= 0)
		return put_id(w, id);
	for (uint32_t i = 0; i < s->bytes; i++) {
		id = w->vocab->byte_ids[(uint8_t)s->at[i]];
		if (put_id(w, id >= 0 ? id : w->vocab->unknown))
			return -1;
	}
	return 0;
}

static int put_run(struct work *w, const char *spelt, size_t bytes)
{
	struct symbol *s = w->symbols;
	int32_t count = 0;

	for (size_t at = 0; at < bytes; count++) {
		uint32_t size = character_bytes(spelt + at, bytes - at);

		s[count] = (struct symbol){ spelt + at, size, count - 1, count + 1 };
		at += size;
	}
	join_all(w->vocab, s, w->scores, count);
	for (int32_t i = 0; i < count; i = s[i].next)
		if (put_symbol(w, &s[i]))
			return -1;
	return 0;
}

/* Words, in GPT-2's alphabet of bytes; a vocabulary may take one whole before pairs are merged. */
static int put_words(struct work *w, const char *text, size_t bytes)
{
	const struct vocab *v = w->vocab;
	size_t count, spelt;

	for (; bytes; text += count, bytes -= count) {
		int32_t id = -1;

		count = split_word(v->split, text, bytes);
		spelt = 0;
		for (size_t i = 0; i < count; i++)
			spelt += put_code(w->word + spelt, v->byte_code[(uint8_t)text[i]]);
		if (v->split == SPLIT_LLAMA3)
			id = find(v, w->word, spelt);
		if (id >= 0 ? put_id(w, id) : put_run(w, w->word, spelt))
			return -1;
	}
	return 0;
}

static int put_part(struct work *w, const char *text, size_t bytes)
{
	return w->vocab->byte_level ? put_words(w, text, bytes) : put_run(w, text, bytes);
}

/* The longest user-defined piece that @text begins with. Return: its id, or -1. */
static int32_t user_piece(const struct vocab *v, const char *text, size_t bytes)
{
	int32_t best = -1;

	for (uint32_t i = 0; i < v->user_count; i++) {
		const struct gguf_string *p = &v->pieces[v->users[i]];

		if (p->bytes <= bytes && !memcmp(p->text, text, p->bytes) &&
		    (best < 0 || p->bytes > v->pieces[best].bytes))
			best = v->users[i];
	}
	return best;
}

/* User-defined pieces stand for themselves and cut the text in parts. */
static int put_text(struct work *w, const char *text, size_t bytes)
{
	size_t from = 0, at = 0;

	if (w->vocab->add_bos && put_id(w, w->vocab->bos))
		return -1;
	while (at < bytes) {
		int32_t id = user_piece(w->vocab, text + at, bytes - at);

		if (id < 0) {
			at++;
			continue;
		}
		if (put_part(w, text + from, at - from) || put_id(w, id))
			return -1;
		at += w->vocab->pieces[id].bytes;
		from = at;
	}
	return put_part(w, text + from, at - from);
}

int64_t vocab_encode(const struct vocab *v, const char *text, int32_t *ids, uint32_t limit)
{
	size_t bytes = strlen(text), room = 3 * bytes + 4;	/* enough for either spelling */
	struct work w = { .vocab = v, .ids = ids, .limit = limit };
	int64_t n = -1;

	if (room < INT32_MAX) {
		w.word = malloc(room);
		w.symbols = malloc(room * sizeof(*w.symbols));
		w.scores = malloc(room * sizeof(*w.scores));
	}
	if (w.word && w.symbols && w.scores) {
		if (!v->byte_level) {
			bytes = spell_spaces(v, text, w.word);
			text = w.word;
		}
		n = put_text(&w, text, bytes) ? -1 : (int64_t)w.count;
	}
	free(w.word);
	free(w.symbols);
	free(w.scores);
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
	if (is_hidden(v, id))
		return 0;
	if (v->byte_level && !(v->kinds && v->kinds[id] == KIND_USER))
		return decode_byte_level(v, p, out, limit);
	for (uint32_t b = 0; b < 256; b++)
		if (v->byte_ids[b] == id) {
			if (limit)
				out[n++] = b;
			return n;
		}
	for (size_t i = 0; i < p.bytes && n < limit; i++) {
		if (!v->byte_level && i + 3 <= p.bytes && !memcmp(p.text + i, SPACE_PIECE, 3)) {
			out[n++] = ' ';
			i += 2;
		} else {
			out[n++] = p.text[i];
		}
	}
	return n;
}
