// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/mem/mmu.h"
#include "firmware-emu/mem/point.h"
#include "firmware-emu/mem/tier.h"
#include "firmware-emu/mem/walk.h"

#define FAULT_PIECES		(~0u)
#define WALK_PAUSE		65536	/* entries between two looks at the cancel flag */
#define WALK_REMEMBER_MAX	64	/* pieces; more would push all else out of the cache */

_Static_assert(SPAN_READ == MMU_READ && SPAN_WRITE == MMU_WRITE, "access");

__thread const atomic_uint *walk_cancel;
static void (*window_fault)(uint64_t iova);
static void (*window_miss)(void);
static __thread bool is_patient;

static const volatile uint64_t *walk_table(void *ctx, unsigned int tier, uint64_t addr)
{
	(void)ctx;
	if (!tier_has(tier, addr, MARU_PAGE_BYTES))
		return NULL;
	return (const volatile uint64_t *)tier_host(tier, addr);
}

static bool walk_has(void *ctx, unsigned int tier, uint64_t addr, uint64_t bytes)
{
	(void)ctx;
	return tier_has(tier, addr, bytes);
}

static const struct mmu_ops walk_ops = { .table = walk_table, .has = walk_has };

static bool walk_is_cancelled(void *ctx)
{
	(void)ctx;
	return walk_cancel && atomic_load_explicit(walk_cancel, memory_order_relaxed);
}

void span_set_cancel(const atomic_uint *flag)
{
	walk_cancel = flag;
}

void span_set_window_fault(void (*report)(uint64_t iova))
{
	window_fault = report;
}

void span_set_window_miss(void (*sync)(void))
{
	window_miss = sync;
}

void span_set_patient(bool patient)
{
	is_patient = patient;
}

bool walk_sync(void)
{
	if (!window_miss || !is_patient)
		return false;
	window_miss();
	return true;
}

void walk_report(uint64_t iova)
{
	if (window_fault)
		window_fault(iova);
}

bool walk_point(void)
{
	return point_hit_until(IPC_POINT_MMU_WALK, walk_is_cancelled, NULL);
}

static uint32_t walk_missing(unsigned int access, unsigned int allowed)
{
	return (access & ~allowed) & SPAN_WRITE ? MARU_FAULT_WRITE : MARU_FAULT_READ;
}

static bool kernel_piece(uint64_t va, uint64_t bytes, struct view_piece *piece)
{
	piece->tier = va >> MARU_VM0_TIER_SHIFT;
	piece->addr = va & ((1ULL << MARU_VM0_TIER_SHIFT) - 1);
	piece->bytes = bytes;
	piece->access = SPAN_READ | SPAN_WRITE;
	if (piece->tier == MARU_TIER_HOST)
		return bytes <= (1ULL << MARU_VM0_TIER_SHIFT) - piece->addr;
	return tier_has(piece->tier, piece->addr, bytes);
}

bool walk_cached(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
		 struct view_piece *piece)
{
	const struct tlb_run *run;

	if (!vm->id)
		return kernel_piece(va, bytes, piece);
	run = tlb_find(&vm->tlb, va);
	if (!run || bytes > run->bytes - (va - run->va) || (run->access & access) != access)
		return false;
	piece->tier = run->tier;
	piece->addr = run->addr + (va - run->va);
	piece->bytes = bytes;
	piece->access = run->access;
	return true;
}

static int walk_leaf(struct mmu_cursor *cursor, uint64_t va, unsigned int access,
		     struct mmu_leaf *leaf, struct span_fault *fault)
{
	switch (mmu_walk(cursor, va, leaf)) {
	case MMU_OK:
		if ((leaf->access & access) == access)
			return 0;
		return span_fail(fault, va, walk_missing(access, leaf->access));
	case MMU_UNMAPPED:
		return span_fail(fault, va, walk_missing(access, 0));
	default:
		return span_fail(fault, va, MARU_FAULT_PTE);
	}
}

int walk_page_locked(struct span_vm *vm, uint64_t va, unsigned int access,
		     struct view_piece *piece, struct span_fault *fault)
{
	struct mmu_cursor cursor;
	struct mmu_leaf leaf;
	struct tlb_run run;

	if (!vm->id)
		return kernel_piece(va, 1, piece) ? 0 : span_fail(fault, va, MARU_FAULT_PTE);
	mmu_cursor_init(&cursor, &walk_ops, vm->root);
	if (walk_leaf(&cursor, va, access, &leaf, fault))
		return -EFAULT;
	run = (struct tlb_run){ .va = leaf.va, .bytes = leaf.bytes, .addr = leaf.addr,
				.tier = (uint16_t)leaf.tier, .access = (uint16_t)leaf.access };
	tlb_insert(&vm->tlb, &run);
	piece->tier = leaf.tier;
	piece->addr = leaf.addr + (va - leaf.va);
	piece->access = leaf.access;
	piece->bytes = leaf.bytes - (va - leaf.va);
	return 0;
}

