/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Codes of ELEMENTWISE whose results of floats have the same bits on every card: docs/card.md
 * [DET-3]. test_levels shows it, docs/ops.md is made from it. X(code, p[0], p[1]): bits of some
 * parameters.
 */
#ifndef EXACT_CODES_H
#define EXACT_CODES_H

#define EXACT_CODES(X) \
	X(ABS, 0, 0) X(SGN, 0, 0) X(NEG, 0, 0) X(STEP, 0, 0) X(RELU, 0, 0) X(FLOOR, 0, 0) \
	X(CEIL, 0, 0) X(ROUND, 0, 0) X(TRUNC, 0, 0) X(SQR, 0, 0) X(SQRT, 0, 0) \
	X(LEAKY_RELU, 0x3dcccccd, 0) X(SCALE, 0x3f9d70a4, 0xbe99999a) \
	X(CLAMP, 0xbf000000, 0x3f800000) \
	X(ADD, 0, 0) X(SUB, 0, 0) X(MUL, 0, 0) X(DIV, 0, 0) X(MIN, 0, 0) X(MAX, 0, 0) \
	X(REGLU, 0, 0)

#endif
