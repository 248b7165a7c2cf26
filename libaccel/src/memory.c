// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int give_address(struct accel_memory *memory)
{
	struct accel_device *device = memory->device;
	int error;

	pthread_mutex_lock(&device->lock);
	error = accel_va_alloc(&device->va, memory->bytes, memory->is_low, &memory->address);
	pthread_mutex_unlock(&device->lock);
	return error;
}

static void take_address(struct accel_memory *memory)
{
	struct accel_device *device = memory->device;

	pthread_mutex_lock(&device->lock);
	accel_va_free(&device->va, memory->address, memory->bytes);
	pthread_mutex_unlock(&device->lock);
}

int accel_memory_create_at(struct accel_device *device, enum accel_tier tier, uint64_t bytes,
			   bool is_low, struct accel_memory **out)
{
	struct accel_memory *memory = calloc(1, sizeof(*memory));
	int error;

	if (!memory)
		return accel_refuse(-ENOMEM, "accel_memory_create: out of host memory");
	memory->device = device;
	memory->tier = tier;
	memory->is_low = is_low;
	memory->bytes = (bytes + ACCEL_PAGE_BYTES - 1) & ~(ACCEL_PAGE_BYTES - 1);
	atomic_init(&memory->refs, 1);
	error = give_address(memory);
	if (error) {
		free(memory);
		return accel_refuse(error, "accel_memory_create: bytes: no room in the address "
				    "space");
	}
	error = device->ops->memory_create(memory);
	if (error) {
		take_address(memory);
		free(memory);
		return accel_refuse(error, "accel_memory_create: %llu bytes in tier %u: %s",
				    (unsigned long long)bytes, (unsigned int)tier,
				    accel_errno_text(error));
	}
	pthread_mutex_lock(&device->lock);
	LIST_INSERT_HEAD(&device->memories, memory, entry);
	pthread_mutex_unlock(&device->lock);
	*out = memory;
	return 0;
}

int accel_memory_create(struct accel_device *device, enum accel_tier tier, uint64_t bytes,
			uint32_t flags, struct accel_memory **memory)
{
	struct accel_tier_info info;
	int error;

	if (!device || !memory)
		return accel_refuse(-EINVAL, "accel_memory_create: %s: NULL",
				    device ? "memory" : "device");
	if ((unsigned int)tier >= ACCEL_TIERS || flags)
		return accel_refuse(-EINVAL, "accel_memory_create: %s", flags ?
				    "flags: unknown bits" : "tier: no such number");
	if (!bytes || bytes > 1ull << 47)
		return accel_refuse(-EINVAL, "accel_memory_create: bytes: %llu",
				    (unsigned long long)bytes);
	error = accel_memory_create_at(device, tier, bytes, false, memory);
	if (error != -EINVAL)
		return error;
	/* A tier that does not exist, or not yet, is the only thing left to be refused. */
	if (!accel_device_tier(device, tier, &info) && info.available)
		return error;
	return accel_refuse(-EOPNOTSUPP, "accel_memory_create: tier: this card has none of kind %u",
			    (unsigned int)tier);
}

void accel_memory_free(struct accel_memory *memory)
{
	struct accel_device *device = memory->device;

	device->ops->memory_destroy(memory);
	take_address(memory);
	pthread_mutex_lock(&device->lock);
	LIST_REMOVE(memory, entry);
	pthread_mutex_unlock(&device->lock);
	free(memory);
}

void accel_memory_get(struct accel_memory *memory)
{
	if (memory)
		atomic_fetch_add(&memory->refs, 1);
}

void accel_memory_put(struct accel_memory *memory)
{
	if (memory && atomic_fetch_sub(&memory->refs, 1) == 1)
		accel_memory_free(memory);
}

void accel_memory_destroy(struct accel_memory *memory)
{
	accel_memory_put(memory);
}

int accel_memory_map(struct accel_memory *memory, void **pointer)
{
	void *mapped;
	int error = 0;

	if (!memory || !pointer)
		return accel_refuse(-EINVAL, "accel_memory_map: %s: NULL",
				    memory ? "pointer" : "memory");
	mapped = atomic_load_explicit(&memory->pointer, memory_order_acquire);
	if (!mapped) {
		pthread_mutex_lock(&memory->device->lock);
		mapped = atomic_load_explicit(&memory->pointer, memory_order_relaxed);
		if (!mapped)
			error = memory->device->ops->memory_map(memory, &mapped);
		if (!error)
			atomic_store_explicit(&memory->pointer, mapped, memory_order_release);
		pthread_mutex_unlock(&memory->device->lock);
	}
	if (error)
		return accel_refuse(error, "accel_memory_map: %s", accel_errno_text(error));
	*pointer = mapped;
	return 0;
}

uint64_t accel_memory_bytes(const struct accel_memory *memory)
{
	return memory ? memory->bytes : 0;
}

enum accel_tier accel_memory_tier(const struct accel_memory *memory)
{
	return memory ? memory->tier : ACCEL_TIER_SYSTEM;
}

uint64_t accel_memory_address(const struct accel_memory *memory)
{
	return memory ? memory->address : 0;
}

static int part(struct accel_memory *memory, uint64_t offset, const void *host, uint64_t bytes,
		const char *call, uint8_t **start)
{
	void *pointer;
	int error;

	if (!memory || (bytes && !host))
		return accel_refuse(-EINVAL, "%s: %s: NULL", call,
				    memory ? "program's side" : "memory");
	if (offset > memory->bytes || bytes > memory->bytes - offset)
		return accel_refuse(-ERANGE, "%s: offset, bytes: %llu + %llu of %llu", call,
				    (unsigned long long)offset, (unsigned long long)bytes,
				    (unsigned long long)memory->bytes);
	error = accel_memory_map(memory, &pointer);
	if (!error)
		*start = (uint8_t *)pointer + offset;
	return error;
}

int accel_memory_upload(struct accel_memory *memory, uint64_t offset, const void *source,
			uint64_t bytes)
{
	uint8_t *start = NULL;
	int error = part(memory, offset, source, bytes, "accel_memory_upload", &start);

	if (!error && bytes)
		memcpy(start, source, bytes);
	return error;
}

int accel_memory_download(struct accel_memory *memory, uint64_t offset, void *target,
			  uint64_t bytes)
{
	uint8_t *start = NULL;
	int error = part(memory, offset, target, bytes, "accel_memory_download", &start);

	if (!error && bytes)
		memcpy(target, start, bytes);
	return error;
}

int accel_memory_wait(struct accel_memory *memory, int64_t deadline_ns)
{
	int error;

	if (!memory)
		return accel_refuse(-EINVAL, "accel_memory_wait: memory: NULL");
	error = memory->device->ops->memory_wait(memory, deadline_ns);
	if (error)
		return accel_refuse(error, "accel_memory_wait: %s", accel_errno_text(error));
	return 0;
}
