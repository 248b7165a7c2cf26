// SPDX-License-Identifier: GPL-2.0-only
/* The life of cores, seen through registers, vectors and the control commands. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "firmware-emu/slot/inject.h"
#include "selftests/host/slot_case.h"

#define ARM	(WIRE_IRQ_DATA_EVENTFD | WIRE_IRQ_TRIGGER)

static uint32_t reg(unsigned int at)
{
	return vfu_read32(&case_vfu, MARU_BAR_REGS, at);
}

static int wait_status(uint32_t status)
{
	return vfu_wait_status(&case_vfu, status, 12000);
}

static int arm_events(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	vfu_irqs(&case_vfu, ARM, 2, MARU_VECTOR_EVENT, 1, &fd, 1);
	return fd;
}

static uint64_t taken(int fd)
{
	uint64_t value;

	return read(fd, &value, sizeof(value)) < 0 ? 0 : value;
}

/* Runs a control command; the caller owns the answer. */
static json_t *command(const char *line)
{
	char reply[CONTROL_REPLY_BYTES];
	size_t n = command_run(&case_card, line, strlen(line), reply, sizeof(reply));
	json_t *answer = json_loadb(reply, n, 0, NULL);

	assert_int_equal(reply[n - 1], '\n');
	assert_non_null(answer);
	return answer;
}

static int is_ok(const char *line)
{
	json_t *answer = command(line);
	int ok = json_is_true(json_object_get(answer, "ok"));

	assert_int_equal(ok, !json_object_get(answer, "error"));
	json_decref(answer);
	return ok;
}

static void test_boot(void **state)
{
	(void)state;
	assert_int_equal(reg(MARU_REG_MAGIC), MARU_MAGIC);
	assert_int_equal(reg(MARU_REG_CONTRACT), MARU_CONTRACT_MAJOR << 16 | MARU_CONTRACT_MINOR);
	assert_int_equal(reg(MARU_REG_STATUS), MARU_STATUS_READY);
	assert_int_equal(reg(MARU_REG_BOOT_ID), 1);
	assert_int_equal(reg(MARU_REG_CTRL), 0);
	assert_true(reg(MARU_REG_CAPS_LEN) >= 8);
	assert_int_equal(reg(MARU_REG_CAPS) & 0xffff, MARU_CAP_FIRMWARE);
}

static void test_crash(void **state)
{
	int fd = arm_events();

	(void)state;
	taken(fd);
	vfu_write(&case_vfu, 2, 0x2000, "kept", 4);
	assert_true(is_ok("{\"cmd\":\"kill\"}"));
	assert_int_equal(wait_status(MARU_STATUS_CRASHED), 0);
	assert_int_equal(taken(fd), 1);
	assert_int_equal(reg(MARU_REG_MAGIC), MARU_MAGIC);
	assert_int_equal(reg(MARU_REG_BOOT_ID), 1);
	assert_int_equal(vfu_read32(&case_vfu, 2, 0x2000), 0x7470656b);
	vfu_pump(&case_vfu, 300);
	assert_int_equal(reg(MARU_REG_STATUS), MARU_STATUS_CRASHED);
	assert_false(is_ok("{\"cmd\":\"kill\"}"));
	assert_int_equal(vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET), 0);
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
	assert_int_equal(taken(fd), 1);
	assert_int_equal(reg(MARU_REG_BOOT_ID), 2);
	assert_int_equal(vfu_read32(&case_vfu, 2, 0x2000), 0x7470656b);
	close(fd);
}

static void test_reset(void **state)
{
	int fd = arm_events(), pid = case_card.life.pid;

	(void)state;
	vfu_write(&case_vfu, 2, 0x2000, "kept", 4);
	vfu_write32(&case_vfu, 0, MARU_REG_ADMIN_SQ, 0x1000);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_ENABLE);
	assert_int_equal(reg(MARU_REG_CTRL), MARU_CTRL_ENABLE);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET | MARU_CTRL_ENABLE);
	assert_int_equal(reg(MARU_REG_CTRL), 0);
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
	assert_int_equal(reg(MARU_REG_BOOT_ID), 2);
	assert_int_equal(reg(MARU_REG_ADMIN_SQ), 0);
	assert_int_not_equal(case_card.life.pid, pid);
	assert_int_equal(vfu_read32(&case_vfu, 2, 0x2000), 0x7470656b);
	assert_int_equal(vectors_armed(&case_card.vectors), 1);
	close(fd);
}

