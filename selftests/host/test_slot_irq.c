// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt vectors: shapes of SET_IRQS, what can be armed, and that nobody ever waits. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "selftests/host/slot_case.h"

#define ARM	(WIRE_IRQ_DATA_EVENTFD | WIRE_IRQ_TRIGGER)
#define NONE	(WIRE_IRQ_DATA_NONE | WIRE_IRQ_TRIGGER)
#define BOOL	(WIRE_IRQ_DATA_BOOL | WIRE_IRQ_TRIGGER)

static int make_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static uint64_t taken(int fd, unsigned int ms)
{
	uint64_t value = 0, end = slot_now_ms() + ms;

	while (read(fd, &value, sizeof(value)) < 0 && slot_now_ms() < end)
		slot_step(&case_card, 1);
	return value;
}

static void test_info(void **state)
{
	static const uint32_t counts[] = { 0, 0, 16, 1, 0 };
	struct wire_irq_info info;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		info = (struct wire_irq_info){ .argsz = 16, .index = i };
		assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_GET_IRQ_INFO, &info, 16, NULL, 0,
					  &info, 16), 16);
		assert_int_equal(info.count, counts[i]);
		assert_int_equal(info.flags, counts[i] ? 1 : 0);
	}
	info = (struct wire_irq_info){ .argsz = 16, .index = 5 };
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_GET_IRQ_INFO, &info, 16, NULL, 0, &info,
				  16), -EINVAL);
	info = (struct wire_irq_info){ .argsz = 8 };
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_GET_IRQ_INFO, &info, 16, NULL, 0, &info,
				  16), -EINVAL);
}

static void test_shapes(void **state)
{
	static const struct { uint32_t flags, index, start, count, fds; } wrong[] = {
		{ 0, 2, 0, 1, 0 }, { 0x4, 2, 0, 1, 0 }, { 0x20, 2, 0, 1, 0 },
		{ 0x23, 2, 0, 1, 0 }, { 0x25, 2, 0, 1, 0 }, { 0x26, 2, 0, 1, 0 },
		{ 0x2c, 2, 0, 1, 0 }, { 0x34, 2, 0, 1, 0 }, { 0x3f, 2, 0, 1, 0 },
		{ 0x64, 2, 0, 1, 0 }, { 0x80000024, 2, 0, 1, 0 },
		{ ARM, 5, 0, 1, 0 }, { ARM, 0xffffffff, 0, 1, 0 }, { ARM, 0, 0, 1, 0 },
		{ ARM, 1, 0, 1, 0 }, { ARM, 4, 0, 1, 0 }, { ARM, 2, 16, 1, 0 },
		{ ARM, 2, 15, 2, 0 }, { ARM, 2, 1, 0xffffffff, 0 }, { ARM, 2, 0, 17, 0 },
		{ ARM, 2, 0xffffffff, 1, 0 }, { ARM, 3, 0, 2, 0 },
		{ ARM, 2, 0, 2, 1 }, { ARM, 2, 0, 1, 2 }, { NONE, 2, 0, 1, 1 },
		{ ARM, 2, 0, 0, 0 }, { NONE, 2, 1, 0, 0 }, { 0x9, 2, 0, 0, 0 },
		{ NONE, 2, 0, 0, 1 }, { BOOL, 2, 0, 0, 0 },
		{ BOOL, 2, 0, 1, 0 },		/* without its byte */
	};
	int fds[2] = { make_eventfd(), make_eventfd() }, before = case_fds();
	struct wire_irq_set set = { 19, NONE, 2, 0, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(vfu_irqs(&case_vfu, wrong[i].flags, wrong[i].index,
					  wrong[i].start, wrong[i].count, fds, wrong[i].fds),
				 -EINVAL);
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_SET_IRQS, &set, 20, NULL, 0, NULL, 0),
			 -EINVAL);
	assert_int_equal(vfu_irqs(&case_vfu, 0x9, 2, 0, 1, NULL, 0), -EOPNOTSUPP);
	assert_int_equal(vfu_irqs(&case_vfu, 0x11, 2, 0, 1, NULL, 0), -EOPNOTSUPP);
	assert_int_equal(case_fds(), before);
	close(fds[0]);
	close(fds[1]);
}

static void test_arm(void **state)
{
	int fds[16], before = case_fds(), other;

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		fds[i] = make_eventfd();
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 16, fds, 16), 0);
	assert_int_equal(vectors_armed(&case_card.vectors), 16);
	vfu_write32(&case_vfu, 4, 0, 1);
	assert_int_equal(taken(fds[MARU_VECTOR_ADMIN], 2000), 1);
	/* Another eventfd: the old one is silent and closed. */
	other = make_eventfd();
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, MARU_VECTOR_ADMIN, 1, &other, 1), 0);
	vfu_write32(&case_vfu, 4, 0, 1);
	assert_int_equal(taken(other, 2000), 1);
	assert_int_equal(taken(fds[MARU_VECTOR_ADMIN], 20), 0);
	/* No descriptor: the range is disarmed, the rest stays. */
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 4, 8, NULL, 0), 0);
	assert_int_equal(vectors_armed(&case_card.vectors), 8);
	assert_int_equal(vfu_irqs(&case_vfu, NONE, 2, 0, 0, NULL, 0), 0);
	assert_int_equal(vectors_armed(&case_card.vectors), 0);
	vfu_write32(&case_vfu, 4, 0, 1);
	assert_int_equal(taken(other, 50), 0);
	for (unsigned int i = 0; i < 16; i++)
		close(fds[i]);
	close(other);
	assert_int_equal(case_fds(), before);
}

