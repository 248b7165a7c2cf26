// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card goes away under its users, by unbind and by link loss: jobs end -ENODEV, calls are
 * refused, mappings stay readable and writable, and after it came back everything works.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"
#include "lib_bus.h"

FIXTURE(unplug) {
	struct work w;
	bool is_lost;
};

FIXTURE_SETUP(unplug)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
	memset(self->w.data.map, 0x5a, self->w.data.size);
	memset(self->w.commands.map, 0x5a, self->w.commands.size);
}

static int card_back(bool is_lost)
{
	if (is_lost) {
		if (bus_has_card())
			bus_remove();
		/* refused while the old core is still ending */
		for (int i = 0; i < 100 && card_control("{'cmd':'power-on'}"); i++)
			usleep(50000);
		bus_rescan();
	} else if (!bus_is_bound()) {
		bus_bind();
	}
	return bus_is_bound() ? 0 : -ENODEV;
}

FIXTURE_TEARDOWN(unplug)
{
	struct work w;

	card_release("job.tile");
	work_close(&self->w);
	EXPECT_EQ(0, card_back(self->is_lost));
	ASSERT_EQ(0, work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, PAGE, DRM_MARU_TIER_HBM));
	EXPECT_EQ(0, submit_run(w.fd, w.queue, VA_COMMANDS,
				packet_fill(w.commands.map, VA_DATA, MARU_TYPE_I32, 16, 7)));
	EXPECT_EQ(7, *(uint32_t *)w.data.map);
	work_close(&w);
	EXPECT_EQ(0, objects_wait("files", 0, 10000));
	EXPECT_EQ(0, objects_wait("bos", 0, 10000));
	EXPECT_EQ(0, objects_wait("vms", 0, 10000));
	EXPECT_EQ(0, objects_wait("jobs", 0, 10000));
	EXPECT_EQ(0, bus_module_wait_unused(10000));
}

static int hold_a_job(struct work *w)
{
	uint32_t bytes = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 65536, 7);
	int err = card_arm("job.tile", "hold", 0);

	if (!err)
		err = submit_one(w->fd, w->queue, VA_COMMANDS, bytes, 1, w->sync, 0);
	return err ?: card_wait_holding("job.tile", WAIT_MS);
}

