// SPDX-License-Identifier: GPL-2.0-only
/* libaccel through the driver, by its public headers: what an application does, and its errors. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include <accel/accel.h>

#include "lib.h"

#define SHAPE(...) ((const uint32_t[]){ __VA_ARGS__ })
#define OK(call)							\
	do {								\
		int ok_error = (call);					\
									\
		ASSERT_EQ(0, ok_error)					\
			TH_LOG("%s", accel_error_text());		\
	} while (0)
#define BAD(error, call, part)						\
	do {								\
		EXPECT_EQ(error, call);					\
		EXPECT_NE(NULL, strstr(accel_error_text(), part))	\
			TH_LOG("%s", accel_error_text());		\
	} while (0)

FIXTURE(accel) {
	struct accel_device *card;
	struct accel_queue *queue;
	struct accel_cmd *cmd;
	uint64_t bos, queues;
};

FIXTURE_SETUP(accel)
{
	self->bos = objects("bos");
	self->queues = objects("queues");
	OK(accel_device_open(NULL, &self->card));
	OK(accel_queue_create(self->card, NULL, &self->queue));
	OK(accel_cmd_create(self->card, 0, &self->cmd));
}

FIXTURE_TEARDOWN(accel)
{
	accel_device_close(self->card);
	EXPECT_EQ(0, objects_wait("bos", self->bos, 10000));
	EXPECT_EQ(0, objects_wait("queues", self->queues, 10000));
}

static int run(struct accel_queue *queue, struct accel_cmd *cmd)
{
	struct accel_fence fence;
	int error = accel_queue_submit(queue, cmd, &fence);

	return error ? error : accel_fence_wait(fence, ACCEL_FOREVER);
}

static struct accel_tensor make(struct accel_device *card, enum accel_type type, uint32_t rows,
				uint32_t columns)
{
	struct accel_tensor tensor;

	if (accel_tensor_create(card, ACCEL_TIER_HBM, type, 2, SHAPE(rows, columns), &tensor))
		return accel_tensor_make(NULL, 0, ACCEL_TYPE_NONE, 9, NULL);	/* invalid */
	return tensor;
}

TEST_F(accel, says_what_it_is)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	struct accel_tier_info tier;
	struct accel_clock first, second;
	struct accel_resets resets;

	OK(accel_device_info(self->card, &info));
	EXPECT_STREQ("kernel", info.way);
	EXPECT_EQ(0, strncmp(info.path, "/dev/accel/accel", 16));
	EXPECT_EQ(0x1234, info.vendor);
	EXPECT_EQ(0x4d52, info.device);
	EXPECT_EQ(3, info.classes & 3);
	EXPECT_LT(0, info.threads);
	OK(accel_device_tier(self->card, ACCEL_TIER_HBM, &tier));
	EXPECT_EQ(1, tier.available);
	EXPECT_LT(0, tier.bytes);
	OK(accel_device_clock(self->card, &first));
	OK(accel_device_clock(self->card, &second));
	EXPECT_LT(first.card_ns, second.card_ns);
	EXPECT_LT(first.monotonic_ns, second.monotonic_ns);
	OK(accel_device_resets(self->card, &resets));
	EXPECT_EQ(0, resets.wedged);
}

TEST(open_errors)
{
	struct accel_device *card;

	BAD(-ENODEV, accel_device_open("kernel:/dev/null", &card), "/dev/null");
	BAD(-ENODEV, accel_device_open("kernel:/dev/accel/accel99", &card), "accel99");
	BAD(-ENOENT, accel_device_open("direct:/no/such/socket", &card), "/no/such/socket");
}

TEST_F(accel, memory)
{
	static const enum accel_tier tiers[] = { ACCEL_TIER_HBM, ACCEL_TIER_SYSTEM };
	uint8_t bytes[5000], back[5000];
	struct accel_memory *memory;
	uint8_t *map;
	void *pointer;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 1);
	for (int i = 0; i < 2; i++) {
		OK(accel_memory_create(self->card, tiers[i], 9000, 0, &memory));
		EXPECT_EQ(12288, accel_memory_bytes(memory));
		OK(accel_memory_map(memory, &pointer));
		map = pointer;
		for (int j = 0; j < 12288; j++)
			ASSERT_EQ(0, map[j]);
		OK(accel_memory_upload(memory, 4000, bytes, sizeof(bytes)));
		OK(accel_memory_download(memory, 4000, back, sizeof(back)));
		EXPECT_EQ(0, memcmp(bytes, back, sizeof(bytes)));
		EXPECT_EQ(0, memcmp(map + 4000, bytes, sizeof(bytes)));
		BAD(-ERANGE, accel_memory_upload(memory, 7289, bytes, 5000),
		    "7289 + 5000 of 12288");
		OK(accel_memory_wait(memory, accel_deadline(10000000000)));
		accel_memory_destroy(memory);
	}
	BAD(-EOPNOTSUPP, accel_memory_create(self->card, ACCEL_TIER_CXL, 4096, 0, &memory),
	    "tier");
	EXPECT_EQ(-E2BIG, accel_memory_create(self->card, ACCEL_TIER_HBM, 1ull << 46, 0, &memory))
		TH_LOG("%s", accel_error_text());
}

