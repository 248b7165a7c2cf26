// SPDX-License-Identifier: MIT
/* See kv.h. */
#include <stdlib.h>
#include <string.h>

#include "kv.h"

int kv_create(struct kv *kv, uint32_t sequences, uint32_t context, int32_t *table)
{
	memset(kv, 0, sizeof(*kv));
	kv->sequences = sequences;
	kv->row = kv_row(context);
	kv->blocks = sequences * kv->row;
	kv->table = table;
	kv->taken = calloc(sequences, sizeof(*kv->taken));
	kv->unused = calloc(kv->blocks, sizeof(*kv->unused));
	if (!kv->taken || !kv->unused) {
		kv_destroy(kv);
		return -1;
	}
	while (kv->unused_count < kv->blocks) {
		kv->unused[kv->unused_count] = (int32_t)(kv->blocks - 1 - kv->unused_count);
		kv->unused_count++;
	}
	return 0;
}

void kv_destroy(struct kv *kv)
{
	free(kv->taken);
	free(kv->unused);
	memset(kv, 0, sizeof(*kv));
}

int kv_grow(struct kv *kv, uint32_t sequence, uint32_t tokens)
{
	uint32_t need = kv_row(tokens);

	if (need > kv->row)
		return -1;
	while (kv->taken[sequence] < need) {
		if (!kv->unused_count)
			return -1;
		kv->table[sequence * kv->row + kv->taken[sequence]++] =
			kv->unused[--kv->unused_count];
	}
	return 0;
}

int64_t kv_slot(const struct kv *kv, uint32_t sequence, uint32_t position)
{
	int64_t block = kv->table[sequence * kv->row + position / KV_BLOCK];

	return block * KV_BLOCK + position % KV_BLOCK;
}

void kv_drop(struct kv *kv, uint32_t sequence)
{
	while (kv->taken[sequence])
		kv->unused[kv->unused_count++] =
			kv->table[sequence * kv->row + --kv->taken[sequence]];
}
