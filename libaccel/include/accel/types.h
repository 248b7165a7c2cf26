/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_TYPES_H
#define ACCEL_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_types - types and numbers that all of libaccel shares
 *
 * Numbers of element types, layouts, memory tiers, queue classes and activations. They are those
 * of the card's command stream, so that a tool may print either.
 */

#define ACCEL_VERSION_MAJOR	0
#define ACCEL_VERSION_MINOR	1
#define ACCEL_VERSION_PATCH	0

/** ACCEL_API - Marks what the shared library exports. */
#define ACCEL_API __attribute__((visibility("default")))

/** ACCEL_FOREVER - A deadline that never comes. 0 is one that has passed: look once. */
#define ACCEL_FOREVER	INT64_MAX

struct accel_device;
struct accel_memory;
struct accel_cmd;
struct accel_queue;
struct accel_timeline;

/** enum accel_type - Element types. Numbers below 0x80 are those of GGUF files. */
enum accel_type {
	ACCEL_TYPE_F32	= 0,
	ACCEL_TYPE_F16	= 1,
	ACCEL_TYPE_I8	= 24,
	ACCEL_TYPE_I16	= 25,
	ACCEL_TYPE_I32	= 26,
	ACCEL_TYPE_I64	= 27,
	ACCEL_TYPE_F64	= 28,
	ACCEL_TYPE_BF16	= 30,
	ACCEL_TYPE_U8	= 0x80,
	ACCEL_TYPE_U64	= 0x82,
	ACCEL_TYPE_NONE	= 0xff,		/* "as it is", where a parameter names a type */
};

/**
 * enum accel_layout - How the bytes of a tensor lie.
 * @ACCEL_LAYOUT_STRIDED: each element where the strides say.
 * @ACCEL_LAYOUT_K16N64: blocks of 16 k × 64 n of F32, F16 or BF16.
 * @ACCEL_LAYOUT_K16N64K2: blocks of 32 k × 64 n of F16 or BF16, pairs of k innermost.
 * @ACCEL_LAYOUT_K16N64K4: blocks of 64 k × 64 n of I8, quads of k innermost.
 *
 * accel_cmd_prepare() turns STRIDED into the others and back; docs/card.md has their formulas.
 */
enum accel_layout {
	ACCEL_LAYOUT_STRIDED	= 0,
	ACCEL_LAYOUT_K16N64	= 2,
	ACCEL_LAYOUT_K16N64K2	= 3,
	ACCEL_LAYOUT_K16N64K4	= 4,
};

/** enum accel_tier - Where memory lives. */
enum accel_tier {
	ACCEL_TIER_HBM		= 0,	/* the card's fast memory */
	ACCEL_TIER_CXL		= 1,	/* the card's large memory */
	ACCEL_TIER_SYSTEM	= 2,	/* the host's memory, read by the card over the bus */
};

#define ACCEL_TIERS	3

/** enum accel_class - What a queue's work runs on. */
enum accel_class {
	ACCEL_CLASS_COMPUTE	= 0,	/* every operation */
	ACCEL_CLASS_COPY	= 1,	/* fill, timestamp, copy of equal types */
};

/** enum accel_act - Activation at the end of a matrix product. */
enum accel_act {
	ACCEL_ACT_NONE		= 0,
	ACCEL_ACT_TANH		= 5,
	ACCEL_ACT_RELU		= 7,
	ACCEL_ACT_SIGMOID	= 8,
	ACCEL_ACT_GELU		= 9,	/* tanh form */
	ACCEL_ACT_GELU_QUICK	= 10,	/* x · sigmoid(1.702 x) */
	ACCEL_ACT_SILU		= 11,
	ACCEL_ACT_GELU_ERF	= 17,
};

/**
 * accel_version() - Tell the version of the library at run time.
 *
 * Context: Any thread.
 * Return: major << 16 | minor << 8 | patch.
 */
ACCEL_API uint32_t accel_version(void);

/**
 * accel_type_bytes() - Tell the size of an element.
 * @type: enum accel_type.
 *
 * Context: Any thread.
 * Return: bytes; 0 for a number that is no type of single elements.
 */
ACCEL_API uint32_t accel_type_bytes(enum accel_type type);

/**
 * accel_type_name() - Name a type, as "bf16".
 * @type: enum accel_type.
 *
 * Context: Any thread.
 * Return: text that stays; "?" for an unknown number.
 */
ACCEL_API const char *accel_type_name(enum accel_type type);

/**
 * accel_type_parse() - Find the type that a text names.
 * @name: "f32", "bf16", …
 *
 * Context: Any thread.
 * Return: enum accel_type; -EINVAL no type has this name, or @name is NULL.
 */
ACCEL_API int accel_type_parse(const char *name);

#ifdef __cplusplus
}
#endif

#endif
