// SPDX-License-Identifier: MIT
/* See table.h. */
#include <stdlib.h>

#include "table.h"

uint64_t hash_bytes(const char *text, size_t bytes)
{
	uint64_t h = 0xcbf29ce484222325ull;

	while (bytes--)
		h = (h ^ (uint8_t)*text++) * 0x100000001b3ull;
	return h | 1;
}

int table_create(struct table *t, uint32_t count)
{
	uint32_t size = 16;

	while (size < count * 2)
		size *= 2;
	t->entries = calloc(size, sizeof(*t->entries));
	t->mask = size - 1;
	return t->entries ? 0 : -1;
}

void table_put(struct table *t, uint64_t hash, int32_t id, int32_t rank)
{
	uint32_t i = hash & t->mask;

	while (t->entries[i].hash && t->entries[i].hash != hash)
		i = (i + 1) & t->mask;
	if (!t->entries[i].hash)	/* the first of equal ones wins */
		t->entries[i] = (struct entry){ hash, id, rank };
}

const struct entry *table_get(const struct table *t, uint64_t hash)
{
	uint32_t i = hash & t->mask;

	while (t->entries[i].hash && t->entries[i].hash != hash)
		i = (i + 1) & t->mask;
	return t->entries[i].hash ? &t->entries[i] : NULL;
}
