// SPDX-License-Identifier: GPL-2.0-only
/* DMA windows: shapes, files, overlaps, limits, and taking them away from a stuck core. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "selftests/host/slot_case.h"
#include "firmware-emu/slot/inject.h"

#define PAGE	4096ull
#define RW	(WIRE_DMA_READABLE | WIRE_DMA_WRITABLE)

/* The core touches each window at a kick. */
static uint64_t kick_sum(void)
{
	uint64_t wakes = case_card.shared->telemetry.wakes, end = slot_now_ms() + 2000;

	vfu_write32(&case_vfu, 4, 0, 1);
	while (case_card.shared->telemetry.wakes == wakes && slot_now_ms() < end)
		slot_step(&case_card, 1);
	return case_card.shared->telemetry.busy_ns[0];
}

static int core_has(uint32_t windows)
{
	uint64_t end = slot_now_ms() + 5000;

	while (case_card.shared->windows != windows && slot_now_ms() < end)
		slot_step(&case_card, 1);
	return case_card.shared->windows == windows;
}

static void test_map(void **state)
{
	int fd = case_memfd(4 * PAGE), before = case_fds();

	(void)state;
	assert_int_equal(pwrite(fd, "\x05", 1, PAGE), 1);
	assert_int_equal(pwrite(fd, "\x07", 1, 2 * PAGE), 1);
	assert_int_equal(vfu_map(&case_vfu, fd, PAGE, 0x1000, PAGE, RW), 0);
	assert_int_equal(vfu_map(&case_vfu, fd, 2 * PAGE, 0x8000, 2 * PAGE, 1), 0);
	assert_true(core_has(2));
	assert_int_equal(kick_sum(), 12);
	assert_int_equal(case_fds(), before + 1);
	assert_int_equal(vfu_unmap(&case_vfu, 0x1000, PAGE, 0), 0);
	assert_int_equal(case_card.shared->windows, 1);
	assert_int_equal(kick_sum(), 7);
	assert_int_equal(vfu_unmap(&case_vfu, 0x8000, 2 * PAGE, 0), 0);
	assert_int_equal(case_fds(), before);
	close(fd);
}

static void test_map_shapes(void **state)
{
	int fd = case_memfd(16 * PAGE);
	static const struct { uint64_t offset, iova, bytes; uint32_t flags; } wrong[] = {
		{ 0, 0, 0, RW }, { 0, 0, 1, RW }, { 0, 1, PAGE, RW }, { 1, 0, PAGE, RW },
		{ 0, 0x800, PAGE, RW }, { 0, 0, PAGE + 8, RW }, { 0, 0, PAGE, 0 },
		{ 0, 0, PAGE, 4 | RW }, { 0, 0, PAGE, 8 | RW }, { 0, 0, PAGE, 0x80000000 | RW },
		{ 0, 0 - PAGE, 2 * PAGE, RW }, { 0, 0 - PAGE, 0 - PAGE, RW },
		{ 0 - PAGE, 0, 2 * PAGE, RW }, { 0, 0, (8ull << 40) + PAGE, RW },
		{ 0, 0, 17 * PAGE, RW }, { 16 * PAGE, 0, PAGE, RW }, { 1ull << 62, 0, PAGE, RW },
	};
	struct wire_dma_map map = { 31, RW, 0, 0, PAGE };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(vfu_map(&case_vfu, fd, wrong[i].offset, wrong[i].iova,
					 wrong[i].bytes, wrong[i].flags), -EINVAL);
	assert_int_equal(vfu_call(&case_vfu, WIRE_DMA_MAP, &map, 32, &fd, 1, NULL, 0), -EINVAL);
	assert_int_equal(vfu_map(&case_vfu, fd, 15 * PAGE, 0 - PAGE, PAGE, RW), 0);
	close(fd);
}

static void test_map_overlap(void **state)
{
	int fd = case_memfd(16 * PAGE), other = case_memfd(16 * PAGE);

	(void)state;
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x4000, 4 * PAGE, RW), 0);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x4000, 4 * PAGE, RW), 0);
	assert_int_equal(case_card.windows.count, 1);
	assert_int_equal(vfu_map(&case_vfu, other, 0, 0x4000, 4 * PAGE, RW), -EEXIST);
	assert_int_equal(vfu_map(&case_vfu, -1, 0, 0x4000, 4 * PAGE, RW), -EEXIST);
	assert_int_equal(vfu_map(&case_vfu, fd, PAGE, 0x4000, 4 * PAGE, RW), -EEXIST);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x4000, 4 * PAGE, 1), -EEXIST);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x3000, 2 * PAGE, RW), -EEXIST);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x7000, 2 * PAGE, RW), -EEXIST);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x5000, PAGE, RW), -EEXIST);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x3000, 8 * PAGE, RW), -EEXIST);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x3000, PAGE, RW), 0);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x8000, PAGE, RW), 0);
	close(fd);
	close(other);
}