static void test_trigger(void **state)
{
	struct { struct wire_irq_set set; uint8_t bools[4]; } body = {
		{ sizeof(body.set), BOOL, 2, 0, 4 }, { 0, 1, 0, 7 },
	};
	int fds[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		fds[i] = make_eventfd();
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 4, fds, 4), 0);
	assert_int_equal(vfu_irqs(&case_vfu, NONE, 2, 1, 2, NULL, 0), 0);
	assert_int_equal(taken(fds[0], 5) + taken(fds[3], 5), 0);
	assert_int_equal(taken(fds[1], 5) + taken(fds[2], 5), 2);
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_SET_IRQS, &body, 24, NULL, 0, NULL, 0),
			 0);
	assert_int_equal(taken(fds[0], 5) + taken(fds[2], 5), 0);
	assert_int_equal(taken(fds[1], 5) + taken(fds[3], 5), 2);
	for (unsigned int i = 0; i < 4; i++)
		close(fds[i]);
}

static void test_error_vector(void **state)
{
	int fd = make_eventfd(), before = case_fds();

	(void)state;
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 3, 0, 1, &fd, 1), 0);
	assert_int_equal(case_fds(), before + 1);
	assert_int_equal(vfu_irqs(&case_vfu, NONE, 3, 0, 1, NULL, 0), 0);
	assert_int_equal(taken(fd, 20), 0);
	assert_int_equal(vfu_irqs(&case_vfu, NONE, 3, 0, 0, NULL, 0), 0);
	assert_int_equal(case_fds(), before);
	close(fd);
}

static void test_not_eventfd(void **state)
{
	int pipes[2], pair[2], file = case_memfd(4096), good = make_eventfd(), before;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	before = case_fds();
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 1, &pipes[1], 1), -EINVAL);
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 1, &pair[0], 1), -EINVAL);
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 1, &file, 1), -EINVAL);
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 2, (int[]){ good, pipes[1] }, 2), -EINVAL);
	assert_int_equal(vectors_armed(&case_card.vectors), 0);
	assert_int_equal(case_fds(), before);
	close(pipes[0]);
	close(pipes[1]);
	close(pair[0]);
	close(pair[1]);
	close(file);
	close(good);
}

static void test_full(void **state)
{
	static const uint64_t most = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_CLOEXEC);	/* blocking, as a hostile peer has it */
	uint64_t begin;

	(void)state;
	assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 1, &fd, 1), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_RDWR), 0);
	begin = slot_now_ms();
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(vfu_irqs(&case_vfu, NONE, 2, 0, 1, NULL, 0), 0);
	assert_true(slot_now_ms() - begin < 500);
	close(fd);
}

static void test_stuck_core(void **state)
{
	int fd = make_eventfd(), before = case_fds();
	uint64_t begin;

	(void)state;
	spawn_signal(&case_card.spawn, SIGSTOP);
	vfu_pump(&case_vfu, 20);
	begin = slot_now_ms();
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 1, &fd, 1), 0);
	assert_in_range(slot_now_ms() - begin, IPC_ACK_MS - 10, IPC_ACK_MS + 500);
	assert_int_equal(taken(fd, 50), 1);	/* the crash itself */
	assert_int_equal(vfu_read32(&case_vfu, 0, MARU_REG_STATUS), MARU_STATUS_CRASHED);
	assert_int_equal(vfu_irqs(&case_vfu, NONE, 2, 0, 0, NULL, 0), 0);
	assert_in_range(case_fds(), before - 1, before);
	close(fd);
}

static const struct CMUnitTest tests[] = {
	CASE("[IRQ-2] interrupt kinds", test_info),
	CASE("[IRQ-3] 33 wrong shapes of SET_IRQS", test_shapes),
	CASE("[IRQ-1] arm, replace, disarm", test_arm),
	CASE("[IRQ-4] trigger by the client", test_trigger),
	CASE("[IRQ-2] the error vector is kept and never raised", test_error_vector),
	CASE("[IRQ-5] pipes, sockets and files are refused", test_not_eventfd),
	CASE("[IRQ-5] a full, blocking eventfd makes nobody wait", test_full),
	CASE("[IRQ-6] SET_IRQS with a stuck core: 1 s", test_stuck_core),
};

static const struct check checks[] = {
	{ "SET_IRQS: one action, one type of data, kind, range, count 0, descriptors",
	  { test_shapes } },
	{ "SET_IRQS: a BOOL for each vector",
	  { test_shapes, test_trigger } },
	{ "vectors are eventfds",
	  { test_not_eventfd } },
	{ "a full, blocking eventfd",
	  { test_full } },
	{ "swap of an eventfd, also with a stuck core",
	  { test_arm, test_stuck_core } },
};

CASE_MAIN_CHECKS("slot_irq", tests, checks)
