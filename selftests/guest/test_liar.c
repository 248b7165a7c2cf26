// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card that lies: events of the wrong queue and of no type, completions and fences that
 * nobody asked for, interrupts without end. Jobs end all the same, others are unharmed, and
 * what can not be lived with ends in a card reset.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"
#include "lib_bus.h"

static const char *const points[] = { "admin.answer", "event.store", "queue.done", "irq.raise" };

FIXTURE(liar) {
	struct work w;
	struct work other;
	uint32_t boot;
};

FIXTURE_SETUP(liar)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, work_open(&self->other, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, boot_id(self->w.fd, &self->boot));
}

static int fill_and_look(struct work *w, uint32_t value)
{
	int err = submit_run(w->fd, w->queue, VA_COMMANDS,
			     packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 16, value));

	if (!err && *(volatile uint32_t *)w->data.map != value)
		err = -EBADMSG;
	return err;
}

FIXTURE_TEARDOWN(liar)
{
	struct drm_maru_resets resets = { 0 };

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		card_release(points[i]);
	/* whatever happened, nobody is banned and the card works */
	EXPECT_EQ(0, fill_and_look(&self->w, 71));
	EXPECT_EQ(0, fill_and_look(&self->other, 72));
	EXPECT_EQ(0, query(self->w.fd, DRM_MARU_QUERY_RESETS, &resets, sizeof(resets)));
	EXPECT_EQ(0, resets.wedged);
	work_close(&self->w);
	work_close(&self->other);
	EXPECT_EQ(0, objects_wait("files", 0, 10000));
	EXPECT_EQ(0, objects_wait("jobs", 0, 10000));
	EXPECT_EQ(0, objects_wait("fences", 0, 10000));
}

static uint32_t boots(struct work *w)
{
	uint32_t id = 0;

	boot_id(w->fd, &id);
	return id;
}

/* Waits for a reset to be over. Returns the new boot id. */
static uint32_t boots_after(struct work *w, uint32_t old)
{
	for (int i = 0; i < 500 && boots(w) == old; i++)
		usleep(20000);
	return boots(w);
}

static uint32_t resets(struct work *w)
{
	struct drm_maru_resets resets = { .card_resets = ~0U };

	query(w->fd, DRM_MARU_QUERY_RESETS, &resets, sizeof(resets));
	return resets.card_resets;
}

/* Events are hints: with none that is right, jobs are found done, if later. */
TEST_F_TIMEOUT(liar, events, 120)
{
	uint64_t fired;

	ASSERT_EQ(0, card_arm("event.store", "fail", 0));
	fired = card_fired("event.store");
	for (uint32_t i = 0; i < 6; i++) {
		EXPECT_EQ(0, fill_and_look(&self->w, 100 + i));
		EXPECT_EQ(0, fill_and_look(&self->other, 200 + i));
	}
	EXPECT_LE(fired + 6, card_fired("event.store"));
	EXPECT_EQ(self->boot, boots(&self->w));
}

/* A few are noted and no more; many end the core. */
TEST_F_TIMEOUT(liar, completions, 120)
{
	struct drm_maru_clock clock;

	ASSERT_EQ(0, card_arm("admin.answer", "fail", 0));
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(0, query(self->w.fd, DRM_MARU_QUERY_CLOCK, &clock, sizeof(clock)));
	EXPECT_EQ(self->boot, boots(&self->w));
	for (int i = 0; i < 60; i++)
		EXPECT_EQ(0, query(self->w.fd, DRM_MARU_QUERY_CLOCK, &clock, sizeof(clock)));
	EXPECT_LE(80, card_fired("admin.answer") % 1000000);
	ASSERT_EQ(0, card_release("admin.answer"));
	EXPECT_NE(self->boot, boots_after(&self->w, self->boot));
}

/* The job that the card told the lie about is the card's victim, not guilty. */
TEST_F_TIMEOUT(liar, fences, 120)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;
	uint32_t bytes = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 16, 5);
	uint32_t before = resets(w);

	ASSERT_EQ(0, card_arm("queue.done", "fail", 0));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, bytes, 1, w->sync, 0));
	EXPECT_EQ(-ECANCELED, syncobj_result(w->fd, w->sync, 0));
	ASSERT_EQ(0, card_release("queue.done"));
	EXPECT_NE(self->boot, boots_after(w, self->boot));
	EXPECT_EQ(0, fill_and_look(w, 6));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_OK, info.state);
	EXPECT_EQ(1, info.innocent_resets);
	EXPECT_EQ(0, info.guilty_resets);
	EXPECT_EQ(2, info.submitted);
	EXPECT_EQ(2, info.done);
	/* one lie, one reset */
	EXPECT_EQ(before + 1, resets(w));
}

/* Times that a vector was served, by all CPUs; 0 when there is no such line. */
static unsigned long interrupts(const char *name)
{
	FILE *file = fopen("/proc/interrupts", "re");
	unsigned long sum = 0, a, b;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		if (strstr(line, name) && sscanf(line, " %*[^:]: %lu %lu", &a, &b) == 2)
			sum = a + b;
	}
	if (file)
		fclose(file);
	return sum;
}

static int ask_clock(struct work *w)
{
	struct drm_maru_clock clock;

	return query(w->fd, DRM_MARU_QUERY_CLOCK, &clock, sizeof(clock));
}

static int ask_fill(struct work *w)
{
	return fill_and_look(w, 9);
}

/* Storms until the vector is silent. Returns whether it is. */
static bool storm(struct __test_metadata *_metadata, struct work *w, const char *vector,
		  int (*ask)(struct work *w))
{
	unsigned long before = 0, after;

	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(0, card_arm("irq.raise", "fail", 0));
		EXPECT_EQ(0, ask(w));
		EXPECT_EQ(0, card_release("irq.raise"));
		usleep(600000);
		before = interrupts(vector);
		EXPECT_EQ(0, ask(w));
		after = interrupts(vector);
		TH_LOG("%s: %lu, then %lu", vector, before, after);
		if (before == after)
			return true;
	}
	return false;
}

/* Masked, and polled; a card reset gives the vector another chance. */
TEST_F_TIMEOUT(liar, event_storm, 180)
{
	struct work *w = &self->w;
	unsigned long before;

	ASSERT_TRUE(storm(_metadata, w, "maru-event", ask_fill));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, fill_and_look(w, 10 + i));
	EXPECT_EQ(self->boot, boots(w));
	ASSERT_EQ(0, bus_reset());
	EXPECT_NE(self->boot, boots(w));
	before = interrupts("maru-event");
	EXPECT_EQ(0, fill_and_look(w, 20));
	EXPECT_LT(before, interrupts("maru-event"));
}

TEST_F_TIMEOUT(liar, admin_storm, 180)
{
	struct work *w = &self->w;
	unsigned long before;

	ASSERT_TRUE(storm(_metadata, w, "maru-admin", ask_clock));
	EXPECT_EQ(0, ask_clock(w));
	EXPECT_EQ(0, fill_and_look(w, 11));
	EXPECT_EQ(self->boot, boots(w));
	ASSERT_EQ(0, bus_reset());
	before = interrupts("maru-admin");
	EXPECT_EQ(0, ask_clock(w));
	EXPECT_LT(before, interrupts("maru-admin"));
}

TEST_HARNESS_MAIN
