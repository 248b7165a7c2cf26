// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <accel/types.h>

#include "npy.h"

#define MAGIC		"\x93NUMPY"
#define MAGIC_BYTES	6
#define HEADER_MAX	4096		/* NumPy's own are below 128 */
#define DIM_MAX		0x7fffffffu

static const struct {
	const char *descr;
	enum accel_type type;
} types[] = {
	{ "<f4", ACCEL_TYPE_F32 }, { "<f2", ACCEL_TYPE_F16 }, { "|i1", ACCEL_TYPE_I8 },
	{ "<i4", ACCEL_TYPE_I32 }, { "<V2", ACCEL_TYPE_BF16 }, { "|V2", ACCEL_TYPE_BF16 },
};

#define TYPES	(sizeof(types) / sizeof(types[0]))

/* The header is a Python dict with three known keys, read by a cursor that never leaves it. */
struct cursor {
	const char *at, *end;
};

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\n", *cursor->at) && *cursor->at)
		cursor->at++;
}

static bool take(struct cursor *cursor, char c)
{
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static bool take_word(struct cursor *cursor, const char *word)
{
	size_t length = strlen(word);

	skip_space(cursor);
	if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length))
		return false;
	cursor->at += length;
	return true;
}

/* 'text', up to @bytes − 1 characters. */
static bool take_string(struct cursor *cursor, char *text, size_t bytes)
{
	size_t length = 0;
	char quote;

	if (take(cursor, '\''))
		quote = '\'';
	else if (take(cursor, '"'))
		quote = '"';
	else
		return false;
	while (cursor->at < cursor->end && *cursor->at != quote) {
		if (length + 1 >= bytes)
			return false;
		text[length++] = *cursor->at++;
	}
	text[length] = 0;
	return take(cursor, quote);
}

static bool take_number(struct cursor *cursor, uint64_t *value)
{
	const char *start;

	skip_space(cursor);
	start = cursor->at;
	*value = 0;
	while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
		*value = *value * 10 + (uint64_t)(*cursor->at++ - '0');
		if (*value > DIM_MAX)
			return false;
	}
	return cursor->at > start;
}

static int take_shape(struct cursor *cursor, struct npy *npy, const char **why)
{
	uint64_t dim;

	*why = "its shape is damaged or has a size above 2^31 - 1";
	if (!take(cursor, '('))
		return -EINVAL;
	while (!take(cursor, ')')) {
		if (!take_number(cursor, &dim))
			return -EINVAL;
		if (npy->rank == 2) {
			*why = "it has more than two dimensions";
			return -EOPNOTSUPP;
		}
		npy->shape[npy->rank++] = (uint32_t)dim;
		if (!take(cursor, ',') && (npy->rank < 2 || cursor->at == cursor->end ||
					   *cursor->at != ')'))
			return -EINVAL;
	}
	return 0;
}

static int take_descr(struct cursor *cursor, struct npy *npy, const char **why)
{
	char descr[16];

	*why = "its type is damaged";
	if (!take_string(cursor, descr, sizeof(descr)))
		return -EINVAL;
	for (size_t i = 0; i < TYPES; i++) {
		if (!strcmp(types[i].descr, descr)) {
			npy->type = types[i].type;
			return 0;
		}
	}
	*why = "its type is not f4, f2, i1, i4 or bfloat16, little-endian";
	return -EOPNOTSUPP;
}

static int take_order(struct cursor *cursor, const char **why)
{
	if (take_word(cursor, "False"))
		return 0;
	*why = take_word(cursor, "True") ? "it is in Fortran order" : "its order is damaged";
	return strstr(*why, "Fortran") ? -EOPNOTSUPP : -EINVAL;
}

static int take_dict(struct cursor *cursor, struct npy *npy, const char **why)
{
	unsigned int seen = 0, key;
	char name[16];
	int error;

	*why = "its header is damaged";
	if (!take(cursor, '{'))
		return -EINVAL;
	while (!take(cursor, '}')) {
		if (!take_string(cursor, name, sizeof(name)) || !take(cursor, ':'))
			return -EINVAL;
		if (!strcmp(name, "descr")) {
			key = 1;
			error = take_descr(cursor, npy, why);
		} else if (!strcmp(name, "fortran_order")) {
			key = 2;
			error = take_order(cursor, why);
		} else if (!strcmp(name, "shape")) {
			key = 4;
			error = seen & 4 ? -EINVAL : take_shape(cursor, npy, why);
		} else {
			return -EINVAL;
		}
		if (error)
			return error;
		*why = "its header is damaged";
		if (seen & key)
			return -EINVAL;
		seen |= key;
		take(cursor, ',');
	}
	return seen == 7 ? 0 : -EINVAL;
}

static int count_bytes(struct npy *npy, const char **why)
{
	uint64_t elements = (uint64_t)npy->shape[0] * npy->shape[1];

	*why = "it has more than 2^40 elements";
	if (elements > 1ull << 40)
		return -E2BIG;
	npy->bytes = elements * accel_type_bytes(npy->type);
	return 0;
}

