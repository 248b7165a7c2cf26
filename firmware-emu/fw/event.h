/* SPDX-License-Identifier: MIT */
#ifndef MARU_EVENT_H
#define MARU_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/maru_hw.h"

/** event_start() - Post to the ring at @va of the kernel's space from now on. */
void event_start(uint64_t va, unsigned int ring_log2);

/** event_stop() - Post nothing any more. */
void event_stop(void);

/** event_post() - Store an event and raise the vector if the driver wants it. Any thread. */
void event_post(uint16_t type, uint16_t queue, uint32_t info, uint64_t value, uint64_t va);

/** event_tick() - Show that the firmware is alive. */
void event_tick(void);

#endif
