// SPDX-License-Identifier: GPL-2.0-only
/*
 * Card reset: the core dies at each step of a job, by itself, by FLR, or hangs; jobs end once
 * and as promised, memory and mappings stay, the next job runs. At the end stands the wedge.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"
#include "lib_bus.h"

#define WORDS	65536

static bool all_are(const volatile uint32_t *at, uint32_t words, uint32_t value)
{
	for (uint32_t i = 0; i < words; i++) {
		if (at[i] != value)
			return false;
	}
	return true;
}

FIXTURE(reset) {
	struct work w;
	uint32_t boot;
};

FIXTURE_SETUP(reset)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, boot_id(self->w.fd, &self->boot));
}

FIXTURE_TEARDOWN(reset)
{
	if (self->w.fd > 0)
		work_close(&self->w);
}

static int fill(struct work *w, uint32_t value)
{
	return submit_run(w->fd, w->queue, VA_COMMANDS,
			  packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, WORDS, value));
}

/* Submits a FILL without waiting; flags as in struct drm_maru_job. */
static int fill_start(struct work *w, uint32_t value, uint32_t flags)
{
	struct drm_maru_sync out = sync_signal_to(w->sync, 0);
	struct drm_maru_job job = {
		.queue = w->queue, .flags = flags, .va = VA_COMMANDS, .id = value,
		.bytes = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, WORDS, value),
		.syncs = ARRAY(&out, 1),
	};

	return submit(w->fd, &job, 1, NULL);
}

TEST_F(reset, idle_core_dies)
{
	struct drm_maru_resets before, after;
	struct work *w = &self->w;

	ASSERT_EQ(0, fill(w, 5));
	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_RESETS, &before, sizeof(before)));
	ASSERT_EQ(0, card_control("{'cmd':'kill'}"));
	ASSERT_EQ(0, boot_wait(w->fd, self->boot, WAIT_MS));
	/* memory is kept, and so are VM, queue and mapping */
	EXPECT_TRUE(all_are(w->data.map, WORDS, 5));
	EXPECT_EQ(0, fill(w, 6));
	EXPECT_TRUE(all_are(w->data.map, WORDS, 6));
	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_RESETS, &after, sizeof(after)));
	EXPECT_EQ(before.card_resets + 1, after.card_resets);
	EXPECT_EQ(0, after.wedged);
}

TEST_F(reset, flr)
{
	struct work *w = &self->w;

	ASSERT_EQ(0, fill(w, 5));
	ASSERT_EQ(0, bus_reset());
	ASSERT_EQ(0, boot_wait(w->fd, self->boot, WAIT_MS));
	EXPECT_TRUE(all_are(w->data.map, WORDS, 5));
	EXPECT_EQ(0, fill(w, 6));
}

/* A job that was under way may run again only if its submitter allowed that. */
TEST_F(reset, innocent_job_is_told)
{
	struct drm_maru_queue_info info;
	struct work *w = &self->w;

	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, fill_start(w, 7, 0));
	ASSERT_EQ(0, card_wait_holding("job.tile", WAIT_MS));
	ASSERT_EQ(0, card_control("{'cmd':'kill'}"));
	EXPECT_EQ(-ECANCELED, syncobj_result(w->fd, w->sync, 0));
	card_release("job.tile");
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_OK, info.state);
	EXPECT_EQ(1, info.innocent_resets);
	EXPECT_EQ(0, info.guilty_resets);
	EXPECT_EQ(0, fill(w, 8));
}

TEST_F(reset, idempotent_job_runs_again)
{
	struct drm_maru_queue_info info;
	struct work *w = &self->w;

	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, fill_start(w, 7, DRM_MARU_JOB_IDEMPOTENT));
	ASSERT_EQ(0, card_wait_holding("job.tile", WAIT_MS));
	ASSERT_EQ(0, card_control("{'cmd':'kill'}"));
	card_release("job.tile");
	EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 0));
	EXPECT_TRUE(all_are(w->data.map, WORDS, 7));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(0, info.innocent_resets);
}

TEST_F(reset, flr_under_load)
{
	struct work *w = &self->w;

	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, fill_start(w, 7, DRM_MARU_JOB_IDEMPOTENT));
	ASSERT_EQ(0, card_wait_holding("job.tile", WAIT_MS));
	ASSERT_EQ(0, bus_reset());
	card_release("job.tile");
	EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 0));
	EXPECT_TRUE(all_are(w->data.map, WORDS, 7));
}

/* Nobody answers an admin command: its time limit resets the card, the caller sees nothing. */
TEST_F(reset, admin_command_is_not_answered)
{
	struct drm_maru_clock clock;
	struct work *w = &self->w;

	ASSERT_EQ(0, card_arm("admin.complete", "hang", 0));
	EXPECT_EQ(0, query(w->fd, DRM_MARU_QUERY_CLOCK, &clock, sizeof(clock)));
	EXPECT_EQ(0, boot_wait(w->fd, self->boot, WAIT_MS));
	EXPECT_EQ(0, fill(w, 9));
}

