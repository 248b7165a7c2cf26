/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_IRQ_H
#define MARU_IRQ_H

#include "maru_types.h"

int maru_irq_init(struct maru_device *mdev);
void maru_irq_enable(struct maru_device *mdev);
void maru_irq_disable(struct maru_device *mdev);

#endif