/* Row @i of a U64 [n, 2], as what a TIMESTAMP writes. */
static struct accel_tensor stamp(struct accel_tensor times, uint32_t i)
{
	return accel_tensor_reshape(accel_tensor_slice(times, 0, i, 1), 1, SHAPE(2));
}

TEST_F(accel, fill_copy_timestamp_on_both_classes)
{
	struct accel_queue_desc desc = ACCEL_QUEUE_DESC_INIT;
	struct accel_tensor x = make(self->card, ACCEL_TYPE_F32, 6, 5);
	struct accel_tensor y = make(self->card, ACCEL_TYPE_F32, 5, 6), times;
	struct accel_queue *copies;
	uint64_t stamps[4];
	float value = 2.5f, out[30];

	desc.cls = ACCEL_CLASS_COPY;
	OK(accel_queue_create(self->card, &desc, &copies));
	OK(accel_tensor_create(self->card, ACCEL_TIER_SYSTEM, ACCEL_TYPE_U64, 2, SHAPE(2, 2),
			       &times));
	OK(accel_cmd_timestamp(self->cmd, stamp(times, 0)));
	OK(accel_cmd_fill(self->cmd, x, &value));
	value = -1;
	OK(accel_cmd_fill(self->cmd, accel_tensor_slice(x, 1, 0, 1), &value));
	OK(accel_cmd_copy(self->cmd, y, accel_tensor_transpose(x)));
	OK(accel_cmd_timestamp(self->cmd, stamp(times, 1)));
	for (int i = 0; i < 2; i++) {
		OK(run(i ? copies : self->queue, self->cmd));
		OK(accel_tensor_download(y, out, sizeof(out)));
		for (int j = 0; j < 30; j++)
			EXPECT_EQ(j < 6 ? -1 : 2.5f, out[j]);
		OK(accel_tensor_download(times, stamps, sizeof(stamps)));
		EXPECT_LT(0, stamps[0]);
		EXPECT_LE(stamps[0], stamps[2]);
		memset(out, 0, sizeof(out));
		OK(accel_tensor_upload(y, out, sizeof(out)));
	}
	y = make(self->card, ACCEL_TYPE_F16, 6, 5);
	OK(accel_cmd_copy(self->cmd, y, x));
	BAD(-EOPNOTSUPP, accel_queue_submit(copies, self->cmd, NULL), "class 1");
	OK(run(self->queue, self->cmd));
}

/* ---- products against double precision ------------------------------------------------------ */

static float pseudo(uint32_t i)
{
	i = i * 2654435761u + 12345;
	i ^= i >> 15;
	return (float)((int32_t)(i * 2246822519u) >> 8) / (float)(1 << 23);
}

/* Upload as F32, convert on the card: @values keep what the card has. */
static struct accel_tensor factor(struct accel_device *card, struct accel_queue *queue,
				  enum accel_type type, uint32_t rows, uint32_t columns,
				  uint32_t seed, float *values)
{
	struct accel_tensor f32 = make(card, ACCEL_TYPE_F32, rows, columns);
	struct accel_tensor t = make(card, type, rows, columns);
	struct accel_cmd *cmd;

	for (uint32_t i = 0; i < rows * columns; i++)
		values[i] = type == ACCEL_TYPE_I8 ? rintf(pseudo(i + seed) * 100) :
						    pseudo(i + seed);
	if (accel_cmd_create(card, 0, &cmd) ||
	    accel_tensor_upload(f32, values, 4ull * rows * columns) ||
	    accel_cmd_copy(cmd, t, f32) || accel_cmd_copy(cmd, f32, t) || run(queue, cmd) ||
	    accel_tensor_download(f32, values, 4ull * rows * columns))
		return accel_tensor_make(NULL, 0, ACCEL_TYPE_NONE, 9, NULL);
	accel_cmd_destroy(cmd);
	accel_tensor_destroy(&f32);
	return t;
}

