// SPDX-License-Identifier: MIT
/* The public numbers: they are those of the contract, without its headers. */
#include <errno.h>
#include <string.h>

#include <accel/queue.h>

#include <drm/maru_accel.h>
#include <drm/maru_cmd.h>

#define SAME(public, contract) \
	_Static_assert((int)(public) == (int)(contract), #public " differs from " #contract)
#define TYPE(name) SAME(ACCEL_TYPE_##name, MARU_TYPE_##name)
#define ACT(name) SAME(ACCEL_ACT_##name, MARU_ACT_##name)

TYPE(F32);
TYPE(F16);
TYPE(I8);
TYPE(I16);
TYPE(I32);
TYPE(I64);
TYPE(F64);
TYPE(BF16);
TYPE(U8);
TYPE(U64);
TYPE(NONE);
ACT(NONE);
ACT(TANH);
ACT(RELU);
ACT(SIGMOID);
ACT(GELU);
ACT(GELU_QUICK);
ACT(SILU);
ACT(GELU_ERF);
SAME(ACCEL_LAYOUT_STRIDED, MARU_LAYOUT_STRIDED);
SAME(ACCEL_LAYOUT_K16N64, MARU_LAYOUT_K16N64);
SAME(ACCEL_LAYOUT_K16N64K2, MARU_LAYOUT_K16N64K2);
SAME(ACCEL_LAYOUT_K16N64K4, MARU_LAYOUT_K16N64K4);
SAME(ACCEL_ROLE_DST, MARU_ROLE_DST);
SAME(ACCEL_ROLE_SRC, MARU_ROLE_SRC);
SAME(ACCEL_ROLE_MATMUL_A, MARU_ROLE_A);
SAME(ACCEL_ROLE_MATMUL_B, MARU_ROLE_B);
SAME(ACCEL_ROLE_MATMUL_BIAS, MARU_ROLE_BIAS);
SAME(ACCEL_ROLE_MATMUL_RESIDUAL, MARU_ROLE_RESIDUAL);
SAME(ACCEL_TIER_HBM, DRM_MARU_TIER_HBM);
SAME(ACCEL_TIER_CXL, DRM_MARU_TIER_CXL);
SAME(ACCEL_TIER_SYSTEM, DRM_MARU_TIER_SYSTEM);
SAME(ACCEL_CLASS_COMPUTE, DRM_MARU_CLASS_COMPUTE);
SAME(ACCEL_CLASS_COPY, DRM_MARU_CLASS_COPY);
SAME(ACCEL_PRIORITY_LOW, DRM_MARU_PRIORITY_LOW);
SAME(ACCEL_PRIORITY_NORMAL, DRM_MARU_PRIORITY_NORMAL);
SAME(ACCEL_PRIORITY_HIGH, DRM_MARU_PRIORITY_HIGH);
SAME(ACCEL_PRIORITY_REALTIME, DRM_MARU_PRIORITY_REALTIME);
SAME(ACCEL_QUEUE_OK, DRM_MARU_QUEUE_STATE_OK);
SAME(ACCEL_QUEUE_BANNED, DRM_MARU_QUEUE_STATE_BANNED);
SAME(ACCEL_QUEUE_LOST, DRM_MARU_QUEUE_STATE_LOST);

static const struct {
	const char *name;
	enum accel_type type;
} names[] = {
	{ "f32", ACCEL_TYPE_F32 }, { "f16", ACCEL_TYPE_F16 }, { "bf16", ACCEL_TYPE_BF16 },
	{ "f64", ACCEL_TYPE_F64 }, { "i8", ACCEL_TYPE_I8 }, { "i16", ACCEL_TYPE_I16 },
	{ "i32", ACCEL_TYPE_I32 }, { "i64", ACCEL_TYPE_I64 }, { "u8", ACCEL_TYPE_U8 },
	{ "u64", ACCEL_TYPE_U64 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

uint32_t accel_version(void)
{
	return ACCEL_VERSION_MAJOR << 16 | ACCEL_VERSION_MINOR << 8 | ACCEL_VERSION_PATCH;
}

uint32_t accel_type_bytes(enum accel_type type)
{
	return maru_type_bytes(type);
}

const char *accel_type_name(enum accel_type type)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	return "?";
}

int accel_type_parse(const char *name)
{
	for (size_t i = 0; name && i < COUNT(names); i++) {
		if (!strcmp(names[i].name, name))
			return names[i].type;
	}
	return -EINVAL;
}
