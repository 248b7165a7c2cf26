// SPDX-License-Identifier: GPL-2.0-only
/* The core as a process: boot, windows, interrupts, its end, and a kill at every fault point. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "firmware-emu/log.h"
#include "selftests/host/card_client.h"
#include "selftests/host/check_list.h"

#define HOST(addr)	MARU_VM0_VA(MARU_TIER_HOST, addr)
#define TEST(function, text)	{ text, function, NULL, NULL, NULL }

struct fill {
	struct maru_packet head;
	struct maru_operand dst;
};

static uint32_t reg32(struct card *card, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, card->shared->regs + offset, sizeof(value));
	return value;
}

static int nop(struct card *card)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_NOP };

	return card_admin(card, &sqe, NULL);
}

static struct fill fill_of(uint64_t va, uint32_t bytes)
{
	return (struct fill){
		.head = { .op = MARU_OP_FILL, .bytes = 128, .roles = 1, .fill.pattern = 0x5a },
		.dst = { .va = va, .type = MARU_TYPE_U8, .dim = { bytes, 1, 1, 1 },
			 .stride = { 1, bytes, bytes, bytes } },
	};
}

static void caps_are_there(void **state)
{
	const struct card_config config = { .is_cold = true, .threads = 2 };
	struct card *card = card_start(&config);
	uint32_t length = reg32(card, MARU_REG_CAPS_LEN), at = 0, seen = 0;
	const uint8_t *caps = card->shared->regs + MARU_REG_CAPS;

	(void)state;
	assert_true(length > 8 && length <= MARU_REG_CAPS_BYTES && length % 8 == 0);
	for (;;) {
		struct maru_cap_head head;
		struct maru_cap_tier tier;
		struct maru_cap_engines engines;

		memcpy(&head, caps + at, sizeof(head));
		at += sizeof(head);
		assert_int_equal(head.mbz, 0);
		if (head.type == MARU_CAP_END)
			break;
		seen |= 1u << head.type;
		memcpy(&tier, caps + at, sizeof(tier));
		if (head.type == MARU_CAP_TIER && tier.tier == MARU_TIER_CXL) {
			assert_int_equal(tier.bytes, card->config.cxl_bytes);
			assert_int_equal(tier.bar_offset, card->config.hbm_bytes);
		}
		memcpy(&engines, caps + at, sizeof(engines));
		if (head.type == MARU_CAP_ENGINES)
			assert_int_equal(engines.threads, 2);
		at += (head.bytes + 7u) & ~7u;
	}
	assert_int_equal(at, length);
	assert_int_equal(seen, 0xfe);
	card_stop(card);
}

/* Return: 0, or -1 when the thread is gone. */
static int thread_name(struct card *card, int tid, char *name, int bytes)
{
	char path[60];
	FILE *file;
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)card->pid, tid);
	file = fopen(path, "r");
	if (!file)
		return -1;
	ret = fgets(name, bytes, file) ? 0 : -1;
	fclose(file);
	return ret;
}

/* One processor each, in turns of those that the process has; no other threads than known ones. */
static void threads_are_pinned(void **state)
{
	const struct card_config config = { .threads = 3 };
	struct card *card = card_start(&config);
	unsigned int seen = 0, others = 0, cpus[CPU_SETSIZE], cpu_count = 0, index;
	struct dirent *entry;
	char path[40], name[40];
	cpu_set_t set;
	DIR *dir;

	(void)state;
	assert_int_equal(nop(card), MARU_ADMIN_OK);
	assert_int_equal(sched_getaffinity(card->pid, sizeof(set), &set), 0);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			cpus[cpu_count++] = cpu;
	}
	snprintf(path, sizeof(path), "/proc/%d/task", (int)card->pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (!tid || thread_name(card, tid, name, sizeof(name)))
			continue;
		if (sscanf(name, "engine-%u", &index) != 1) {
			others++;
			continue;
		}
		assert_true(index < 3);
		assert_int_equal(sched_getaffinity(tid, sizeof(set), &set), 0);
		assert_int_equal(CPU_COUNT(&set), 1);
		assert_true(CPU_ISSET(cpus[index % cpu_count], &set));
		seen |= 1u << index;
	}
	closedir(dir);
	assert_int_equal(seen, 7);
	assert_int_equal(others, 2);	/* of the slot's messages, of the firmware */
	card_stop(card);
}