TEST_F(reset, core_is_stopped)
{
	struct drm_maru_clock clock;
	struct work *w = &self->w;

	ASSERT_EQ(0, card_control("{'cmd':'hang'}"));
	EXPECT_EQ(0, query(w->fd, DRM_MARU_QUERY_CLOCK, &clock, sizeof(clock)));
	EXPECT_EQ(0, fill(w, 10));
	EXPECT_EQ(0, boot_wait(w->fd, self->boot, WAIT_MS));
}

/* The interrupt of a finished job is lost: it is noticed all the same. */
TEST_F(reset, lost_interrupt)
{
	struct work *w = &self->w;
	uint64_t fired = card_fired("event.irq");
	uint32_t now;

	ASSERT_EQ(0, card_arm("event.irq", "fail", 0));
	EXPECT_EQ(0, fill(w, 11));
	EXPECT_LT(fired, card_fired("event.irq"));
	ASSERT_EQ(0, boot_id(w->fd, &now));
	EXPECT_EQ(self->boot, now);
	card_arm("event.irq", "none", 0);
}

static int uevent_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return fd;
}

/* Whether one of the events so far has that text among its strings. */
static bool uevent_came(int fd, const char *text)
{
	char event[4096];
	bool came = false;
	ssize_t n;

	while ((n = recv(fd, event, sizeof(event) - 1, 0)) > 0) {
		event[n] = '\0';
		for (char *at = event; at < event + n; at += strlen(at) + 1)
			came |= !strcmp(at, text);
	}
	return came;
}

/* A queue that is banned: its first job is bad, the rest are cancelled. */
static int banned_queue(struct work *w, uint32_t *queue)
{
	const uint32_t at = 4096;
	struct maru_packet *bad = (struct maru_packet *)((char *)w->commands.map + at);
	uint32_t bytes = packet_nop(bad);
	int err = queue_create(w->fd, w->vm, DRM_MARU_CLASS_COMPUTE, 0, queue);

	bad->mbz = 1;
	for (int i = 0; i < 4 && !err; i++)
		err = submit_one(w->fd, *queue, VA_COMMANDS + at, bytes, i, i ? 0 : w->sync, 0);
	/* one that comes after the ban is refused */
	if (err && err != -ECANCELED)
		return err;
	return syncobj_result(w->fd, w->sync, 0) == -EINVAL ? 0 : -EBADMSG;
}

struct destroyer {
	int fd;
	uint32_t queue;
	int err;
};

static void *destroy(void *arg)
{
	struct destroyer *me = arg;

	me->err = queue_destroy(me->fd, me->queue);
	return NULL;
}

/*
 * The queue goes at any moment of a card reset, also while the new core boots, or when the core
 * dies over the command that ends it: nothing is left.
 */
TEST_F_TIMEOUT(reset, banned_queue_goes_meanwhile, 600)
{
	int rounds = getenv("MARU_FULL") ? 200 : 20;
	struct work *w = &self->w;
	struct objects before;

	ASSERT_EQ(0, objects_wait("jobs", 0, 10000));
	ASSERT_EQ(0, objects_read(&before));
	for (int i = 0; i < rounds; i++) {
		struct destroyer destroyer = { .fd = w->fd };
		bool is_held = i % 3 == 1, is_first = i % 3 == 2;
		pthread_t thread;
		uint32_t boot;

		ASSERT_EQ(0, banned_queue(w, &destroyer.queue));
		ASSERT_EQ(0, boot_id(w->fd, &boot));
		/* resets of a card that does nothing would end in the wedge */
		ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
		ASSERT_EQ(0, fill_start(w, i, DRM_MARU_JOB_IDEMPOTENT));
		ASSERT_EQ(0, card_wait_holding("job.tile", WAIT_MS));
		if (is_held)
			ASSERT_EQ(0, card_arm("boot.ready", "hold", 0));
		if (is_first) {
			ASSERT_EQ(0, card_arm("admin.fetch", "hold", 0));
			ASSERT_EQ(0, pthread_create(&thread, NULL, destroy, &destroyer));
			ASSERT_EQ(0, card_wait_holding("admin.fetch", WAIT_MS));
		}
		ASSERT_EQ(0, card_control("{'cmd':'kill'}"));
		if (is_held)
			ASSERT_EQ(0, card_wait_holding("boot.ready", WAIT_MS));
		usleep(i / 3 % 10 * 1000);
		if (!is_first)
			ASSERT_EQ(0, pthread_create(&thread, NULL, destroy, &destroyer));
		usleep(i / 3 % 10 * 1000);
		if (is_held)
			ASSERT_EQ(0, card_release("boot.ready"));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(0, destroyer.err);
		EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 0));
		EXPECT_EQ(0, boot_wait(w->fd, boot, WAIT_MS));
	}
	EXPECT_EQ(0, objects_wait_same(&before, 10000));
	EXPECT_EQ(0, fill(w, 9));
}

