/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The operations that exist, as one table. The card's decoder, the recorder of libaccel,
 * QUERY OPS, docs/ops.md and the fuzzer's grammar are all expansions of it.
 *
 * MARU_OPS_TABLE(X): X(op, revision, classes, required, optional)
 *	classes: bit = queue class. required, optional: bits of roles.
 *
 * MARU_ROLES_TABLE(X): X(op, role, name, types, layouts, rule, flags)
 *	types: one of MARU_SET_*. layouts: bits. rule: how its dims relate to dst's.
 *
 * MARU_PARAMS_TABLE(X): X(op, field, offset, bytes, kind, low, high)
 *	offset: byte in the header line. Bytes that no row names are MBZ.
 */
#ifndef _UAPI_DRM_MARU_CMD_OPS_H_
#define _UAPI_DRM_MARU_CMD_OPS_H_

#include "maru_cmd.h"

/* A set of types: numbers below 64 in the first word, 0x80 … 0xbf in the second. */
#define MARU_SET_BIT(type)	(1ULL << ((type) & 63))
#define MARU_SET_F_LOW \
	(MARU_SET_BIT(MARU_TYPE_F32) | MARU_SET_BIT(MARU_TYPE_F16) | MARU_SET_BIT(MARU_TYPE_BF16))
#define MARU_SET_PLAIN_LOW \
	(MARU_SET_F_LOW | MARU_SET_BIT(MARU_TYPE_I8) | MARU_SET_BIT(MARU_TYPE_I16) | \
	 MARU_SET_BIT(MARU_TYPE_I32) | MARU_SET_BIT(MARU_TYPE_I64) | MARU_SET_BIT(MARU_TYPE_F64))
#define MARU_SET_PLAIN_HIGH	(MARU_SET_BIT(MARU_TYPE_U8) | MARU_SET_BIT(MARU_TYPE_U64))

#define MARU_SET_F		{ MARU_SET_F_LOW, 0 }
#define MARU_SET_F_I8		{ MARU_SET_F_LOW | MARU_SET_BIT(MARU_TYPE_I8), 0 }
#define MARU_SET_F_I32		{ MARU_SET_F_LOW | MARU_SET_BIT(MARU_TYPE_I32), 0 }
#define MARU_SET_PLAIN		{ MARU_SET_PLAIN_LOW, MARU_SET_PLAIN_HIGH }
#define MARU_SET_U64		{ 0, MARU_SET_BIT(MARU_TYPE_U64) }

#define MARU_LAYOUTS_STRIDED	(1u << MARU_LAYOUT_STRIDED)
#define MARU_LAYOUTS_PREPARED \
	((1u << MARU_LAYOUT_K16N64) | (1u << MARU_LAYOUT_K16N64K2) | (1u << MARU_LAYOUT_K16N64K4))

#define MARU_CLASSES_COMPUTE	0x1
#define MARU_CLASSES_BOTH	0x3	/* COMPUTE and COPY */

/* Rules for dims. MATMUL's own are BLK: dims 2, 3 divide dst's, index i / (D / d). */
#define MARU_RULE_OWN		0	/* of the operation */
#define MARU_RULE_SAME		1	/* equal to dst's */
#define MARU_RULE_MOD		2	/* each divides dst's, index i mod dim */
#define MARU_RULE_ROW		3	/* a vector of dst's dim[0] */

#define MARU_ROLE_WRITTEN	0x1	/* a destination: sorted strides, no overlap */
#define MARU_ROLE_MAY_BE_DST	0x2	/* may be exactly dst */
#define MARU_ROLE_ANY_STRIDE	0x4	/* stride[0] is free */
#define MARU_ROLE_TRANSPOSED	0x8	/* stride[0] is free when stride[1] is the element size */

#define MARU_OPS_TABLE(X) \
	X(NOP,		0, MARU_CLASSES_BOTH,		0x0000, 0x0000) \
	X(TIMESTAMP,	0, MARU_CLASSES_BOTH,		0x0001, 0x0000) \
	X(FILL,		0, MARU_CLASSES_BOTH,		0x0001, 0x0000) \
	X(COPY,		0, MARU_CLASSES_BOTH,		0x0003, 0x0000) \
	X(PREPARE,	0, MARU_CLASSES_COMPUTE,	0x0003, 0x0000) \
	X(MATMUL,	0, MARU_CLASSES_COMPUTE,	0x0007, 0x0018)

#define MARU_ROLES_TABLE(X) \
	X(TIMESTAMP, 0, "dst", MARU_SET_U64, MARU_LAYOUTS_STRIDED, MARU_RULE_OWN, \
	  MARU_ROLE_WRITTEN) \
	X(FILL, 0, "dst", MARU_SET_PLAIN, MARU_LAYOUTS_STRIDED, MARU_RULE_OWN, \
	  MARU_ROLE_WRITTEN | MARU_ROLE_ANY_STRIDE) \
	X(COPY, 0, "dst", MARU_SET_PLAIN, MARU_LAYOUTS_STRIDED, MARU_RULE_OWN, \
	  MARU_ROLE_WRITTEN | MARU_ROLE_ANY_STRIDE) \
	X(COPY, 1, "src", MARU_SET_PLAIN, MARU_LAYOUTS_STRIDED, MARU_RULE_OWN, \
	  MARU_ROLE_ANY_STRIDE) \
	X(PREPARE, 0, "dst", MARU_SET_F_I8, MARU_LAYOUTS_STRIDED | MARU_LAYOUTS_PREPARED, \
	  MARU_RULE_OWN, MARU_ROLE_WRITTEN | MARU_ROLE_TRANSPOSED) \
	X(PREPARE, 1, "src", MARU_SET_F_I8, MARU_LAYOUTS_STRIDED | MARU_LAYOUTS_PREPARED, \
	  MARU_RULE_SAME, MARU_ROLE_TRANSPOSED) \
	X(MATMUL, 0, "dst", MARU_SET_F_I32, MARU_LAYOUTS_STRIDED, MARU_RULE_OWN, \
	  MARU_ROLE_WRITTEN) \
	X(MATMUL, 1, "A", MARU_SET_F_I8, MARU_LAYOUTS_STRIDED | MARU_LAYOUTS_PREPARED, \
	  MARU_RULE_OWN, MARU_ROLE_TRANSPOSED) \
	X(MATMUL, 2, "B", MARU_SET_F_I8, MARU_LAYOUTS_STRIDED, MARU_RULE_OWN, \
	  MARU_ROLE_TRANSPOSED) \
	X(MATMUL, 3, "bias", MARU_SET_F, MARU_LAYOUTS_STRIDED, MARU_RULE_ROW, 0) \
	X(MATMUL, 4, "residual", MARU_SET_F, MARU_LAYOUTS_STRIDED, MARU_RULE_SAME, \
	  MARU_ROLE_MAY_BE_DST)

/* Kinds of parameters: an unsigned number in low … high, or the bits of a finite f32. */
#define MARU_PARAM_NUMBER	0
#define MARU_PARAM_FLOAT	1

#define MARU_PARAMS_TABLE(X) \
	X(FILL,		pattern,	16, 8, MARU_PARAM_NUMBER, 0, ~0ULL) \
	X(COPY,		mode,		16, 1, MARU_PARAM_NUMBER, 0, MARU_COPY_REPEAT) \
	X(MATMUL,	b_as,		16, 1, MARU_PARAM_NUMBER, 0, 0xff) \
	X(MATMUL,	act,		17, 1, MARU_PARAM_NUMBER, 0, 22) \
	X(MATMUL,	scale,		20, 4, MARU_PARAM_FLOAT, 0, 0)

#endif
