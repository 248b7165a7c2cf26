// SPDX-License-Identifier: GPL-2.0-only
/* libaccel when the card is lost to it: what an application is told, and how it goes on. */
#include <errno.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include <accel/accel.h>

#include "lib.h"
#include "lib_bus.h"

#define OK(call) do {								\
	int ok_error = (call);							\
										\
	ASSERT_EQ(0, ok_error) TH_LOG("%s", accel_error_text());		\
} while (0)

FIXTURE(lost) {
	struct accel_device *card;
	struct accel_queue *queue;
	struct accel_cmd *cmd;
	struct accel_tensor x;		/* F32 [16] */
};

static int card_open(FIXTURE_DATA(lost) *self)
{
	static const uint32_t shape[] = { 16 };
	static const float seven = 7;
	int error;

	error = accel_device_open(NULL, &self->card);
	if (!error)
		error = accel_queue_create(self->card, NULL, &self->queue);
	if (!error)
		error = accel_cmd_create(self->card, 0, &self->cmd);
	if (!error)
		error = accel_tensor_create(self->card, ACCEL_TIER_HBM, ACCEL_TYPE_F32, 1, shape,
					    &self->x);
	return error ? error : accel_cmd_fill(self->cmd, self->x, &seven);
}

static int run(FIXTURE_DATA(lost) *self)
{
	struct accel_fence fence;
	int error = accel_queue_submit(self->queue, self->cmd, &fence);

	return error ? error : accel_fence_wait(fence, ACCEL_FOREVER);
}

FIXTURE_SETUP(lost)
{
	OK(card_open(self));
	OK(run(self));
}

FIXTURE_TEARDOWN(lost)
{
	float out[16];

	card_arm("job.tile", "none", 0);
	accel_device_close(self->card);
	OK(card_open(self));
	OK(run(self));
	OK(accel_tensor_download(self->x, out, sizeof(out)));
	EXPECT_EQ(7, out[15]);
	accel_device_close(self->card);
}

/* x = x + 1, which may not run twice. */
static int add_one(FIXTURE_DATA(lost) *self)
{
	struct accel_elementwise_desc desc = { sizeof(desc), { 1, 1, 0, 0 } };

	accel_cmd_reset(self->cmd);
	return accel_cmd_unary(self->cmd, ACCEL_UNARY_SCALE, self->x, self->x, &desc);
}

/* Jobs that kill core after core: the driver gives up until it is bound again. */
TEST_F(lost, wedged)
{
	struct accel_queue_info info = ACCEL_QUEUE_INFO_INIT;
	struct accel_resets resets = { 0 };
	struct accel_queue *other;
	char text[128];

	OK(add_one(self));
	for (int i = 0; i < 8 && !resets.wedged; i++) {
		ASSERT_EQ(0, card_arm("job.tile", "kill", 0));
		run(self);
		usleep(200000);
		OK(accel_device_resets(self->card, &resets));
	}
	EXPECT_EQ(1, resets.wedged);
	OK(accel_queue_info(self->queue, &info));
	EXPECT_EQ(ACCEL_QUEUE_LOST, info.state);
	EXPECT_EQ(-EIO, info.error);
	EXPECT_EQ(-EIO, accel_queue_error(self->queue, text, sizeof(text))) TH_LOG("%s", text);
	EXPECT_EQ(-EIO, run(self)) TH_LOG("%s", accel_error_text());
	EXPECT_EQ(-EIO, accel_queue_create(self->card, NULL, &other));
	ASSERT_EQ(0, bus_unbind());
	ASSERT_EQ(0, bus_bind());
}

TEST_F(lost, removed)
{
	ASSERT_EQ(0, bus_remove());
	EXPECT_EQ(-ENODEV, run(self)) TH_LOG("%s", accel_error_text());
	ASSERT_EQ(0, bus_rescan());
}

TEST_HARNESS_MAIN
