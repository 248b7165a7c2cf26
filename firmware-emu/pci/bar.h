/* SPDX-License-Identifier: MIT */
/* Sizes of the BARs. Pure: numbers in, numbers or a reason out. */
#ifndef MARU_PCI_BAR_H
#define MARU_PCI_BAR_H

#include <stdbool.h>
#include <stdint.h>

#define BAR_COUNT		6
#define BAR_TIER_STEP		(2ull << 20)	/* tiers are made of whole 2 MiB blocks */
#define BAR_HBM_MIN		(16ull << 20)
#define BAR_MEMORY_MAX		(4ull << 40)

struct bar {
	uint64_t bytes;			/* a power of two, 0: not there */
	bool is_64;
	bool is_prefetchable;
};

struct bar_plan {
	uint64_t hbm_bytes;
	uint64_t cxl_bytes;
	struct bar bar[BAR_COUNT];
};

int bar_plan_make(struct bar_plan *plan, uint64_t hbm_bytes, uint64_t cxl_bytes,
		  const char **why);
bool bar_holds_msix(uint64_t bar_bytes, uint32_t table, uint32_t pba, unsigned int vectors);

#endif
