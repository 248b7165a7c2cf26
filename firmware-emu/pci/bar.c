// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "driver/maru_hw.h"
#include "firmware-emu/pci/bar.h"

#define BAR_PAGE		4096u

static uint64_t round_up_pow2(uint64_t bytes)
{
	uint64_t pow2 = 1;

	while (pow2 < bytes)
		pow2 <<= 1;
	return pow2;
}

static const char *tiers_wrong(uint64_t hbm, uint64_t cxl)
{
	if (hbm < BAR_HBM_MIN)
		return "HBM must have at least 16 MiB";
	if (hbm % BAR_TIER_STEP || cxl % BAR_TIER_STEP)
		return "HBM and CXL sizes must be multiples of 2 MiB";
	if (hbm > BAR_MEMORY_MAX || cxl > BAR_MEMORY_MAX - hbm)
		return "HBM and CXL together must not exceed 4 TiB";
	return NULL;
}

/**
 * bar_plan_make() - Lay out the BARs for two tiers of memory.
 * @plan: the result
 * @hbm_bytes: first tier, at 0 of the memory BAR
 * @cxl_bytes: second tier behind it, may be 0
 * @why: what was wrong, on failure
 *
 * Return: 0, or -EINVAL for sizes that can not be.
 */
int bar_plan_make(struct bar_plan *plan, uint64_t hbm_bytes, uint64_t cxl_bytes, const char **why)
{
	memset(plan, 0, sizeof(*plan));
	*why = tiers_wrong(hbm_bytes, cxl_bytes);
	if (*why)
		return -EINVAL;
	plan->hbm_bytes = hbm_bytes;
	plan->cxl_bytes = cxl_bytes;
	plan->bar[MARU_BAR_REGS].bytes = MARU_REGS_BYTES;
	plan->bar[MARU_BAR_MEMORY].bytes = round_up_pow2(hbm_bytes + cxl_bytes);
	plan->bar[MARU_BAR_MEMORY].is_64 = true;
	plan->bar[MARU_BAR_MEMORY].is_prefetchable = true;
	plan->bar[MARU_BAR_WAKE].bytes = MARU_WAKE_BYTES;
	return 0;
}

static bool overlaps_page(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	uint64_t a_last = (a + a_bytes - 1) / BAR_PAGE, b_last = (b + b_bytes - 1) / BAR_PAGE;

	return a / BAR_PAGE <= b_last && b / BAR_PAGE <= a_last;
}

/**
 * bar_holds_msix() - Tell whether an MSI-X table and its PBA fit into a BAR.
 * @bar_bytes: size of the BAR
 * @table: offset of the table
 * @pba: offset of the pending bits
 * @vectors: entries of the table
 *
 * Return: true when both lie inside, each in 4 KiB pages of its own, 8-byte aligned.
 */
bool bar_holds_msix(uint64_t bar_bytes, uint32_t table, uint32_t pba, unsigned int vectors)
{
	uint64_t table_bytes = 16ull * vectors, pba_bytes = 8ull * ((vectors + 63) / 64);

	if (!vectors || vectors > 2048 || ((table | pba) & 7))
		return false;
	if (table + table_bytes > bar_bytes || pba + pba_bytes > bar_bytes)
		return false;
	return !overlaps_page(table, table_bytes, pba, pba_bytes);
}
