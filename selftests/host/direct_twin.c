// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "selftests/host/direct_twin.h"
#include "selftests/ref/ref_rows.h"

struct direct_case twin_case;
const char *twin_variant = "";
static uint8_t arena[4 << 20] __attribute__((aligned(64)));
static size_t arena_used;

int twin_open(void **state)
{
	(void)state;
	arena_used = 0;
	case_open(&twin_case);
	return 0;
}

int twin_close(void **state)
{
	(void)state;
	case_close(&twin_case);
	return 0;
}

uint32_t twin_bits(float x)
{
	uint32_t word;

	memcpy(&word, &x, sizeof(word));
	return word;
}

void twin_forget(void)
{
	arena_used = 0;
}

static void *host_of(const struct twin *t)
{
	return (void *)(uintptr_t)t->host.va;
}

static uint64_t host_bytes(const struct twin *t)
{
	return t->host.stride[3] * t->host.dim[3];
}

void twin_upload(const struct twin *t)
{
	OK(accel_tensor_upload(t->card, host_of(t), host_bytes(t)));
}

struct twin twin_make(enum accel_type type, unsigned int rank, const uint32_t *shape)
{
	struct twin t = { .host = { .type = (uint8_t)type } };
	uint64_t stride = accel_type_bytes(type);

	OK(accel_tensor_create(twin_case.card, ACCEL_TIER_HBM, type, rank, shape, &t.card));
	for (unsigned int i = 0; i < 4; i++) {
		t.host.dim[i] = i < rank ? shape[rank - 1 - i] : 1;
		t.host.stride[i] = stride;
		stride *= t.host.dim[i];
	}
	assert_true(arena_used + stride <= sizeof(arena));
	t.host.va = (uintptr_t)(arena + arena_used);
	arena_used += (stride + 63) / 64 * 64;
	memset(host_of(&t), 0, stride);
	return t;
}

uint32_t twin_draw(void)
{
	static uint64_t seed = 20;

	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(seed >> 33);
}

struct twin twin_some(enum accel_type type, unsigned int rank, const uint32_t *shape)
{
	struct twin t = twin_make(type, rank, shape);
	uint64_t size = accel_type_bytes(type);

	for (uint64_t i = 0; i < host_bytes(&t) / size; i++) {
		double x = (double)twin_draw() * 0x1p-29 - 2;

		ref_store(type, (uint8_t *)host_of(&t) + i * size,
			  type == I8 ? trunc(x * 63) : type == I32 ? trunc(x * 1e9) : x);
	}
	twin_upload(&t);
	return t;
}

struct twin twin_given(enum accel_type type, unsigned int rank, const uint32_t *shape,
			 const int32_t *numbers)
{
	struct twin t = twin_make(type, rank, shape);
	uint64_t size = accel_type_bytes(type);

	for (uint64_t i = 0; i < host_bytes(&t) / size; i++)
		ref_store(type, (uint8_t *)host_of(&t) + i * size, numbers[i]);
	twin_upload(&t);
	return t;
}

void twin_run(const struct twin *dst)
{
	int error = case_run(twin_case.queue, twin_case.cmd);
	char text[256];

	if (error && accel_queue_error(twin_case.queue, text, sizeof(text)))
		print_message("# %s: %s\n", twin_variant, text);
	assert_int_equal(error, 0);
	OK(accel_cmd_reset(twin_case.cmd));
	OK(accel_tensor_download(dst->card, host_of(dst), host_bytes(dst)));
}

long double twin_at(const struct twin *t, const uint64_t i[4])
{
	return ref_load(t->host.type, ref_at(&t->host, i[0], i[1], i[2], i[3]));
}

void twin_expect(const struct twin *dst, const uint64_t i[4], long double value,
		   long double bound)
{
	long double got = twin_at(dst, i);
	struct ref_value want = { value, bound };

	if (!ref_rows_is_right(want, got))
		fail_msg("%s: element %d %d %d %d: %.9Lg, not %.9Lg within %.3Lg", twin_variant,
			 (int)i[3], (int)i[2], (int)i[1], (int)i[0], got, value, bound);
}

void twin_next(uint64_t i[4], const struct twin *t, unsigned int first)
{
	unsigned int at = first;

	while (++i[at] == t->host.dim[at] && at < 3)
		i[at++] = 0;
}
