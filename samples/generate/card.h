/* SPDX-License-Identifier: MIT */
/* What all files of this sample that use the card share. */
#ifndef GENERATE_CARD_H
#define GENERATE_CARD_H

#include <accel/accel.h>

#define SHAPE(...)	((const uint32_t[]){ __VA_ARGS__ })

/* Ends the program with the library's own words if a call fails. */
#define OK(call)							\
	do {								\
		int ok_error = (call);					\
									\
		if (ok_error)						\
			die(ok_error, "%s", accel_error_text());	\
	} while (0)

struct card {
	struct accel_device *device;
	struct accel_queue *queue;
};

/** die() - Print a line and end with status 1; with 4 if the error says that there is no card. */
void die(int error, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/** now() - CLOCK_MONOTONIC in ns. */
uint64_t now(void);

/** card_wait() - Wait for a fence; end the program if its work failed. */
void card_wait(struct accel_fence fence);

#endif
