/* SPDX-License-Identifier: MIT */
/* What the matmul sample does beside using the card: options, files, the check, the report. */
#ifndef SAMPLES_SAMPLE_H
#define SAMPLES_SAMPLE_H

#include <accel/accel.h>

#include "npy.h"

/* Ends the program with the library's own words if a call fails. */
#define OK(call)							\
	do {								\
		int ok_error = (call);					\
									\
		if (ok_error)						\
			die(ok_error, "%s", accel_error_text());	\
	} while (0)

struct options {
	const char *a, *b, *c;
	int type;		/* enum accel_type, −1: that of A */
	int repeat;
};

/** die() - Print a line and end with status 1; with 4 if the error says that there is no card. */
void die(int error, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/** parse_options() - Read the command line, or end the program. */
struct options parse_options(int argc, char **argv);

/** npy_load() - Read a matrix, or end the program. */
struct npy npy_load(const char *path);

/** npy_save() - Write a matrix, or end the program. */
void npy_save(const char *path, const struct npy *npy);

/** npy_product() - Room for a · b on the card in @type, or end the program: shapes, types. */
struct npy npy_product(const struct npy *a, const struct npy *b, enum accel_type type);

/** measure_begin() - Look at the clock and at what the card has counted. */
void measure_begin(struct accel_device *card);

/** measure_end() - Look again; print the card, the speed of @repeat products, what it counted. */
void measure_end(struct accel_device *card, const struct npy *c, uint32_t k, int repeat);

/**
 * check() - Compare c with a · b in double precision, and print the result.
 *
 * Each element may differ by what rounding to @type and sums in that order can do at most: a
 * multiple of its Σ|a·b|. Large products are checked in evenly spread rows only.
 *
 * Return: exit status: 0 right, 1 wrong.
 */
int check(const struct npy *a, const struct npy *b, const struct npy *c, enum accel_type type);

#endif
