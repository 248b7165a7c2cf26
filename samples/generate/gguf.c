// SPDX-License-Identifier: MIT
/* GGUF version 3: see gguf.h. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gguf.h"
#include "stream.h"

#define MAGIC		0x46554747u
#define MAX_KEYS	4096u
#define MAX_TENSORS	65536u
#define MAX_NAME	256u

/* What is left of the file, eaten from the front. */
struct reader {
	struct gguf *file;
	const uint8_t *at;
	size_t left;
	int failed;
};

static const uint8_t kind_bytes[GGUF_KINDS] = {
	[GGUF_U8] = 1, [GGUF_I8] = 1, [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4,
	[GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8,
	[GGUF_F64] = 8,
};

int gguf_fail(struct gguf *file, const char *format, ...)
{
	va_list args;

	if (file->error[0])
		return -1;
	va_start(args, format);
	vsnprintf(file->error, sizeof(file->error), format, args);
	va_end(args);
	stream_clean(file->error);
	return -1;
}

static const uint8_t *take(struct reader *r, uint64_t bytes)
{
	const uint8_t *at = r->at;

	if (r->failed || bytes > r->left) {
		if (!r->failed)
			gguf_fail(r->file, "the file ends inside its directory, at byte %zu",
				  r->file->bytes - r->left);
		r->failed = 1;
		return NULL;
	}
	r->at += bytes;
	r->left -= bytes;
	return at;
}

static uint64_t number(struct reader *r, unsigned int bytes)
{
	const uint8_t *at = take(r, bytes);
	uint64_t v = 0;

	if (at)
		memcpy(&v, at, bytes);
	return v;
}

static struct gguf_string string(struct reader *r)
{
	struct gguf_string s = { "", 0 };
	uint64_t bytes = number(r, 8);
	const uint8_t *at = take(r, bytes);

	if (at)
		s = (struct gguf_string){ (const char *)at, bytes };
	return s;
}

static void skip_array(struct reader *r, struct gguf_key *key)
{
	key->of = number(r, 4);
	key->count = number(r, 8);
	key->data = r->at;
	if (r->failed)
		return;
	if (key->of == GGUF_STRING) {
		for (uint64_t i = 0; i < key->count && !r->failed; i++)
			string(r);
	} else if (key->of >= GGUF_KINDS || !kind_bytes[key->of]) {
		r->failed = gguf_fail(r->file, "key %.*s: array of kind %u",
				      (int)key->name.bytes, key->name.text, key->of);
	} else if (key->count > r->left / kind_bytes[key->of]) {
		r->failed = gguf_fail(r->file, "key %.*s: its array is longer than the file",
				      (int)key->name.bytes, key->name.text);
	} else {
		take(r, key->count * kind_bytes[key->of]);
	}
}

static int read_key(struct reader *r, struct gguf_key *key)
{
	key->name = string(r);
	key->kind = number(r, 4);
	key->data = r->at;
	if (r->failed)
		return -1;
	if (!key->name.bytes || key->name.bytes > MAX_NAME)
		return gguf_fail(r->file, "a key has a name of %zu bytes", key->name.bytes);
	if (key->kind == GGUF_STRING)
		string(r);
	else if (key->kind == GGUF_ARRAY)
		skip_array(r, key);
	else if (key->kind < GGUF_KINDS)
		take(r, kind_bytes[key->kind]);
	else
		return gguf_fail(r->file, "key %.*s: kind %u does not exist", (int)key->name.bytes,
				 key->name.text, key->kind);
	return r->failed ? -1 : 0;
}

const char *gguf_type_name(uint32_t type)
{
	static const char *const names[] = {
		"f32", "f16", "Q4_0", "Q4_1", "Q4_2", "Q4_3", "Q5_0", "Q5_1", "Q8_0", "Q8_1",
		"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS",
		"IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "i8", "i16", "i32", "i64", "f64",
		"IQ1_M", "bf16", "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0", "TQ2_0",
		"IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4", "NVFP4", "Q1_0", "Q2_0",
	};

	return type < sizeof(names) / sizeof(*names) ? names[type] : "unknown";
}

uint32_t gguf_type_bytes(uint32_t type)
{
	return type == 0 ? 4 : type == 1 || type == 30 ? 2 : 0;
}

static int read_tensor(struct reader *r, struct gguf_tensor *t, uint64_t *offset)
{
	uint64_t elements = 1;

	t->name = string(r);
	t->rank = number(r, 4);
	if (!r->failed && (!t->name.bytes || t->name.bytes > MAX_NAME))
		return gguf_fail(r->file, "a tensor has a name of %zu bytes", t->name.bytes);
	if (!r->failed && (t->rank < 1 || t->rank > 4))
		return gguf_fail(r->file, "tensor %.*s: %u dimensions", (int)t->name.bytes,
				 t->name.text, t->rank);
	for (uint32_t i = 0; i < 4; i++) {
		uint64_t dim = i < t->rank ? number(r, 8) : 1;

		if (r->failed)
			return -1;
		if (!dim || dim > 0x7fffffff || elements > (1ull << 40) / dim)
			return gguf_fail(r->file, "tensor %.*s: dimension %u is %llu",
					 (int)t->name.bytes, t->name.text, i,
					 (unsigned long long)dim);
		t->dim[i] = dim;
		elements *= dim;
	}
	t->type = number(r, 4);
	*offset = number(r, 8);
	if (r->failed)
		return -1;
	t->bytes = elements * gguf_type_bytes(t->type);
	return 0;
}

static int read_directory(struct gguf *file)
{
	struct reader r = { file, file->map, file->bytes, 0 };
	uint64_t tensors, keys, *offsets = NULL;
	uint32_t align, version;
	size_t start;
	int error = -1;

	if (number(&r, 4) != MAGIC)
		return gguf_fail(file, "not a GGUF file: it does not start with \"GGUF\"");
	version = number(&r, 4);
	tensors = number(&r, 8);
	keys = number(&r, 8);
	if (r.failed)
		return -1;
	if (version != 3)
		return gguf_fail(file, "GGUF version %u: only 3 is read", version);
	if (tensors > MAX_TENSORS || keys > MAX_KEYS)
		return gguf_fail(file, "%llu tensors and %llu keys are too many",
				 (unsigned long long)tensors, (unsigned long long)keys);
	file->keys = calloc(keys + 1, sizeof(*file->keys));
	file->tensors = calloc(tensors + 1, sizeof(*file->tensors));
	offsets = calloc(tensors + 1, sizeof(*offsets));
	if (!file->keys || !file->tensors || !offsets) {
		gguf_fail(file, "out of memory");
		goto out;
	}
	for (; file->key_count < keys; file->key_count++)
		if (read_key(&r, &file->keys[file->key_count]))
			goto out;
	align = gguf_u32(file, "general.alignment", 32);
	if (align < 8 || align > 65536 || (align & (align - 1))) {
		gguf_fail(file, "general.alignment is %u", align);
		goto out;
	}
	for (; file->tensor_count < tensors; file->tensor_count++)
		if (read_tensor(&r, &file->tensors[file->tensor_count],
				&offsets[file->tensor_count]))
			goto out;
	start = (file->bytes - r.left + align - 1) / align * align;
	for (uint32_t i = 0; i < tensors; i++) {
		struct gguf_tensor *t = &file->tensors[i];

		if (start > file->bytes || offsets[i] % align ||
		    offsets[i] > file->bytes - start ||
		    t->bytes > file->bytes - start - offsets[i]) {
			gguf_fail(file, "tensor %.*s: its bytes do not lie in the file",
				  (int)t->name.bytes, t->name.text);
			goto out;
		}
		t->data = file->map + start + offsets[i];
	}
	error = file->error[0] ? -1 : 0;
out:
	free(offsets);
	return error;
}

int gguf_parse(struct gguf *file, const void *bytes, size_t size)
{
	memset(file, 0, sizeof(*file));
	file->map = bytes;
	file->bytes = size;
	if (!read_directory(file))
		return 0;
	free(file->keys);
	free(file->tensors);
	file->keys = NULL;
	file->tensors = NULL;
	return -1;
}

int gguf_open(struct gguf *file, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	memset(file, 0, sizeof(*file));
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size) {
		if (fd >= 0)
			close(fd);
		return gguf_fail(file, "can not be read, or is empty");
	}
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return gguf_fail(file, "can not be mapped");
	if (gguf_parse(file, map, st.st_size)) {
		munmap(map, st.st_size);
		return -1;
	}
	return 0;
}

void gguf_close(struct gguf *file)
{
	munmap((void *)file->map, file->bytes);
	free(file->keys);
	free(file->tensors);
	memset(file, 0, sizeof(*file));
}

int gguf_is(struct gguf_string string, const char *text)
{
	return strlen(text) == string.bytes && !memcmp(text, string.text, string.bytes);
}

const struct gguf_key *gguf_key(const struct gguf *file, const char *name)
{
	for (uint32_t i = 0; i < file->key_count; i++)
		if (gguf_is(file->keys[i].name, name))
			return &file->keys[i];
	return NULL;
}

const struct gguf_tensor *gguf_tensor(const struct gguf *file, const char *name)
{
	for (uint32_t i = 0; i < file->tensor_count; i++)
		if (gguf_is(file->tensors[i].name, name))
			return &file->tensors[i];
	return NULL;
}

static const struct gguf_key *typed(struct gguf *file, const char *name, enum gguf_kind kind)
{
	const struct gguf_key *key = gguf_key(file, name);

	if (key && key->kind != kind) {
		gguf_fail(file, "key %s has kind %u, not %u", name, key->kind, kind);
		return NULL;
	}
	return key;
}

uint32_t gguf_u32(struct gguf *file, const char *name, uint32_t otherwise)
{
	const struct gguf_key *key = gguf_key(file, name);

	/* Writers differ in the width and sign of small numbers. */
	if (key && key->kind == GGUF_BOOL) {
		return *key->data != 0;
	} else if (key && (key->kind == GGUF_U64 || key->kind == GGUF_I64)) {
		uint64_t wide;

		memcpy(&wide, key->data, 8);
		if (wide <= UINT32_MAX)
			return wide;
		gguf_fail(file, "key %s is %llu", name, (unsigned long long)wide);
		return otherwise;
	} else if (key && key->kind != GGUF_I32) {
		key = typed(file, name, GGUF_U32);
	}
	if (key)
		memcpy(&otherwise, key->data, 4);
	return otherwise;
}

float gguf_f32(struct gguf *file, const char *name, float otherwise)
{
	const struct gguf_key *key = typed(file, name, GGUF_F32);

	if (key)
		memcpy(&otherwise, key->data, 4);
	return otherwise;
}

struct gguf_string gguf_text(struct gguf *file, const char *name, const char *otherwise)
{
	const struct gguf_key *key = typed(file, name, GGUF_STRING);
	struct gguf_string s = { otherwise, strlen(otherwise) };

	if (key) {
		uint64_t bytes;

		memcpy(&bytes, key->data, 8);
		s = (struct gguf_string){ (const char *)key->data + 8, bytes };
	}
	return s;
}

int64_t gguf_strings(const struct gguf_key *key, struct gguf_string *out, uint64_t count)
{
	const uint8_t *at = key->data;

	if (key->kind != GGUF_ARRAY || key->of != GGUF_STRING || key->count != count)
		return -1;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t bytes;

		memcpy(&bytes, at, 8);
		out[i] = (struct gguf_string){ (const char *)at + 8, bytes };
		at += 8 + bytes;
	}
	return count;
}
