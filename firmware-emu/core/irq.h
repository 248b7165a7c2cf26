/* SPDX-License-Identifier: MIT */
#ifndef MARU_CORE_IRQ_H
#define MARU_CORE_IRQ_H

#include "firmware-emu/ipc.h"

/** irq_set() - Arm or disarm vectors. @fds: taken; @count of them, 0: disarm. */
void irq_set(const struct ipc_irqs *irqs, const int *fds, unsigned int count);

/** irq_raise() - Raise a vector if it is armed. Any thread; never waits, but at irq.raise. */
void irq_raise(unsigned int vector);

#endif
