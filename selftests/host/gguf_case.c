// SPDX-License-Identifier: GPL-2.0-only
/* See gguf_case.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "selftests/host/gguf_case.h"

void image_put(struct image *f, const void *from, size_t bytes)
{
	assert_true(f->used + bytes <= sizeof(f->bytes));
	memcpy(f->bytes + f->used, from, bytes);
	f->used += bytes;
}

void image_number(struct image *f, uint64_t value, size_t bytes)
{
	image_put(f, &value, bytes);
}

void image_string(struct image *f, const char *text)
{
	image_number(f, strlen(text), 8);
	image_put(f, text, strlen(text));
}

void image_u32(struct image *f, const char *name, uint32_t value)
{
	image_string(f, name);
	image_number(f, GGUF_U32, 4);
	image_number(f, value, 4);
	f->keys++;
}

void image_text(struct image *f, const char *name, const char *value)
{
	image_string(f, name);
	image_number(f, GGUF_STRING, 4);
	image_string(f, value);
	f->keys++;
}

void image_array(struct image *f, const char *name, enum gguf_kind of, uint64_t count)
{
	image_string(f, name);
	image_number(f, GGUF_ARRAY, 4);
	image_number(f, of, 4);
	image_number(f, count, 8);
	f->keys++;
}

void image_begin(struct image *f)
{
	memset(f, 0, sizeof(*f));
	image_put(f, "GGUF", 4);
	image_number(f, 3, 4);
	f->counts = f->used;
	image_number(f, 0, 8);
	image_number(f, 0, 8);
}

void image_tensor(struct image *f, const char *name, uint32_t columns, uint32_t rows, uint64_t at)
{
	image_string(f, name);
	image_number(f, 2, 4);
	image_number(f, columns, 8);
	image_number(f, rows, 8);
	image_number(f, 0, 4);
	image_number(f, at, 8);
	f->tensors++;
}

void image_end(struct image *f, size_t data)
{
	uint64_t tensors = f->tensors, keys = f->keys;

	memcpy(f->bytes + f->counts, &tensors, 8);
	memcpy(f->bytes + f->counts + 8, &keys, 8);
	f->used = (f->used + 31) / 32 * 32 + data;
	assert_true(f->used <= sizeof(f->bytes));
}

static const char *const llama_pieces[] = { "<unk>", "<s>", "</s>", "a", "b", "ab", "\xe2\x96\x81",
					    "\xe2\x96\x81" "ab", "<0xC3>", "<0xA9>" };

void image_llama_vocabulary(struct image *f)
{
	static const int32_t kinds[] = { 2, 3, 3, 1, 1, 1, 1, 1, 6, 6 };
	static const float scores[] = { 0, 0, 0, -3, -4, -1, -5, -2, 0, 0 };

	image_text(f, "tokenizer.ggml.model", "llama");
	image_array(f, "tokenizer.ggml.tokens", GGUF_STRING, 10);
	for (int i = 0; i < 10; i++)
		image_string(f, llama_pieces[i]);
	image_array(f, "tokenizer.ggml.scores", GGUF_F32, 10);
	image_put(f, scores, sizeof(scores));
	image_array(f, "tokenizer.ggml.token_type", GGUF_I32, 10);
	image_put(f, kinds, sizeof(kinds));
	image_u32(f, "tokenizer.ggml.add_space_prefix", 0);
	image_u32(f, "tokenizer.ggml.add_bos_token", 0);
}
