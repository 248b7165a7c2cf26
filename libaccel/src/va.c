// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "va.h"

static struct accel_va_hole *hole_create(uint64_t start, uint64_t end)
{
	struct accel_va_hole *hole = malloc(sizeof(*hole));

	if (hole) {
		hole->start = start;
		hole->end = end;
	}
	return hole;
}

static void holes_free(struct accel_va_holes *holes)
{
	struct accel_va_hole *hole;

	while ((hole = LIST_FIRST(holes))) {
		LIST_REMOVE(hole, entry);
		free(hole);
	}
}

static int holes_init(struct accel_va_holes *holes, uint64_t start, uint64_t end)
{
	struct accel_va_hole *hole;

	LIST_INIT(holes);
	if (start >= end)
		return 0;
	hole = hole_create(start, end);
	if (!hole)
		return -ENOMEM;
	LIST_INSERT_HEAD(holes, hole, entry);
	return 0;
}

int accel_va_init(struct accel_va *va, uint64_t start, uint64_t end)
{
	uint64_t middle = ACCEL_VA_LOW_END;

	LIST_INIT(&va->low);
	LIST_INIT(&va->high);
	if (start >= end)
		return -EINVAL;
	if (middle < start)
		middle = start;
	if (middle > end)
		middle = end;
	if (holes_init(&va->low, start, middle) || holes_init(&va->high, middle, end)) {
		accel_va_fini(va);
		return -ENOMEM;
	}
	return 0;
}

void accel_va_fini(struct accel_va *va)
{
	holes_free(&va->low);
	holes_free(&va->high);
}

/* A block never starts off its step and holes come from blocks: starts stay aligned, all but the
 * first one of a range that user space was given unaligned.
 */
static int holes_alloc(struct accel_va_holes *holes, uint64_t bytes, uint64_t step,
		       uint64_t *address)
{
	struct accel_va_hole *hole, *rest;
	uint64_t start;

	LIST_FOREACH(hole, holes, entry) {
		start = (hole->start + step - 1) & ~(step - 1);
		if (start < hole->start || start > hole->end || hole->end - start < bytes)
			continue;
		if (start == hole->start) {
			hole->start += bytes;
		} else {
			rest = hole_create(start + bytes, hole->end);
			if (!rest)
				return -ENOMEM;
			hole->end = start;
			LIST_INSERT_AFTER(hole, rest, entry);
			hole = rest;
		}
		if (hole->start == hole->end) {
			LIST_REMOVE(hole, entry);
			free(hole);
		}
		*address = start;
		return 0;
	}
	return -ENOMEM;
}

static void holes_add(struct accel_va_holes *holes, uint64_t start, uint64_t end)
{
	struct accel_va_hole *before = NULL, *after, *hole;

	LIST_FOREACH(after, holes, entry) {
		if (after->start >= end)
			break;
		before = after;
	}
	if (before && before->end == start) {
		before->end = end;
		if (after && after->start == end) {
			before->end = after->end;
			LIST_REMOVE(after, entry);
			free(after);
		}
		return;
	}
	if (after && after->start == end) {
		after->start = start;
		return;
	}
	hole = hole_create(start, end);
	if (!hole)
		return;
	if (before)
		LIST_INSERT_AFTER(before, hole, entry);
	else
		LIST_INSERT_HEAD(holes, hole, entry);
}

/* Bytes of a block with its gap, in whole steps. 0: no address space is that large. */
static uint64_t block_bytes(uint64_t bytes, uint64_t step)
{
	if (!bytes || bytes > UINT64_MAX - ACCEL_VA_GAP - step)
		return 0;
	return (bytes + ACCEL_VA_GAP + step - 1) & ~(step - 1);
}

/* Small blocks of the low arena go in steps of the gap; what has room for a 2 MiB leaf, and all
 * of the high one, starts where such a leaf can.
 */
static uint64_t block_step(uint64_t bytes, bool is_low)
{
	return is_low && bytes < ACCEL_VA_ALIGN ? ACCEL_VA_GAP : ACCEL_VA_ALIGN;
}

int accel_va_alloc(struct accel_va *va, uint64_t bytes, bool is_low, uint64_t *address)
{
	uint64_t step, block;

	if (is_low) {
		step = block_step(bytes, true);
		block = block_bytes(bytes, step);
		if (block && !holes_alloc(&va->low, block, step, address))
			return 0;
	}
	block = block_bytes(bytes, ACCEL_VA_ALIGN);
	if (!block)
		return -ENOMEM;
	return holes_alloc(&va->high, block, ACCEL_VA_ALIGN, address);
}

void accel_va_free(struct accel_va *va, uint64_t address, uint64_t bytes)
{
	bool is_low = address < ACCEL_VA_LOW_END;
	uint64_t block = block_bytes(bytes, block_step(bytes, is_low));

	holes_add(is_low ? &va->low : &va->high, address, address + block);
}
