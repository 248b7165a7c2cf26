// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "firmware-emu/mem/span.h"
#include "firmware-emu/mem/tier.h"
#include "firmware-emu/mem/view.h"

#define VIEW_BUCKETS	1024

struct view {
	_Atomic(uintptr_t) base;	/* 0: the slot is free */
	uint64_t bytes;
	const void *vm;
	uint64_t va;
	unsigned int access;
	unsigned int refs;
	unsigned int count;
	bool is_published;
	atomic_bool is_dead;
	uint64_t used;			/* clock of the last hold */
	struct view *next;		/* in the bucket */
	struct view_piece *pieces;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* protects all below */
static struct view views[VIEWS_MAX];
static struct view *buckets[VIEW_BUCKETS];
static unsigned int budget, pieces_used;
static uint64_t clock_now;

static struct view **view_bucket(const void *vm, uint64_t va)
{
	uint64_t key = ((uintptr_t)vm >> 4) * 31 + (va >> MARU_PAGE_SHIFT);

	return &buckets[key * 0x9e3779b97f4a7c15ULL >> 54];
}

static unsigned int view_budget_read(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned int limit = 65530;

	if (file) {
		if (fscanf(file, "%u", &limit) != 1)
			limit = 65530;
		fclose(file);
	}
	return limit / 4 * 3;
}

void view_set_budget(unsigned int pieces)
{
	pthread_mutex_lock(&lock);
	budget = pieces;
	pthread_mutex_unlock(&lock);
}

unsigned int view_pieces_used(void)
{
	return __atomic_load_n(&pieces_used, __ATOMIC_RELAXED);
}

static void view_unpublish(struct view *view)
{
	struct view **at = view_bucket(view->vm, view->va);

	if (!view->is_published)
		return;
	while (*at != view)
		at = &(*at)->next;
	*at = view->next;
	view->is_published = false;
}

static void view_free(struct view *view)
{
	munmap((void *)view->base, view->bytes);
	free(view->pieces);
	view->pieces = NULL;
	pieces_used -= view->count;
	view->base = 0;
}

static void view_drop(struct view *view)
{
	view_unpublish(view);
	if (!view->refs)
		view_free(view);
}

struct view *view_find(const void *vm, uint64_t va, uint64_t bytes, unsigned int access)
{
	struct view *view;

	pthread_mutex_lock(&lock);
	for (view = *view_bucket(vm, va); view; view = view->next) {
		if (view->vm == vm && view->va <= va && va - view->va <= view->bytes &&
		    bytes <= view->bytes - (va - view->va) &&
		    (view->access & access) == access && !view_is_dead(view))
			break;
	}
	if (view) {
		view->refs++;
		view->used = ++clock_now;
	}
	pthread_mutex_unlock(&lock);
	return view;
}

/* Drops views that nobody holds, the one that was not used for longest first. */
static bool view_make_room(unsigned int count)
{
	if (!budget)
		budget = view_budget_read();
	while (count > budget || pieces_used > budget - count) {
		struct view *oldest = NULL;

		for (unsigned int i = 0; i < VIEWS_MAX; i++) {
			struct view *view = &views[i];

			if (view->base && !view->refs && (!oldest || view->used < oldest->used))
				oldest = view;
		}
		if (!oldest)
			return false;
		view_drop(oldest);
	}
	return true;
}

static struct view *view_slot(void)
{
	struct view *oldest = NULL;