static void test_map_files(void **state)
{
	int pair[2], pipes[2], dir = open("/tmp", O_RDONLY | O_CLOEXEC);
	char name[] = "/tmp/case-XXXXXX";
	int file = mkstemp(name), reader = open(name, O_RDONLY), writer = open(name, O_WRONLY);

	(void)state;
	unlink(name);
	assert_int_equal(ftruncate(file, 4 * PAGE), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(vfu_map(&case_vfu, pair[0], 0, 0, PAGE, RW), -EINVAL);
	assert_int_equal(vfu_map(&case_vfu, pipes[0], 0, 0, PAGE, RW), -EINVAL);
	assert_int_equal(vfu_map(&case_vfu, dir, 0, 0, PAGE, RW), -EINVAL);
	assert_int_equal(vfu_map(&case_vfu, reader, 0, 0, PAGE, RW), -EACCES);
	assert_int_equal(vfu_map(&case_vfu, writer, 0, 0, PAGE, RW), -EACCES);
	assert_int_equal(vfu_map(&case_vfu, reader, 0, 0, PAGE, WIRE_DMA_READABLE), 0);
	assert_int_equal(vfu_map(&case_vfu, file, 0, PAGE, PAGE, RW), 0);
	assert_true(core_has(2));
	assert_int_equal(windows_files(&case_card.windows), 2);
	close(pair[0]);
	close(pair[1]);
	close(pipes[0]);
	close(pipes[1]);
	close(dir);
	close(file);
	close(reader);
	close(writer);
}

static void test_no_file(void **state)
{
	int fd = case_memfd(PAGE);

	(void)state;
	assert_int_equal(vfu_map(&case_vfu, -1, 0, 0xc0000, 0x20000, 1), 0);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, PAGE, RW), 0);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, PAGE, PAGE, WIRE_DMA_WRITABLE), 0);
	assert_true(core_has(1));
	assert_int_equal(vfu_unmap(&case_vfu, PAGE, PAGE, 0), 0);
	assert_int_equal(vfu_unmap(&case_vfu, 0xc0000, 0x20000, 0), 0);
	assert_false(case_card.windows.is_told);
	assert_int_equal(vfu_unmap(&case_vfu, 0, PAGE, 0), 0);
	assert_int_equal(vfu_map(&case_vfu, -1, 0, 1 << 20, 1 << 20, RW), 0);
	assert_true(case_card.windows.is_told);
	close(fd);
}

static void test_unmap_shapes(void **state)
{
	int fd = case_memfd(16 * PAGE);

	(void)state;
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x4000, 4 * PAGE, RW), 0);
	assert_int_equal(vfu_unmap(&case_vfu, 0x4000, PAGE, 0), -ENOENT);
	assert_int_equal(vfu_unmap(&case_vfu, 0x5000, PAGE, 0), -ENOENT);
	assert_int_equal(vfu_unmap(&case_vfu, 0x4000, 8 * PAGE, 0), -ENOENT);
	assert_int_equal(vfu_unmap(&case_vfu, 0x10000, PAGE, 0), -ENOENT);
	assert_int_equal(vfu_unmap(&case_vfu, 0x4000, 0, 0), -EINVAL);
	assert_int_equal(vfu_unmap(&case_vfu, 0x4001, PAGE, 0), -EINVAL);
	assert_int_equal(vfu_unmap(&case_vfu, 0x4000, 4 * PAGE, 1), -EINVAL);
	assert_int_equal(vfu_unmap(&case_vfu, 0x4000, 4 * PAGE, WIRE_UNMAP_ALL), -EINVAL);
	assert_int_equal(vfu_unmap(&case_vfu, 0 - PAGE, 2 * PAGE, 0), -EINVAL);
	assert_int_equal(case_card.windows.count, 1);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x10000, PAGE, RW), 0);
	assert_int_equal(vfu_map(&case_vfu, -1, 0, 0x20000, PAGE, RW), 0);
	assert_int_equal(vfu_unmap(&case_vfu, 0, 0, WIRE_UNMAP_ALL), 0);
	assert_int_equal(case_card.windows.count, 0);
	assert_int_equal(case_card.shared->windows, 0);
	assert_int_equal(vfu_unmap(&case_vfu, 0, 0, WIRE_UNMAP_ALL), 0);
	close(fd);
}