static void test_flr(void **state)
{
	uint16_t control = 0;

	(void)state;
	vfu_write(&case_vfu, 2, 0, "kept", 4);
	vfu_write32(&case_vfu, 7, 4, 0x6);
	vfu_read(&case_vfu, 7, 0x68, &control, 2);
	control |= 0x8000;
	vfu_write(&case_vfu, 7, 0x68, &control, 2);
	assert_int_equal(vfu_read32(&case_vfu, 7, 0), MARU_PCI_DEVICE << 16 | MARU_PCI_VENDOR);
	assert_int_equal(vfu_read32(&case_vfu, 7, 4) & 0xffff, 0);
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
	assert_int_equal(reg(MARU_REG_BOOT_ID), 2);
	vfu_read(&case_vfu, 7, 0x68, &control, 2);
	assert_int_equal(control & 0x8000, 0);
	assert_int_equal(vfu_read32(&case_vfu, 2, 0), 0x7470656b);
	/* Again and again, also while the last reset is under way. */
	for (unsigned int i = 0; i < 20; i++) {
		control |= 0x8000;
		vfu_write(&case_vfu, 7, 0x68, &control, 2);
	}
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
}

static void test_machine_reset(void **state)
{
	(void)state;
	vfu_write(&case_vfu, 2, 0, "gone", 4);
	vfu_write(&case_vfu, 2, CASE_BAR2_BYTES - 4, "gone", 4);
	vfu_write32(&case_vfu, 7, 0x10, 0xc0000000);
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_RESET, NULL, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
	assert_int_equal(vfu_read32(&case_vfu, 2, 0), 0);
	assert_int_equal(vfu_read32(&case_vfu, 2, CASE_BAR2_BYTES - 4), 0);
	assert_int_equal(vfu_read32(&case_vfu, 7, 0x10), 0);
	assert_int_equal(reg(MARU_REG_BOOT_ID), 2);
}

static void test_kill_many(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		int pid = case_card.life.pid;

		assert_int_equal(spawn_signal(&case_card.spawn, SIGKILL), 0);
		for (unsigned int j = 0; j < 10; j++) {
			assert_int_equal(vfu_read32(&case_vfu, 7, 0),
					 MARU_PCI_DEVICE << 16 | MARU_PCI_VENDOR);
			assert_int_equal(reg(MARU_REG_MAGIC), MARU_MAGIC);
		}
		assert_int_equal(wait_status(MARU_STATUS_CRASHED), 0);
		vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET);
		assert_int_equal(wait_status(MARU_STATUS_READY), 0);
		assert_int_not_equal(case_card.life.pid, pid);
	}
	assert_int_equal(case_card.life.crashed, 50);
	assert_int_equal(reg(MARU_REG_BOOT_ID), 51);
}

static void test_link(void **state)
{
	uint8_t config[4096];

	(void)state;
	vfu_write(&case_vfu, 2, 0, "gone", 4);
	vfu_write32(&case_vfu, 7, 4, 0x6);
	assert_true(is_ok("{\"cmd\":\"link-loss\"}"));
	assert_false(is_ok("{\"cmd\":\"link-loss\"}"));
	assert_int_equal(vfu_read(&case_vfu, 7, 0, config, 4096), 0);
	for (unsigned int i = 0; i < 4096; i++)
		assert_int_equal(config[i], 0xff);
	assert_int_equal(reg(MARU_REG_MAGIC), 0xffffffff);
	assert_int_equal(vfu_read32(&case_vfu, 4, 0), 0xffffffff);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET);
	vfu_write32(&case_vfu, 7, 0x10, 0xabcd0000);
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_RESET, NULL, 0, NULL, 0, NULL, 0), 0);
	vfu_pump(&case_vfu, 100);
	assert_int_equal(case_card.life.state, LIFE_OFF);
	assert_false(case_card.life.is_alive);
	assert_true(is_ok("{\"cmd\":\"power-on\"}"));
	assert_false(is_ok("{\"cmd\":\"power-on\"}"));
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
	assert_int_equal(vfu_read32(&case_vfu, 7, 4) & 0xffff, 0);
	assert_int_equal(vfu_read32(&case_vfu, 7, 0x10), 0);
	assert_int_equal(vfu_read32(&case_vfu, 2, 0), 0);
	assert_int_equal(reg(MARU_REG_BOOT_ID), 2);
}

