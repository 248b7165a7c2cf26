/* SPDX-License-Identifier: MIT */
/* The tiers of the card: HBM and CXL in one memory file; the host tier is dma.h. */
#ifndef MARU_TIER_H
#define MARU_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/maru_hw.h"

/**
 * tier_init() - Map the memory file.
 * @fd: HBM at 0, CXL behind it; stays the caller's, and open while the tiers are in use
 *
 * Return: 0 or -errno.
 */
int tier_init(int fd, uint64_t hbm_bytes, uint64_t cxl_bytes);

/** tier_fini() - Unmap it. */
void tier_fini(void);

/** tier_bytes() - Size of a tier of the card, 0 for the host's. */
uint64_t tier_bytes(unsigned int tier);

/** tier_has() - Tell whether a range lies whole inside a tier of the card. */
bool tier_has(unsigned int tier, uint64_t addr, uint64_t bytes);

/** tier_host() - Host address of a byte that tier_has(). */
uint8_t *tier_host(unsigned int tier, uint64_t addr);

/** tier_file() - The file and the offset in it of a byte that tier_has(). */
int tier_file(unsigned int tier, uint64_t addr, uint64_t *offset);

#endif
