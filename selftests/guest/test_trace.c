// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints: each fires where it says, with the ids of the job that made it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"
#include "lib_bus.h"

#define TRACING	"/sys/kernel/tracing/"

FIXTURE(trace) {
	struct work w;
};

FIXTURE_SETUP(trace)
{
	ASSERT_EQ(0, bus_write(TRACING "trace", "\n"));
	ASSERT_EQ(0, bus_write(TRACING "events/maru/enable", "1"));
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
}

FIXTURE_TEARDOWN(trace)
{
	bus_write(TRACING "events/maru/enable", "0");
	work_close(&self->w);
}

/* Lines of the trace that hold both texts. */
static int trace_count(const char *event, const char *text)
{
	FILE *file = fopen(TRACING "trace", "re");
	char line[512];
	int count = 0;

	while (file && fgets(line, sizeof(line), file))
		count += strstr(line, event) && strstr(line, text);
	if (file)
		fclose(file);
	return count;
}

TEST_F(trace, job)
{
	struct work *w = &self->w;
	uint32_t bytes = packet_nop(w->commands.map);

	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, bytes, 48271, w->sync, 0));
	ASSERT_EQ(0, syncobj_result(w->fd, w->sync, 0));
	EXPECT_EQ(1, trace_count("maru_job_submit:", "job 48271 "));
	EXPECT_EQ(1, trace_count("maru_job_start:", "job 48271 "));
	EXPECT_EQ(1, trace_count("maru_job_done:", "job 48271 "));
	EXPECT_EQ(1, trace_count("job 48271 ", "error 0"));
	EXPECT_LE(2, trace_count("maru_bind:", " map "));
}

TEST_F(trace, fault)
{
	struct work *w = &self->w;
	uint32_t bytes = packet_fill(w->commands.map, 0x5550000000, MARU_TYPE_I32, 16, 7);

	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, bytes, 48272, w->sync, 0));
	ASSERT_EQ(-EFAULT, syncobj_result(w->fd, w->sync, 0));
	EXPECT_EQ(1, trace_count("maru_fault:", "write fault at 0x5550000000"));
	EXPECT_EQ(1, trace_count("job 48272 ", "error -14"));
}

TEST_F(trace, reset)
{
	ASSERT_EQ(0, card_control("{'cmd':'kill'}"));
	for (int i = 0; i < 200 && !trace_count("maru_reset:", "crashed"); i++)
		usleep(20000);
	EXPECT_EQ(1, trace_count("maru_reset:", "the firmware crashed"));
}

TEST_HARNESS_MAIN
