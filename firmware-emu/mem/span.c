// SPDX-License-Identifier: MIT
/*
 * Who may touch what, when. A span is held from span_resolve() to span_release(); the hold
 * names the card addresses and the host ranges. INVALIDATE and DMA_UNMAP first make new
 * look-ups see the new state, then wait for the holds that are older. A look-up publishes its
 * hold under the lock of the space and starts over when an INVALIDATE came in between, so one
 * that is still walking never has to be waited for.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/mem/hold.h"
#include "firmware-emu/mem/walk.h"
#include "firmware-emu/mem/tier.h"

#define FAULT_PIECES	(~0u)

int span_fail(struct span_fault *fault, uint64_t va, uint32_t kind)
{
	fault->va = va;
	fault->kind = kind;
	return -EFAULT;
}

/* Space lock held. */
static struct hold *hold_get(struct span_vm *vm)
{
	struct hold *hold = vm->free_holds;

	if (hold)
		vm->free_holds = hold->next;
	else
		hold = malloc(sizeof(*hold));
	return hold;
}

static void hold_publish(struct span_vm *vm, struct hold *hold, uint64_t va, uint64_t bytes)
{
	hold->vm = vm;
	hold->va = va;
	hold->bytes = bytes;
	hold->number = vm->next_number++;
	hold->is_unmapped = false;
	hold->is_wanted = false;
	hold->prev = NULL;
	hold->next = vm->holds;
	if (vm->holds)
		vm->holds->prev = hold;
	vm->holds = hold;
}

/* One piece that is contiguous in our own address space? Window and space locks held. */
static bool hold_direct(struct hold *hold, const struct view_piece *piece, unsigned int access,
			struct span *span)
{
	struct dma_run run;

	hold->view = NULL;
	hold->file = NULL;
	hold->tier = piece->tier;
	hold->addr = piece->addr;
	if (piece->tier != MARU_TIER_HOST) {
		span->host = tier_host(piece->tier, piece->addr);
	} else {
		if (!dma_find(piece->addr, piece->bytes, &run) || run.bytes < piece->bytes ||
		    ((access & SPAN_WRITE) && !run.is_writable))
			return false;
		span->host = run.host;
		hold->file = run.file;
	}
	memset(span->per_tier, 0, sizeof(span->per_tier));
	span->per_tier[piece->tier] = piece->bytes;
	return true;
}

static void hold_view(struct hold *hold, struct view *view, uint64_t va, uint64_t bytes,
		      struct span *span)
{
	hold->view = view;
	hold->file = NULL;
	span->host = view_host(view, va);
	view_per_tier(view, va, bytes, span->per_tier);
}

/* The quick ways: one run of the cache, one range of the kernel's space, or a known view. */
static bool resolve_cached(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
			   struct span *span)
{
	struct view_piece piece;
	struct hold *hold;
	struct view *view;
	bool is_found = false;

	pthread_mutex_lock(&vm->lock);
	hold = hold_get(vm);
	if (hold && walk_cached(vm, va, bytes, access, &piece)) {
		dma_lock();
		is_found = hold_direct(hold, &piece, access, span);
		dma_unlock();
	}
	if (hold && !is_found) {
		view = view_find(vm, va, bytes, access);
		is_found = view;
		if (view)
			hold_view(hold, view, va, bytes, span);
	}
	if (is_found) {
		hold_publish(vm, hold, va, bytes);
		span->view = hold;
	} else if (hold) {
		hold->next = vm->free_holds;
		vm->free_holds = hold;
	}
	pthread_mutex_unlock(&vm->lock);
	return is_found;
}

/* Space and window locks held. */
static int resolve_pieces(struct span_vm *vm, struct hold *hold, struct walk *walk, uint64_t va,
			  uint64_t bytes, unsigned int access, struct span *span,
			  struct span_fault *fault)
{
	struct view_piece piece;
	struct view *view;

	hold->view = NULL;
	if (walk_split(walk, access, fault))
		return -EFAULT;
	piece = walk->pieces[0];
	if (walk->count == 1) {
		piece.addr += va - walk->va;
		piece.bytes = bytes;
		return hold_direct(hold, &piece, access, span) ? 0 : -EAGAIN;
	}
	view = view_create(vm, walk->va, walk->pieces, walk->count);
	if (!view)
		return span_fail(fault, va, FAULT_PIECES);
	hold_view(hold, view, va, bytes, span);
	return 0;
}

