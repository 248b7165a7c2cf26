/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Engines that do as little as the firmware's own tests need: NOP, and FILL of one dimension in
 * tiles of FAKE_TILE_BYTES. No checks but a type and the mapping.
 */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include <stdint.h>

#define FAKE_TILE_BYTES		4096

/* Processor time that each tile takes; set before card_start(). */
extern uint64_t fake_engine_tile_ns;

/* Its tiles are two runs, the second one shorter; set before card_start(). */
extern int fake_engine_is_split;

#endif
