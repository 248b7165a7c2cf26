/* SPDX-License-Identifier: GPL-2.0-only */
/* Random packets of every operation: mostly right ones, some with a few bytes changed. */
#ifndef FUZZ_PACKET_H
#define FUZZ_PACKET_H

#include <stdint.h>

#include "uapi/drm/maru_cmd.h"

/** fuzz_next() - The next random number. */
uint64_t fuzz_next(void);
void fuzz_seed(uint64_t seed);

/** fuzz_packet() - Fill @packet, MARU_PACKET_MAX_BYTES long. Return: bytes to hand over. */
uint32_t fuzz_packet(uint8_t *packet);

#endif
