// SPDX-License-Identifier: GPL-2.0-only
/* QUERY: every id, every size, and that the numbers tell the truth. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "driver/maru_hw.h"
#include "lib.h"
#include "lib_bus.h"

FIXTURE(query) {
	int fd;
};

FIXTURE_SETUP(query)
{
	self->fd = node_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(query)
{
	close(self->fd);
}

static int ask(int fd, uint32_t id, void *at, uint32_t *size)
{
	struct drm_maru_query args = { .id = id, .size = *size, .ptr = (uintptr_t)at };
	int err = node_call(fd, DRM_IOCTL_MARU_QUERY, &args);

	*size = args.size;
	return err;
}

TEST_F(query, sizes)
{
	static const uint32_t sizes[] = {
		[DRM_MARU_QUERY_DEVICE] = sizeof(struct drm_maru_device),
		[DRM_MARU_QUERY_TIERS] = 3 * sizeof(struct drm_maru_tier_info),
		[DRM_MARU_QUERY_ENGINES] = sizeof(struct drm_maru_engines),
		[DRM_MARU_QUERY_FIRMWARE] = sizeof(struct drm_maru_firmware),
		[DRM_MARU_QUERY_LIMITS] = sizeof(struct drm_maru_limits),
		[DRM_MARU_QUERY_USAGE] = sizeof(struct drm_maru_usage),
		[DRM_MARU_QUERY_CLOCK] = sizeof(struct drm_maru_clock),
		[DRM_MARU_QUERY_TOPOLOGY] = sizeof(struct drm_maru_topology),
		[DRM_MARU_QUERY_RESETS] = sizeof(struct drm_maru_resets),
	};

	for (uint32_t id = 0; id <= DRM_MARU_QUERY_RESETS; id++) {
		uint8_t answer[1024], part[1024];
		uint32_t size = 0, bytes;

		if (id == DRM_MARU_QUERY_OPS || id == DRM_MARU_QUERY_NAMESPACES)
			continue;
		EXPECT_EQ(0, ask(self->fd, id, NULL, &size));
		EXPECT_EQ(sizes[id], size);

		/* larger: zeros behind the answer, the rest untouched */
		memset(answer, 0xaa, sizeof(answer));
		bytes = size + 8;
		EXPECT_EQ(0, ask(self->fd, id, answer, &bytes));
		EXPECT_EQ(size, bytes);
		for (int i = 0; i < 8; i++)
			EXPECT_EQ(0, answer[size + i]);
		EXPECT_EQ(0xaa, answer[size + 8]);

		/* smaller: the first bytes */
		memset(part, 0xaa, sizeof(part));
		bytes = 5;
		EXPECT_EQ(0, ask(self->fd, id, part, &bytes));
		EXPECT_EQ(size, bytes);
		EXPECT_EQ(0xaa, part[5]);

		bytes = size;
		EXPECT_EQ(-EFAULT, ask(self->fd, id, (void *)8, &bytes));
	}
}

TEST_F(query, ids_that_are_none)
{
	uint32_t size = 0;

	EXPECT_EQ(-EOPNOTSUPP, ask(self->fd, DRM_MARU_QUERY_NAMESPACES, NULL, &size));
	EXPECT_EQ(-EINVAL, ask(self->fd, DRM_MARU_QUERY_RESETS + 1, NULL, &size));
	EXPECT_EQ(-EINVAL, ask(self->fd, ~0u, NULL, &size));
}

TEST_F(query, device)
{
	struct drm_maru_topology topology;
	struct drm_maru_device device;
	char path[512], place[32];
	uint8_t zero[16] = { 0 };

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_DEVICE, &device, sizeof(device)));
	EXPECT_EQ(MARU_PCI_VENDOR, device.vendor);
	EXPECT_EQ(MARU_PCI_DEVICE, device.device);
	EXPECT_EQ(MARU_CONTRACT_MAJOR, device.contract >> 16);
	EXPECT_NE(0, device.boot_id);
	EXPECT_NE(0, memcmp(zero, device.uuid, sizeof(zero)));

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_TOPOLOGY, &topology, sizeof(topology)));
	snprintf(place, sizeof(place), "/%04x:%02x:%02x.%x/", topology.domain, topology.bus,
		 topology.slot, topology.function);
	bus_path(path, sizeof(path), "");
	EXPECT_NE(NULL, strstr(path, place));
}

