// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "samples/npy.h"

static char path[] = "/tmp/test_npy.XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void put(uint8_t version, const char *dict, size_t data)
{
	size_t length = strlen(dict);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	fprintf(file, "\x93NUMPY%c%c%c%c", version, 0, (int)(length & 0xff), (int)(length >> 8));
	if (version > 1)
		fwrite("\0\0", 1, 2, file);
	fwrite(dict, 1, length, file);
	while (data--)
		fputc((int)data, file);
	fclose(file);
}

static void expect(int error, const char *part)
{
	struct npy npy;
	const char *why;

	assert_int_equal(npy_read(path, &npy, &why), error);
	assert_null(npy.data);
	if (!strstr(why, part))
		print_message("# %s\n", why);
	assert_non_null(strstr(why, part));
}

#define DICT(descr, order, shape) \
	"{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape "}"

static void test_versions(void **state)
{
	struct npy npy;
	const char *why;

	(void)state;
	for (uint8_t version = 1; version <= 3; version++) {
		put(version, DICT("<f4", "False", "(2, 3), ") "   \n", 24);
		assert_int_equal(npy_read(path, &npy, &why), 0);
		assert_int_equal(npy.type, ACCEL_TYPE_F32);
		assert_int_equal(npy.rank, 2);
		assert_int_equal(npy.shape[0], 2);
		assert_int_equal(npy.shape[1], 3);
		assert_int_equal(npy.bytes, 24);
		assert_int_equal(((uint8_t *)npy.data)[0], 23);
		free(npy.data);
	}
	put(1, "{\"shape\":(7,),\"fortran_order\":False,\"descr\":\"|i1\"}", 7);
	assert_int_equal(npy_read(path, &npy, &why), 0);
	assert_int_equal(npy.rank, 1);
	free(npy.data);
	put(1, "{'descr': '<V2', 'fortran_order': False, 'shape': (), }", 2);
	assert_int_equal(npy_read(path, &npy, &why), 0);
	assert_int_equal(npy.type, ACCEL_TYPE_BF16);
	assert_int_equal(npy.bytes, 2);
	free(npy.data);
	put(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 5), }", 0);
	assert_int_equal(npy_read(path, &npy, &why), 0);
	free(npy.data);
}


