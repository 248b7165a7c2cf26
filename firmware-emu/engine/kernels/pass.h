/* SPDX-License-Identifier: MIT */
/*
 * Loops for the frequent codes, each made for its constants. Includers define before
 * pass(code, type, pass, n, is_one, is_stream), always inline. Return: the elements done.
 */
#ifndef MARU_PASS_H
#define MARU_PASS_H

#include "firmware-emu/engine/kernels_elementwise.h"
#include "uapi/drm/maru_cmd.h"

#define PASS_INLINE	static inline __attribute__((always_inline))

PASS_INLINE size_t pass_type(unsigned int code, unsigned int type,
			     const struct kernels_pass *p, size_t n)
{
	if (code < MARU_CODE_ADD)
		return p->is_stream ? pass(code, type, p, n, 1, 1) : pass(code, type, p, n, 1, 0);
	if (p->is_one)
		return p->is_stream ? pass(code, type, p, n, 1, 1) : pass(code, type, p, n, 1, 0);
	return p->is_stream ? pass(code, type, p, n, 0, 1) : pass(code, type, p, n, 0, 0);
}

PASS_INLINE size_t pass_code(unsigned int code, const struct kernels_pass *p, size_t n)
{
	switch (p->type) {
	case MARU_TYPE_F32:
		return pass_type(code, MARU_TYPE_F32, p, n);
	case MARU_TYPE_F16:
		return pass_type(code, MARU_TYPE_F16, p, n);
	default:
		return pass_type(code, MARU_TYPE_BF16, p, n);
	}
}

static size_t pass_any(const struct kernels_pass *p, size_t n)
{
	switch (p->code) {
#define PASS(code)	case MARU_CODE_##code: return pass_code(MARU_CODE_##code, p, n)
	PASS(ADD);
	PASS(SUB);
	PASS(MUL);
	PASS(DIV);
	PASS(SILU);
	PASS(GELU);
	PASS(SCALE);
	PASS(SWIGLU);
	PASS(GEGLU);
#undef PASS
	}
	return 0;
}

#endif
