// SPDX-License-Identifier: GPL-2.0-only
/* The direct way when something ends: a core, a card, the program; and what is refused. */
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftests/host/direct_case.h"

static void test_spec(void **state)
{
	static const struct {
		const char *spec, *part;
	} wrong[] = {
		{ "direct,hmb=1G", "unknown key 'hmb': want hbm, cxl, threads or profile" },
		{ "direct:hmb=1G", "unknown key 'hmb'" },
		{ "direct,hbm=64M,colour=red", "unknown key 'colour'" },
		{ "direct,hbm", "hbm: has no value" },
		{ "direct,hbm=", "hbm: ''" },
		{ "direct,hbm=3", "hbm: '3': want a multiple of 2M" },
		{ "direct,hbm=-2M", "hbm: '-2M'" },
		{ "direct,hbm=64MB", "hbm: '64MB'" },
		{ "direct,hbm=8M", "from 16M on" },
		{ "direct,cxl=99999999999999T", "cxl: '" },
		{ "direct,threads=0", "threads: '0': want 1 to 256" },
		{ "direct,threads=two", "threads: 'two'" },
		{ "direct,profile=5", "profile: '5': want 0 to 4" },
		{ "direct,profile=", "profile: '': want 0 to 4" },
		{ "direct,profile=10", "profile: '10': want 0 to 4" },
		{ "direct:", "nothing behind the colon" },
		{ "direct:/tmp/socket,hbm=1G", "hbm: a card that runs already" },
		{ "directly", "want 'kernel'" },
	};
	struct accel_device *card;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		BAD(-EINVAL, accel_device_open(wrong[i].spec, &card), wrong[i].part);
	BAD(-ENOENT, accel_device_open("direct:/no/such/socket", &card), "/no/such/socket");
	setenv("ACCEL_CARD", "/no/such/card", 1);
	BAD(-ENOENT, accel_device_open("direct", &card), "$ACCEL_CARD: '/no/such/card'");
	setenv("ACCEL_CARD", "/bin/true", 1);
	BAD(-ENODEV, accel_device_open("direct", &card), "it ended");
	unsetenv("ACCEL_CARD");
}

static volatile sig_atomic_t child_signals;

static void on_child(int sig)
{
	(void)sig;
	child_signals++;
}

