// SPDX-License-Identifier: GPL-2.0-only
/* GGUF files made here byte by byte: whole, broken in each byte, cut at each byte. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <ggml.h>

#include "samples/generate/shape.h"
#include "samples/generate/token.h"
#include "selftests/ref/llama.h"
#include "selftests/ref/text.h"

#define D 4

struct image {
	uint8_t bytes[16384];
	size_t used;
	uint32_t keys, tensors;
	size_t counts;
};

static void put(struct image *f, const void *from, size_t bytes)
{
	assert_true(f->used + bytes <= sizeof(f->bytes));
	memcpy(f->bytes + f->used, from, bytes);
	f->used += bytes;
}

static void put_number(struct image *f, uint64_t value, size_t bytes)
{
	put(f, &value, bytes);
}

static void put_string(struct image *f, const char *text)
{
	put_number(f, strlen(text), 8);
	put(f, text, strlen(text));
}

static void key_u32(struct image *f, const char *name, uint32_t value)
{
	put_string(f, name);
	put_number(f, GGUF_U32, 4);
	put_number(f, value, 4);
	f->keys++;
}

static void key_text(struct image *f, const char *name, const char *value)
{
	put_string(f, name);
	put_number(f, GGUF_STRING, 4);
	put_string(f, value);
	f->keys++;
}

static void key_array(struct image *f, const char *name, enum gguf_kind of, uint64_t count)
{
	put_string(f, name);
	put_number(f, GGUF_ARRAY, 4);
	put_number(f, of, 4);
	put_number(f, count, 8);
	f->keys++;
}

static void begin(struct image *f)
{
	memset(f, 0, sizeof(*f));
	put(f, "GGUF", 4);
	put_number(f, 3, 4);
	f->counts = f->used;
	put_number(f, 0, 8);
	put_number(f, 0, 8);
}

static void tensor(struct image *f, const char *name, uint32_t columns, uint32_t rows, uint64_t at)
{
	put_string(f, name);
	put_number(f, 2, 4);
	put_number(f, columns, 8);
	put_number(f, rows, 8);
	put_number(f, 0, 4);
	put_number(f, at, 8);
	f->tensors++;
}

static void end(struct image *f, size_t data)
{
	uint64_t tensors = f->tensors, keys = f->keys;

	memcpy(f->bytes + f->counts, &tensors, 8);
	memcpy(f->bytes + f->counts + 8, &keys, 8);
	f->used = (f->used + 31) / 32 * 32 + data;
	assert_true(f->used <= sizeof(f->bytes));
}

static const char *const llama_pieces[] = { "<unk>", "<s>", "</s>", "a", "b", "ab", "\xe2\x96\x81",
					    "\xe2\x96\x81" "ab", "<0xC3>", "<0xA9>" };

static void llama_vocabulary(struct image *f)
{
	static const int32_t kinds[] = { 2, 3, 3, 1, 1, 1, 1, 1, 6, 6 };
	static const float scores[] = { 0, 0, 0, -3, -4, -1, -5, -2, 0, 0 };

	key_text(f, "tokenizer.ggml.model", "llama");
	key_array(f, "tokenizer.ggml.tokens", GGUF_STRING, 10);
	for (int i = 0; i < 10; i++)
		put_string(f, llama_pieces[i]);
	key_array(f, "tokenizer.ggml.scores", GGUF_F32, 10);
	put(f, scores, sizeof(scores));
	key_array(f, "tokenizer.ggml.token_type", GGUF_I32, 10);
	put(f, kinds, sizeof(kinds));
	key_u32(f, "tokenizer.ggml.add_space_prefix", 0);
	key_u32(f, "tokenizer.ggml.add_bos_token", 0);
}

static void expect_ids(struct image *f, const char *text, const int32_t *ids, int64_t count)
{
	struct gguf file;
	struct vocab *vocab;
	int32_t got[64];
	char back[64];
	uint32_t n = 0;

	assert_int_equal(gguf_parse(&file, f->bytes, f->used), 0);
	vocab = vocab_load(&file);
	assert_string_equal(file.error, "");
	assert_non_null(vocab);
	assert_int_equal(vocab_encode(vocab, text, got, 64), count);
	assert_memory_equal(got, ids, count * sizeof(*ids));
	for (int64_t i = 0; i < count; i++)
		n += vocab_decode(vocab, got[i], back + n, sizeof(back) - n);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(back, text, n);
	assert_int_equal(vocab_encode(vocab, text, got, (uint32_t)count - 1), -1);
	vocab_free(vocab);
	free(file.keys);
	free(file.tensors);
}

static void pieces_by_score(void **state)
{
	struct image f;

	(void)state;
	begin(&f);
	llama_vocabulary(&f);
	end(&f, 0);
	/* "ab" before "▁ab": the better score joins first. é has no piece: two byte tokens. */
	expect_ids(&f, "ab ab", (int32_t[]){ 5, 7 }, 2);
	expect_ids(&f, "ba\xc3\xa9", (int32_t[]){ 4, 3, 8, 9 }, 4);
}

