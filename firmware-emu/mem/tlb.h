/* SPDX-License-Identifier: MIT */
/* Translation cache of one address space: merged runs of any length, sorted by address. */
#ifndef MARU_TLB_H
#define MARU_TLB_H

#include <stdbool.h>
#include <stdint.h>

#define TLB_RUNS_MAX	512

struct tlb_run {
	uint64_t va;
	uint64_t bytes;
	uint64_t addr;		/* inside the tier, of va */
	uint16_t tier;
	uint16_t access;
};

struct tlb {
	struct tlb_run *runs;
	unsigned int count;
	unsigned int room;
};

/** tlb_find() - The run that holds @va, or NULL. Valid until the cache is changed. */
const struct tlb_run *tlb_find(const struct tlb *tlb, uint64_t va);

/** tlb_insert() - Remember a run; joins its neighbours, forgets all when there is no room. */
void tlb_insert(struct tlb *tlb, const struct tlb_run *run);

/** tlb_drop() - Forget what overlaps a range; @bytes 0: all. */
void tlb_drop(struct tlb *tlb, uint64_t va, uint64_t bytes);

/** tlb_fini() - Free it. */
void tlb_fini(struct tlb *tlb);

#endif
