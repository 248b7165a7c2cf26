// SPDX-License-Identifier: MIT
/* See card.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "card.h"

void die(int error, const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fprintf(stderr, "generate: ");
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "\n");
	exit(error == -ENODEV ? 4 : 1);
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void card_wait(struct accel_fence fence)
{
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
}
