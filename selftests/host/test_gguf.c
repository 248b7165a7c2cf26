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

#include <cmocka.h>
#include <ggml.h>

#include "samples/generate/shape.h"
#include "samples/generate/token.h"
#include "selftests/host/gguf_case.h"
#include "selftests/ref/llama.h"
#include "selftests/ref/text.h"

#define D 4

/* A model of one layer whose weights make its answer known: all zero but the embedding. */
static void make_model(struct image *f)
{
	static const char *const square[] = { "attn_q", "attn_k", "attn_v", "attn_output",
					      "ffn_gate", "ffn_up", "ffn_down" };
	float ones[D] = { 1, 1, 1, 1 }, row[D] = { 0 };
	char name[64];
	uint64_t at = 0;

	image_begin(f);
	image_text(f, "general.architecture", "llama");
	image_llama_vocabulary(f);
	image_u32(f, "llama.embedding_length", D);
	image_u32(f, "llama.block_count", 1);
	image_u32(f, "llama.feed_forward_length", D);
	image_u32(f, "llama.context_length", 16);
	image_u32(f, "llama.attention.head_count", 2);
	image_tensor(f, "token_embd.weight", D, 10, at);
	at += 160;
	for (int i = 0; i < 3; i++, at += 32)
		image_tensor(f, (const char *[]){ "output_norm.weight", "blk.0.attn_norm.weight",
					    "blk.0.ffn_norm.weight" }[i], D, 1, at);
	for (int i = 0; i < 7; i++, at += 64) {
		snprintf(name, sizeof(name), "blk.0.%s.weight", square[i]);
		image_tensor(f, name, D, D, at);
	}
	image_end(f, at);
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
	image_begin(&f);
	image_llama_vocabulary(&f);
	image_u32(&f, "general.alignment", 33);
	image_end(&f, 0);
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
		image_begin(&f);
		image_text(&f, "general.architecture", evil[i][0]);
		image_end(&f, 0);
		assert_int_equal(gguf_parse(&file, f.bytes, f.used), 0);
		assert_int_equal(shape_load(&shape, &file), -1);
		snprintf(expected, sizeof(expected), "architecture '%s': only llama is read",
			 evil[i][1]);
		assert_string_equal(file.error, expected);
		assert_true(ref_is_line(file.error));
		free(file.keys);
		free(file.tensors);

		image_begin(&f);
		image_array(&f, evil[i][0], GGUF_KINDS, 1);
		image_end(&f, 0);
		assert_int_equal(gguf_parse(&file, f.bytes, f.used), -1);
		snprintf(expected, sizeof(expected), "key %s: array of kind 13", evil[i][1]);
		assert_string_equal(file.error, expected);

		image_begin(&f);
		image_tensor(&f, evil[i][0], 1, 0, 0);
		image_end(&f, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_of_known_answer),
		cmocka_unit_test(errors_name_the_key),
		cmocka_unit_test(errors_are_one_line),
		cmocka_unit_test(types_are_refused_by_name),
		cmocka_unit_test(hostile_bytes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