/* Jobs that kill core after core: the driver gives up, says so, and a new bind cures it. */
TEST_F(reset, wedged)
{
	struct drm_maru_resets resets = { 0 };
	struct drm_maru_clock clock;
	struct work *w = &self->w;
	int events = uevent_open();
	uint32_t id;

	ASSERT_GE(events, 0);
	for (int i = 0; i < 8 && !resets.wedged; i++) {
		ASSERT_EQ(0, card_arm("job.tile", "kill", 0));
		if (fill_start(w, 12, 0))
			break;
		syncobj_wait(w->fd, w->sync, 0, WAIT_MS);
		usleep(200000);
		ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_RESETS, &resets, sizeof(resets)));
	}
	card_arm("job.tile", "none", 0);
	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_RESETS, &resets, sizeof(resets)));
	EXPECT_EQ(1, resets.wedged);
	EXPECT_TRUE(uevent_came(events, "WEDGED=rebind"));
	close(events);
	EXPECT_EQ(-EIO, fill_start(w, 13, 0));
	EXPECT_EQ(-EIO, vm_create(w->fd, &id));
	EXPECT_EQ(-EIO, queue_create(w->fd, w->vm, DRM_MARU_CLASS_COMPUTE, 0, &id));
	EXPECT_EQ(-EIO, query(w->fd, DRM_MARU_QUERY_CLOCK, &clock, sizeof(clock)));
	work_close(w);
	ASSERT_EQ(0, bus_unbind());
	ASSERT_EQ(0, bus_bind());
	ASSERT_EQ(0, work_open(w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
	EXPECT_EQ(0, fill(w, 14));
}

FIXTURE(job) {
	struct work w;
};

FIXTURE_VARIANT(job) {
	const char *point;
	int err;		/* of the job there, unless it may run again */
};

#define JOB_POINT(name, p, e) FIXTURE_VARIANT_ADD(job, name) { .point = p, .err = e }

JOB_POINT(fetch, "job.fetch", -ECANCELED);
JOB_POINT(decode, "job.decode", -ECANCELED);
JOB_POINT(tile, "job.tile", -ECANCELED);
JOB_POINT(done, "job.done", -ECANCELED);
JOB_POINT(signalled, "job.signalled", 0);
JOB_POINT(event_post, "event.post", 0);
JOB_POINT(event_irq, "event.irq", 0);
JOB_POINT(walk, "mmu.walk", -ECANCELED);

FIXTURE_SETUP(job)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
}

FIXTURE_TEARDOWN(job)
{
	card_arm(variant->point, "none", 0);
	work_close(&self->w);
}

/* Runs a job in which the core dies, there and once. Returns the error of its fence. */
static int die_at(struct __test_metadata *_metadata, struct work *w, const char *point,
		  uint32_t flags)
{
	uint32_t before, after;
	uint64_t hits;
	int err;

	/* the kernel's own jobs pass there too: they have to be over */
	EXPECT_EQ(0, objects_wait("jobs", 0, 10000));
	EXPECT_EQ(0, boot_id(w->fd, &before));
	hits = card_hits(point);
	EXPECT_EQ(0, card_arm(point, "kill", 0));
	EXPECT_EQ(0, fill_start(w, 7, flags));
	err = syncobj_result(w->fd, w->sync, 0);
	EXPECT_EQ(0, boot_wait(w->fd, before, WAIT_MS));
	EXPECT_LT(hits, card_hits(point));
	EXPECT_EQ(0, boot_id(w->fd, &after));
	EXPECT_EQ(before + 1, after);
	return err;
}

/* At each step: the fence ends with the answer for it, and the next job runs. */
TEST_F(job, core_dies)
{
	struct drm_maru_queue_info info;
	struct work *w = &self->w;

	EXPECT_EQ(variant->err, die_at(_metadata, w, variant->point, 0));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(!!variant->err, info.innocent_resets);
	if (!variant->err)
		EXPECT_TRUE(all_are(w->data.map, WORDS, 7));
	EXPECT_EQ(0, fill(w, 8));
	EXPECT_TRUE(all_are(w->data.map, WORDS, 8));
}

TEST_F(job, core_dies_and_it_runs_again)
{
	struct work *w = &self->w;

	EXPECT_EQ(0, die_at(_metadata, w, variant->point, DRM_MARU_JOB_IDEMPOTENT));
	EXPECT_TRUE(all_are(w->data.map, WORDS, 7));
}

TEST_HARNESS_MAIN
