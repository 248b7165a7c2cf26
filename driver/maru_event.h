/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_EVENT_H
#define MARU_EVENT_H

#include "maru_types.h"

int maru_event_init(struct maru_device *mdev);
void maru_event_start(struct maru_device *mdev);
void maru_event_stop(struct maru_device *mdev);
bool maru_event_process(struct maru_device *mdev);
u32 maru_event_tick(struct maru_device *mdev);
u64 maru_event_entry(struct maru_device *mdev);

#define MARU_EVENT_LOG2		10

#endif