/* No SIGCHLD, no child, and nothing is left when the device is closed. */
static void test_no_child(void **state)
{
	const char *mark = case_mark();
	struct direct_case c;
	pid_t pids[8];

	(void)state;
	child_signals = 0;
	signal(SIGCHLD, on_child);
	case_open(&c);
	assert_in_range(case_processes(mark, 0, pids, 8), 2, 4);
	assert_int_equal(case_processes(mark, 1, pids, 8), 1);
	case_close(&c);
	assert_int_equal(case_wait_gone(mark, 5000), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(child_signals, 0);
	signal(SIGCHLD, SIG_DFL);
}

/* A child has its parent's handles and none of its cards. */
static void test_fork(void **state)
{
	const char *mark = case_mark();
	struct accel_fence fence;
	struct accel_memory *memory;
	struct accel_queue *queue;
	struct direct_case c;
	int status, bad = 0;
	pid_t child;

	(void)state;
	case_open(&c);
	OK(accel_cmd_nop(c.cmd));
	OK(case_run(c.queue, c.cmd));
	child = fork();
	if (!child) {
		bad |= accel_queue_submit(c.queue, c.cmd, &fence) != -ENODEV;
		bad |= accel_memory_create(c.card, ACCEL_TIER_HBM, 1, 0, &memory) != -ENODEV;
		bad |= accel_queue_create(c.card, NULL, &queue) != -ENODEV;
		bad |= !strstr(accel_error_text(), "the card is gone");
		accel_device_close(c.card);
		_exit(bad);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	OK(case_run(c.queue, c.cmd));

	/* One that outlives its parent's card does not keep it. */
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	case_close(&c);
	assert_int_equal(case_wait_gone(mark, 5000), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* However the program ends, the card does. */
static void test_program_killed(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		const char *mark = case_mark();
		struct direct_case c;
		int pipes[2];
		pid_t child;
		char byte;

		assert_int_equal(pipe(pipes), 0);
		child = fork();
		if (!child) {
			case_open(&c);
			case_slow(c.card, c.cmd, 200);
			OK(accel_queue_submit(c.queue, c.cmd, NULL));
			if (write(pipes[1], "x", 1) != 1 || how == 1)
				exit(0);
			if (how == 2)
				abort();
			pause();
		}
		assert_int_equal(read(pipes[0], &byte, 1), 1);
		if (!how)
			kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		assert_int_equal(case_wait_gone(mark, 5000), 0);
		close(pipes[0]);
		close(pipes[1]);
	}
}

/* The job that ran is lost, what waited behind it runs, and the card is as before: one reset. */
static void test_core_killed(void **state)
{
	const char *mark = case_mark();
	struct accel_queue_info info = ACCEL_QUEUE_INFO_INIT;
	struct accel_fence lost, behind;
	struct accel_resets resets;
	struct accel_cmd *good;
	struct accel_tensor x;
	struct direct_case c;
	int32_t seven = 7, got[16];
	pid_t core;

	(void)state;
	case_open(&c);
	x = case_tensor(c.card, ACCEL_TYPE_I32, 4, 4);
	OK(accel_cmd_create(c.card, 0, &good));
	OK(accel_cmd_fill(good, x, &seven));
	case_slow(c.card, c.cmd, 1000);
	assert_int_equal(accel_cmd_is_idempotent(c.cmd), 0);
	for (int round = 1; round <= 2; round++) {
		OK(accel_queue_submit(c.queue, c.cmd, &lost));
		OK(accel_queue_submit(c.queue, good, &behind));
		usleep(50000);
		assert_int_equal(case_processes(mark, 1, &core, 1), 1);
		kill(core, SIGKILL);
		assert_int_equal(accel_fence_wait(lost, accel_deadline(20000000000ll)),
				 -ECANCELED);
		OK(accel_fence_wait(behind, accel_deadline(20000000000ll)));
		OK(accel_tensor_download(x, got, sizeof(got)));
		assert_int_equal(got[15], 7);
		OK(accel_queue_info(c.queue, &info));
		assert_int_equal(info.state, ACCEL_QUEUE_OK);
		assert_int_equal(info.innocent_resets, round);
		OK(accel_device_resets(c.card, &resets));
		assert_int_equal(resets.card_resets, round);
	}
	/* Idle: found by whoever asks next. */
	assert_int_equal(case_processes(mark, 1, &core, 1), 1);
	kill(core, SIGKILL);
	OK(case_run(c.queue, good));
	OK(accel_device_resets(c.card, &resets));
	assert_int_equal(resets.card_resets, 3);
	assert_int_equal(resets.wedged, 0);
	case_close(&c);
	assert_int_equal(case_wait_gone(mark, 5000), 0);
}

static void *wait_for(void *fence)
{
	return (void *)(intptr_t)accel_fence_wait(*(struct accel_fence *)fence,
						  accel_deadline(20000000000ll));
}

/* All of the card: every call is -ENODEV, and so is who waits in another thread. */
static void test_card_killed(void **state)
{
	const char *mark = case_mark();
	struct accel_fence fence;
	struct accel_memory *memory;
	struct direct_case c;
	unsigned int count;
	pid_t pids[8];
	pthread_t thread;
	void *result;

	(void)state;
	case_open(&c);
	case_slow(c.card, c.cmd, 1000);
	OK(accel_queue_submit(c.queue, c.cmd, &fence));
	assert_int_equal(pthread_create(&thread, NULL, wait_for, &fence), 0);
	usleep(50000);
	count = case_processes(mark, 0, pids, 8);
	for (unsigned int i = 0; i < count && i < 8; i++)
		kill(pids[i], SIGKILL);
	assert_int_equal(accel_fence_wait(fence, accel_deadline(20000000000ll)), -ENODEV);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, -ENODEV);
	BAD(-ENODEV, accel_memory_create(c.card, ACCEL_TIER_HBM, 1, 0, &memory),
	    "the card is gone");
	BAD(-ENODEV, accel_queue_submit(c.queue, c.cmd, NULL), "the card is gone");
	case_close(&c);
	case_open(&c);			/* and the next one is another card */
	OK(accel_cmd_nop(c.cmd));
	OK(case_run(c.queue, c.cmd));
	case_close(&c);
}

/* A card that runs already: one program at a time, each finds it as new. */
static void test_socket(void **state)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	struct accel_device *second;
	char path[64], spec[80];
	struct direct_case c;
	pid_t card;

	(void)state;
	case_open(&c);
	OK(accel_device_info(c.card, &info));
	case_close(&c);
	snprintf(path, sizeof(path), "/tmp/test-direct-%d", (int)getpid());
	snprintf(spec, sizeof(spec), "direct:%s", path);
	card = fork();
	if (!card) {
		execl(info.path, "maru-card", "--socket", path, "--hbm", "32M", "--cxl", "0",
		      "--log", "error", NULL);
		_exit(1);
	}
	for (int i = 0; i < 500 && access(path, F_OK); i++)
		usleep(10000);
	for (int round = 0; round < 2; round++) {
		OK(accel_device_open(spec, &c.card));
		OK(accel_device_info(c.card, &info));
		assert_string_equal(info.way, "direct");
		assert_string_equal(info.path, path);
		OK(accel_queue_create(c.card, NULL, &c.queue));
		OK(accel_cmd_create(c.card, 0, &c.cmd));
		OK(accel_cmd_nop(c.cmd));
		OK(case_run(c.queue, c.cmd));
		if (round)
			BAD(-EBUSY, accel_device_open(spec, &second), "has it another client?");
		case_close(&c);
	}
	kill(card, SIGTERM);
	assert_int_equal(waitpid(card, NULL, 0), card);
}

static void test_time_limit(void **state)
{
	struct accel_queue_info info = ACCEL_QUEUE_INFO_INIT;
	struct accel_queue_desc desc = ACCEL_QUEUE_DESC_INIT;
	struct accel_fence fence;
	struct accel_resets resets;
	struct accel_queue *brief;
	struct accel_cmd *good;
	struct direct_case c;

	(void)state;
	case_open(&c);
	desc.time_limit_ms = 200;
	OK(accel_queue_create(c.card, &desc, &brief));
	OK(accel_cmd_create(c.card, 0, &good));
	OK(accel_cmd_nop(good));
	case_slow(c.card, c.cmd, 4000);
	OK(accel_queue_submit(brief, c.cmd, &fence));
	assert_int_equal(accel_fence_wait(fence, accel_deadline(30000000000ll)), -ETIME);
	OK(accel_queue_info(brief, &info));
	assert_int_equal(info.state, ACCEL_QUEUE_BANNED);
	assert_int_equal(info.error, -ETIME);
	assert_int_equal(info.guilty_resets, 1);
	assert_int_equal(accel_queue_submit(brief, good, NULL), -ECANCELED);
	OK(accel_device_resets(c.card, &resets));
	assert_int_equal(resets.queue_resets, 1);
	assert_int_equal(resets.card_resets, 0);
	OK(case_run(c.queue, good));
	case_close(&c);
}

/* A plain "direct", with the card's own sizes. What it takes shows the bench's case first-job. */
static void test_plain(void **state)
{
	struct accel_tier_info tier;
	struct direct_case c;

	(void)state;
	OK(accel_device_open("direct", &c.card));
	OK(accel_queue_create(c.card, NULL, &c.queue));
	OK(accel_cmd_create(c.card, 0, &c.cmd));
	OK(accel_cmd_nop(c.cmd));
	OK(case_run(c.queue, c.cmd));
	OK(accel_device_tier(c.card, ACCEL_TIER_HBM, &tier));
	assert_int_equal(tier.bytes, 512 << 20);
	OK(accel_device_tier(c.card, ACCEL_TIER_CXL, &tier));
	assert_int_equal(tier.bytes, 1 << 30);
	case_close(&c);
}

/* A program without any right: another user, no capabilities, no way to gain some. */
static void test_unprivileged(void **state)
{
	struct direct_case c;
	pid_t child;
	int status;

	(void)state;
	child = fork();
	if (!child) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (!getuid() && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
			exit(2);
		case_open(&c);
		OK(accel_cmd_nop(c.cmd));
		OK(case_run(c.queue, c.cmd));
		exit(getuid() ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* SIGKILL at any moment of accel_device_open() leaves nothing either. */
static void test_killed_at_start(void **state)
{
	const char *mark = case_mark();
	struct direct_case c;
	pid_t child;

	(void)state;
	for (int round = 0; round < 24; round++) {
		child = fork();
		if (!child) {
			case_open(&c);
			pause();
		}
		usleep((useconds_t)(round * round * 250));	/* up to 130 ms */
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	assert_int_equal(case_wait_gone(mark, 5000), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec), cmocka_unit_test(test_no_child),
		cmocka_unit_test(test_fork), cmocka_unit_test(test_program_killed),
		cmocka_unit_test(test_core_killed), cmocka_unit_test(test_card_killed),
		cmocka_unit_test(test_time_limit), cmocka_unit_test(test_socket),
		cmocka_unit_test(test_plain), cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_killed_at_start),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
