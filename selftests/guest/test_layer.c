// SPDX-License-Identifier: GPL-2.0-only
/*
 * A layer of a transformer through the driver and by the direct way: right against double
 * precision, and the same bytes.
 */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include <kselftest_harness.h>

#include "selftests/layer/layer.h"

static struct layer_result kernel, direct, want;
static struct layer_kept kept;

static const char *run(const char *spec, struct layer_result *result, struct layer_info *info)
{
	if (layer_run(spec, layer_weights(), result, info))
		return info->error;
	ksft_print_msg("%s: profile %#x, crc %08lx\n", info->way, info->profile,
		       crc32(0, (const void *)result, sizeof(*result)));
	return NULL;
}

static int read_kept(void)
{
	FILE *file = fopen(LAYER_KEPT, "rb");
	size_t count = 0;

	if (file) {
		count = fread(&kept, sizeof(kept), 1, file);
		fclose(file);
	}
	return count == 1 ? 0 : -1;
}

FIXTURE(layer) {
	int unused;
};
FIXTURE_SETUP(layer) {}
FIXTURE_TEARDOWN(layer) {}

TEST_F_TIMEOUT(layer, right_and_the_same_bytes, 100)
{
	struct layer_info through, beside;
	const char *error;
	char spec[64];

	error = run("kernel", &kernel, &through);
	ASSERT_EQ(NULL, error) TH_LOG("%s", error);
	ASSERT_STREQ("kernel", through.way);
	layer_refer(layer_weights(), &want);
	error = layer_compare(&kernel, &want);
	EXPECT_EQ(NULL, error) TH_LOG("%s", error);

	snprintf(spec, sizeof(spec), "direct,hbm=64M,threads=2,profile=%u", through.profile & 0xff);
	error = run(spec, &direct, &beside);
	ASSERT_EQ(NULL, error) TH_LOG("%s", error);
	ASSERT_STREQ("direct", beside.way);
	error = layer_compare(&direct, &want);
	EXPECT_EQ(NULL, error) TH_LOG("%s", error);
	if (through.profile == beside.profile) {
		EXPECT_EQ(0, memcmp(&kernel, &direct, sizeof(kernel)));
	} else {
		/* the processor in here has not the level of the card outside */
		if (read_kept() || kept.profile != through.profile)
			SKIP(return, "test_layer_direct did not run outside");
		EXPECT_EQ(0, memcmp(&kernel, &kept.result, sizeof(kernel)));
	}
}

TEST_HARNESS_MAIN
