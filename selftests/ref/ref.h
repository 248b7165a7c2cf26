/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * References in extended precision. Written from docs/card.md; they share no code with the
 * card. x87 long double holds every value of every plain type exactly.
 */
#ifndef REF_H
#define REF_H

#include <stdint.h>

#include "uapi/drm/maru_cmd.h"

/** ref_load() - Value of the element at @from. */
long double ref_load(unsigned int type, const void *from);

/** ref_store() - Convert as COPY does. */
void ref_store(unsigned int type, void *to, long double value);

/** ref_round() - @value as an element of @type holds it. */
long double ref_round(unsigned int type, long double value);

/** ref_ulp() - Distance of neighbours near @value in a float type. */
long double ref_ulp(unsigned int type, long double value);

/** ref_at() - Address of an element of a strided operand whose va is a host address. */
void *ref_at(const struct maru_operand *desc, uint64_t i0, uint64_t i1, uint64_t i2, uint64_t i3);

/** ref_act() - Activation, enum maru_act. */
double ref_act(unsigned int act, double x);

/* One element of MATMUL: what it is, and how far a right result may be from it. */
struct ref_element {
	double value;
	double bound;
};

/* A MATMUL packet with strided operands; those that are not there are NULL. */
struct ref_product {
	const struct maru_params_matmul *params;
	const struct maru_operand *dst, *a, *b, *bias, *residual, *a_scale;
};

/**
 * ref_matmul() - Element (n, m) of matrix (b2, b3) of a MATMUL packet.
 * @product: a is the strided weights, also where the packet has prepared ones.
 *
 * The bound: sums of k products in f32, any order. Worst case k · 2^-24 · Σ|ab|; for rounding
 * errors that are independent 4 · √k · 2^-24 · Σ|ab| holds but for chances below 1e-15; the
 * smaller of both; none for sums of integers. Then half an ulp for each step of the epilogue
 * and for dst.
 */
struct ref_element ref_matmul(const struct ref_product *product, const uint64_t index[4]);

#endif
