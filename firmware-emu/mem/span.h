/* SPDX-License-Identifier: MIT */
/*
 * The one way from a card address to bytes. A span is a contiguous host view of a range of
 * card addresses, checked for access, that stays valid until it is released.
 */
#ifndef MARU_SPAN_H
#define MARU_SPAN_H

#include <stdint.h>

struct span_vm;			/* an address space: VM 0 or a page table; mmu.c, span.c */

#define SPAN_READ		0x1
#define SPAN_WRITE		0x2

struct span {
	uint8_t *host;		/* whole range, contiguous; NULL when bytes is 0 */
	uint64_t bytes;
	uint64_t per_tier[3];	/* how many of the bytes lie in each tier */
	void *view;		/* opaque: what span_release() lets go */
};

struct span_fault {
	uint64_t va;		/* first address that can not be reached */
	uint32_t kind;		/* MARU_FAULT_*; ~0: too many pieces for one view */
};

/**
 * span_resolve() - Translate [va, va + bytes) whole and hold it.
 * @vm: address space.
 * @access: SPAN_READ, SPAN_WRITE or both; the page table must allow all of them.
 * @span: filled on success.
 * @fault: filled on failure.
 *
 * Physically contiguous ranges resolve to the tier's own mapping; others to a cached view
 * that maps the pieces one after the other. Looked-up ranges are cached until invalidated.
 * Thread-safe. Return: 0 or -EFAULT.
 */
int span_resolve(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
		 struct span *span, struct span_fault *fault);

/** span_release() - Let go. An INVALIDATE or DMA_UNMAP of the range waits for this. */
void span_release(struct span *span);

/**
 * span_read(), span_write() - Copy a few bytes once (descriptors, packets, fences).
 * Survives a window whose file was cut short (SIGBUS): that is -EFAULT, kind WINDOW.
 * Return: 0 or -EFAULT with @fault filled.
 */
int span_read(struct span_vm *vm, uint64_t va, void *to, uint64_t bytes,
	      struct span_fault *fault);
int span_write(struct span_vm *vm, uint64_t va, const void *from, uint64_t bytes,
	       struct span_fault *fault);

#endif
