/* SPDX-License-Identifier: MIT */
/* Inside of address spaces: what span.c, walk.c and invalidate.c share. */
#ifndef MARU_HOLD_H
#define MARU_HOLD_H

#include <pthread.h>

#include "firmware-emu/mem/tlb.h"
#include "firmware-emu/mem/view.h"
#include "firmware-emu/mem/vm.h"

struct hold {
	struct span_vm *vm;
	uint64_t va;
	uint64_t bytes;
	uint64_t number;
	uint64_t addr;			/* without a view: where the bytes lie */
	unsigned int tier;
	struct dma_file *file;
	struct view *view;
	bool is_unmapped;		/* the DMA_UNMAP under way waits for it */
	atomic_bool is_wanted;
	struct hold *next;
	struct hold *prev;
};

struct span_vm {
	pthread_mutex_t lock;		/* protects all below; taken before windows, views */
	unsigned int id;
	uint64_t root;
	struct tlb tlb;
	uint64_t epoch;			/* +1 with each INVALIDATE */
	uint64_t next_number;
	struct hold *holds;
	struct hold *free_holds;
	struct span_vm *next;		/* under the lock of the list, taken before lock */
};

/** hold_drop() - Take a hold out of its space and keep it for the next. */
void hold_drop(struct hold *hold);

/** span_fail() - Fill @fault. Return: -EFAULT. */
int span_fail(struct span_fault *fault, uint64_t va, uint32_t kind);

#endif
