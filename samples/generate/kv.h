/* SPDX-License-Identifier: MIT */
/*
 * Which rows of the card's key and value pools belong to which sequence. The pools are divided
 * into blocks of KV_BLOCK tokens; a sequence takes one when it needs one. What stands here is
 * host memory only; the table is what the card reads, too.
 */
#ifndef GENERATE_KV_H
#define GENERATE_KV_H

#include <stdint.h>

#define KV_BLOCK	16u

struct kv {
	uint32_t sequences;
	uint32_t blocks;		/* of the pool */
	uint32_t row;			/* entries of a sequence in the table */
	int32_t *table;			/* [sequences][row]: numbers of blocks */
	uint32_t *taken;		/* by sequence: blocks it has */
	int32_t *unused;		/* stack of free blocks */
	uint32_t unused_count;
};

/**
 * kv_create() - Room for sequences of up to @context tokens each.
 * @table: [sequences][kv_row(context)], memory of the caller, zeros.
 * Return: 0, or -1 without memory.
 */
int kv_create(struct kv *kv, uint32_t sequences, uint32_t context, int32_t *table);
void kv_destroy(struct kv *kv);

/** kv_row() - Blocks that a sequence of @context tokens needs. */
static inline uint32_t kv_row(uint32_t context)
{
	return (context + KV_BLOCK - 1) / KV_BLOCK;
}

/** kv_grow() - See that a sequence has blocks for @tokens. Return: 0, or -1: none is left. */
int kv_grow(struct kv *kv, uint32_t sequence, uint32_t tokens);

/** kv_slot() - Row of the pools for a position that kv_grow() has covered. */
int64_t kv_slot(const struct kv *kv, uint32_t sequence, uint32_t position);

/** kv_drop() - Give the blocks of a finished sequence back. */
void kv_drop(struct kv *kv, uint32_t sequence);

#endif
