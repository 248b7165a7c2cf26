// SPDX-License-Identifier: GPL-2.0-only
/* Regions: what is told of them, and accesses of any place and size. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "selftests/host/slot_case.h"

static int region_info(uint32_t index, struct wire_region_info *info)
{
	*info = (struct wire_region_info){ .argsz = sizeof(*info), .index = index };
	return vfu_call(&case_vfu, WIRE_DEVICE_GET_REGION_INFO, info, sizeof(*info), NULL, 0,
			info, sizeof(*info));
}

static void test_info(void **state)
{
	struct wire_device_info info = { .argsz = sizeof(info) };

	(void)state;
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0,
				  &info, sizeof(info)), sizeof(info));
	assert_int_equal(info.flags, WIRE_DEVICE_PCI | WIRE_DEVICE_RESETS);
	assert_in_range(info.regions, 8, 100);
	assert_in_range(info.irqs, 3, 50);
	info.argsz = 15;
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0,
				  &info, sizeof(info)), -EINVAL);
}

static void test_regions(void **state)
{
	static const uint64_t bytes[] = {
		0x10000, 0, CASE_BAR2_BYTES, 0, 0x100000, 0, 0, 4096, 0,
	};
	struct wire_region_info info;

	(void)state;
	for (uint32_t i = 0; i < 9; i++) {
		assert_int_equal(region_info(i, &info), 32);
		assert_int_equal(info.bytes, bytes[i]);
		assert_int_equal(info.flags, !bytes[i] ? 0 : i == 2 ? 7 : 3);
		assert_int_equal(case_vfu.fds.count, i == 2);
		assert_int_equal(info.argsz, 32);
	}
	assert_int_equal(region_info(9, &info), -EINVAL);
	assert_int_equal(region_info(0xffffffff, &info), -EINVAL);
	info = (struct wire_region_info){ .argsz = 31 };
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_GET_REGION_INFO, &info, 32, NULL, 0,
				  &info, 32), -EINVAL);
}

static int access_read(uint32_t region, uint64_t offset, uint32_t count)
{
	static char reply[WIRE_MAX_BODY];
	struct wire_region_access access = { offset, region, count };

	return vfu_call(&case_vfu, WIRE_REGION_READ, &access, 16, NULL, 0, reply, sizeof(reply));
}

static void test_ranges(void **state)
{
	struct { struct wire_region_access access; uint32_t value[2]; } write = {
		{ 0x20, 0, 4 }, { 0 },
	};

	(void)state;
	assert_int_equal(access_read(9, 0, 4), -EINVAL);
	assert_int_equal(access_read(0xffffffff, 0, 4), -EINVAL);
	assert_int_equal(access_read(1, 0, 4), -EINVAL);
	assert_int_equal(access_read(0, 0x10000, 4), -EINVAL);
	assert_int_equal(access_read(0, 0xfffd, 4), -EINVAL);
	assert_int_equal(access_read(0, UINT64_MAX, 4), -EINVAL);
	assert_int_equal(access_read(0, UINT64_MAX - 3, 4), -EINVAL);
	assert_int_equal(access_read(7, 4096 - 2, 4), -EINVAL);
	assert_int_equal(access_read(2, 0, WIRE_MAX_XFER + 1), -EINVAL);
	assert_int_equal(access_read(2, 0, UINT32_MAX), -EINVAL);
	assert_int_equal(access_read(2, 0, WIRE_MAX_XFER), 16 + WIRE_MAX_XFER);
	assert_int_equal(access_read(2, CASE_BAR2_BYTES - 1, 1), 17);
	assert_int_equal(access_read(0, 0x10000, 0), 16);
	assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE, &write, 24, NULL, 0, NULL, 0),
			 -EINVAL);
	assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE, &write, 17, NULL, 0, NULL, 0),
			 -EINVAL);
	assert_int_equal(vfu_write(&case_vfu, 0, 0xfffe, "abcd", 4), -EINVAL);
	assert_int_equal(vfu_write(&case_vfu, 0, 0x20, "", 0), 0);
}

static void test_multi(void **state)
{
	struct { uint64_t count; struct wire_write_one one[WIRE_MAX_MULTI + 1]; } multi = {
		.count = 2,
		.one = { { 0x20, 0, 8, "12345678" }, { 0x28, 0, 8, "abcdefgh" } },
	};
	uint64_t value;

	(void)state;
	assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE_MULTI, &multi, 8 + 48, NULL, 0,
				  NULL, 0), 0);
	assert_int_equal(vfu_read(&case_vfu, 0, 0x28, &value, 8), 0);
	assert_memory_equal(&value, "abcdefgh", 8);
	multi.one[0].data[0] = 'x';
	multi.one[1].count = 9;
	assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE_MULTI, &multi, 8 + 48, NULL, 0,
				  NULL, 0), -EINVAL);
	multi.one[1].count = 8;
	multi.one[1].offset = 0xfffc;
	assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE_MULTI, &multi, 8 + 48, NULL, 0,
				  NULL, 0), -EINVAL);
	assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE_MULTI, &multi, 8 + 47, NULL, 0,
				  NULL, 0), -EINVAL);
	multi.count = WIRE_MAX_MULTI + 1;
	assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE_MULTI, &multi,
				  8 + 24 * (WIRE_MAX_MULTI + 1), NULL, 0, NULL, 0), -EINVAL);
	multi.count = UINT64_MAX / 24 + 1;	/* 24 × this wraps to a small number */
	assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE_MULTI, &multi, 8 + 16, NULL, 0,
				  NULL, 0), -EINVAL);
	assert_int_equal(vfu_read(&case_vfu, 0, 0x20, &value, 8), 0);
	assert_memory_equal(&value, "12345678", 8);
}

