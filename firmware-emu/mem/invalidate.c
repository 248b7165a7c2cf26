// SPDX-License-Identifier: MIT
/* Life of address spaces, and waiting for the spans that are held in them. */
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/mem/hold.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;	/* protects the list of spaces */
static struct span_vm *spaces;
static atomic_uint wanted_holds;	/* held spans that somebody waits for */
static atomic_uint unmapped_holds;	/* those of the DMA_UNMAP under way */
static struct dma_removed *removed;

struct span_vm *span_vm_create(unsigned int id, uint64_t root)
{
	struct span_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	pthread_mutex_init(&vm->lock, NULL);
	vm->id = id;
	vm->root = root;
	pthread_mutex_lock(&list_lock);
	vm->next = spaces;
	spaces = vm;
	pthread_mutex_unlock(&list_lock);
	return vm;
}

void span_vm_destroy(struct span_vm *vm)
{
	struct span_vm **at = &spaces;
	struct hold *hold;

	pthread_mutex_lock(&list_lock);
	while (*at != vm)
		at = &(*at)->next;
	*at = vm->next;
	pthread_mutex_unlock(&list_lock);
	view_drop_va(vm, 0, 0);
	tlb_fini(&vm->tlb);
	while ((hold = vm->free_holds)) {
		vm->free_holds = hold->next;
		free(hold);
	}
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

unsigned int span_vm_id(const struct span_vm *vm)
{
	return vm->id;
}

/* Space lock held. */
static void hold_want(struct hold *hold)
{
	if (!hold->is_wanted) {
		hold->is_wanted = true;
		atomic_fetch_add(&wanted_holds, 1);
	}
}

void hold_drop(struct hold *hold)
{
	struct span_vm *vm = hold->vm;

	pthread_mutex_lock(&vm->lock);
	if (hold->prev)
		hold->prev->next = hold->next;
	else
		vm->holds = hold->next;
	if (hold->next)
		hold->next->prev = hold->prev;
	if (hold->is_wanted)
		atomic_fetch_sub(&wanted_holds, 1);
	if (hold->is_unmapped)
		atomic_fetch_sub(&unmapped_holds, 1);
	hold->next = vm->free_holds;
	vm->free_holds = hold;
	pthread_mutex_unlock(&vm->lock);
}

static bool invalidate_covers(const struct span_invalidate *wait, const struct hold *hold)
{
	if (hold->number >= wait->before)
		return false;
	return !wait->bytes || (hold->va < wait->va + wait->bytes &&
				wait->va < hold->va + hold->bytes);
}

void span_invalidate_begin(struct span_invalidate *wait, struct span_vm *vm, uint64_t va,
			   uint64_t bytes)
{
	*wait = (struct span_invalidate){ .vm = vm, .va = va, .bytes = bytes };
	pthread_mutex_lock(&vm->lock);
	vm->epoch++;
	tlb_drop(&vm->tlb, va, bytes);
	view_drop_va(vm, va, bytes);
	wait->before = vm->next_number;
	for (struct hold *hold = vm->holds; hold; hold = hold->next) {
		if (invalidate_covers(wait, hold))
			hold_want(hold);
	}
	pthread_mutex_unlock(&vm->lock);
}

bool span_invalidate_is_done(const struct span_invalidate *wait)
{
	struct span_vm *vm = wait->vm;
	bool is_done = true;

	pthread_mutex_lock(&vm->lock);
	for (struct hold *hold = vm->holds; hold && is_done; hold = hold->next)
		is_done = !invalidate_covers(wait, hold);
	pthread_mutex_unlock(&vm->lock);
	return is_done;
}

static bool hold_touches(const struct hold *hold, uint64_t iova, uint64_t bytes)
{
	if (hold->view)
		return view_touches(hold->view, iova, bytes);
	return hold->tier == MARU_TIER_HOST && hold->addr <= iova + (bytes - 1) &&
	       iova <= hold->addr + (hold->bytes - 1);
}

void span_unmap_begin(uint64_t iova, uint64_t bytes)
{
	removed = dma_unmap(iova, bytes);
	if (!bytes || bytes - 1 > UINT64_MAX - iova)
		return;
	pthread_mutex_lock(&list_lock);
	for (struct span_vm *vm = spaces; vm; vm = vm->next) {
		pthread_mutex_lock(&vm->lock);
		for (struct hold *hold = vm->holds; hold; hold = hold->next) {
			if (!hold_touches(hold, iova, bytes))
				continue;
			hold->is_unmapped = true;
			atomic_fetch_add(&unmapped_holds, 1);
			hold_want(hold);
		}
		pthread_mutex_unlock(&vm->lock);
	}
	pthread_mutex_unlock(&list_lock);
	/* After the marks: a view that is published later than this is not published at all. */
	view_drop_window(iova, bytes);
}

bool span_unmap_is_done(void)
{
	return !atomic_load(&unmapped_holds);
}

void span_unmap_end(void)
{
	dma_free(removed);
	removed = NULL;
}

bool span_waiters(void)
{
	return atomic_load_explicit(&wanted_holds, memory_order_relaxed);
}

bool span_is_wanted(const struct span *span)
{
	const struct hold *hold = span->view;

	return hold && atomic_load(&hold->is_wanted);
}

bool span_is_dead(const struct span *span)
{
	const struct hold *hold = span->view;

	if (!hold)
		return false;
	if (hold->view)
		return view_is_dead(hold->view);
	return hold->file && dma_file_is_dead(hold->file);
}
