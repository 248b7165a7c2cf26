/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tensors of a card by the direct way that the references of the engines' tests read too. They
 * are described to those from their shapes alone: the recorder is tested along.
 */
#ifndef DIRECT_TWIN_H
#define DIRECT_TWIN_H

#include "selftests/host/direct_case.h"
#include "selftests/ref/ref.h"

#define F32	ACCEL_TYPE_F32
#define F16	ACCEL_TYPE_F16
#define BF16	ACCEL_TYPE_BF16
#define I8	ACCEL_TYPE_I8
#define I32	ACCEL_TYPE_I32
#define I64	ACCEL_TYPE_I64

/* A tensor on the card, and what it is made of as a reference reads it. */
struct twin {
	struct accel_tensor card;
	struct maru_operand host;
};

extern struct direct_case twin_case;
extern const char *twin_variant;	/* which one is tested, for messages */

/** twin_open() - Open a card, before a test. twin_close(): after it. */
int twin_open(void **state);
int twin_close(void **state);

/** twin_forget() - Let the next tensors have the memory on the host of those so far. */
void twin_forget(void);

/** twin_draw() - 31 random bits. */
uint32_t twin_draw(void);

/* Shapes are outermost first, as the library takes them. */
struct twin twin_make(enum accel_type type, unsigned int rank, const uint32_t *shape);
/** twin_some() - With numbers between -2 and 2, or whole ones of a type's range. */
struct twin twin_some(enum accel_type type, unsigned int rank, const uint32_t *shape);
/** twin_given() - With these numbers. */
struct twin twin_given(enum accel_type type, unsigned int rank, const uint32_t *shape,
		       const int32_t *numbers);

#define COUNT(...)		(sizeof(SHAPE(__VA_ARGS__)) / sizeof(uint32_t))
#define MAKE(type, ...)		twin_make(type, COUNT(__VA_ARGS__), SHAPE(__VA_ARGS__))
#define SOME(type, ...)		twin_some(type, COUNT(__VA_ARGS__), SHAPE(__VA_ARGS__))
#define GIVEN(type, numbers, ...) \
	twin_given(type, COUNT(__VA_ARGS__), SHAPE(__VA_ARGS__), numbers)

/** twin_upload() - Bring what was changed on the host to the card. */
void twin_upload(const struct twin *t);

/** twin_run() - Run what was recorded; @dst comes back to where references read. */
void twin_run(const struct twin *dst);

/** twin_at() - An element, as the host has it. */
long double twin_at(const struct twin *t, const uint64_t i[4]);

/** twin_expect() - An element of @dst is @value, within @bound. */
void twin_expect(const struct twin *dst, const uint64_t i[4], long double value,
		 long double bound);

/** twin_bits() - A parameter of a packet. */
uint32_t twin_bits(float x);

/* Each index i of a twin, i[0] innermost; of its rows when @first is 1. */
#define EACH(i, t, first)							\
	for (uint64_t i[4] = { 0 }; i[3] < (t).host.dim[3]; twin_next(i, &(t), first))
void twin_next(uint64_t i[4], const struct twin *t, unsigned int first);

#endif
