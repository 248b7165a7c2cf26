// SPDX-License-Identifier: MIT
/* Memory of a program: HBM, behind it CXL, and pages of its own that the card sees. */
#include <errno.h>

#include "direct.h"

#define TIER_SHIFT	30	/* of a handle: the tier, and below it the page */

static int place(struct direct *direct, struct accel_memory *memory, unsigned int tier)
{
	uint64_t address;
	int error = heap_alloc(&direct->heaps[tier], memory->bytes, &address);

	if (error)
		return error;
	error = pt_map(direct, memory->address, tier, tier == MARU_TIER_HOST ?
		       address + DIRECT_HOST_IOVA : address, memory->bytes);
	if (error) {
		heap_free(&direct->heaps[tier], address, memory->bytes);
		return error;
	}
	memory->handle = tier << TIER_SHIFT | (uint32_t)(address >> MARU_PAGE_SHIFT);
	return 0;
}

static int get_error(struct direct *direct)
{
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	pthread_mutex_lock(&direct->lock);
	error = direct->error;
	pthread_mutex_unlock(&direct->lock);
	return error;
}

int direct_memory_create(struct accel_memory *memory)
{
	struct direct *direct = direct_of(memory->device);
	unsigned int tier = memory->tier;
	int error = get_error(direct);

	if (error)
		return error;
	if (!direct->heaps[tier].bytes)
		return -EINVAL;
	pthread_mutex_lock(&direct->memory_lock);
	error = place(direct, memory, tier);
	if (error == -ENOMEM && tier == MARU_TIER_HBM)
		error = place(direct, memory, MARU_TIER_CXL);
	pthread_mutex_unlock(&direct->memory_lock);
	return error;
}

static struct direct_heap *heap_of(const struct accel_memory *memory, uint64_t *address)
{
	*address = (uint64_t)(memory->handle & ((1u << TIER_SHIFT) - 1)) << MARU_PAGE_SHIFT;
	return &direct_of(memory->device)->heaps[memory->handle >> TIER_SHIFT];
}

void direct_memory_destroy(struct accel_memory *memory)
{
	struct direct *direct = direct_of(memory->device);
	struct direct_heap *heap;
	uint64_t address;

	if (atomic_load(&direct->is_forked))
		return;
	pthread_mutex_lock(&direct->memory_lock);
	pt_unmap(direct, memory->address, memory->bytes);
	heap = heap_of(memory, &address);
	heap_free(heap, address, memory->bytes);
	pthread_mutex_unlock(&direct->memory_lock);
}

int direct_memory_map(struct accel_memory *memory, void **pointer)
{
	struct direct *direct = direct_of(memory->device);
	struct direct_heap *heap;
	uint64_t address;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	heap = heap_of(memory, &address);
	*pointer = heap->base + address;
	return 0;
}

/* All that was submitted until now, on any queue. */
struct tails {
	uint32_t count;
	uint64_t tail[DIRECT_QUEUES];
	struct direct_queue *queue[DIRECT_QUEUES];
};

static bool are_over(struct direct *direct, const void *what)
{
	const struct tails *tails = what;

	for (uint32_t i = 0; i < tails->count; i++) {
		if (tails->queue[i] == direct->queues[i] && tails->queue[i] &&
		    tails->queue[i]->head < tails->tail[i])
			return false;
	}
	return true;
}

int direct_memory_wait(struct accel_memory *memory, int64_t deadline_ns)
{
	struct direct *direct = direct_of(memory->device);
	struct tails tails;
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	pthread_mutex_lock(&direct->lock);
	tails.count = direct->queue_top;
	for (uint32_t i = 0; i < tails.count; i++) {
		tails.queue[i] = direct->queues[i];
		tails.tail[i] = tails.queue[i] ? tails.queue[i]->tail : 0;
	}
	error = event_wait(direct, are_over, &tails, deadline_ns);
	pthread_mutex_unlock(&direct->lock);
	return error;
}
