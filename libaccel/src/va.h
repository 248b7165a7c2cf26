/* SPDX-License-Identifier: MIT */
/*
 * The card's address space, shared out. Pure: no locks, no calls but malloc(). Behind each block
 * lies a gap of at least ACCEL_VA_GAP that is never given out.
 */
#ifndef ACCEL_VA_H
#define ACCEL_VA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define ACCEL_VA_GAP		(64ull << 10)
#define ACCEL_VA_ALIGN		(2ull << 20)
#define ACCEL_VA_LOW_END	(4ull << 30)	/* below: command buffers */

struct accel_va_hole {
	LIST_ENTRY(accel_va_hole) entry;
	uint64_t start, end;
};

LIST_HEAD(accel_va_holes, accel_va_hole);	/* by rising address, never adjacent */

struct accel_va {
	struct accel_va_holes low, high;
};

/**
 * accel_va_init() - Start with everything free.
 * @va: to set up.
 * @start: first address.
 * @end: behind the last one.
 *
 * Return: 0; -EINVAL the range is empty; -ENOMEM.
 */
int accel_va_init(struct accel_va *va, uint64_t start, uint64_t end);

/** accel_va_fini() - Forget all. */
void accel_va_fini(struct accel_va *va);

/**
 * accel_va_alloc() - Find a place.
 * @va: where.
 * @bytes: > 0.
 * @is_low: below 4 GiB if there is room, in 64 KiB steps; else, and when
 * that is full, above and at multiples of 2 MiB.
 * @address: set on success.
 *
 * Return: 0; -ENOMEM no hole is large enough, or no memory to note it.
 */
int accel_va_alloc(struct accel_va *va, uint64_t bytes, bool is_low, uint64_t *address);

/**
 * accel_va_free() - Give a place back. Cannot fail: without memory to note a new hole, the range
 * is lost.
 * @va: where.
 * @address: from accel_va_alloc().
 * @bytes: as given there.
 */
void accel_va_free(struct accel_va *va, uint64_t address, uint64_t bytes);

#endif