int npy_parse(const void *image, size_t bytes, struct npy *npy, size_t *data_offset,
	      const char **why)
{
	const uint8_t *byte = image;
	size_t header, start;
	struct cursor cursor;
	int error;

	memset(npy, 0, sizeof(*npy));
	npy->shape[0] = 1;
	npy->shape[1] = 1;
	*why = "it is no .npy file";
	if (bytes < MAGIC_BYTES + 4 || memcmp(byte, MAGIC, MAGIC_BYTES))
		return -EINVAL;
	*why = "it is a .npy file of an unknown version";
	if (byte[6] < 1 || byte[6] > 3)
		return -EOPNOTSUPP;
	start = byte[6] == 1 ? 10 : 12;
	*why = "its header is longer than the file, or than 4096 bytes";
	if (bytes < start)
		return -EINVAL;
	header = byte[8] | (size_t)byte[9] << 8;
	if (byte[6] > 1)
		header |= (size_t)byte[10] << 16 | (size_t)byte[11] << 24;
	if (header > HEADER_MAX || header > bytes - start)
		return -EINVAL;
	cursor.at = (const char *)byte + start;
	cursor.end = cursor.at + header;
	error = take_dict(&cursor, npy, why);
	if (!error)
		error = count_bytes(npy, why);
	*data_offset = start + header;
	return error;
}

static int read_open(FILE *file, struct npy *npy, const char **why)
{
	uint8_t head[HEADER_MAX + 12];
	size_t got = fread(head, 1, sizeof(head), file), data_offset;
	int error = npy_parse(head, got, npy, &data_offset, why);
	off_t end;

	if (error)
		return error;
	*why = "it cannot be read";
	if (fseeko(file, 0, SEEK_END) || (end = ftello(file)) < 0)
		return -errno;
	*why = "it is not as long as its header says";
	if ((uint64_t)end != data_offset + npy->bytes)
		return -EINVAL;
	npy->data = malloc(npy->bytes ? npy->bytes : 1);
	*why = "there is not enough host memory for it";
	if (!npy->data)
		return -ENOMEM;
	*why = "it cannot be read";
	if (fseeko(file, (off_t)data_offset, SEEK_SET) ||
	    fread(npy->data, 1, npy->bytes, file) != npy->bytes) {
		free(npy->data);
		npy->data = NULL;
		return -EIO;
	}
	return 0;
}

int npy_read(const char *path, struct npy *npy, const char **why)
{
	FILE *file = fopen(path, "rbe");
	int error;

	memset(npy, 0, sizeof(*npy));
	*why = "it cannot be opened";
	if (!file)
		return -errno;
	error = read_open(file, npy, why);
	fclose(file);
	return error;
}

int npy_write(const char *path, const struct npy *npy)
{
	char dict[128], shape[32];
	const char *descr = "";
	FILE *file;
	int error = 0, length;

	for (size_t i = TYPES; i-- > 0;) {
		if (types[i].type == npy->type)
			descr = types[i].descr;
	}
	if (npy->rank == 0)
		snprintf(shape, sizeof(shape), "()");
	else if (npy->rank == 1)
		snprintf(shape, sizeof(shape), "(%u,)", npy->shape[0]);
	else
		snprintf(shape, sizeof(shape), "(%u, %u)", npy->shape[0], npy->shape[1]);
	/* Data starts at a multiple of 64: 10 bytes, the dict, spaces, a newline. */
	length = snprintf(dict, sizeof(dict),
			  "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
	file = fopen(path, "wbe");
	if (!file)
		return -errno;
	if (fprintf(file, "\x93NUMPY\x01%c%c%c%s%*s\n", 0, 118, 0, dict, 117 - length, "") != 128 ||
	    fwrite(npy->data, 1, npy->bytes, file) != npy->bytes)
		error = -errno;
	if (fclose(file) && !error)
		error = -errno;
	return error;
}

static double half(uint16_t bits)
{
	int exponent = bits >> 10 & 0x1f;
	double value = bits & 0x3ff;

	if (exponent == 0x1f)
		value = value != 0 ? NAN : INFINITY;
	else if (exponent)
		value = ldexp(value + 1024, exponent - 25);
	else
		value = ldexp(value, -24);
	return bits & 0x8000 ? -value : value;
}

double npy_get(const struct npy *npy, size_t index)
{
	const uint16_t *halves = npy->data;
	uint32_t bits;
	float single;

	switch (npy->type) {
	case ACCEL_TYPE_F32:
		return ((const float *)npy->data)[index];
	case ACCEL_TYPE_I8:
		return ((const int8_t *)npy->data)[index];
	case ACCEL_TYPE_I32:
		return ((const int32_t *)npy->data)[index];
	case ACCEL_TYPE_F16:
		return half(halves[index]);
	case ACCEL_TYPE_BF16:
		bits = (uint32_t)halves[index] << 16;
		memcpy(&single, &bits, sizeof(single));
		return single;
	default:
		return NAN;
	}
}