static void pieces_by_merges(void **state)
{
	static const char *const pieces[] = { "a", "b", "ab", "\xc4\xa0", "\xc4\xa0" "ab" };
	struct image f;

	(void)state;
	begin(&f);
	key_text(&f, "tokenizer.ggml.model", "gpt2");
	key_array(&f, "tokenizer.ggml.tokens", GGUF_STRING, 5);
	for (int i = 0; i < 5; i++)
		put_string(&f, pieces[i]);
	key_array(&f, "tokenizer.ggml.merges", GGUF_STRING, 2);
	put_string(&f, "a b");
	put_string(&f, "\xc4\xa0 ab");
	key_u32(&f, "tokenizer.ggml.eos_token_id", 0);
	key_u32(&f, "tokenizer.ggml.bos_token_id", 0);
	end(&f, 0);
	expect_ids(&f, "ab ab", (int32_t[]){ 2, 4 }, 2);
}

/* A model of one layer whose weights make its answer known: all zero but the embedding. */
static void make_model(struct image *f)
{
	static const char *const square[] = { "attn_q", "attn_k", "attn_v", "attn_output",
					      "ffn_gate", "ffn_up", "ffn_down" };
	float ones[D] = { 1, 1, 1, 1 }, row[D] = { 0 };
	char name[64];
	uint64_t at = 0;

	begin(f);
	key_text(f, "general.architecture", "llama");
	llama_vocabulary(f);
	key_u32(f, "llama.embedding_length", D);
	key_u32(f, "llama.block_count", 1);
	key_u32(f, "llama.feed_forward_length", D);
	key_u32(f, "llama.context_length", 16);
	key_u32(f, "llama.attention.head_count", 2);
	tensor(f, "token_embd.weight", D, 10, at);
	at += 160;
	for (int i = 0; i < 3; i++, at += 32)
		tensor(f, (const char *[]){ "output_norm.weight", "blk.0.attn_norm.weight",
					    "blk.0.ffn_norm.weight" }[i], D, 1, at);
	for (int i = 0; i < 7; i++, at += 64) {
		snprintf(name, sizeof(name), "blk.0.%s.weight", square[i]);
		tensor(f, name, D, D, at);
	}
	end(f, at);
	for (int i = 0; i < 10; i++) {
		row[i % D] = 1.0f + i;
		memcpy(f->bytes + f->used - at + 16 * i, row, 16);
		row[i % D] = 0;
	}
	for (int i = 0; i < 3; i++)
		memcpy(f->bytes + f->used - at + 160 + 32 * i, ones, 16);
}

static void model_of_known_answer(void **state)
{
	struct image f;
	struct gguf file;
	struct ref_llama *model;
	const double *logits;

	(void)state;
	make_model(&f);
	assert_int_equal(gguf_parse(&file, f.bytes, f.used), 0);
	model = ref_llama_load(&file, 2);
	assert_non_null(model);
	logits = ref_llama_step(model, 5);
	/* Layers add 0; row 5 is 6 in dim 1, normalised to √4: logit = 2 · row's dim 1. */
	for (int i = 0; i < 10; i++)
		assert_float_equal(logits[i], (i % D == 1 ? 2 * (1.0f + i) : 0), 1e-4f);
	assert_non_null(ref_llama_step(model, 0));
	assert_null(ref_llama_step(model, 0));
	ref_llama_free(model);
	free(file.keys);
	free(file.tensors);
}

