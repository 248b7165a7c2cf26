/* SPDX-License-Identifier: MIT */
/* A hash table of what a vocabulary knows: pieces, or pairs that merge. */
#ifndef GENERATE_TABLE_H
#define GENERATE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct entry {			/* of a hash table: a piece, or a pair of merged pieces */
	uint64_t hash;
	int32_t id, rank;
};

struct table {
	struct entry *entries;
	uint32_t mask;
};

/** hash_bytes() - Hash of a text, never 0. */
uint64_t hash_bytes(const char *text, size_t bytes);

/** table_create() - Room for @count entries. Return: 0, or -1 without memory. */
int table_create(struct table *t, uint32_t count);

/** table_put() - Enter a hash; of equal ones the first stays. */
void table_put(struct table *t, uint64_t hash, int32_t id, int32_t rank);

/** table_get() - Return: the entry of a hash, or NULL. */
const struct entry *table_get(const struct table *t, uint64_t hash);

#endif
