// SPDX-License-Identifier: MIT
/* See table.h. */
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* Short texts come first, so that most comparisons look at two lengths only. */
static int compare(const struct gguf_string *a, const struct gguf_string *b)
{
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	return memcmp(a->text, b->text, a->bytes);
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = compare(&a->text, &b->text);

	return order ? order : a->id - b->id;
}

int table_create(struct table *t, const struct gguf_string *texts, uint32_t count)
{
	t->count = count;
	t->entries = calloc(count + 1, sizeof(*t->entries));
	if (!t->entries)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		t->entries[i] = (struct entry){ texts[i], (int32_t)i };
	qsort(t->entries, count, sizeof(*t->entries), compare_entries);
	return 0;
}

int32_t table_find(const struct table *t, const char *text, size_t bytes)
{
	const struct gguf_string wanted = { text, bytes };
	uint32_t low = 0, high = t->count;

	while (low < high) {		/* entries below low are less, from high on they are not */
		uint32_t middle = low + (high - low) / 2;

		if (compare(&t->entries[middle].text, &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && !compare(&t->entries[low].text, &wanted) ?
	       t->entries[low].id : -1;
}