static void test_many_windows(void **state)
{
	struct wire_dma_map map = { 32, RW, 0, 0, PAGE };
	int fd = case_memfd(PAGE), before = case_fds();

	(void)state;
	for (uint64_t i = 0; i < 300; i++)
		assert_int_equal(vfu_map(&case_vfu, fd, 0, i << 20, PAGE, RW), 0);
	assert_true(core_has(300));
	assert_int_equal(case_fds(), before + 1);
	for (uint64_t i = 300; i < WIRE_MAX_WINDOWS; i++) {
		map.iova = i << 20;
		assert_int_equal(vfu_send(&case_vfu, WIRE_DMA_MAP, WIRE_FLAG_NO_REPLY, &map, 32,
					  NULL, 0), 0);
		if (case_vfu.loop && i % 64 == 0)
			vfu_pump(&case_vfu, 0);
	}
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 1ull << 50, PAGE, RW), -ENOSPC);
	assert_int_equal(case_card.windows.count, WIRE_MAX_WINDOWS);
	assert_int_equal(vfu_unmap(&case_vfu, 0, 0, WIRE_UNMAP_ALL), 0);
	assert_int_equal(case_fds(), before);
	close(fd);
}

static void test_many_files(void **state)
{
	int before = case_fds(), ret = 0;

	(void)state;
	for (uint64_t i = 0; i < WINDOWS_MAX_FILES; i++) {
		int fd = case_memfd(PAGE);

		assert_int_equal(vfu_map(&case_vfu, fd, 0, i << 20, PAGE, RW), 0);
		close(fd);
	}
	for (uint64_t i = 0; i < 10; i++) {
		int fd = case_memfd(PAGE);

		ret = vfu_map(&case_vfu, fd, 0, (1000 + i) << 20, PAGE, RW);
		close(fd);
		assert_int_equal(ret, -EMFILE);
	}
	assert_int_equal(vfu_unmap(&case_vfu, 0, 0, WIRE_UNMAP_ALL), 0);
	assert_int_equal(case_fds(), before);
}

static void test_stuck_core(void **state)
{
	struct wire_dma_unmap unmap = { 24, 0, 0, PAGE };
	struct wire_region_access access = { .region = DEVICE_CONFIG, .count = 4 };
	struct wire_header header;
	char body[64];
	int fd = case_memfd(PAGE);
	uint64_t begin;
	uint16_t id;

	(void)state;
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, PAGE, RW), 0);
	assert_true(core_has(1));
	inject_arm(case_card.shared, IPC_POINT_DMA_UNMAP, IPC_ACTION_HANG, 0);
	begin = slot_now_ms();
	vfu_send(&case_vfu, WIRE_DMA_UNMAP, 0, &unmap, 24, NULL, 0);
	id = case_vfu.id;
	for (unsigned int i = 0; i < 5; i++)
		vfu_send(&case_vfu, WIRE_REGION_READ, 0, &access, 16, NULL, 0);
	/* The control side goes on meanwhile: the loop turns. */
	vfu_pump(&case_vfu, 20);
	assert_int_equal(case_card.session.state, SESSION_WAITING);
	for (unsigned int i = 0; i < 6; i++) {
		assert_true(vfu_recv(&case_vfu, &header, body, sizeof(body), 3000) >= 0);
		assert_int_equal(header.id, (uint16_t)(id + i));
		assert_int_equal(header.flags & WIRE_FLAG_ERROR, 0);
	}
	assert_in_range(slot_now_ms() - begin, IPC_ACK_MS - 10, IPC_ACK_MS + 500);
	assert_int_equal(vfu_read32(&case_vfu, 0, MARU_REG_STATUS), MARU_STATUS_CRASHED);
	assert_int_equal(case_card.windows.count, 0);
	close(fd);
}

static void test_held_core(void **state)
{
	int fd = case_memfd(PAGE);
	struct wire_dma_unmap unmap = { 24, 0, 0, PAGE };
	struct wire_header header;

	(void)state;
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, PAGE, RW), 0);
	assert_true(core_has(1));
	inject_arm(case_card.shared, IPC_POINT_DMA_UNMAP, IPC_ACTION_HOLD, 0);
	vfu_send(&case_vfu, WIRE_DMA_UNMAP, 0, &unmap, 24, NULL, 0);
	assert_int_equal(vfu_recv(&case_vfu, &header, NULL, 0, 200), VFU_SILENT);
	inject_release(case_card.shared, IPC_POINT_DMA_UNMAP);
	assert_int_equal(vfu_recv(&case_vfu, &header, NULL, 0, 500), 0);
	assert_int_equal(vfu_read32(&case_vfu, 0, MARU_REG_STATUS), MARU_STATUS_READY);
	close(fd);
}