static void test_enable(void **state)
{
	uint64_t hits = case_card.shared->points[IPC_POINT_BOOT_ENABLE].hits;

	(void)state;
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_ENABLE);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_ENABLE | 0xfffffffc);
	vfu_pump(&case_vfu, 50);
	assert_int_equal(reg(MARU_REG_CTRL), MARU_CTRL_ENABLE);
	assert_int_equal(case_card.shared->points[IPC_POINT_BOOT_ENABLE].hits, hits + 1);
	assert_int_equal(case_card.shared->queues, 1);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, 0);
	vfu_pump(&case_vfu, 50);
	assert_int_equal(case_card.shared->queues, 0);
	/* Without a core there is nothing to enable. */
	is_ok("{\"cmd\":\"kill\"}");
	assert_int_equal(wait_status(MARU_STATUS_CRASHED), 0);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_ENABLE);
	assert_int_equal(reg(MARU_REG_CTRL), 0);
}

static void test_boot_steps(void **state)
{
	static const char *const points[] = { "boot.start", "boot.caps", "boot.ready" };
	static const char *const actions[] = { "kill", "abort" };
	char line[100];

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		uint64_t started = case_card.life.started;

		snprintf(line, sizeof(line),
			 "{\"cmd\":\"inject\",\"point\":\"%s\",\"action\":\"%s\"}",
			 points[i % 3], actions[i / 3]);
		assert_true(is_ok(line));
		vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET);
		/* The point was taken once; the next try boots. */
		assert_int_equal(wait_status(MARU_STATUS_READY), 0);
		assert_int_equal(case_card.life.started, started + 2);
	}
	assert_true(is_ok("{\"cmd\":\"inject\",\"point\":\"boot.enable\",\"action\":\"kill\"}"));
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_ENABLE);
	assert_int_equal(wait_status(MARU_STATUS_CRASHED), 0);
}

static void test_boot_failed(void **state)
{
	int fd = arm_events();

	(void)state;
	/* FAIL stays armed: each try says so, then the card gives up. */
	assert_true(is_ok("{\"cmd\":\"inject\",\"point\":\"boot.caps\",\"action\":\"fail\"}"));
	taken(fd);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET);
	assert_int_equal(wait_status(MARU_STATUS_FAILED), 0);
	assert_int_equal(reg(MARU_REG_STATUS) >> 16, 0x42);
	assert_int_equal(case_card.life.started, 1 + LIFE_TRIES);
	assert_int_equal(taken(fd), 1);
	assert_int_equal(reg(MARU_REG_MAGIC), MARU_MAGIC);
	assert_true(is_ok("{\"cmd\":\"release\",\"point\":\"boot.caps\"}"));
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET);
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
	close(fd);
}

static void test_boot_hang(void **state)
{
	(void)state;
	assert_true(is_ok("{\"cmd\":\"hold\",\"point\":\"boot.ready\"}"));
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET);
	vfu_pump(&case_vfu, 200);
	assert_int_equal(reg(MARU_REG_STATUS), MARU_STATUS_BOOTING);
	assert_int_equal(case_card.shared->points[IPC_POINT_BOOT_READY].holding, 1);
	/* The deadline comes; here it is moved close. */
	case_card.life.deadline_ms = slot_now_ms() + 20;
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
	assert_int_equal(case_card.life.killed, 1);
}

/* State of the core's process: T is stopped. */
static char process_state(void)
{
	char path[40], what = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)case_card.life.pid);
	file = fopen(path, "r");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &what) != 1)
		what = '?';
	if (file)
		fclose(file);
	return what;
}

static void wait_stopped(int is_stopped)
{
	uint64_t end = slot_now_ms() + 2000;

	while ((process_state() == 'T') != is_stopped && slot_now_ms() < end)
		slot_step(&case_card, 1);
	assert_int_equal(process_state() == 'T', is_stopped);
}

static void test_hang(void **state)
{
	(void)state;
	assert_true(is_ok("{\"cmd\":\"hang\"}"));
	wait_stopped(1);
	assert_int_equal(reg(MARU_REG_STATUS), MARU_STATUS_READY);
	assert_true(is_ok("{\"cmd\":\"resume\"}"));
	wait_stopped(0);
	assert_int_equal(vfu_irqs(&case_vfu, ARM, 2, 0, 1, NULL, 0), 0);
	assert_int_equal(reg(MARU_REG_STATUS), MARU_STATUS_READY);
	assert_true(is_ok("{\"cmd\":\"kill\"}"));
	assert_int_equal(wait_status(MARU_STATUS_CRASHED), 0);
	assert_false(is_ok("{\"cmd\":\"hang\"}"));
	assert_false(is_ok("{\"cmd\":\"resume\"}"));
}

