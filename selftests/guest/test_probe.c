// SPDX-License-Identifier: GPL-2.0-only
/* Probe and boot: what the card is, bind again and again, a core that dies at each boot step. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "driver/maru_hw.h"
#include "lib.h"
#include "lib_bus.h"

static int run_a_job(void)
{
	struct work w;
	int err = work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, PAGE, DRM_MARU_TIER_HBM);

	if (err)
		return err;
	err = submit_run(w.fd, w.queue, VA_COMMANDS,
			 packet_fill(w.commands.map, VA_DATA, MARU_TYPE_I32, 16, 7));
	if (!err && *(uint32_t *)w.data.map != 7)
		err = -EBADMSG;
	work_close(&w);
	return err;
}

TEST(identity)
{
	unsigned long value;

	EXPECT_EQ(0, bus_read_hex("class", &value));
	EXPECT_EQ(MARU_PCI_CLASS, value);
	EXPECT_EQ(0, bus_read_hex("revision", &value));
	EXPECT_EQ(MARU_CONTRACT_MAJOR, value);
	EXPECT_EQ(0, bus_read_hex("subsystem_device", &value));
	EXPECT_EQ(MARU_PCI_DEVICE, value);
	EXPECT_TRUE(bus_is_bound());
	EXPECT_EQ(0, run_a_job());
}

TEST(bind_again_and_again)
{
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(0, bus_unbind());
		ASSERT_FALSE(bus_is_bound());
		ASSERT_EQ(0, bus_bind());
		EXPECT_EQ(0, objects("files"));
		EXPECT_EQ(0, objects("jobs"));
	}
	EXPECT_EQ(0, run_a_job());
	EXPECT_EQ(0, bus_module_wait_unused(10000));
}

/* The shortest round trip, for the benches: measured anew at each read, and root only. */
TEST(doorbell)
{
	unsigned int rounds = 0, low = 0, median = 0, mean = 0;
	char text[256] = "";
	uint64_t hits;
	glob_t found;
	FILE *file;

	ASSERT_EQ(0, glob("/sys/kernel/debug/accel/*:*/doorbell", 0, NULL, &found));
	hits = card_hits("admin.complete");
	file = fopen(found.gl_pathv[0], "re");
	ASSERT_NE(NULL, file);
	EXPECT_LT(0, fread(text, 1, sizeof(text) - 1, file));
	fclose(file);
	EXPECT_EQ(4, sscanf(text, "rounds %u min_ns %u median_ns %u mean_ns %u", &rounds, &low,
			    &median, &mean));
	EXPECT_LT(0, low);
	EXPECT_LE(low, median);
	EXPECT_LE(low, mean);
	EXPECT_LE(hits + rounds, card_hits("admin.complete"));
	ASSERT_EQ(0, seteuid(65534));
	EXPECT_EQ(-1, open(found.gl_pathv[0], O_RDONLY));
	ASSERT_EQ(0, seteuid(0));
	globfree(&found);
}

FIXTURE(boot) {
	int unused;
};

FIXTURE_VARIANT(boot) {
	const char *point;
	const char *action;
};

#define BOOT_POINT(name, p, a) \
	FIXTURE_VARIANT_ADD(boot, name) { .point = p, .action = a }

BOOT_POINT(start_kill, "boot.start", "kill");
BOOT_POINT(caps_kill, "boot.caps", "kill");
BOOT_POINT(ready_kill, "boot.ready", "kill");
BOOT_POINT(ready_abort, "boot.ready", "abort");
BOOT_POINT(enable_kill, "boot.enable", "kill");
BOOT_POINT(fetch_kill, "admin.fetch", "kill");
BOOT_POINT(complete_kill, "admin.complete", "kill");

FIXTURE_SETUP(boot)
{
	ASSERT_EQ(0, bus_unbind());
}

FIXTURE_TEARDOWN(boot)
{
	card_arm(variant->point, "none", 0);
	if (!bus_is_bound())
		bus_bind();
	EXPECT_EQ(0, run_a_job());
}

/* The driver boots another core, and nobody notices. */
TEST_F(boot, core_dies)
{
	uint64_t hits = card_hits(variant->point);

	ASSERT_EQ(0, card_arm(variant->point, variant->action, 0));
	/* the points before READY are passed by the next core only */
	ASSERT_EQ(0, card_control("{'cmd':'kill'}"));
	EXPECT_EQ(0, bus_bind());
	EXPECT_TRUE(bus_is_bound());
	/* by the one that died, and by the one that lives */
	EXPECT_LE(hits + 2, card_hits(variant->point));
}

TEST_HARNESS_MAIN