static void test_stopped_core(void **state)
{
	int fd = case_memfd(PAGE);
	uint64_t begin;

	(void)state;
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, PAGE, RW), 0);
	assert_true(core_has(1));
	spawn_signal(&case_card.spawn, SIGSTOP);
	vfu_pump(&case_vfu, 20);
	/* More than the channel holds: the rest is said later, or never. */
	for (uint64_t i = 1; i < 2000; i++)
		assert_int_equal(vfu_map(&case_vfu, fd, 0, i << 20, PAGE, RW), 0);
	begin = slot_now_ms();
	assert_int_equal(vfu_unmap(&case_vfu, 0, 0, WIRE_UNMAP_ALL), 0);
	assert_in_range(slot_now_ms() - begin, IPC_ACK_MS - 10, IPC_ACK_MS + 500);
	assert_int_equal(vfu_read32(&case_vfu, 0, MARU_REG_STATUS), MARU_STATUS_CRASHED);
	close(fd);
}

static void test_truncated(void **state)
{
	int fd = case_memfd(4 * PAGE);

	(void)state;
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, 4 * PAGE, RW), 0);
	assert_true(core_has(1));
	assert_int_equal(ftruncate(fd, 0), 0);
	/* This core has no guard and dies; the slot is what must not. */
	vfu_write32(&case_vfu, 4, 0, 1);
	assert_int_equal(vfu_wait_status(&case_vfu, MARU_STATUS_CRASHED, 3000), 0);
	assert_int_equal(vfu_unmap(&case_vfu, 0, 4 * PAGE, 0), 0);
	close(fd);
}

static void test_new_core(void **state)
{
	int fd = case_memfd(PAGE);

	(void)state;
	assert_int_equal(pwrite(fd, "\x09", 1, 0), 1);
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0x7000, PAGE, RW), 0);
	assert_int_equal(vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET), 0);
	assert_int_equal(vfu_wait_status(&case_vfu, MARU_STATUS_READY, 5000), 0);
	assert_true(core_has(1));
	assert_int_equal(kick_sum(), 9);
	close(fd);
}

static const struct CMUnitTest tests[] = {
	CASE("[DMA-1] the core reaches what was mapped, and no more after", test_map),
	CASE("[DMA-2] windows that are empty, unaligned, wrapping or past their file",
	     test_map_shapes),
	CASE("[DMA-3] overlapping windows", test_map_overlap),
	CASE("[DMA-2] files that can not be windows", test_map_files),
	CASE("[DMA-6] windows without a file or read permission", test_no_file),
	CASE("[DMA-4] what can be unmapped", test_unmap_shapes),
	CASE("[DMA-3] 65,535 windows and one more", test_many_windows),
	CASE("[DMA-3] 256 files and one more", test_many_files),
	CASE("[DMA-5] DMA_UNMAP with a stuck core: 1 s, replies in order", test_stuck_core),
	CASE("[DMA-5] DMA_UNMAP waits for the core", test_held_core),
	CASE("[DMA-5] DMA_UNMAP of 2,000 windows with a stopped core", test_stopped_core),
	CASE("[DMA-7] a file made shorter under the core", test_truncated),
	CASE("[DMA-8] a new core gets all windows", test_new_core),
};

static const struct check checks[] = {
	{ "DMA_MAP: flags, size, alignment, wrap, 8 TiB, end of the file",
	  { test_map_shapes } },
	{ "DMA_MAP: a regular file that permits it",
	  { test_map_files } },
	{ "DMA_MAP: overlaps",
	  { test_map_overlap } },
	{ "DMA_MAP: how many windows, how many live descriptors",
	  { test_many_windows, test_many_files } },
	{ "DMA_UNMAP: exactly one or all",
	  { test_unmap_shapes } },
	{ "DMA_UNMAP: a barrier, within a second",
	  { test_stuck_core, test_held_core, test_stopped_core } },
	{ "memory that is not shared",
	  { test_no_file } },
	{ "a file made shorter, SIGBUS",
	  { test_truncated } },
};

CASE_MAIN_CHECKS("slot_dma", tests, checks)