/* Largest |y − b·aᵀ| in units of 2^-24 (k + 2) Σ|a·b|. */
static double worst(const float *y, const float *a, const float *b, uint32_t m, uint32_t n,
		    uint32_t k)
{
	double most = 0;

	for (uint32_t i = 0; i < m; i++) {
		for (uint32_t j = 0; j < n; j++) {
			double sum = 0, size = 0;

			for (uint32_t x = 0; x < k; x++) {
				sum += (double)a[j * k + x] * b[i * k + x];
				size += fabs((double)a[j * k + x] * b[i * k + x]);
			}
			most = fmax(most, fabs(y[i * n + j] - sum) /
				    (size * (k + 2) * 0x1p-24 + 1e-300));
		}
	}
	return most;
}

FIXTURE(product) {
	struct accel_device *card;
	struct accel_queue *queue;
	struct accel_cmd *cmd;
	float a[70 * 90], b[33 * 90], y[33 * 70];
	uint8_t image[2][70 * 90 * 4];
};

FIXTURE_VARIANT(product) {
	enum accel_type type;
	enum accel_layout layout;
};

FIXTURE_VARIANT_ADD(product, f32) { ACCEL_TYPE_F32, ACCEL_LAYOUT_K16N64 };
FIXTURE_VARIANT_ADD(product, bf16) { ACCEL_TYPE_BF16, ACCEL_LAYOUT_K16N64K2 };
FIXTURE_VARIANT_ADD(product, f16) { ACCEL_TYPE_F16, ACCEL_LAYOUT_K16N64 };
FIXTURE_VARIANT_ADD(product, i8) { ACCEL_TYPE_I8, ACCEL_LAYOUT_K16N64K4 };

FIXTURE_SETUP(product)
{
	OK(accel_device_open(NULL, &self->card));
	OK(accel_queue_create(self->card, NULL, &self->queue));
	OK(accel_cmd_create(self->card, 0, &self->cmd));
}

FIXTURE_TEARDOWN(product)
{
	accel_device_close(self->card);
}

/* Plain, transposed and prepared weights: right, and the prepared image reads back. */
TEST_F(product, matmul)
{
	static const uint32_t sizes[][3] = {
		{ 1, 1, 1 }, { 5, 3, 7 }, { 33, 70, 90 }, { 2, 65, 33 },
	};
	struct accel_tensor a, at, ap, b, dst, back;
	uint32_t m, n, k, bytes;

	for (int i = 0; i < 4; i++) {
		m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
		a = factor(self->card, self->queue, variant->type, n, k, 1, self->a);
		b = factor(self->card, self->queue, variant->type, m, k, 9999, self->b);
		OK(accel_tensor_check(a));
		OK(accel_tensor_check(b));
		at = make(self->card, variant->type, k, n);
		back = make(self->card, variant->type, n, k);
		dst = make(self->card, variant->type == ACCEL_TYPE_I8 ? ACCEL_TYPE_I32 :
			   ACCEL_TYPE_F32, m, n);
		OK(accel_tensor_create_prepared(self->card, ACCEL_TIER_HBM, variant->type,
						variant->layout, 2, SHAPE(n, k), &ap));
		OK(accel_cmd_reset(self->cmd));
		OK(accel_cmd_copy(self->cmd, at, accel_tensor_transpose(a)));
		OK(accel_cmd_prepare(self->cmd, ap, a));
		OK(accel_cmd_prepare(self->cmd, back, ap));
		OK(run(self->queue, self->cmd));
		for (int way = 0; way < 3; way++) {
			OK(accel_cmd_reset(self->cmd));
			OK(accel_cmd_matmul(self->cmd, dst, way == 0 ? a : way == 1 ?
					    accel_tensor_transpose(at) : ap, b, NULL));
			OK(run(self->queue, self->cmd));
			OK(accel_tensor_download(dst, self->y, 4ull * m * n));
			if (variant->type == ACCEL_TYPE_I8) {
				for (uint32_t x = 0; x < m * n; x++)
					self->y[x] = (float)((int32_t *)self->y)[x];
			}
			EXPECT_GE(1.0, worst(self->y, self->a, self->b, m, n, k))
				TH_LOG("%u x %u x %u, way %d", m, n, k, way);
		}
		bytes = accel_type_bytes(variant->type) * n * k;
		OK(accel_tensor_download(a, self->image[0], bytes));
		OK(accel_tensor_download(back, self->image[1], bytes));
		EXPECT_EQ(0, memcmp(self->image[0], self->image[1], bytes));
	}
}

