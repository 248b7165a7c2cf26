// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill -9 at any moment: nothing is left behind, and nobody else notices.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "kselftest_harness.h"

FIXTURE(kill) {
	struct work w;
	uint64_t queues;
	uint64_t vms;
	uint64_t bos;
};

FIXTURE_SETUP(kill)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
	/* also the card's and the driver's first-time things */
	ASSERT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
	self->queues = objects("queues");
	self->vms = objects("vms");
	self->bos = objects("bos");
}

FIXTURE_TEARDOWN(kill)
{
	work_close(&self->w);
}

/* Submits without end; never waits for more than room. */
static void child_load(uint32_t cls)
{
	struct work w;
	uint32_t bytes;

	if (work_open(&w, cls, 0, MIB, DRM_MARU_TIER_HBM))
		_exit(1);
	bytes = packet_busy(w.commands.map, 200, VA_DATA, MIB);
	for (uint64_t i = 1; ; i++) {
		if (submit_one(w.fd, w.queue, VA_COMMANDS, bytes, i, w.sync, i))
			_exit(2);
		if (i > 32 && syncobj_wait(w.fd, w.sync, i - 32, WAIT_MS))
			_exit(3);
	}
}

static pid_t start(void (*run)(uint32_t), uint32_t arg)
{
	pid_t pid = fork();

	if (!pid) {
		run(arg);
		_exit(4);
	}
	return pid;
}

static int end(pid_t pid)
{
	int status = 0;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

TEST_F_TIMEOUT(kill, under_load, 300)
{
	int rounds = getenv("MARU_FULL") ? 200 : 10;

	for (int i = 0; i < rounds; i++) {
		pid_t a = start(child_load, DRM_MARU_CLASS_COMPUTE);
		pid_t b = start(child_load, DRM_MARU_CLASS_COPY);

		usleep(1000 * (rand() % 300));
		EXPECT_EQ(SIGKILL, end(a));
		EXPECT_EQ(SIGKILL, end(b));
		EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
	}
	EXPECT_EQ(0, objects_wait("queues", self->queues, 10000));
	EXPECT_EQ(0, objects_wait("vms", self->vms, 10000));
	EXPECT_EQ(0, objects_wait("bos", self->bos, 10000));
	EXPECT_EQ(0, objects_wait("jobs", 0, 10000));
	EXPECT_EQ(0, objects_wait("fences", 0, 10000));
}

static void child_one(uint32_t unused)
{
	struct work w;

	(void)unused;
	if (work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM))
		_exit(1);
	submit_one(w.fd, w.queue, VA_COMMANDS,
		   packet_fill(w.commands.map, VA_DATA, MARU_TYPE_U8, MIB, 1), 1, w.sync, 0);
	pause();
}

/* The card holds its job: closing takes it away from the card. */
TEST_F_TIMEOUT(kill, while_the_card_holds_its_job, 120)
{
	uint32_t before = 0, after = 0;
	pid_t pid;

	ASSERT_EQ(0, boot_id(self->w.fd, &before));
	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	pid = start(child_one, 0);
	EXPECT_EQ(0, card_wait_holding("job.tile", 20000));
	EXPECT_EQ(SIGKILL, end(pid));
	EXPECT_EQ(0, objects_wait("queues", self->queues, 10000));
	EXPECT_EQ(0, card_release("job.tile"));
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
	ASSERT_EQ(0, boot_id(self->w.fd, &after));
	EXPECT_EQ(before, after);
	EXPECT_EQ(0, objects_wait("bos", self->bos, 10000));
}

/* The card can not let go of it: closing waits for a new core, and not for ever. */
TEST_F_TIMEOUT(kill, while_an_engine_is_stuck, 180)
{
	uint64_t start_ns;
	uint32_t boot;
	pid_t pid;

	ASSERT_EQ(0, boot_id(self->w.fd, &boot));
	ASSERT_EQ(0, card_arm("job.tile", "hang", 0));
	pid = start(child_one, 0);
	for (int i = 0; i < 2000 && card_fired("job.tile") - 1 > 1000; i++)
		usleep(10000);
	start_ns = now_ns();
	EXPECT_EQ(SIGKILL, end(pid));
	EXPECT_EQ(0, card_release("job.tile"));
	EXPECT_EQ(0, objects_wait("queues", self->queues, 30000));
	EXPECT_GT(30000000000ULL, now_ns() - start_ns);
	EXPECT_EQ(0, boot_wait(self->w.fd, boot, WAIT_MS));
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
	EXPECT_EQ(0, objects_wait("bos", self->bos, 10000));
}

static void child_create(uint32_t unused)
{
	int fd = node_open_wait(10000);

	(void)unused;
	for (;;) {
		uint32_t vm, queue;

		if (vm_create(fd, &vm) || queue_create(fd, vm, 0, 0, &queue) ||
		    queue_destroy(fd, queue) || vm_destroy(fd, vm))
			_exit(1);
	}
}

/* Between any two steps of making and unmaking. */
TEST_F_TIMEOUT(kill, while_objects_are_made, 300)
{
	int rounds = getenv("MARU_FULL") ? 500 : 20;

	for (int i = 0; i < rounds; i++) {
		pid_t pid = start(child_create, 0);

		usleep(20000 + 1000 * (rand() % 50));
		EXPECT_EQ(SIGKILL, end(pid));
	}
	EXPECT_EQ(0, objects_wait("queues", self->queues, 10000));
	EXPECT_EQ(0, objects_wait("vms", self->vms, 10000));
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
}

TEST_HARNESS_MAIN