/* Before ENABLE nothing of the rings is read. */
static void nothing_before_enable(void **state)
{
	const struct card_config config = { .is_cold = true };
	struct card *card = card_start(&config);
	const uint64_t one = 1;

	(void)state;
	assert_int_equal(write(card->kick_fd, &one, 8), 8);
	usleep(20000);
	assert_int_equal(card->shared->points[IPC_POINT_ADMIN_FETCH].hits, 0);
	card_enable(card);
	assert_int_equal(nop(card), MARU_ADMIN_OK);
	card_stop(card);
}

static void wrong_bases(void **state)
{
	static const struct { unsigned int offset; uint64_t value; } rows[] = {
		{ MARU_REG_ADMIN_SQ, 0 },
		{ MARU_REG_ADMIN_SQ, MARU_ENTRY(3, CARD_RAM_IOVA) },
		{ MARU_REG_ADMIN_CQ, MARU_ENTRY(2, 0x1000) },
		{ MARU_REG_EVENT, MARU_ENTRY(2, CARD_RAM_IOVA) | 0x100 },
		{ MARU_REG_GROUP0, MARU_ENTRY(0, 1ULL << 40) },
		{ MARU_REG_RING_LOG2, 0x060605 },
		{ MARU_REG_RING_LOG2, 0x0d0606 },
		{ MARU_REG_RING_LOG2, 0x060607 },
		{ MARU_REG_RING_LOG2, 0x01060606 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct card_config config = { .is_cold = true };
		struct card *card = card_start(&config);
		struct ipc_head head = { .type = IPC_ENABLE };

		card_enable(card);
		card_disable(card);
		memcpy(card->shared->regs + rows[i].offset, &rows[i].value,
		       rows[i].offset == MARU_REG_RING_LOG2 ? 4 : 8);
		assert_int_equal(send(card->fd, &head, sizeof(head), 0), sizeof(head));
		for (int ms = 0; ms < 100 && !card->failed; ms++)
			card_wait_ack(card, UINT32_MAX, 10);
		if (card->failed != 4)
			fail_msg("row %zu: error %u", i, card->failed);
		card_stop(card);
	}
}

/* DISABLE forgets queues, VMs and rings; ENABLE starts with new ones. */
static void disable_and_enable(void **state)
{
	struct card *card = card_start(NULL);

	(void)state;
	for (int round = 0; round < 5; round++) {
		struct card_queue *queue;
		struct maru_desc desc = { .op = MARU_DESC_NOP };

		assert_int_equal(card_vm_create(card, 3, 0, 0), MARU_ADMIN_OK);
		queue = card_queue_create(card, &(struct card_queue_config){ .vm = 3 });
		assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
		desc.op = MARU_DESC_WAIT;
		desc.wait_va = 8;
		card_submit(queue, &desc);
		free(queue);
		card_disable(card);
		for (int ms = 0; ms < 1000 && card->shared->vms; ms++)
			usleep(1000);
		assert_int_equal(card->shared->vms, 0);
		assert_int_equal(card->shared->queues, 0);
		card_enable(card);
	}
	assert_int_equal(nop(card), MARU_ADMIN_OK);
	card_stop(card);
}

static void hello_of_another_version(void **state)
{
	const struct card_config config = { .is_raw = true };
	struct card *card = card_start(&config);
	const struct ipc_hello hello = { .head.type = IPC_HELLO, .version = IPC_VERSION + 1 };

	(void)state;
	assert_int_equal(send(card->fd, &hello, sizeof(hello), 0), sizeof(hello));
	assert_int_equal(card_wait_ready(card, 1000), -EIO);
	assert_int_equal(card->failed, 6);
	assert_int_equal(card_wait_dead(card, 1000), 0);
	card_stop(card);
}

static void quits(void **state)
{
	struct card *card = card_start(NULL);

	(void)state;
	assert_int_equal(nop(card), MARU_ADMIN_OK);
	assert_int_equal(card_quit(card, 2000), 0);
	card_stop(card);
	card = card_start(NULL);
	shutdown(card->fd, SHUT_RDWR);
	assert_int_equal(card_wait_dead(card, 2000), 0);
	card_stop(card);
}

/* New eventfds are in use when the acknowledgement comes; a full one never blocks. */
static void vectors_are_replaced(void **state)
{
	struct card *card = card_start(NULL);
	struct pollfd poller = { .fd = card->irq_fd[MARU_VECTOR_ADMIN], .events = POLLIN };
	struct ipc_irqs irqs = { .head.type = IPC_IRQS, .head.seq = ++card->seq, .count = 2 };
	const uint64_t full = UINT64_MAX - 1;
	uint64_t count;

	(void)state;
	assert_int_equal(nop(card), MARU_ADMIN_OK);
	assert_int_equal(poll(&poller, 1, 1000), 1);
	assert_int_equal(read(poller.fd, &count, 8), 8);
	assert_int_equal(write(poller.fd, &full, 8), 8);
	for (int i = 0; i < 10; i++)
		assert_int_equal(nop(card), MARU_ADMIN_OK);
	usleep(50000);			/* the vector is raised after the completion */
	assert_int_equal(read(poller.fd, &count, 8), 8);
	assert_int_equal(send(card->fd, &irqs, sizeof(irqs), 0), sizeof(irqs));
	assert_int_equal(card_wait_ack(card, irqs.head.seq, 1000), 0);
	assert_int_equal(nop(card), MARU_ADMIN_OK);
	assert_int_equal(poll(&poller, 1, 20), 0);
	card_stop(card);
}

/* A peer shares the file description: it can fill the counter and make writes wait again. */
static void full_vector_blocks_nobody(void **state)
{
	struct card *card = card_start(NULL);
	struct ipc_irqs irqs = { .head.type = IPC_IRQS, .head.seq = ++card->seq, .count = 2 };
	int fd = card->irq_fd[MARU_VECTOR_ADMIN];
	const uint64_t full = UINT64_MAX - 1;

	(void)state;
	assert_int_equal(write(fd, &full, 8), 8);
	assert_int_equal(fcntl(fd, F_SETFL, O_RDWR), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(nop(card), MARU_ADMIN_OK);
	usleep(50000);			/* the vector is raised after the completion */
	assert_int_equal(send(card->fd, &irqs, sizeof(irqs), 0), sizeof(irqs));
	assert_int_equal(card_wait_ack(card, irqs.head.seq, 1000), 0);
	card_stop(card);
}

/* A tail beyond the ring is a warning; the level is the slot's, whenever it changes. */
static void log_level_is_taken(void **state)
{
	(void)state;
	for (unsigned int level = LOG_ERROR; level <= LOG_WARN; level++) {
		const struct card_config config = { .log_level = LOG_WARN - level };
		int file = memfd_create("log", MFD_CLOEXEC), stderr_fd = dup(STDERR_FILENO);
		struct maru_event event;
		struct card *card;
		char text[200] = "";

		assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
		card = card_start(&config);
		dup2(stderr_fd, STDERR_FILENO);
		close(stderr_fd);
		card->shared->log_level = level;
		card->sq->tail += 1000;
		card_kick(card, MARU_SLOT_ADMIN);
		assert_int_equal(card_event(card, &event, 2000), 0);
		assert_int_equal(event.type, MARU_EVENT_FIRMWARE);
		assert_true(pread(file, text, sizeof(text) - 1, 0) >= 0);
		assert_int_equal(strstr(text, "WARN fw: admin queue") != NULL, level == LOG_WARN);
		close(file);
		card_stop(card);
	}
}

/* The core counts a window behind the first use of it. */
static void expect_windows(struct card *card, uint32_t count)
{
	uint64_t end = card_now_ns() + 1000000000;

	while (__atomic_load_n(&card->shared->windows, __ATOMIC_RELAXED) != count &&
	       card_now_ns() < end)
		usleep(100);
	assert_int_equal(card->shared->windows, count);
}

static void windows_come_and_go(void **state)
{
	struct card *card = card_start(NULL);
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	uint64_t iova = 0x900000000;
	struct fill fill = fill_of(HOST(iova), 8192);

	(void)state;
	for (int i = 0; i < 200; i++) {
		card_map_window(card, iova, 8192, card->ram_fd, 16 << 20, true);
		assert_int_equal(card_run(queue, &fill, sizeof(fill), 1000), 0);
		expect_windows(card, 2);
		assert_int_equal(card_unmap_window(card, iova, 8192, 1000), 0);
		assert_int_equal(card->shared->windows, 1);
	}
	assert_int_equal(card->ram[(16 << 20) + 8191], 0x5a);
	assert_int_equal(card_run(queue, &fill, sizeof(fill), 1000), -EIO);
	assert_int_equal(MARU_ERROR_CODE(queue->block->error), MARU_ERR_FAULT_WINDOW);
	/* The rings' own window: the core outlives that. */
	assert_int_equal(card_unmap_window(card, CARD_RAM_IOVA, card->config.ram_bytes, 1000), 0);
	card_kick(card, 0);
	usleep(20000);
	assert_true(card_is_alive(card));
	free(queue);
	card_stop(card);
}

/* The guest's file is cut short under rings and operands: that is a fault, not a crash. */
static void file_is_cut_short(void **state)
{
	struct card *card = card_start(NULL);
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	struct fill fill = fill_of(HOST(0x900000000), 8192);
	int fd = memfd_create("cut", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	card_map_window(card, 0x900000000, 1 << 20, fd, 0, true);
	assert_int_equal(card_run(queue, &fill, sizeof(fill), 1000), 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(card_run(queue, &fill, sizeof(fill), 1000), -EIO);
	assert_int_equal(MARU_ERROR_CODE(queue->block->error), MARU_ERR_FAULT_WINDOW);
	assert_int_equal(nop(card), MARU_ADMIN_OK);
	close(fd);
	free(queue);
	card_stop(card);
}

/* Everything that normal work does, so that every point is passed. */
static void work(struct card *card)
{
	struct card_queue_config config = { .id = 1, .vm = 2 };
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 8192);
	uint64_t commands = card_alloc(card, MARU_TIER_HOST, 4096);
	struct fill fill = fill_of(0x200000, 8192);
	struct maru_desc desc = { .op = MARU_DESC_EXEC, .flags = MARU_DESC_IRQ,
				  .bytes = sizeof(fill), .va = 0x300000 };
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_VM_CREATE };
	struct maru_admin_cqe cqe;
	struct card_queue *queue;

	memcpy(card_ptr(card, MARU_TIER_HOST, commands), &fill, sizeof(fill));
	card->roots[2] = card_alloc(card, MARU_TIER_HBM, 4096);
	sqe.vm.vm = 2;
	sqe.vm.root = MARU_ENTRY(MARU_TIER_HBM, card->roots[2]) & ~MARU_PTE_LEAF;
	card_admin_submit(card, &sqe);
	if (card_admin_next(card, &cqe, 1000))
		return;
	card_map(card, 2, 0x200000, MARU_TIER_HBM, at, 8192, MARU_PTE_READ | MARU_PTE_WRITE);
	card_map(card, 2, 0x300000, MARU_TIER_HOST, commands, 4096, MARU_PTE_READ);
	memset(&sqe, 0, sizeof(sqe));
	sqe.op = MARU_ADMIN_INVALIDATE;
	sqe.invalidate.vm = 2;
	card_admin_submit(card, &sqe);
	if (card_admin_next(card, &cqe, 1000))
		return;
	queue = card_queue_create(card, &config);
	card->events->irq_on = 1;
	if (!card_wait(queue, card_submit(queue, &desc), 500)) {
		memset(&sqe, 0, sizeof(sqe));
		sqe.op = MARU_ADMIN_QUEUE_RESET;
		sqe.queue_reset.queue = 1;
		card_admin_submit(card, &sqe);
		card_admin_next(card, &cqe, 1000);
		usleep(5000);
		card_unmap_window(card, CARD_RAM_IOVA, 32 << 20, 500);
	}
	free(queue);
}

static void every_point_is_passed(void **state)
{
	static const char *const names[] = {
#define NAME(point, text) text,
		IPC_POINTS(NAME)
#undef NAME
	};
	struct card *card = card_start(NULL);

	(void)state;
	work(card);
	for (unsigned int i = 0; i < IPC_POINT_COUNT; i++) {
		if (!card->shared->points[i].hits)
			fail_msg("%s was not passed", names[i]);
	}
	card_stop(card);
}

static void kill_with(enum ipc_action action, int sig)
{
	for (unsigned int i = 0; i < IPC_POINT_COUNT; i++) {
		const struct card_config config = { .is_raw = true };
		struct card *card = card_start(&config);

		card_arm(card, i, action, 0);
		card_hello(card);
		if (!card_wait_ready(card, 5000)) {
			card_enable(card);
			work(card);
		}
		if (card_wait_dead(card, 5000) != sig)
			fail_msg("point %u did not end the core", i);
		assert_true(card->shared->points[i].fired >= 1);
		card_stop(card);
	}
}

static void kill_at_each_point(void **state)
{
	(void)state;
	kill_with(IPC_ACTION_KILL, SIGKILL);
	kill_with(IPC_ACTION_ABORT, SIGABRT);
}

static void boot_points_fail(void **state)
{
	static const enum ipc_point boot[] = { IPC_POINT_BOOT_START, IPC_POINT_BOOT_CAPS,
					       IPC_POINT_BOOT_READY };

	(void)state;
	for (size_t i = 0; i < sizeof(boot) / sizeof(boot[0]); i++) {
		const struct card_config config = { .is_raw = true };
		struct card *card = card_start(&config);

		card_arm(card, boot[i], IPC_ACTION_FAIL, 0);
		card_hello(card);
		assert_int_equal(card_wait_ready(card, 5000), -EIO);
		assert_int_equal(card->failed, 5);
		assert_int_equal(card_wait_dead(card, 2000), 0);
		card_stop(card);
	}
}

static void unmap_point_fails(void **state)
{
	struct card *card = card_start(NULL);

	(void)state;
	card_map_window(card, 0x900000000, 4096, card->ram_fd, 0, true);
	card_arm(card, IPC_POINT_DMA_UNMAP, IPC_ACTION_FAIL, 0);
	assert_int_equal(card_unmap_window(card, 0x900000000, 4096, 50), -ETIMEDOUT);
	assert_int_equal(nop(card), MARU_ADMIN_OK);
	card_stop(card);
}

/* Kills while queues are busy: what is in memory survives, a new core starts from it. */
static void a_new_core_takes_over(void **state)
{
	struct card *card = card_start(NULL), *next;
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 8192);
	struct fill fill = fill_of(at, 8192);

	(void)state;
	assert_int_equal(card_run(queue, &fill, sizeof(fill), 1000), 0);
	kill(card->pid, SIGKILL);
	assert_int_equal(card_wait_dead(card, 1000), SIGKILL);
	assert_int_equal(((uint8_t *)card_ptr(card, MARU_TIER_HBM, at))[8191], 0x5a);
	next = card_start(NULL);
	assert_int_equal(nop(next), MARU_ADMIN_OK);
	card_stop(next);
	free(queue);
	card_stop(card);
}

int main(void)
{
	static const struct check checks[] = {
		{ "a full, blocking eventfd, in the core", { full_vector_blocks_nobody } },
		{ "access outside of windows", { windows_come_and_go } },
		{ "a file made shorter, SIGBUS in the core", { file_is_cut_short } },
	};
	const struct CMUnitTest tests[] = {
		TEST(caps_are_there, "[BOOT-1] capabilities"),
		TEST(threads_are_pinned, "[BOOT-1] engine threads, each on one processor"),
		TEST(nothing_before_enable, "[BOOT-2] nothing is read before ENABLE"),
		TEST(wrong_bases, "[BOOT-3] wrong base registers"),
		TEST(disable_and_enable, "[BOOT-4] DISABLE and ENABLE"),
		TEST(hello_of_another_version, "[BOOT-5] a slot of another version"),
		TEST(quits, "[BOOT-6] the end of the slot is the end of the core"),
		TEST(vectors_are_replaced, "[EVT-7] vectors are replaced"),
		TEST(full_vector_blocks_nobody, "[IRQ-5] a full, blocking eventfd blocks nobody"),
		TEST(log_level_is_taken, "[CTL-19] the core takes the level of the log"),
		TEST(windows_come_and_go, "[MMU-9] [MMU-10] windows come and go"),
		TEST(file_is_cut_short, "[MMU-11] a file that is cut short"),
		TEST(every_point_is_passed, "[ERR-8] normal work passes every fault point"),
		TEST(kill_at_each_point, "[ERR-8] the core is killed at every fault point"),
		TEST(boot_points_fail, "[BOOT-5] the boot fails at its fault points"),
		TEST(unmap_point_fails, "[MMU-9] an acknowledgement that does not come"),
		TEST(a_new_core_takes_over, "[BOOT-7] memory outlives the core"),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("core", tests, NULL, NULL) +
	       check_list(checks, sizeof(checks) / sizeof(checks[0]), tests,
			  sizeof(tests) / sizeof(tests[0]));
}
