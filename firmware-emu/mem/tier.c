// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "firmware-emu/mem/tier.h"

static struct {
	int fd;
	uint8_t *base;
	uint64_t mapped;
	uint64_t bytes[MARU_TIER_COUNT];
	uint64_t offset[MARU_TIER_COUNT];
} tiers = { .fd = -1 };

int tier_init(int fd, uint64_t hbm_bytes, uint64_t cxl_bytes)
{
	uint64_t total;
	void *base;

	if (__builtin_add_overflow(hbm_bytes, cxl_bytes, &total) || !hbm_bytes ||
	    (hbm_bytes | cxl_bytes) % MARU_PAGE_BYTES)
		return -EINVAL;
	base = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	/* Fails where the kernel has no huge pages for shared memory; slower, nothing else. */
	madvise(base, total, MADV_HUGEPAGE);
	tiers.fd = fd;
	tiers.base = base;
	tiers.mapped = total;
	tiers.bytes[MARU_TIER_HBM] = hbm_bytes;
	tiers.bytes[MARU_TIER_CXL] = cxl_bytes;
	tiers.offset[MARU_TIER_CXL] = hbm_bytes;
	return 0;
}

void tier_fini(void)
{
	if (tiers.base)
		munmap(tiers.base, tiers.mapped);
	tiers.base = NULL;
	tiers.mapped = 0;
	tiers.bytes[MARU_TIER_HBM] = 0;
	tiers.bytes[MARU_TIER_CXL] = 0;
}

uint64_t tier_bytes(unsigned int tier)
{
	return tier < MARU_TIER_COUNT ? tiers.bytes[tier] : 0;
}

bool tier_has(unsigned int tier, uint64_t addr, uint64_t bytes)
{
	uint64_t size = tier_bytes(tier);

	return addr <= size && bytes <= size - addr;
}

uint8_t *tier_host(unsigned int tier, uint64_t addr)
{
	return tiers.base + tiers.offset[tier] + addr;
}

int tier_file(unsigned int tier, uint64_t addr, uint64_t *offset)
{
	*offset = tiers.offset[tier] + addr;
	return tiers.fd;
}