TEST_F(accel, epilogue_and_batches)
{
	struct accel_matmul_desc desc = ACCEL_MATMUL_DESC_INIT;
	struct accel_tensor a, b, dst, bias;
	float av[2 * 3 * 4], bv[4 * 5 * 4], cv[3], out[4 * 5 * 3], want;

	a = accel_tensor_reshape(make(self->card, ACCEL_TYPE_F32, 6, 4), 3, SHAPE(2, 3, 4));
	b = accel_tensor_reshape(make(self->card, ACCEL_TYPE_F32, 20, 4), 3, SHAPE(4, 5, 4));
	dst = accel_tensor_reshape(make(self->card, ACCEL_TYPE_F32, 20, 3), 3, SHAPE(4, 5, 3));
	bias = accel_tensor_reshape(make(self->card, ACCEL_TYPE_F32, 1, 3), 1, SHAPE(3));
	for (int i = 0; i < 24; i++)
		av[i] = (float)(i % 5 - 2);
	for (int i = 0; i < 80; i++)
		bv[i] = (float)(i % 7 - 3);
	for (int i = 0; i < 3; i++)
		cv[i] = (float)(i * 10 - 10);
	for (int i = 0; i < 60; i++)
		out[i] = (float)i;
	OK(accel_tensor_upload(a, av, sizeof(av)));
	OK(accel_tensor_upload(b, bv, sizeof(bv)));
	OK(accel_tensor_upload(bias, cv, sizeof(cv)));
	OK(accel_tensor_upload(dst, out, sizeof(out)));
	desc.bias = &bias;
	desc.residual = &dst;		/* accumulates */
	desc.act = ACCEL_ACT_RELU;
	desc.scale = 0.5f;
	OK(accel_cmd_matmul(self->cmd, dst, a, b, &desc));
	EXPECT_EQ(0, accel_cmd_is_idempotent(self->cmd));
	OK(run(self->queue, self->cmd));
	OK(accel_tensor_download(dst, out, sizeof(out)));
	for (int g = 0; g < 4; g++) {
		for (int i = 0; i < 15; i++) {
			want = 0;
			for (int x = 0; x < 4; x++)	/* a matrix of a serves two of b */
				want += av[(g / 2 * 3 + i % 3) * 4 + x] *
					bv[(g * 5 + i / 3) * 4 + x];
			want = fmaxf(want * 0.5f + cv[i % 3], 0) + (float)(g * 15 + i);
			EXPECT_EQ(want, out[g * 15 + i]);
		}
	}
}

/* ---- fences --------------------------------------------------------------------------------- */

TEST_F(accel, pending_is_pending)
{
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_tensor x = make(self->card, ACCEL_TYPE_I32, 4, 4);
	struct accel_tensor y = make(self->card, ACCEL_TYPE_I32, 4, 4);
	struct accel_timeline *go, *done;
	struct accel_fence fence, wait, signal;
	struct pollfd file = { .events = POLLIN };
	int32_t seven = 7, out[16];

	OK(accel_timeline_create(self->card, &go));
	OK(accel_timeline_create(self->card, &done));
	wait = (struct accel_fence){ go, 5 };
	signal = (struct accel_fence){ done, 2 };
	OK(accel_cmd_fill(self->cmd, x, &seven));
	EXPECT_EQ(1, accel_cmd_is_idempotent(self->cmd));
	submit.cmds = &self->cmd;
	submit.cmd_count = 1;
	submit.signals = &signal;
	submit.signal_count = 1;
	submit.waits = &wait;
	submit.wait_count = 1;
	/* What nobody has submitted yet can not be waited for by the card. */
	BAD(-EINVAL, accel_fence_export_sync_file(wait, &file.fd), "nothing is submitted");
	OK(accel_timeline_signal(go, 5));
	OK(accel_queue_submit_all(self->queue, &submit, &fence));
	OK(accel_fence_export_sync_file(fence, &file.fd));
	OK(accel_fence_wait(fence, accel_deadline(60000000000)));
	OK(accel_fence_wait(signal, accel_deadline(60000000000)));
	EXPECT_EQ(1, accel_fence_is_signalled(signal));
	EXPECT_EQ(1, poll(&file, 1, 60000));
	close(file.fd);
	OK(accel_cmd_patch(self->cmd, 0, ACCEL_ROLE_DST, y));
	OK(run(self->queue, self->cmd));
	OK(accel_tensor_download(y, out, sizeof(out)));
	EXPECT_EQ(7, out[15]);
}