	for (unsigned int i = 0; i < VIEWS_MAX; i++) {
		struct view *view = &views[i];

		if (!view->base)
			return view;
		if (!view->refs && (!oldest || view->used < oldest->used))
			oldest = view;
	}
	if (oldest)
		view_drop(oldest);
	return oldest;
}

static bool view_fill(struct view *view)
{
	view->access = SPAN_READ | SPAN_WRITE;
	view->bytes = 0;
	for (unsigned int i = 0; i < view->count; i++) {
		struct view_piece *piece = &view->pieces[i];
		struct dma_run run;

		piece->start = view->bytes;
		view->bytes += piece->bytes;
		piece->file = NULL;
		if (piece->tier != MARU_TIER_HOST) {
			piece->host = tier_host(piece->tier, piece->addr);
		} else {
			if (!dma_find(piece->addr, piece->bytes, &run) ||
			    run.bytes != piece->bytes)
				return false;
			piece->host = run.host;
			piece->file = run.file;
			if (!run.is_writable)
				view->access &= ~SPAN_WRITE;
		}
		view->access &= piece->access;
	}
	return true;
}

static struct view *view_start(const void *vm, uint64_t va, const struct view_piece *pieces,
			       unsigned int count)
{
	struct view *view;
	void *base;

	if (count > VIEW_PIECES_MAX || !view_make_room(count))
		return NULL;
	view = view_slot();
	if (!view)
		return NULL;
	view->pieces = malloc(count * sizeof(*pieces));
	if (!view->pieces)
		return NULL;
	memcpy(view->pieces, pieces, count * sizeof(*pieces));
	view->count = count;
	view->vm = vm;
	view->va = va;
	view->is_published = false;
	view->is_dead = false;
	base = MAP_FAILED;
	if (view_fill(view))
		base = mmap(NULL, view->bytes, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED) {
		free(view->pieces);
		view->pieces = NULL;
		return NULL;
	}
	view->refs = 1;
	view->used = ++clock_now;
	pieces_used += count;
	view->base = (uintptr_t)base;
	return view;
}

struct view *view_create(const void *vm, uint64_t va, const struct view_piece *pieces,
			 unsigned int count)
{
	struct view *view;

	pthread_mutex_lock(&lock);
	view = view_start(vm, va, pieces, count);
	pthread_mutex_unlock(&lock);
	return view;
}

int view_build(struct view *view)
{
	int prot = PROT_READ | (view->access & SPAN_WRITE ? PROT_WRITE : 0);

	for (unsigned int i = 0; i < view->count; i++) {
		const struct view_piece *piece = &view->pieces[i];
		uint8_t *to = (uint8_t *)view->base + piece->start;

		/* Length 0 makes a second mapping of the same pages of a shared file. */
		if (mremap(piece->host, 0, piece->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) !=
		    (void *)to)
			return -errno;
		if (prot != (PROT_READ | PROT_WRITE) && mprotect(to, piece->bytes, prot))
			return -errno;
	}
	return 0;
}

void view_publish(struct view *view)
{
	struct view **bucket = view_bucket(view->vm, view->va);

	pthread_mutex_lock(&lock);
	view->next = *bucket;
	*bucket = view;
	view->is_published = true;
	pthread_mutex_unlock(&lock);
}

void view_put(struct view *view)
{
	pthread_mutex_lock(&lock);
	if (!--view->refs && (!view->is_published || view->is_dead))
		view_drop(view);
	pthread_mutex_unlock(&lock);
}

uint8_t *view_host(const struct view *view, uint64_t va)
{
	return (uint8_t *)view->base + (va - view->va);
}

void view_per_tier(const struct view *view, uint64_t va, uint64_t bytes, uint64_t per_tier[3])
{
	uint64_t from = va - view->va, end = from + bytes;

	memset(per_tier, 0, 3 * sizeof(*per_tier));
	for (unsigned int i = 0; i < view->count; i++) {
		const struct view_piece *piece = &view->pieces[i];
		uint64_t low = piece->start > from ? piece->start : from;
		uint64_t high = piece->start + piece->bytes;

		if (high > end)
			high = end;
		if (high > low)
			per_tier[piece->tier] += high - low;
	}
}

bool view_touches(const struct view *view, uint64_t iova, uint64_t bytes)
{
	for (unsigned int i = 0; i < view->count; i++) {
		const struct view_piece *piece = &view->pieces[i];

		if (piece->tier == MARU_TIER_HOST && piece->addr <= iova + (bytes - 1) &&
		    iova <= piece->addr + (piece->bytes - 1))
			return true;
	}
	return false;
}

bool view_is_dead(const struct view *view)
{
	return view->is_dead;
}

void view_drop_va(const void *vm, uint64_t va, uint64_t bytes)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < VIEWS_MAX; i++) {
		struct view *view = &views[i];

		if (view->base && view->vm == vm &&
		    (!bytes || (view->va < va + bytes && va < view->va + view->bytes)))
			view_drop(view);
	}
	pthread_mutex_unlock(&lock);
}

void view_drop_window(uint64_t iova, uint64_t bytes)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < VIEWS_MAX; i++) {
		if (views[i].base && view_touches(&views[i], iova, bytes))
			view_drop(&views[i]);
	}
	pthread_mutex_unlock(&lock);
}

bool view_sigbus(uintptr_t address)
{
	for (unsigned int i = 0; i < VIEWS_MAX; i++) {
		struct view *view = &views[i];
		uintptr_t base = view->base;
		uint64_t page = MARU_PAGE_BYTES;

		if (!base || address < base || address - base >= view->bytes)
			continue;
		for (unsigned int j = 0; j < view->count; j++) {
			const struct view_piece *piece = &view->pieces[j];

			if (address - base - piece->start >= piece->bytes || !piece->file)
				continue;
			dma_file_kill(piece->file);
			page = dma_file_page(piece->file);
		}
		view->is_dead = true;
		return sigbus_patch(address, page);
	}
	return false;
}
