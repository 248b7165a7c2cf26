/* SPDX-License-Identifier: MIT */
/*
 * A sorted table of what a vocabulary knows: pieces, or pairs that merge. No choice of texts makes
 * it slow, as it would a hash table.
 */
#ifndef GENERATE_TABLE_H
#define GENERATE_TABLE_H

#include "gguf.h"

struct entry {
	struct gguf_string text;
	int32_t id;			/* where it stood in the file's array */
};

struct table {
	struct entry *entries;
	uint32_t count;
};

/** table_create() - Sort @texts, whose bytes stay where they are. Return: 0, or -1: no memory. */
int table_create(struct table *t, const struct gguf_string *texts, uint32_t count);

/** table_find() - Return: the id of a text, of equal ones the first; -1: it is not there. */
int32_t table_find(const struct table *t, const char *text, size_t bytes);

#endif