TEST_F(accel, held_work_is_busy)
{
	struct accel_tensor x = make(self->card, ACCEL_TYPE_I32, 4, 4);
	struct accel_fence fence;
	int32_t seven = 7;

	OK(accel_cmd_fill(self->cmd, x, &seven));
	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	OK(accel_queue_submit(self->queue, self->cmd, &fence));
	EXPECT_EQ(0, accel_fence_is_signalled(fence));
	BAD(-ETIME, accel_fence_wait(fence, accel_deadline(20000000)), "deadline");
	BAD(-EBUSY, accel_cmd_patch(self->cmd, 0, ACCEL_ROLE_DST, x), "pending");
	BAD(-EBUSY, accel_cmd_reset(self->cmd), "pending");
	BAD(-EBUSY, accel_cmd_nop(self->cmd), "pending");
	accel_tensor_destroy(&x);	/* the card still writes it */
	ASSERT_EQ(0, card_release("job.tile"));
	OK(accel_fence_wait(fence, accel_deadline(60000000000)));
	OK(accel_cmd_reset(self->cmd));
}

/* A timeline and a sync_file travel to another handle, as they would to another process. */
TEST_F(accel, fences_travel)
{
	struct accel_device *other;
	struct accel_queue *queue;
	struct accel_cmd *cmd;
	struct accel_timeline *mine, *theirs, *file;
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_fence first, second, signal;
	int fd;

	OK(accel_device_open(NULL, &other));
	OK(accel_queue_create(other, NULL, &queue));
	OK(accel_cmd_create(other, 0, &cmd));
	OK(accel_cmd_nop(cmd));
	OK(accel_cmd_nop(self->cmd));
	OK(accel_timeline_create(self->card, &mine));
	OK(accel_timeline_export(mine, &fd));
	OK(accel_timeline_import(other, fd, &theirs));
	close(fd);
	signal = (struct accel_fence){ mine, 3 };
	submit.cmds = &self->cmd;
	submit.cmd_count = 1;
	submit.signals = &signal;
	submit.signal_count = 1;
	OK(accel_queue_submit_all(self->queue, &submit, &first));
	OK(accel_fence_export_sync_file(first, &fd));
	OK(accel_timeline_import_sync_file(other, fd, &file));
	close(fd);
	submit.signals = NULL;
	submit.signal_count = 0;
	submit.cmds = &cmd;
	submit.waits = (const struct accel_fence[]){ { theirs, 3 }, { file, 1 } };
	submit.wait_count = 2;
	OK(accel_queue_submit_all(queue, &submit, &second));
	OK(accel_fence_wait(second, accel_deadline(60000000000)));
	EXPECT_EQ(1, accel_fence_is_signalled(first));
	submit.waits = &first;
	submit.wait_count = 1;
	BAD(-EINVAL, accel_queue_submit_all(queue, &submit, &second), "wait 0: of another device");
	EXPECT_EQ(-EINVAL, accel_timeline_import(other, 0, &theirs));
	accel_device_close(other);
}

/* ---- errors --------------------------------------------------------------------------------- */

/* The node's descriptor inside the library. */
static int node_fd(void)
{
	char path[64], target[64];
	ssize_t length;

	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof(target) - 1);
		if (length > 0 && !strncmp(target, "/dev/accel/accel", 16))
			return fd;
	}
	return -1;
}

