/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_TLB_H
#define MARU_TLB_H

#include "maru_bind.h"

void maru_tlb_prepare(struct maru_bind_job *job);
void maru_tlb_flush(struct maru_bind_job *job);

#endif
