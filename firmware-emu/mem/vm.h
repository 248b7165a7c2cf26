/* SPDX-License-Identifier: MIT */
/* What the firmware does with address spaces, beside the use of spans. */
#ifndef MARU_VM_H
#define MARU_VM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "firmware-emu/mem/span.h"

/**
 * span_vm_create() - Make an address space.
 * @id: 0 for the kernel's, whose @root is ignored
 * @root: entry of the level 3 table, mmu_table_is_ok()
 *
 * Return: the space, or NULL without memory.
 */
struct span_vm *span_vm_create(unsigned int id, uint64_t root);

/** span_vm_destroy() - Free it. Nothing of it is held. */
void span_vm_destroy(struct span_vm *vm);

unsigned int span_vm_id(const struct span_vm *vm);

/* An INVALIDATE that waits for the spans which were resolved before it. */
struct span_invalidate {
	struct span_vm *vm;
	uint64_t va;
	uint64_t bytes;		/* 0: all */
	uint64_t before;	/* holds with a lower number */
};

/** span_invalidate_begin() - Forget what is cached for a range; new look-ups walk again. */
void span_invalidate_begin(struct span_invalidate *wait, struct span_vm *vm, uint64_t va,
			   uint64_t bytes);

/** span_invalidate_is_done() - Tell whether no older span of the range is held. */
bool span_invalidate_is_done(const struct span_invalidate *wait);

/**
 * span_unmap_begin() - Remove DMA windows; no new span reaches them. One at a time.
 * span_unmap_is_done() - Tell whether no span with bytes of them is held.
 * span_unmap_end() - Let go of their files; only after is_done().
 */
void span_unmap_begin(uint64_t iova, uint64_t bytes);
bool span_unmap_is_done(void);
void span_unmap_end(void);

/** span_waiters() - Somebody waits for spans: look at span_is_wanted() of those you hold. */
bool span_waiters(void);

/** span_is_wanted() - An INVALIDATE or DMA_UNMAP waits for this span. */
bool span_is_wanted(const struct span *span);

/** span_is_dead() - A file behind the span was cut short: what was read of it is zeroes. */
bool span_is_dead(const struct span *span);

/** span_set_cancel() - Flag that ends long look-ups of this thread; NULL: none. */
void span_set_cancel(const atomic_uint *flag);

/**
 * span_set_window_miss() - Called when a look-up of a patient thread misses a window; what it
 * misses may be there when @sync is back.
 */
void span_set_window_miss(void (*sync)(void));

/** span_set_patient() - Let look-ups of this thread wait for windows; no lock but fw.lock. */
void span_set_patient(bool is_patient);

/** span_set_window_fault() - Told the first host address of each failed look-up. */
void span_set_window_fault(void (*report)(uint64_t iova));

#endif
