/* SPDX-License-Identifier: MIT */
/*
 * GGUF files, version 3: keys, and tensors as views of the mapped file. Everything in the file
 * is hostile: sizes are checked without overflow before they are used, and every error is one
 * line that names what is wrong.
 */
#ifndef GENERATE_GGUF_H
#define GENERATE_GGUF_H

#include <stddef.h>
#include <stdint.h>

enum gguf_kind {
	GGUF_U8 = 0, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL,
	GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64, GGUF_KINDS
};

struct gguf_string {
	const char *text;		/* not terminated */
	size_t bytes;
};

struct gguf_key {
	struct gguf_string name;
	enum gguf_kind kind;
	enum gguf_kind of;		/* ARRAY: kind of the elements */
	uint64_t count;			/* ARRAY: elements */
	const uint8_t *data;		/* the value, or the first element */
};

struct gguf_tensor {
	struct gguf_string name;
	uint32_t type;			/* GGUF's number, which is also the card's */
	uint32_t rank;
	uint32_t dim[4];		/* innermost first; unused are 1 */
	const uint8_t *data;
	uint64_t bytes;			/* 0 of types that are not read */
};

struct gguf {
	const uint8_t *map;
	size_t bytes;
	struct gguf_key *keys;
	struct gguf_tensor *tensors;
	uint32_t key_count, tensor_count;
	char error[200];
};

/**
 * gguf_open() - Map a file and check all of its directory.
 * Return: 0, or -1 with file->error filled; nothing to close then.
 */
int gguf_open(struct gguf *file, const char *path);

/** gguf_parse() - The same for bytes that are in memory already and stay there. */
int gguf_parse(struct gguf *file, const void *bytes, size_t size);

void gguf_close(struct gguf *file);

/**
 * gguf_fail() - Fill file->error, unless it is: one line of printable characters, whatever
 * strings of the file the text quotes. Return: -1.
 */
int gguf_fail(struct gguf *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** gguf_key(), gguf_tensor() - Look up by name. Return: NULL when there is none. */
const struct gguf_key *gguf_key(const struct gguf *file, const char *name);
const struct gguf_tensor *gguf_tensor(const struct gguf *file, const char *name);

/**
 * gguf_u32(), gguf_f32(), gguf_text() - Value of a key, or @otherwise when it is not there.
 * A key of another kind is an error: file->error is filled and @otherwise returned.
 */
uint32_t gguf_u32(struct gguf *file, const char *name, uint32_t otherwise);
float gguf_f32(struct gguf *file, const char *name, float otherwise);
struct gguf_string gguf_text(struct gguf *file, const char *name, const char *otherwise);

/** gguf_strings() - Elements of an array of strings. Return: @count or -1. */
int64_t gguf_strings(const struct gguf_key *key, struct gguf_string *out, uint64_t count);

/** gguf_type_name() - Name of a tensor's type, also of those that are not read. */
const char *gguf_type_name(uint32_t type);

/** gguf_type_bytes() - Bytes of an element of the types that are read: f32, f16, bf16; else 0. */
uint32_t gguf_type_bytes(uint32_t type);

/** gguf_is() - Whether a string of the file is @text. */
int gguf_is(struct gguf_string string, const char *text);

#endif