/* Holds what a walk found. 0, -EAGAIN: an INVALIDATE came in between, or -EFAULT. */
static int resolve_hold(struct span_vm *vm, struct walk *walk, uint64_t va, uint64_t bytes,
			unsigned int access, struct span *span, struct span_fault *fault)
{
	struct view *view = NULL;
	struct hold *hold;
	int ret = -EAGAIN;

	pthread_mutex_lock(&vm->lock);
	if (vm->epoch != walk->epoch)
		goto out;
	ret = span_fail(fault, va, FAULT_PIECES);
	hold = hold_get(vm);
	if (!hold)
		goto out;
	walk_remember(vm, walk);
	dma_lock();
	ret = resolve_pieces(vm, hold, walk, va, bytes, access, span, fault);
	dma_unlock();
	view = hold->view;
	if (!ret) {
		hold_publish(vm, hold, va, bytes);
		span->view = hold;
	} else {
		hold->next = vm->free_holds;
		vm->free_holds = hold;
	}
out:
	pthread_mutex_unlock(&vm->lock);
	if (ret || !view)
		return ret;
	if (view_build(view)) {
		span_release(span);
		return span_fail(fault, va, FAULT_PIECES);
	}
	pthread_mutex_lock(&vm->lock);
	if (vm->epoch == walk->epoch && !((struct hold *)span->view)->is_wanted)
		view_publish(view);
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

int span_resolve(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
		 struct span *span, struct span_fault *fault)
{
	bool is_synced = false;
	struct walk walk;
	int ret;

	memset(span, 0, sizeof(*span));
	span->bytes = bytes;
	if (!bytes)
		return 0;
	if (bytes - 1 > UINT64_MAX - va)
		return span_fail(fault, va, access & SPAN_WRITE ? MARU_FAULT_WRITE :
								  MARU_FAULT_READ);
	if (resolve_cached(vm, va, bytes, access, span))
		return 0;
	do {
		ret = walk_range(vm, va, bytes, access, &walk, fault);
		if (!ret)
			ret = resolve_hold(vm, &walk, va, bytes, access, span, fault);
		walk_free(&walk);
		if (ret == -EFAULT && fault->kind == MARU_FAULT_WINDOW) {
			if (is_synced || !walk_sync())
				walk_report(walk.missed);
			else
				ret = -EAGAIN;
			is_synced = true;
		}
	} while (ret == -EAGAIN);
	return ret;
}

void span_release(struct span *span)
{
	struct hold *hold = span->view;
	struct view *view;

	span->host = NULL;
	span->view = NULL;
	if (!hold)
		return;
	view = hold->view;
	hold_drop(hold);
	if (view)
		view_put(view);
}

/* A word is loaded and stored in one piece, and words in rising order. */
static void span_move(void *to, const void *from, uint64_t bytes)
{
	volatile uint8_t *t = to;
	const volatile uint8_t *f = from;

	while (bytes) {
		uint64_t both = (uintptr_t)t | (uintptr_t)f;
		unsigned int size = 1;

		if (bytes >= 8 && !(both & 7)) {
			*(volatile uint64_t *)t = *(const volatile uint64_t *)f;
			size = 8;
		} else if (bytes >= 4 && !(both & 3)) {
			*(volatile uint32_t *)t = *(const volatile uint32_t *)f;
			size = 4;
		} else {
			*t = *f;
		}
		t += size;
		f += size;
		bytes -= size;
	}
}

/* Space lock held, which INVALIDATE takes; the window lock stands for DMA_UNMAP. */
static int span_copy_piece(const struct view_piece *piece, void *buffer, uint64_t bytes,
			   unsigned int access)
{
	struct dma_run run = { .bytes = bytes, .is_writable = true };
	int ret = 0;

	if (piece->tier != MARU_TIER_HOST) {
		run.host = tier_host(piece->tier, piece->addr);
	} else if (!dma_find(piece->addr, bytes, &run) || run.bytes < bytes) {
		return MARU_FAULT_WINDOW + 1;
	}
	if (access == SPAN_READ)
		span_move(buffer, run.host, bytes);
	else if (run.is_writable)
		span_move(run.host, buffer, bytes);
	else
		ret = MARU_FAULT_WRITE + 1;
	if (run.file && dma_file_is_dead(run.file))
		ret = MARU_FAULT_WINDOW + 1;
	return ret;
}

static int span_copy(struct span_vm *vm, uint64_t va, void *buffer, uint64_t bytes,
		     unsigned int access, struct span_fault *fault)
{
	bool is_synced = false, is_failed;
	struct view_piece piece;
	uint64_t step;
	int ret = 0;

	while (bytes) {
		step = MARU_PAGE_BYTES - va % MARU_PAGE_BYTES;
		if (step > bytes)
			step = bytes;
		pthread_mutex_lock(&vm->lock);
		if (!walk_cached(vm, va, step, access, &piece)) {
			pthread_mutex_unlock(&vm->lock);
			is_failed = walk_point();
			pthread_mutex_lock(&vm->lock);
			ret = is_failed ? span_fail(fault, va, access & SPAN_WRITE ?
						    MARU_FAULT_WRITE : MARU_FAULT_READ) :
			      walk_page_locked(vm, va, access, &piece, fault);
		}
		if (!ret) {
			dma_lock();
			ret = span_copy_piece(&piece, buffer, step, access);
			dma_unlock();
			if (ret)
				ret = span_fail(fault, va, (uint32_t)ret - 1);
		}
		pthread_mutex_unlock(&vm->lock);
		if (ret && fault->kind == MARU_FAULT_WINDOW && !is_synced && walk_sync()) {
			is_synced = true;
			ret = 0;
			continue;
		}
		if (ret)
			break;
		va += step;
		buffer = (uint8_t *)buffer + step;
		bytes -= step;
	}
	if (ret && fault->kind == MARU_FAULT_WINDOW)
		walk_report(piece.addr);
	return ret;
}

int span_read(struct span_vm *vm, uint64_t va, void *to, uint64_t bytes,
	      struct span_fault *fault)
{
	return span_copy(vm, va, to, bytes, SPAN_READ, fault);
}

int span_write(struct span_vm *vm, uint64_t va, const void *from, uint64_t bytes,
	       struct span_fault *fault)
{
	return span_copy(vm, va, (void *)(uintptr_t)from, bytes, SPAN_WRITE, fault);
}