static void test_reg_sizes(void **state)
{
	static const uint8_t zero[64];
	static const uint32_t sizes[] = { 1, 2, 3, 5, 6, 7, 12, 16, 64 };
	uint8_t buf[64];
	uint64_t value = 0x1111222233334000, got;

	(void)state;
	assert_int_equal(vfu_write(&case_vfu, 0, MARU_REG_ADMIN_SQ, &value, 8), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(vfu_read(&case_vfu, 0, MARU_REG_ADMIN_SQ, buf, sizes[i]), 0);
		assert_memory_equal(buf, zero, sizes[i]);
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(vfu_write(&case_vfu, 0, MARU_REG_ADMIN_SQ, buf, sizes[i]), 0);
	}
	assert_int_equal(vfu_write(&case_vfu, 0, MARU_REG_ADMIN_SQ + 1, buf, 4), 0);
	assert_int_equal(vfu_write(&case_vfu, 0, MARU_REG_ADMIN_SQ + 4, buf, 8), 0);
	assert_int_equal(vfu_read32(&case_vfu, 0, MARU_REG_MAGIC + 2), 0);
	assert_int_equal(vfu_read(&case_vfu, 0, MARU_REG_ADMIN_SQ, &got, 8), 0);
	assert_int_equal(got, value);
	assert_int_equal(vfu_write32(&case_vfu, 0, MARU_REG_ADMIN_SQ + 4, 7), 0);
	assert_int_equal(vfu_read32(&case_vfu, 0, MARU_REG_ADMIN_SQ + 4), 7);
	assert_int_equal(vfu_read32(&case_vfu, 0, MARU_REG_ADMIN_SQ), 0x33334000);
}

static void test_reg_holes(void **state)
{
	static const uint32_t writable[] = { 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x40, 0x44 };
	uint32_t before[0x2000 / 4];

	(void)state;
	for (uint32_t at = 0; at < 0x2000; at += 4)
		before[at / 4] = vfu_read32(&case_vfu, 0, at);
	for (uint32_t at = 0; at < 0x2000; at += 4) {
		if (at != MARU_REG_CTRL)
			assert_int_equal(vfu_write32(&case_vfu, 0, at, 0x5a5a5a5a), 0);
	}
	for (uint32_t at = 0; at < 0x2000; at += 4) {
		uint32_t want = before[at / 4];

		for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
			want = writable[i] == at ? 0x5a5a5a5a : want;
		assert_int_equal(vfu_read32(&case_vfu, 0, at), want);
	}
	for (uint32_t at = 0x2000; at < 0x10000; at += 0x124) {
		assert_int_equal(vfu_write32(&case_vfu, 0, at & ~3u, 1), 0);
		assert_int_equal(vfu_read32(&case_vfu, 0, at & ~3u), 0);
	}
	assert_int_equal(before[MARU_REG_CONTRACT / 4], 0x10000);
	assert_int_equal(before[MARU_REG_CAPS_LEN / 4] > 0, 1);
}