static void test_hold(void **state)
{
	struct wire_dma_unmap unmap = { 24, 0, 0, 4096 };
	struct wire_header header;
	int fd = case_memfd(4096);

	(void)state;
	assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, 4096, 3), 0);
	assert_true(is_ok("{\"cmd\":\"hold\",\"point\":\"dma.unmap\"}"));
	vfu_send(&case_vfu, WIRE_DMA_UNMAP, 0, &unmap, 24, NULL, 0);
	assert_int_equal(vfu_recv(&case_vfu, &header, NULL, 0, 200), VFU_SILENT);
	assert_true(is_ok("{\"cmd\":\"release\",\"point\":\"dma.unmap\"}"));
	assert_int_equal(vfu_recv(&case_vfu, &header, NULL, 0, 500), 0);
	/* It is disarmed, and so is what "none" disarms. */
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, 4096, 3), 0);
		assert_int_equal(vfu_unmap(&case_vfu, 0, 4096, 0), 0);
		assert_true(is_ok("{\"cmd\":\"inject\",\"point\":\"dma.unmap\","
				  "\"action\":\"kill\"}"));
		assert_true(is_ok("{\"cmd\":\"inject\",\"point\":\"dma.unmap\","
				  "\"action\":\"none\"}"));
	}
	assert_int_equal(reg(MARU_REG_STATUS), MARU_STATUS_READY);
	close(fd);
}

/* What the slot said to a kill and to the loss of the link. The caller frees it. */
static char *log_of_loss(const char *level)
{
	char *text = calloc(1, 4096);
	int file = case_log_begin();
	char line[60];

	snprintf(line, sizeof(line), "{\"cmd\":\"log\",\"level\":\"%s\"}", level);
	assert_true(is_ok(line));
	assert_true(is_ok("{\"cmd\":\"kill\"}"));
	assert_int_equal(wait_status(MARU_STATUS_CRASHED), 0);
	assert_true(is_ok("{\"cmd\":\"link-loss\"}"));
	vfu_pump(&case_vfu, 100);
	assert_true(is_ok("{\"cmd\":\"power-on\"}"));
	assert_int_equal(wait_status(MARU_STATUS_READY), 0);
	case_log_end();
	assert_true(pread(file, text, 4095, 0) >= 0);
	close(file);
	return text;
}

static void test_log(void **state)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		char *text = log_of_loss(levels[i]);
		json_t *answer = command("{\"cmd\":\"state\"}");

		assert_int_equal(strstr(text, "INFO slot: link lost") != NULL, i >= 2);
		assert_int_equal(strstr(text, "WARN slot: core") != NULL, i >= 1);
		assert_int_equal(case_card.shared->log_level, i);
		assert_string_equal(json_string_value(json_object_get(answer, "log")), levels[i]);
		json_decref(answer);
		free(text);
	}
	assert_true(is_ok("{\"cmd\":\"log\",\"level\":\"error\"}"));
}

static void test_spawner_gone(void **state)
{
	(void)state;
	kill(case_card.spawn.pid, SIGKILL);
	assert_int_equal(wait_status(MARU_STATUS_CRASHED), 0);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_RESET);
	assert_int_equal(wait_status(MARU_STATUS_FAILED), 0);
	assert_int_equal(reg(MARU_REG_STATUS) >> 16, LIFE_ERROR_START);
	assert_int_equal(vfu_read32(&case_vfu, 7, 0), MARU_PCI_DEVICE << 16 | MARU_PCI_VENDOR);
}

static void test_commands(void **state)
{
	static const char *const bad[] = {
		"", "nonsense", "[]", "1", "{}", "{\"cmd\":1}", "{\"cmd\":\"explode\"}",
		"{\"cmd\":\"state\",\"cmd\":\"state\"}", "{\"cmd\":\"inject\"}",
		"{\"cmd\":\"inject\",\"point\":\"boot.start\"}",
		"{\"cmd\":\"inject\",\"point\":\"no.such\",\"action\":\"kill\"}",
		"{\"cmd\":\"inject\",\"point\":\"boot.start\",\"action\":\"laugh\"}",
		"{\"cmd\":\"inject\",\"point\":\"boot.start\",\"action\":\"kill\",\"skip\":-1}",
		"{\"cmd\":\"hold\"}", "{\"cmd\":\"release\",\"point\":3}", "{\"cmd\":\"power-on\"}",
		"{\"cmd\":\"log\"}", "{\"cmd\":\"log\",\"level\":\"loud\"}",
	};
	json_t *answer;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(is_ok(bad[i]));
	assert_true(is_ok("{\"cmd\":\"log\",\"level\":\"error\"}"));
	answer = command("{\"cmd\":\"state\"}");
	assert_string_equal(json_string_value(json_object_get(answer, "core")), "ready");
	assert_string_equal(json_string_value(json_object_get(answer, "link")), "up");
	assert_int_equal(json_integer_value(json_object_get(answer, "boot_id")), 1);
	assert_int_equal(json_integer_value(json_object_get(answer, "pid")), case_card.life.pid);
	json_decref(answer);
	assert_false(case_card.is_done);
	assert_true(is_ok("{\"cmd\":\"quit\"}"));
	assert_true(case_card.is_done);
}