/* Exact-size copies, so that a read past the end is seen by a checker. */
static void parse_copy(const struct image *f, size_t bytes)
{
	uint8_t *copy = malloc(bytes ? bytes : 1);
	struct gguf file;
	struct shape shape;
	struct vocab *vocab;

	memcpy(copy, f->bytes, bytes);
	if (!gguf_parse(&file, copy, bytes)) {
		if (!shape_load(&shape, &file))
			shape_free(&shape);
		else
			assert_true(file.error[0] && ref_is_line(file.error));
		file.error[0] = 0;
		vocab = vocab_load(&file);
		if (vocab) {
			int32_t ids[64];

			vocab_encode(vocab, "ab \xc3\xa9 b", ids, 64);
			vocab_free(vocab);
		}
		assert_true(!!vocab == !file.error[0] && ref_is_line(file.error));
		free(file.keys);
		free(file.tensors);
	} else {
		assert_true(file.error[0] && ref_is_line(file.error));
	}
	free(copy);
}

static void hostile_bytes(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct image f;

	(void)state;
	make_model(&f);
	for (size_t bytes = 0; bytes < f.used; bytes++)
		parse_copy(&f, bytes);
	for (size_t at = 0; at < f.used; at++) {
		uint8_t was = f.bytes[at];

		for (size_t i = 0; i < sizeof(values); i++) {
			f.bytes[at] = values[i];
			parse_copy(&f, f.used);
		}
		f.bytes[at] = was;
	}
	srand(1);
	for (int i = 0; i < 20000; i++) {
		struct image g = f;

		for (int k = 0; k < 3; k++)
			g.bytes[(size_t)rand() % g.used] = (uint8_t)rand();
		parse_copy(&g, g.used);
	}
}

static void errors_name_the_key(void **state)
{
	struct image f;
	struct gguf file;

	(void)state;
	begin(&f);
	llama_vocabulary(&f);
	key_u32(&f, "general.alignment", 33);
	end(&f, 0);
	assert_int_equal(gguf_parse(&file, f.bytes, f.used), -1);
	assert_string_equal(file.error, "general.alignment is 33");
	f.bytes[4] = 2;
	assert_int_equal(gguf_parse(&file, f.bytes, f.used), -1);
	assert_string_equal(file.error, "GGUF version 2: only 3 is read");
	f.bytes[0] = 'X';
	assert_int_equal(gguf_parse(&file, f.bytes, f.used), -1);
	assert_non_null(strstr(file.error, "not a GGUF file"));
}

/* A file must steer no terminal by the words in which it is refused. */
static void errors_are_one_line(void **state)
{
	static const char *const evil[][2] = {
		{ "x\nrm -rf is fine\n\x1b[31mred", "x?rm -rf is fine??[31mred" },
		{ "\r\t\x7f\x01", "????" },
		{ "\xc2\x9b" "31m", "??31m" },		/* CSI as one character */
		{ "a\xff\xc3\xa9\xe2\x82", "a?\xc3\xa9??" },
		{ "\xed\xa0\x80\xc0\xaf", "?????" },
	};
	char expected[100];
	struct image f;
	struct gguf file;
	struct shape shape;

	(void)state;
	for (size_t i = 0; i < sizeof(evil) / sizeof(*evil); i++) {
		begin(&f);
		key_text(&f, "general.architecture", evil[i][0]);
		end(&f, 0);
		assert_int_equal(gguf_parse(&file, f.bytes, f.used), 0);
		assert_int_equal(shape_load(&shape, &file), -1);
		snprintf(expected, sizeof(expected), "architecture '%s': only llama is read",
			 evil[i][1]);
		assert_string_equal(file.error, expected);
		assert_true(ref_is_line(file.error));
		free(file.keys);
		free(file.tensors);

		begin(&f);
		key_array(&f, evil[i][0], GGUF_KINDS, 1);
		end(&f, 0);
		assert_int_equal(gguf_parse(&file, f.bytes, f.used), -1);
		snprintf(expected, sizeof(expected), "key %s: array of kind 13", evil[i][1]);
		assert_string_equal(file.error, expected);

		begin(&f);
		tensor(&f, evil[i][0], 1, 0, 0);
		end(&f, 0);
		assert_int_equal(gguf_parse(&file, f.bytes, f.used), -1);
		snprintf(expected, sizeof(expected), "tensor %s: dimension 1 is 0", evil[i][1]);
		assert_string_equal(file.error, expected);
	}
}

/* The name that ggml has for a type. Of one that it has dropped it says "TYPE_NAME REMOVED, …". */
static void name_of_type(uint32_t type, char *name, size_t room)
{
	const char *text = ggml_type_name((enum ggml_type)type);
	size_t count;

	if (!strcmp(text, "DEPRECATED"))
		text = type == 4 ? "Q4_2" : "Q4_3";
	else if (!strncmp(text, "TYPE_", 5))
		text += 5;
	count = strcspn(text, " ");
	assert_true(count < room);
	memcpy(name, text, count);
	name[count] = 0;
}