static void test_config(void **state)
{
	uint8_t before[4096], after[4096], ones[4096];

	(void)state;
	assert_int_equal(vfu_read(&case_vfu, 7, 0, before, 4096), 0);
	memset(ones, 0xff, sizeof(ones));
	ones[0x60 + 9] = 0x7f;		/* not the FLR bit */
	assert_int_equal(vfu_write(&case_vfu, 7, 0, ones, 4096), 0);
	assert_int_equal(vfu_read(&case_vfu, 7, 0, after, 4096), 0);
	assert_memory_equal(before, after, 4);
	assert_memory_equal(before + 8, after + 8, 4);
	assert_memory_equal(before + 0x2c, after + 0x2c, 4);
	assert_int_equal(after[0x30] | after[0x31] | after[0x32] | after[0x33], 0);
	assert_int_equal(after[0x3d], 0);
	assert_memory_equal(before + 0x40, after + 0x40, 4);
	assert_int_equal(after[0x44], 0x0b);
	assert_memory_equal(before + 0x54, after + 0x54, 16);
	assert_memory_equal(before + 0x100, after + 0x100, 4096 - 0x100);
	assert_int_equal(after[0x10] | after[0x11] << 8 | after[0x12] << 16, 0xff0000);
	assert_int_equal(after[0x18], 0x0c);
}

static void test_memory_sealed(void **state)
{
	struct wire_region_info info;
	struct stat st;
	uint32_t value;
	char *at;
	int fd;

	(void)state;
	assert_int_equal(region_info(2, &info), 32);
	fd = fd_list_take(&case_vfu.fds, 0);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, CASE_BAR2_BYTES * 2), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, CASE_BAR2_BYTES);
	at = mmap(NULL, CASE_BAR2_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	strcpy(at + 0x3000, "hello");
	assert_int_equal(vfu_read(&case_vfu, 2, 0x3000, &value, 4), 0);
	assert_memory_equal(&value, "hell", 4);
	assert_int_equal(vfu_write(&case_vfu, 2, CASE_BAR2_BYTES - 3, "end", 3), 0);
	assert_memory_equal(at + CASE_BAR2_BYTES - 3, "end", 3);
	munmap(at, CASE_BAR2_BYTES);
	close(fd);
}

static void test_memory_fresh(void **state)
{
	struct wire_region_info info;
	char got[4];
	char *at;
	int fd;

	assert_int_equal(vfu_write(&case_vfu, 2, 0, "mine", 4), 0);
	assert_int_equal(region_info(2, &info), 32);
	fd = fd_list_take(&case_vfu.fds, 0);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	vfu_close(&case_vfu);
	assert_int_equal(vfu_open(&case_vfu, &case_card, case_way(state)), 0);
	strcpy(at, "old client");
	assert_int_equal(vfu_read(&case_vfu, 2, 0, got, 4), 0);
	assert_memory_equal(got, "\0\0\0\0", 4);
	munmap(at, 4096);
}

static void test_wake(void **state)
{
	uint64_t begin = case_card.shared->telemetry.wakes;

	(void)state;
	assert_int_equal(vfu_write32(&case_vfu, 4, 0x5000, 1), 0);
	vfu_pump(&case_vfu, 100);
	assert_int_equal(case_card.shared->telemetry.wakes, begin + 1);
	assert_int_equal(vfu_write(&case_vfu, 4, 0x5000, "12345678", 8), 0);
	assert_int_equal(vfu_write(&case_vfu, 4, 0x5001, "1234", 4), 0);
	assert_int_equal(vfu_write(&case_vfu, 4, 0x5001, "1", 1), 0);
	vfu_pump(&case_vfu, 50);
	assert_int_equal(case_card.shared->telemetry.wakes, begin + 1);
	assert_int_equal(vfu_read32(&case_vfu, 4, 0x5000), 0);
}

static const struct CMUnitTest tests[] = {
	CASE("[PCI-3] device info", test_info),
	CASE("[PCI-7] [PCI-8] region table, a file for BAR 2 alone", test_regions),
	CASE("[REG-2] ranges that leave a region", test_ranges),
	CASE("[VFU-13] several writes in one message", test_multi),
	CASE("[REG-2] registers take aligned accesses of 4 and 8 bytes", test_reg_sizes),
	CASE("[REG-3] [REG-4] holes read 0, read-only words stay", test_reg_holes),
	CASE("[PCI-9] configuration space behind its masks", test_config),
	CASE("[MEM-2] the memory file is sealed", test_memory_sealed),
	CASE("[MEM-3] the memory is fresh for each client", test_memory_fresh),
	CASE("[REG-6] wake pages", test_wake),
};

static const struct check checks[] = {
	{ "region and range inside, count, payload as told, count 0",
	  { test_ranges } },
	{ "width and alignment",
	  { test_reg_sizes, test_wake } },
	{ "WRITE_MULTI: how many, size, each of them",
	  { test_multi } },
	{ "configuration space behind masks, capabilities fixed",
	  { test_config } },
	{ "memory file sealed, fresh for each client",
	  { test_memory_sealed, test_memory_fresh } },
};

CASE_MAIN_CHECKS("slot_region", tests, checks)