static void expect_point(json_t *point, const char *action, int hits)
{
	assert_string_equal(json_string_value(json_object_get(point, "action")), action);
	assert_int_equal(json_integer_value(json_object_get(point, "hits")), hits);
	assert_int_equal(json_integer_value(json_object_get(point, "holding")), 0);
	assert_int_equal(json_integer_value(json_object_get(point, "fired")), 0);
}

static void test_points(void **state)
{
	int fd = case_memfd(4096);
	json_t *answer, *points;

	(void)state;
	vfu_map(&case_vfu, fd, 0, 0, 4096, 3);
	vfu_write32(&case_vfu, 0, MARU_REG_CTRL, MARU_CTRL_ENABLE);
	vfu_unmap(&case_vfu, 0, 4096, 0);
	close(fd);
	answer = command("{\"cmd\":\"counters\"}");
	points = json_object_get(answer, "points");
	assert_int_equal(json_object_size(points), IPC_POINT_COUNT);
	for (unsigned int i = IPC_POINT_BOOT_START; i <= IPC_POINT_DMA_UNMAP; i++)
		assert_true(json_integer_value(json_object_get(points, inject_point_name(i))) > 0);
	assert_true(json_integer_value(json_object_get(answer, "messages")) > 0);
	assert_true(json_is_integer(json_object_get(json_object_get(answer, "core"), "jobs")));
	json_decref(answer);
	assert_true(is_ok("{\"cmd\":\"inject\",\"point\":\"job.tile\",\"action\":\"fail\"}"));
	answer = command("{\"cmd\":\"points\"}");
	points = json_object_get(answer, "points");
	assert_int_equal(json_object_size(points), IPC_POINT_COUNT);
	expect_point(json_object_get(points, "dma.unmap"), "none", 1);
	expect_point(json_object_get(points, "job.tile"), "fail", 0);
	json_decref(answer);
}

static void test_skip(void **state)
{
	int fd = case_memfd(4096);

	(void)state;
	assert_true(is_ok("{\"cmd\":\"inject\",\"point\":\"dma.unmap\",\"action\":\"kill\","
			  "\"skip\":2}"));
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(reg(MARU_REG_STATUS), MARU_STATUS_READY);
		assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, 4096, 3), 0);
		assert_int_equal(vfu_unmap(&case_vfu, 0, 4096, 0), 0);
	}
	assert_int_equal(reg(MARU_REG_STATUS), MARU_STATUS_CRASHED);
	close(fd);
}

static const struct CMUnitTest tests[] = {
	CASE("[LIFE-1] [REG-1] what a booted card shows", test_boot),
	CASE("[LIFE-3] [IRQ-7] [CTL-14] a crash: CRASHED, event vector, memory readable, no "
	     "other core", test_crash),
	CASE("[LIFE-4] CTRL.RESET: a new core, memory and vectors kept", test_reset),
	CASE("[LIFE-4] [PCI-5] FLR", test_flr),
	CASE("[LIFE-5] machine reset: memory zeroed", test_machine_reset),
	CASE("[LIFE-3] the core killed 50 times under reads", test_kill_many),
	CASE("[LIFE-6] [LIFE-7] [CTL-18] link loss and power on", test_link),
	CASE("[REG-5] ENABLE is taken from a READY card only", test_enable),
	CASE("[LIFE-2] a core killed at each step of its boot", test_boot_steps),
	CASE("[LIFE-2] a boot that fails: FAILED with the core's error after 3 tries",
	     test_boot_failed),
	CASE("[LIFE-2] a boot that hangs", test_boot_hang),
	CASE("[CTL-15] hang and resume", test_hang),
	CASE("[CTL-16] [CTL-17] hold and release, inject none", test_hold),
	CASE("[CTL-19] the level of the log", test_log),
	CASE("[LIFE-2] no core can be started any more", test_spawner_gone),
	CASE("[CTL-1] [CTL-2] [CTL-11] [CTL-20] commands, wrong ones too", test_commands),
	CASE("[CTL-4] [CTL-12] [CTL-13] each fault point has a counter; those of boot and unmap "
	     "were hit", test_points),
	CASE("[CTL-3] [CTL-16] hits that are let pass", test_skip),
};

CASE_MAIN("slot_life", tests)