static void types_are_refused_by_name(void **state)
{
	char name[32], expected[64];
	struct gguf file;
	struct image f;
	struct shape shape;

	(void)state;
	for (uint32_t type = 0; type <= GGML_TYPE_COUNT; type++) {
		make_model(&f);
		assert_int_equal(gguf_parse(&file, f.bytes, f.used), 0);
		memcpy(f.bytes + (file.tensors[0].name.text - (char *)f.bytes) +
		       strlen("token_embd.weight") + 4 + 16, &type, 4);
		free(file.keys);
		free(file.tensors);
		assert_int_equal(gguf_parse(&file, f.bytes, f.used), 0);
		if (type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16) {
			assert_int_equal(shape_load(&shape, &file), 0);
			shape_free(&shape);
		} else {
			assert_int_equal(shape_load(&shape, &file), -1);
			if (type < GGML_TYPE_COUNT)
				name_of_type(type, name, sizeof(name));
			else
				strcpy(name, "unknown");
			snprintf(expected, sizeof(expected), "is of type %s (%u):", name, type);
			if (!strcasestr(file.error, expected))
				fail_msg("%s: '%s' is not in it", file.error, expected);
		}
		free(file.keys);
		free(file.tensors);
	}
}

#define PIECES	60000u
#define LETTERS	8u	/* of a piece */

static uint64_t fnv(const char *text, size_t bytes)
{
	uint64_t h = 0xcbf29ce484222325ull;

	while (bytes--)
		h = (h ^ (uint8_t)*text++) * 0x100000001b3ull;
	return h;
}

enum pieces { PIECES_RANDOM, PIECES_ASCENDING, PIECES_EQUAL, PIECES_FNV };

static void make_piece(char *piece, uint32_t i, enum pieces kind)
{
	memset(piece, 'a', LETTERS);
	do {
		uint32_t value = kind == PIECES_ASCENDING ? i : (uint32_t)rand();

		for (uint32_t k = 0; k < LETTERS && kind != PIECES_EQUAL; k++, value /= 16)
			piece[LETTERS - 1 - k] = (char)('a' + value % 16);
	} while (kind == PIECES_FNV && (fnv(piece, LETTERS) & 0x1ffff) >= 1024);
}

/* CPU time to load a vocabulary of many pieces. */
static clock_t time_of(enum pieces kind)
{
	uint8_t *bytes, *at;
	struct vocab *vocab;
	struct gguf file;
	struct image f;
	size_t header;
	clock_t start;

	begin(&f);
	key_text(&f, "tokenizer.ggml.model", "gpt2");
	key_array(&f, "tokenizer.ggml.merges", GGUF_STRING, 0);
	key_array(&f, "tokenizer.ggml.tokens", GGUF_STRING, PIECES);
	header = f.used;
	end(&f, 0);
	bytes = malloc(header + PIECES * (8 + LETTERS));
	assert_non_null(bytes);
	at = bytes + header;
	memcpy(bytes, f.bytes, header);
	for (uint32_t i = 0; i < PIECES; i++, at += 8 + LETTERS) {
		memcpy(at, &(uint64_t){ LETTERS }, 8);
		make_piece((char *)at + 8, i, kind);
	}
	assert_int_equal(gguf_parse(&file, bytes, header + PIECES * (8 + LETTERS)), 0);
	start = clock();
	vocab = vocab_load(&file);
	start = clock() - start;
	assert_string_equal(file.error, "");
	vocab_free(vocab);
	free(file.keys);
	free(file.tensors);
	free(bytes);
	return start;
}

/* No choice of pieces makes a file much slower to load than random ones. */
static void no_pieces_are_slow(void **state)
{
	clock_t usual = time_of(PIECES_RANDOM);

	(void)state;
	for (enum pieces kind = PIECES_ASCENDING; kind <= PIECES_FNV; kind++) {
		clock_t crafted = time_of(kind);

		print_message("# %.1f times as long\n", (double)crafted / (double)usual);
		assert_true(crafted < 10 * usual);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_by_score),
		cmocka_unit_test(pieces_by_merges),
		cmocka_unit_test(model_of_known_answer),
		cmocka_unit_test(errors_name_the_key),
		cmocka_unit_test(errors_are_one_line),
		cmocka_unit_test(types_are_refused_by_name),
		cmocka_unit_test(hostile_bytes),
		cmocka_unit_test(no_pieces_are_slow),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
