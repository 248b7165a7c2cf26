/* SPDX-License-Identifier: MIT */
/* One element of a float type; loops over many of one type have it as a constant. */
#ifndef MARU_ELEMENT_H
#define MARU_ELEMENT_H

#include <stddef.h>

#include "firmware-emu/engine/numeric.h"
#include "uapi/drm/maru_cmd.h"

static inline size_t element_bytes(unsigned int type)
{
	return type == MARU_TYPE_F32 ? 4 : 2;
}

static inline float element_load(unsigned int type, const void *from, size_t i)
{
	if (type == MARU_TYPE_F32)
		return ((const float *)from)[i];
	if (type == MARU_TYPE_F16)
		return numeric_from_f16(((const uint16_t *)from)[i]);
	return numeric_from_bf16(((const uint16_t *)from)[i]);
}

static inline void element_store(unsigned int type, void *to, size_t i, float x)
{
	if (type == MARU_TYPE_F32)
		((float *)to)[i] = x;
	else if (type == MARU_TYPE_F16)
		((uint16_t *)to)[i] = numeric_to_f16(x);
	else
		((uint16_t *)to)[i] = numeric_to_bf16(x);
}

#endif
