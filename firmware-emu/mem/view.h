/* SPDX-License-Identifier: MIT */
/*
 * Views: address ranges of ours in which scattered pieces of memory lie one after the other,
 * mapped there from their files. Cached by the card address that they show; the number of
 * pieces over all views is bounded by the kernel's limit on mappings.
 */
#ifndef MARU_VIEW_H
#define MARU_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/maru_hw.h"
#include "firmware-emu/mem/dma.h"

#define VIEW_PIECES_MAX		16384	/* of one view */
#define VIEWS_MAX		1024

struct view_piece {
	uint64_t start;		/* in the view */
	uint64_t bytes;
	uint64_t addr;		/* inside the tier */
	uint32_t tier;
	uint32_t access;	/* SPAN_* that the page table allows */
	uint8_t *host;		/* filled by the view from tier and window */
	struct dma_file *file;
};

struct view;

/**
 * view_find() - Find a cached view of a range and hold it.
 * Return: the view, or NULL.
 */
struct view *view_find(const void *vm, uint64_t va, uint64_t bytes, unsigned int access);

/**
 * view_create() - Reserve a view of page-aligned pieces and hold it; view_build() must follow.
 * Windows are locked, and each piece of the host tier is one run of them.
 * @pieces: copied; host and file are filled in
 * @count: 2 … VIEW_PIECES_MAX
 *
 * Return: the view, or NULL when what is held leaves no room for it.
 */
struct view *view_create(const void *vm, uint64_t va, const struct view_piece *pieces,
			 unsigned int count);

/** view_build() - Map the pieces. Return: 0 or -errno. */
int view_build(struct view *view);

/** view_publish() - Let view_find() see it. */
void view_publish(struct view *view);

/** view_put() - Let go. */
void view_put(struct view *view);

/** view_host() - Address of @va in the view. */
uint8_t *view_host(const struct view *view, uint64_t va);

/** view_per_tier() - How many bytes of a range lie in each tier. */
void view_per_tier(const struct view *view, uint64_t va, uint64_t bytes, uint64_t per_tier[3]);

/** view_touches() - Tell whether a part of the view lies in a range of the host tier. */
bool view_touches(const struct view *view, uint64_t iova, uint64_t bytes);

/** view_is_dead() - Tell whether a file of the view was found to be cut short. */
bool view_is_dead(const struct view *view);

/** view_drop_va() - Forget views of @vm that overlap a range; @bytes 0: all. */
void view_drop_va(const void *vm, uint64_t va, uint64_t bytes);

/** view_drop_window() - Forget views with a part in a range of the host tier. */
void view_drop_window(uint64_t iova, uint64_t bytes);

/** view_sigbus() - As dma_sigbus(). */
bool view_sigbus(uintptr_t address);

/** view_set_budget() - Bound the pieces of all views; 0: from the kernel's limit. */
void view_set_budget(unsigned int pieces);

/** view_pieces_used() - Pieces of all views, held or cached. */
unsigned int view_pieces_used(void);

#endif
