// SPDX-License-Identifier: GPL-2.0-only
/* A layer of a transformer by the direct way, against double precision. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "selftests/layer/layer.h"

static struct layer_result first, again, want;

static struct layer_info info;

static void run(const char *spec, struct layer_result *result)
{
	int error = layer_run(spec, layer_weights(), result, &info);

	if (error)
		print_error("# %s\n", info.error);
	assert_int_equal(error, 0);
	assert_string_equal(info.way, "direct");
}

static void is_right(const char *spec)
{
	const char *wrong;

	run(spec, &first);
	layer_refer(layer_weights(), &want);
	wrong = layer_compare(&first, &want);
	if (wrong)
		print_error("# %s\n", wrong);
	assert_null(wrong);
}

static void against_double_precision(void **state)
{
	(void)state;
	is_right("direct,hbm=64M,threads=2");
}

static void on_the_lowest_level(void **state)
{
	(void)state;
	is_right("direct,hbm=64M,threads=2,profile=0");
}

/* For a guest, whose processor may not have the level that the card around it runs at. */
static void keep(void **state)
{
	static struct layer_kept kept;
	FILE *file;

	(void)state;
	run("direct,hbm=64M,threads=2", &kept.result);
	kept.profile = info.profile;
	if (mkdir("build/tmp", 0777))
		assert_int_equal(errno, EEXIST);
	file = fopen(LAYER_KEPT, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(&kept, sizeof(kept), 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

/* Other threads, the same bits. */
static void with_other_threads(void **state)
{
	(void)state;
	run("direct,hbm=64M,threads=2", &first);
	run("direct,hbm=64M,threads=1", &again);
	assert_memory_equal(&first, &again, sizeof(first));
}

/* The comparison is one that can fail. */
static void compare_sees_it(void **state)
{
	(void)state;
	layer_refer(layer_weights(), &want);
	memcpy(&first, &want, sizeof(first));
	assert_null(layer_compare(&first, &want));
	first.x[LAYER_TOKENS - 1][7] *= 1.01f;
	assert_non_null(layer_compare(&first, &want));
	memcpy(&first, &want, sizeof(first));
	first.best[3][1] = (first.best[3][1] + 1) % LAYER_WORDS;
	assert_non_null(layer_compare(&first, &want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_double_precision),
		cmocka_unit_test(on_the_lowest_level), cmocka_unit_test(with_other_threads),
		cmocka_unit_test(compare_sees_it), cmocka_unit_test(keep),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