static bool walk_reserve(struct walk *walk)
{
	unsigned int room = walk->room * 4;
	struct view_piece *pieces;

	if (walk->count < walk->room)
		return true;
	if (walk->count >= VIEW_PIECES_MAX)
		return false;
	pieces = malloc(room * sizeof(*pieces));
	if (!pieces)
		return false;
	memcpy(pieces, walk->pieces, walk->count * sizeof(*pieces));
	walk_free(walk);
	walk->pieces = pieces;
	walk->room = room;
	return true;
}

static bool walk_append(struct walk *walk, const struct view_piece *piece)
{
	struct view_piece *last = walk->count ? &walk->pieces[walk->count - 1] : NULL;

	if (last && last->tier == piece->tier && last->access == piece->access &&
	    last->addr + last->bytes == piece->addr) {
		last->bytes += piece->bytes;
		return true;
	}
	if (!walk_reserve(walk))
		return false;
	walk->pieces[walk->count++] = *piece;
	return true;
}

static void walk_init(struct walk *walk, struct span_vm *vm, uint64_t va)
{
	walk->va = va & ~(uint64_t)(MARU_PAGE_BYTES - 1);
	walk->asked = va;
	walk->count = 0;
	walk->pieces = walk->first;
	walk->room = sizeof(walk->first) / sizeof(walk->first[0]);
	walk->epoch = __atomic_load_n(&vm->epoch, __ATOMIC_ACQUIRE);
}

static int walk_kernel(uint64_t va, uint64_t bytes, struct walk *walk, struct span_fault *fault)
{
	struct view_piece *piece = &walk->pieces[0];

	if (!kernel_piece(va, bytes, piece))
		return span_fail(fault, va, MARU_FAULT_PTE);
	piece->bytes += va - walk->va;
	piece->addr -= va - walk->va;
	piece->bytes = (piece->bytes + MARU_PAGE_BYTES - 1) & ~(uint64_t)(MARU_PAGE_BYTES - 1);
	walk->count = 1;
	return 0;
}

int walk_range(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
	       struct walk *walk, struct span_fault *fault)
{
	uint64_t last = va + (bytes - 1), at = va & ~(uint64_t)(MARU_PAGE_BYTES - 1), steps = 0;
	struct mmu_cursor cursor;
	struct mmu_leaf leaf;

	walk_init(walk, vm, va);
	if (!vm->id)
		return walk_kernel(va, bytes, walk, fault);
	if (walk_point())
		return span_fail(fault, va, walk_missing(access, 0));
	mmu_cursor_init(&cursor, &walk_ops, vm->root);
	while (at <= last) {
		struct view_piece piece = { 0 };

		if (walk_leaf(&cursor, at < va ? va : at, access, &leaf, fault))
			return -EFAULT;
		piece.tier = leaf.tier;
		piece.access = leaf.access;
		piece.addr = leaf.addr + (at - leaf.va);
		piece.bytes = leaf.bytes - (at - leaf.va);
		if (piece.bytes - 1 > last - at)
			piece.bytes = (last - at) / MARU_PAGE_BYTES * MARU_PAGE_BYTES +
				      MARU_PAGE_BYTES;
		if (!walk_append(walk, &piece))
			return span_fail(fault, at, FAULT_PIECES);
		at += piece.bytes;
		if (++steps % WALK_PAUSE == 0 && walk_is_cancelled(NULL))
			return span_fail(fault, at, FAULT_PIECES);
	}
	return 0;
}

int walk_split(struct walk *walk, unsigned int access, struct span_fault *fault)
{
	uint64_t va = walk->va;
	struct dma_run run;

	for (unsigned int i = 0; i < walk->count; i++) {
		struct view_piece *piece = &walk->pieces[i], back;

		if (piece->tier == MARU_TIER_HOST) {
			uint64_t at = va < walk->asked ? walk->asked : va;

			if (!dma_find(piece->addr, piece->bytes, &run)) {
				walk->missed = piece->addr + (at - va);
				return span_fail(fault, at, MARU_FAULT_WINDOW);
			}
			if ((access & SPAN_WRITE) && !run.is_writable)
				return span_fail(fault, at, MARU_FAULT_WRITE);
			if (run.bytes < piece->bytes) {
				if (!walk_reserve(walk))
					return span_fail(fault, va, FAULT_PIECES);
				piece = &walk->pieces[i];
				back = *piece;
				back.addr += run.bytes;
				back.bytes -= run.bytes;
				piece->bytes = run.bytes;
				memmove(piece + 2, piece + 1,
					(walk->count - i - 1) * sizeof(*piece));
				piece[1] = back;
				walk->count++;
			}
		}
		va += piece->bytes;
	}
	return 0;
}

void walk_remember(struct span_vm *vm, const struct walk *walk)
{
	uint64_t va = walk->va;

	if (!vm->id || walk->count > WALK_REMEMBER_MAX)
		return;
	for (unsigned int i = 0; i < walk->count; i++) {
		const struct view_piece *piece = &walk->pieces[i];
		struct tlb_run run = { .va = va, .bytes = piece->bytes, .addr = piece->addr,
				       .tier = (uint16_t)piece->tier,
				       .access = (uint16_t)piece->access };

		tlb_insert(&vm->tlb, &run);
		va += piece->bytes;
	}
}

void walk_free(struct walk *walk)
{
	if (walk->pieces != walk->first)
		free(walk->pieces);
	walk->pieces = walk->first;
}