static void test_refused(void **state)
{
	(void)state;
	put(1, DICT(">f4", "False", "(2, 3)"), 24);
	expect(-EOPNOTSUPP, "type");
	put(1, DICT("<f8", "False", "(2, 3)"), 48);
	expect(-EOPNOTSUPP, "type");
	put(1, DICT("<f4", "True", "(2, 3)"), 24);
	expect(-EOPNOTSUPP, "Fortran");
	put(1, DICT("<f4", "None", "(2, 3)"), 24);
	expect(-EINVAL, "order is damaged");
	put(1, DICT("<f4", "False", "(2, 3, 4)"), 96);
	expect(-EOPNOTSUPP, "two dimensions");
	put(4, DICT("<f4", "False", "(2, 3)"), 24);
	expect(-EOPNOTSUPP, "version");
	put(1, DICT("<f4", "False", "(2, 3)"), 23);
	expect(-EINVAL, "as long as");
	put(1, DICT("<f4", "False", "(2, 3)"), 25);
	expect(-EINVAL, "as long as");
	put(1, DICT("<f4", "False", "(2147483647, 2147483647)"), 24);
	expect(-E2BIG, "2^40");
	put(1, DICT("<f4", "False", "(2147483648, 1)"), 24);
	expect(-EINVAL, "shape");
	put(1, DICT("<f4", "False", "(99999999999999999999999, 1)"), 24);
	expect(-EINVAL, "shape");
	put(1, DICT("<f4", "False", "(-1, 1)"), 24);
	expect(-EINVAL, "shape");
	put(1, DICT("<f4", "False", "(6)"), 24);
	expect(-EINVAL, "shape");
	put(1, "{'descr': '<f4', 'shape': (2, 3)}", 24);
	expect(-EINVAL, "header");
	put(1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", 24);
	expect(-EINVAL, "header");
	put(1, "{'descr': '<f4', 'shape': (2, 3), 'shape': (2, 3), 'fortran_order': False}", 24);
	expect(-EINVAL, "header");
	put(1, "{'weight': '<f4'}", 24);
	expect(-EINVAL, "header");
	put(1, "", 0);
	expect(-EINVAL, "header");
	assert_int_equal(truncate(path, 5), 0);
	expect(-EINVAL, "no .npy");
}

/* Every cut and many damaged bytes of a header: an error or a file that adds up, never more. */
static void test_hostile(void **state)
{
	static char right[] = "\x93NUMPY\x01\0\0\0{'descr': '<f4', 'fortran_order': False, "
				    "'shape': (2, 3), }              \n";
	size_t size = sizeof(right) - 1, offset;
	struct npy npy;
	const char *why;
	uint32_t seed = 3;
	char *copy;

	(void)state;
	right[8] = (char)(size - 10);
	assert_int_equal(npy_parse(right, size, &npy, &offset, &why), 0);
	for (size_t cut = 0; cut < size; cut++) {
		copy = malloc(cut ? cut : 1);		/* a sanitizer sees a byte too far */
		memcpy(copy, right, cut);
		assert_int_not_equal(npy_parse(copy, cut, &npy, &offset, &why), 0);
		free(copy);
	}
	for (int round = 0; round < 200000; round++) {
		copy = malloc(size);
		memcpy(copy, right, size);
		for (int change = 0; change < 1 + round % 3; change++) {
			seed = seed * 1664525 + 1013904223;
			copy[(seed >> 8) % size] = (char)(seed >> 24);
		}
		if (!npy_parse(copy, size, &npy, &offset, &why)) {
			assert_true(offset <= size);
			assert_true(npy.rank <= 2);
			assert_int_equal(npy.bytes, (uint64_t)npy.shape[0] * npy.shape[1] *
					 accel_type_bytes(npy.type));
		}
		free(copy);
	}
}

static void test_write(void **state)
{
	static const enum accel_type types[] = { ACCEL_TYPE_F32, ACCEL_TYPE_F16, ACCEL_TYPE_I8,
						 ACCEL_TYPE_I32, ACCEL_TYPE_BF16 };
	uint8_t data[60 * 4];
	struct npy out, in;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < 5; i++) {
		for (unsigned int rank = 0; rank <= 2; rank++) {
			out = (struct npy){ types[i], rank, { rank ? 12 : 1, rank > 1 ? 5 : 1 },
					    0, data };
			out.bytes = (size_t)out.shape[0] * out.shape[1];
			out.bytes *= accel_type_bytes(types[i]);
			assert_int_equal(npy_write(path, &out), 0);
			assert_int_equal(npy_read(path, &in, &why), 0);
			assert_int_equal(in.type, out.type);
			assert_int_equal(in.rank, rank);
			assert_memory_equal(in.shape, out.shape, sizeof(in.shape));
			assert_memory_equal(in.data, data, in.bytes);
			free(in.data);
		}
	}
	assert_true(npy_write("/no/such/folder/x.npy", &out) == -ENOENT);
}

static void test_values(void **state)
{
	static const struct { uint16_t bits; double value; } halves[] = {
		{ 0x3c00, 1 }, { 0xc000, -2 }, { 0x7bff, 65504 }, { 0x0001, 0x1p-24 },
		{ 0x03ff, 0x3ffp-24 }, { 0x0400, 0x1p-14 }, { 0x7c00, INFINITY }, { 0x8000, 0 },
	};
	struct npy npy = { .type = ACCEL_TYPE_F16 };
	uint16_t bits;

	(void)state;
	npy.data = &bits;
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		bits = halves[i].bits;
		assert_true(npy_get(&npy, 0) == halves[i].value);
	}
	bits = 0x7e00;
	assert_true(isnan(npy_get(&npy, 0)));
	npy.type = ACCEL_TYPE_BF16;
	bits = 0xc040;
	assert_true(npy_get(&npy, 0) == -3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_write),
		cmocka_unit_test(test_values),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
