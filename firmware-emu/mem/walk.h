/* SPDX-License-Identifier: MIT */
/* From card addresses to pieces of tiers. */
#ifndef MARU_WALK_H
#define MARU_WALK_H

#include "firmware-emu/mem/hold.h"

/* What a range consists of; pieces are merged, the first begins at @va. */
struct walk {
	uint64_t va;			/* of the first piece; all begin and end with a page */
	uint64_t asked;			/* first address that was asked for */
	uint64_t missed;		/* host address without window */
	uint64_t epoch;			/* of the space when the walk began */
	unsigned int count;
	unsigned int room;
	struct view_piece *pieces;
	struct view_piece first[8];
};

/** walk_cached() - One contiguous piece, from the cache or the kernel's space. Lock held. */
bool walk_cached(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
		 struct view_piece *piece);

/** walk_point() - Pass the fault point of walks; not with a lock. Return: true: fail. */
bool walk_point(void);

/** walk_page_locked() - Look one address up by the tables, and remember it. */
int walk_page_locked(struct span_vm *vm, uint64_t va, unsigned int access,
		     struct view_piece *piece, struct span_fault *fault);

/** walk_range() - Look a range up. walk_free() in any case. Return: 0 or -EFAULT. */
int walk_range(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
	       struct walk *walk, struct span_fault *fault);

/**
 * walk_split() - Cut the pieces where DMA windows do. Space and window locks held.
 * Return: 0 or -EFAULT.
 */
int walk_split(struct walk *walk, unsigned int access, struct span_fault *fault);

/** walk_remember() - Put what was found into the cache. Lock held. */
void walk_remember(struct span_vm *vm, const struct walk *walk);

void walk_free(struct walk *walk);

/** walk_report() - Report a host address without window to the firmware. */
void walk_report(uint64_t iova);

/** walk_sync() - Give a window that was missed the time to come. Return: look again. */
bool walk_sync(void);

/** walk_cancel - Ends long walks of this thread when it is not 0; see span_set_cancel(). */
extern __thread const atomic_uint *walk_cancel;

#endif