/* Memory is unmapped behind the library's back: the card's fault comes back in words. */
TEST_F(accel, fault_in_words)
{
	struct accel_tensor x = make(self->card, ACCEL_TYPE_I32, 4, 4);
	struct accel_tensor y = make(self->card, ACCEL_TYPE_I32, 4, 4);
	struct accel_queue_info info = ACCEL_QUEUE_INFO_INIT;
	struct accel_fence before, guilty, after;
	struct accel_cmd *good;
	int32_t seven = 7;
	char text[256];

	OK(accel_cmd_create(self->card, 0, &good));
	OK(accel_cmd_fill(good, y, &seven));
	OK(accel_cmd_tag(self->cmd, 4711));
	OK(accel_cmd_fill(self->cmd, y, &seven));
	OK(accel_cmd_fill(self->cmd, x, &seven));
	ASSERT_EQ(0, vm_unmap(node_fd(), 1, accel_memory_address(x.memory), 4096));
	OK(accel_queue_submit(self->queue, good, &before));
	OK(accel_queue_submit(self->queue, self->cmd, &guilty));
	if (accel_queue_submit(self->queue, good, &after))	/* it may be banned by now */
		after = guilty;
	OK(accel_fence_wait(before, accel_deadline(60000000000)));
	BAD(-EFAULT, accel_fence_wait(guilty, accel_deadline(60000000000)),
	    "packet 1 (+0x80) FILL: operand dst");
	if (after.value != guilty.value)
		EXPECT_EQ(-ECANCELED, accel_fence_wait(after, accel_deadline(60000000000)));
	EXPECT_EQ(-EFAULT, accel_queue_error(self->queue, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "FAULT_WRITE"))
		TH_LOG("%s", text);
	OK(accel_queue_info(self->queue, &info));
	EXPECT_EQ(ACCEL_QUEUE_BANNED, info.state);
	EXPECT_EQ(-EFAULT, info.error);
	EXPECT_EQ(128, info.packet_offset);
	EXPECT_EQ(4711, info.tag);
	EXPECT_EQ(accel_memory_address(x.memory), info.error_address & ~0xfffull);
	BAD(-ECANCELED, accel_queue_submit(self->queue, good, NULL), "packet 1 (+0x80) FILL");
	accel_queue_destroy(self->queue);
	OK(accel_queue_create(self->card, NULL, &self->queue));
	OK(run(self->queue, good));	/* the next one is fine */
}

TEST_F(accel, time_limit)
{
	struct accel_queue_desc desc = ACCEL_QUEUE_DESC_INIT;
	struct accel_tensor x = make(self->card, ACCEL_TYPE_I32, 4, 4);
	struct accel_queue *queue;
	struct accel_fence fence;
	int32_t seven = 7;

	desc.time_limit_ms = 200;
	OK(accel_queue_create(self->card, &desc, &queue));
	OK(accel_cmd_fill(self->cmd, x, &seven));
	ASSERT_EQ(0, card_arm("job.tile", "hang", 0));
	OK(accel_queue_submit(queue, self->cmd, &fence));
	BAD(-ETIME, accel_fence_wait(fence, accel_deadline(90000000000)), "limit");
	EXPECT_EQ(1, accel_fence_is_signalled(fence));
	card_release("job.tile");
	OK(run(self->queue, self->cmd));
}

struct worker {
	struct accel_device *card;
	uint32_t seed;
	const char *wrong;
};

/* Each thread with its own queue, buffer and tensors, on one device. */
static void *work(void *argument)
{
	struct worker *worker = argument;
	struct accel_tensor x = make(worker->card, ACCEL_TYPE_I32, 64, 64);
	struct accel_tensor y = make(worker->card, ACCEL_TYPE_I32, 64, 64);
	struct accel_queue *queue;
	struct accel_fence fence = { NULL, 0 };
	struct accel_cmd *cmd;
	int32_t out[64 * 64];

	worker->wrong = "create";
	if (accel_queue_create(worker->card, NULL, &queue) ||
	    accel_cmd_create(worker->card, 0, &cmd))
		return NULL;
	for (uint32_t i = 0; i < 20; i++) {
		int32_t value = (int32_t)(worker->seed * 1000 + i);

		worker->wrong = "submit";
		if (accel_cmd_reset(cmd) || accel_cmd_fill(cmd, x, &value) ||
		    accel_cmd_copy(cmd, y, accel_tensor_transpose(x)))
			return NULL;
		for (int j = 0; j < 5; j++) {
			if (accel_queue_submit(queue, cmd, &fence))
				return NULL;
		}
		worker->wrong = "wait";
		if (accel_fence_wait(fence, ACCEL_FOREVER) ||
		    accel_tensor_download(y, out, sizeof(out)))
			return NULL;
		worker->wrong = "value";
		if (out[0] != value || out[64 * 64 - 1] != value)
			return NULL;
	}
	accel_queue_destroy(queue);
	accel_cmd_destroy(cmd);
	worker->wrong = NULL;
	return NULL;
}

TEST_F(accel, threads)
{
	struct worker workers[4];
	pthread_t threads[4];

	for (uint32_t i = 0; i < 4; i++) {
		workers[i] = (struct worker){ self->card, i + 1, NULL };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, work, &workers[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(NULL, workers[i].wrong)
			TH_LOG("%s: %s", workers[i].wrong, accel_error_text());
	}
}

TEST_HARNESS_MAIN
