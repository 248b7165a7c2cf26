// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/mem/tlb.h"

/* Index of the first run that ends behind @va. */
static unsigned int tlb_lower(const struct tlb *tlb, uint64_t va)
{
	unsigned int low = 0, high = tlb->count;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (tlb->runs[mid].va + (tlb->runs[mid].bytes - 1) < va)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct tlb_run *tlb_find(const struct tlb *tlb, uint64_t va)
{
	unsigned int i = tlb_lower(tlb, va);

	return i < tlb->count && tlb->runs[i].va <= va ? &tlb->runs[i] : NULL;
}

static bool tlb_joins(const struct tlb_run *a, const struct tlb_run *b)
{
	return a->va + a->bytes == b->va && a->addr + a->bytes == b->addr &&
	       a->tier == b->tier && a->access == b->access;
}

static void tlb_remove(struct tlb *tlb, unsigned int first, unsigned int count)
{
	memmove(&tlb->runs[first], &tlb->runs[first + count],
		(tlb->count - first - count) * sizeof(*tlb->runs));
	tlb->count -= count;
}

static bool tlb_reserve(struct tlb *tlb)
{
	unsigned int room = tlb->room ? tlb->room * 2 : 16;
	struct tlb_run *runs;

	if (tlb->count < tlb->room)
		return true;
	if (tlb->room == TLB_RUNS_MAX) {
		tlb->count = 0;
		return true;
	}
	runs = realloc(tlb->runs, room * sizeof(*runs));
	if (!runs)
		return false;
	tlb->runs = runs;
	tlb->room = room;
	return true;
}

void tlb_insert(struct tlb *tlb, const struct tlb_run *run)
{
	unsigned int at;

	if (!run->bytes)
		return;
	tlb_drop(tlb, run->va, run->bytes);
	at = tlb_lower(tlb, run->va);
	if (at > 0 && tlb_joins(&tlb->runs[at - 1], run)) {
		tlb->runs[at - 1].bytes += run->bytes;
		if (at < tlb->count && tlb_joins(&tlb->runs[at - 1], &tlb->runs[at])) {
			tlb->runs[at - 1].bytes += tlb->runs[at].bytes;
			tlb_remove(tlb, at, 1);
		}
		return;
	}
	if (at < tlb->count && tlb_joins(run, &tlb->runs[at])) {
		tlb->runs[at].va = run->va;
		tlb->runs[at].addr = run->addr;
		tlb->runs[at].bytes += run->bytes;
		return;
	}
	if (!tlb_reserve(tlb))
		return;
	at = tlb_lower(tlb, run->va);
	memmove(&tlb->runs[at + 1], &tlb->runs[at], (tlb->count - at) * sizeof(*tlb->runs));
	tlb->runs[at] = *run;
	tlb->count++;
}

void tlb_drop(struct tlb *tlb, uint64_t va, uint64_t bytes)
{
	unsigned int first, end;

	if (!bytes) {
		tlb->count = 0;
		return;
	}
	first = tlb_lower(tlb, va);
	for (end = first; end < tlb->count && tlb->runs[end].va - va < bytes; end++)
		;
	/* The first may begin before the range: the difference above wraps for it. */
	if (end == first && first < tlb->count && tlb->runs[first].va <= va)
		for (end = first + 1; end < tlb->count && tlb->runs[end].va - va < bytes; end++)
			;
	if (end > first)
		tlb_remove(tlb, first, end - first);
}

void tlb_fini(struct tlb *tlb)
{
	free(tlb->runs);
	memset(tlb, 0, sizeof(*tlb));
}