/* Returns the sync file of a syncobj's fence: it outlives the node. */
static int export(struct work *w)
{
	struct drm_syncobj_handle args = {
		.handle = w->sync, .fd = -1,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	int err = node_call(w->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	return err ?: args.fd;
}

/* Zero pages from then on that the card's loss is noticed; a SIGBUS would end the test. */
static void expect_zero_pages(struct __test_metadata *_metadata, struct work *w)
{
	volatile uint32_t *data = w->data.map, *commands = w->commands.map;
	uint32_t seen = 0;

	for (int i = 0; i < 1000 && (data[0] || commands[0]); i++)
		usleep(10000);
	for (uint64_t i = 0; i < w->data.size / 4; i++)
		seen |= data[i];
	for (uint64_t i = 0; i < w->commands.size / 4; i++)
		seen |= commands[i];
	EXPECT_EQ(0, seen);
	data[1] = 7;
	EXPECT_EQ(7, data[1]);
	EXPECT_EQ(0, commands[1]);
}

/* Every ioctl is refused, before it looks at what it was given. */
static void expect_gone(struct __test_metadata *_metadata, struct work *w)
{
	static const unsigned long calls[] = {
		DRM_IOCTL_MARU_QUERY, DRM_IOCTL_MARU_BO_CREATE, DRM_IOCTL_MARU_BO_MMAP,
		DRM_IOCTL_MARU_BO_INFO, DRM_IOCTL_MARU_BO_WAIT, DRM_IOCTL_MARU_VM_CREATE,
		DRM_IOCTL_MARU_VM_DESTROY, DRM_IOCTL_MARU_VM_BIND, DRM_IOCTL_MARU_QUEUE_CREATE,
		DRM_IOCTL_MARU_QUEUE_DESTROY, DRM_IOCTL_MARU_QUEUE_SET, DRM_IOCTL_MARU_QUEUE_INFO,
		DRM_IOCTL_MARU_SUBMIT, DRM_IOCTL_SYNCOBJ_CREATE, DRM_IOCTL_GEM_CLOSE,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char args[256] = { 0 };

		EXPECT_EQ(-ENODEV, node_call(w->fd, calls[i], args)) TH_LOG("call %zu", i);
	}
	EXPECT_EQ(-ENODEV, submit_one(w->fd, w->queue, 0, 0, 1, 0, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, w->fd, 0));
	expect_zero_pages(_metadata, w);
}

TEST_F(unplug, unbind_with_open_file)
{
	ASSERT_EQ(0, bus_unbind());
	expect_gone(_metadata, &self->w);
}

TEST_F(unplug, unbind_under_load)
{
	int file;

	ASSERT_EQ(0, hold_a_job(&self->w));
	file = export(&self->w);
	ASSERT_GE(file, 0);
	ASSERT_EQ(0, bus_unbind());
	EXPECT_EQ(0, sync_file_wait(file, WAIT_MS));
	EXPECT_EQ(-ENODEV, sync_file_error(file));
	expect_gone(_metadata, &self->w);
	close(file);
}

TEST_F(unplug, link_loss_under_load)
{
	uint64_t start;
	int file;

	ASSERT_EQ(0, hold_a_job(&self->w));
	file = export(&self->w);
	ASSERT_GE(file, 0);
	self->is_lost = true;
	start = now_ns();
	ASSERT_EQ(0, card_control("{'cmd':'link-loss'}"));
	EXPECT_EQ(0, sync_file_wait(file, WAIT_MS));
	EXPECT_EQ(-ENODEV, sync_file_error(file));
	/* noticed by the heartbeat, not by the time limit of the job */
	EXPECT_LT((now_ns() - start) / 1000000000ULL, 20);
	expect_gone(_metadata, &self->w);
	close(file);
}

TEST_F(unplug, link_loss_when_idle)
{
	struct drm_maru_clock clock;

	self->is_lost = true;
	ASSERT_EQ(0, card_control("{'cmd':'link-loss'}"));
	/* who asks first finds out */
	EXPECT_EQ(-ENODEV, query(self->w.fd, DRM_MARU_QUERY_CLOCK, &clock, sizeof(clock)));
	expect_gone(_metadata, &self->w);
}

TEST_F(unplug, link_loss_and_remove_at_once)
{
	self->is_lost = true;
	ASSERT_EQ(0, hold_a_job(&self->w));
	ASSERT_EQ(0, card_control("{'cmd':'link-loss'}"));
	ASSERT_EQ(0, bus_remove());
	expect_gone(_metadata, &self->w);
}

TEST_F(unplug, remove_and_rescan)
{
	ASSERT_EQ(0, bus_remove());
	EXPECT_FALSE(bus_has_card());
	expect_gone(_metadata, &self->w);
	ASSERT_EQ(0, bus_rescan());
	EXPECT_TRUE(bus_is_bound());
}

static int open_errno(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

/* By its own name, and by one that nobody removes: with the old device still held, and without. */
TEST_F(unplug, open_of_a_gone_card)
{
	static const char name[] = "/tmp/maru-node";
	struct stat stat;

	ASSERT_EQ(0, fstat(self->w.fd, &stat));
	ASSERT_EQ(0, mknod(name, S_IFCHR | 0600, stat.st_rdev));
	EXPECT_EQ(0, open_errno(name));
	ASSERT_EQ(0, bus_unbind());
	EXPECT_EQ(-ENOENT, node_open());
	EXPECT_EQ(-ENODEV, open_errno(name));
	work_close(&self->w);
	EXPECT_EQ(0, bus_module_wait_unused(10000));
	EXPECT_EQ(-ENODEV, open_errno(name));
	EXPECT_EQ(0, unlink(name));
}

static void *submitter(void *arg)
{
	struct work *w = arg;
	int err;

	do {
		err = submit_run(w->fd, w->queue, VA_COMMANDS,
				 packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 1024, 7));
	} while (!err);
	return (void *)(intptr_t)err;
}

TEST_F(unplug, unbind_while_others_submit)
{
	pthread_t thread;
	void *err;

	ASSERT_EQ(0, pthread_create(&thread, NULL, submitter, &self->w));
	usleep(300000);
	ASSERT_EQ(0, bus_unbind());
	ASSERT_EQ(0, pthread_join(thread, &err));
	EXPECT_EQ(-ENODEV, (int)(intptr_t)err);
}

/* A process that dies in mid-job leaves nothing behind. */
TEST_F(unplug, killed_in_mid_job)
{
	uint64_t queues = objects("queues");
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct work w;

		if (work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM) ||
		    hold_a_job(&w))
			_exit(1);
		raise(SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	/* its job is cancelled where it is held; the scrub of its memory is held there too */
	EXPECT_EQ(0, objects_wait("queues", queues, 20000));
	card_release("job.tile");
	EXPECT_EQ(0, objects_wait("files", 1, 20000));
	EXPECT_EQ(0, objects_wait("jobs", 0, 20000));
}

TEST_HARNESS_MAIN