TEST_F(query, limits)
{
	struct drm_maru_limits limits;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_LIMITS, &limits, sizeof(limits)));
	EXPECT_LT(0, limits.vms);
	EXPECT_LT(0, limits.queues);
	EXPECT_EQ(64, limits.jobs_per_submit);
	EXPECT_EQ(1024, limits.ops_per_bind);
	EXPECT_EQ(2 * MIB, limits.va_start);
	EXPECT_EQ(1ULL << 47, limits.va_end);
	EXPECT_LE(limits.time_limit_default_ms, limits.time_limit_max_ms);
}

TEST_F(query, tiers_count_what_is_used)
{
	struct drm_maru_tier_info before[3], after[3];
	struct bo bo;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_TIERS, before, sizeof(before)));
	EXPECT_LT(0, before[DRM_MARU_TIER_HBM].bytes);
	EXPECT_LT(0, before[DRM_MARU_TIER_SYSTEM].bytes);
	ASSERT_EQ(0, bo_create(self->fd, &bo, 4 * MIB, DRM_MARU_TIER_HBM, 0));
	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_TIERS, after, sizeof(after)));
	EXPECT_EQ(before[DRM_MARU_TIER_HBM].used_bytes + 4 * MIB,
		  after[DRM_MARU_TIER_HBM].used_bytes);
	bo_close(self->fd, &bo);
}

/* Records: an op, then its roles, to the last byte. */
TEST_F(query, ops)
{
	uint32_t size = 0, at = 0, ops = 0;
	uint8_t *table;

	ASSERT_EQ(0, ask(self->fd, DRM_MARU_QUERY_OPS, NULL, &size));
	ASSERT_LT(0, size);
	table = calloc(1, size);
	ASSERT_NE(NULL, table);
	ASSERT_EQ(0, ask(self->fd, DRM_MARU_QUERY_OPS, table, &size));
	while (at + sizeof(struct maru_op_info) <= size) {
		const struct maru_op_info *op = (const void *)(table + at);

		at += sizeof(*op) + __builtin_popcount(op->required | op->optional) *
			sizeof(struct maru_role_info);
		ops++;
	}
	EXPECT_EQ(size, at);
	EXPECT_LE(6, ops);
	free(table);
}

TEST_F(query, clock_runs)
{
	struct drm_maru_clock first, second;
	uint64_t before = now_ns();

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_CLOCK, &first, sizeof(first)));
	usleep(20000);
	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_CLOCK, &second, sizeof(second)));
	EXPECT_LE(before, first.monotonic_ns);
	EXPECT_LE(second.monotonic_ns, now_ns());
	EXPECT_LE(first.card_ns + 10000000, second.card_ns);
}

TEST_F(query, usage_counts_jobs)
{
	struct drm_maru_usage before, after;
	struct work w;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_USAGE, &before, sizeof(before)));
	ASSERT_EQ(0, work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, submit_run(w.fd, w.queue, VA_COMMANDS,
				packet_fill(w.commands.map, VA_DATA, MARU_TYPE_I32, 65536, 1)));
	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_USAGE, &after, sizeof(after)));
	work_close(&w);
	EXPECT_LE(before.jobs + 1, after.jobs);
	EXPECT_LE(before.packets + 1, after.packets);
	EXPECT_LE(before.write_bytes[DRM_MARU_TIER_HBM] + 262144,
		  after.write_bytes[DRM_MARU_TIER_HBM]);
	EXPECT_LT(before.busy_ns[DRM_MARU_CLASS_COMPUTE], after.busy_ns[DRM_MARU_CLASS_COMPUTE]);
}

TEST_F(query, fdinfo_tells_memory_and_engines)
{
	bool memory = false, engine = false, driver = false;
	char path[64], line[256];
	unsigned long long ns;
	struct work w;
	FILE *file;

	ASSERT_EQ(0, work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, 4 * MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, submit_run(w.fd, w.queue, VA_COMMANDS,
				packet_fill(w.commands.map, VA_DATA, MARU_TYPE_I32, 1 << 20, 1)));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w.fd);
	file = fopen(path, "re");
	ASSERT_NE(NULL, file);
	while (fgets(line, sizeof(line), file)) {
		driver |= !strcmp(line, "drm-driver:\tmaru\n");
		memory |= !strncmp(line, "drm-total-hbm:\t4", 16);
		engine |= sscanf(line, "drm-engine-compute: %llu ns", &ns) == 1 && ns > 0;
	}
	fclose(file);
	work_close(&w);
	EXPECT_TRUE(driver);
	EXPECT_TRUE(memory);
	EXPECT_TRUE(engine);
}

TEST_HARNESS_MAIN
