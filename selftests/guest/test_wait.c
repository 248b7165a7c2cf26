// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that wait end at their deadline, and with a signal whose handler does not restart them:
 * -ETIME and -EINTR. The card is held, so that it is sure that they wait.
 */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"
#include "lib_bus.h"

FIXTURE(wait) {
	struct work w;
	struct drm_maru_bo_wait idle;	/* of w.data, for a minute */
};

FIXTURE_SETUP(wait)
{
	/* all of HBM is dirty after a bind, so that what is allocated is cleared */
	ASSERT_EQ(0, bus_unbind());
	ASSERT_EQ(0, bus_bind());
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 60000, MIB, DRM_MARU_TIER_HBM));
	self->idle = (struct drm_maru_bo_wait){
		.handle = self->w.data.handle, .deadline_ns = now_ns() + WAIT_MS * 1000000ULL,
	};
	ASSERT_EQ(0, node_call(self->w.fd, DRM_IOCTL_MARU_BO_WAIT, &self->idle));
}

FIXTURE_TEARDOWN(wait)
{
	card_release("job.tile");
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
	work_close(&self->w);
}

static uint32_t fill(struct work *w)
{
	return packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 1024, 7);
}

static int hold_a_job(struct work *w)
{
	int err = card_arm("job.tile", "hold", 0);

	if (!err)
		err = submit_one(w->fd, w->queue, VA_COMMANDS, fill(w), 1, 0, 0);
	return err ?: card_wait_holding("job.tile", WAIT_MS);
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* ioctl(2) as it is, under signals that come again and again. Returns 0 or -errno. */
static int call_under_signals(int fd, unsigned long request, void *arg)
{
	const struct itimerval ticks = { { 0, 50000 }, { 0, 50000 } }, none = { };
	const struct sigaction action = { .sa_handler = on_alarm };	/* no SA_RESTART */
	int err;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &ticks, NULL);
	err = ioctl(fd, request, arg) ? -errno : 0;
	setitimer(ITIMER_REAL, &none, NULL);
	return err;
}

TEST_F(wait, bo_wait_until_its_deadline)
{
	struct drm_maru_bo_wait brief = self->idle;
	int fd = self->w.fd;

	ASSERT_EQ(0, hold_a_job(&self->w));
	brief.deadline_ns = now_ns() + 100000000;
	EXPECT_EQ(-ETIME, node_call(fd, DRM_IOCTL_MARU_BO_WAIT, &brief));
	EXPECT_LE(brief.deadline_ns, now_ns());
	/* one in the past looks once */
	brief.deadline_ns = 0;
	EXPECT_EQ(-ETIME, node_call(fd, DRM_IOCTL_MARU_BO_WAIT, &brief));
	ASSERT_EQ(0, card_release("job.tile"));
	EXPECT_EQ(0, node_call(fd, DRM_IOCTL_MARU_BO_WAIT, &self->idle));
	EXPECT_EQ(0, node_call(fd, DRM_IOCTL_MARU_BO_WAIT, &brief));
}

TEST_F(wait, bo_wait_and_a_signal)
{
	int fd = self->w.fd;

	ASSERT_EQ(0, hold_a_job(&self->w));
	EXPECT_EQ(-EINTR, call_under_signals(fd, DRM_IOCTL_MARU_BO_WAIT, &self->idle));
	ASSERT_EQ(0, card_release("job.tile"));
	EXPECT_EQ(0, node_call(fd, DRM_IOCTL_MARU_BO_WAIT, &self->idle));
}

/* Both wait for the VM, which a page fault holds that waits for the card's clear. */
TEST_F(wait, submit_and_vm_bind_and_a_signal)
{
	struct work *w = &self->w;
	struct drm_maru_bind_op op = { .op = DRM_MARU_BIND_UNMAP, .va = VA_DATA, .bytes = MIB };
	struct drm_maru_vm_bind bind = { .vm = w->vm, .ops = ARRAY(&op, 1) };
	struct drm_maru_job job = { .queue = w->queue };
	struct drm_maru_submit empty = { .jobs = ARRAY(&job, 1) };
	struct drm_maru_queue_info info;
	int err = 0, status = -1;
	uint64_t taken = 0;
	struct bo fresh;
	pid_t child;

	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, bo_create(w->fd, &fresh, MIB, DRM_MARU_TIER_HBM, w->vm));
	ASSERT_EQ(0, bo_map(w->fd, &fresh));
	ASSERT_EQ(0, card_wait_holding("job.tile", WAIT_MS));
	child = fork();
	if (!child)
		_exit(*(volatile uint8_t *)fresh.map);
	/* as soon as it is there, and then it stays */
	for (; taken < 100 && !err; taken += !err) {
		usleep(10000);
		err = call_under_signals(w->fd, DRM_IOCTL_MARU_SUBMIT, &empty);
	}
	ASSERT_EQ(-EINTR, err);
	EXPECT_EQ(~0U, empty.refused);
	EXPECT_EQ(-EINTR, call_under_signals(w->fd, DRM_IOCTL_MARU_VM_BIND, &bind));
	ASSERT_EQ(0, card_release("job.tile"));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	/* nothing has happened */
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(taken, info.submitted);
	EXPECT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, fill(w)));
}

TEST_HARNESS_MAIN
