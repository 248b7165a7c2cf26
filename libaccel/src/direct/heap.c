// SPDX-License-Identifier: MIT
/*
 * A tier, shared out first fit in whole pages. What is given back is punched out of its file, so
 * that it takes no memory and reads zero when it is given out again.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>

#include "direct.h"

static struct direct_hole *hole_create(uint64_t start, uint64_t bytes)
{
	struct direct_hole *hole = malloc(sizeof(*hole));

	if (hole)
		*hole = (struct direct_hole){ .start = start, .bytes = bytes };
	return hole;
}

int heap_init(struct direct_heap *heap, uint8_t *base, uint64_t bytes, int fd, uint64_t offset)
{
	struct direct_hole *hole;

	*heap = (struct direct_heap){ .base = base, .bytes = bytes, .fd = fd, .offset = offset };
	LIST_INIT(&heap->holes);
	if (!bytes)
		return 0;
	hole = hole_create(0, bytes);
	if (!hole)
		return -ENOMEM;
	LIST_INSERT_HEAD(&heap->holes, hole, entry);
	return 0;
}

void heap_fini(struct direct_heap *heap)
{
	struct direct_hole *hole;

	while ((hole = LIST_FIRST(&heap->holes))) {
		LIST_REMOVE(hole, entry);
		free(hole);
	}
}

/* Large blocks begin where a large page-table leaf can. */
static uint64_t heap_step(uint64_t bytes)
{
	return bytes >= MARU_BLOCK_BYTES ? MARU_BLOCK_BYTES : MARU_PAGE_BYTES;
}

static uint64_t heap_round(uint64_t bytes)
{
	return (bytes + MARU_PAGE_BYTES - 1) & ~(uint64_t)(MARU_PAGE_BYTES - 1);
}

int heap_alloc(struct direct_heap *heap, uint64_t bytes, uint64_t *address)
{
	uint64_t step = heap_step(bytes), start, skipped;
	struct direct_hole *hole, *rest;

	bytes = heap_round(bytes);
	LIST_FOREACH(hole, &heap->holes, entry) {
		start = (hole->start + step - 1) & ~(step - 1);
		skipped = start - hole->start;
		if (hole->bytes < skipped || hole->bytes - skipped < bytes)
			continue;
		if (skipped && hole->bytes - skipped > bytes) {
			rest = hole_create(start + bytes, hole->bytes - skipped - bytes);
			if (!rest)
				return -ENOMEM;
			LIST_INSERT_AFTER(hole, rest, entry);
			hole->bytes = skipped;
		} else if (skipped) {
			hole->bytes = skipped;
		} else {
			hole->start += bytes;
			hole->bytes -= bytes;
		}
		if (!hole->bytes) {
			LIST_REMOVE(hole, entry);
			free(hole);
		}
		heap->used += bytes;
		*address = start;
		return 0;
	}
	return -ENOMEM;
}

static void heap_zero(struct direct_heap *heap, uint64_t address, uint64_t bytes)
{
	int ret;

	do {
		ret = fallocate(heap->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)(heap->offset + address), (off_t)bytes);
	} while (ret && errno == EINTR);
	if (ret)
		memset(heap->base + address, 0, bytes);
}

void heap_free(struct direct_heap *heap, uint64_t address, uint64_t bytes)
{
	struct direct_hole *before = NULL, *after, *hole;

	bytes = heap_round(bytes);
	heap_zero(heap, address, bytes);
	heap->used -= bytes;
	LIST_FOREACH(after, &heap->holes, entry) {
		if (after->start > address)
			break;
		before = after;
	}
	if (before && before->start + before->bytes == address) {
		before->bytes += bytes;
	} else {
		hole = hole_create(address, bytes);
		if (!hole)
			return;		/* lost: nothing else can be done with it */
		if (before)
			LIST_INSERT_AFTER(before, hole, entry);
		else
			LIST_INSERT_HEAD(&heap->holes, hole, entry);
		before = hole;
	}
	if (after && before->start + before->bytes == after->start) {
		before->bytes += after->bytes;
		LIST_REMOVE(after, entry);
		free(after);
	}
}
