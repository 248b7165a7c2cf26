/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_MEMORY_H
#define ACCEL_MEMORY_H

#include <accel/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_memory - memory that the card and the program share
 *
 * Memory is zeroed, bound into the device's address space as soon as it exists, and can be
 * mapped whichever tier it lives in. It is never moved by the program: tiers are chosen when it
 * is created.
 */

/**
 * accel_memory_create() - Allocate memory that the card and the program both reach.
 * @device: where.
 * @tier: which kind.
 * @bytes: > 0, rounded up to 4 KiB.
 * @flags: 0.
 * @memory: set on success. It reads zero.
 *
 * It is bound into the address space of @device, with at least 64 KiB of nothing behind it, so
 * that a kernel that runs past its end faults.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL, no bytes, unknown @tier or @flags; -EOPNOTSUPP the card has no such
 * tier; -E2BIG more than the tier holds; -ENOMEM no room in it, or in the address space; -ENODEV
 * the card is gone.
 */
ACCEL_API int accel_memory_create(struct accel_device *device, enum accel_tier tier,
				  uint64_t bytes, uint32_t flags, struct accel_memory **memory);

/**
 * accel_memory_destroy() - Give memory back.
 * @memory: from accel_memory_create(), or NULL.
 *
 * Command buffers that name it, and work that runs, keep the bytes until they are done with
 * them; the handle, and pointers from accel_memory_map(), are invalid at once.
 *
 * Context: One thread at a time for @memory.
 */
ACCEL_API void accel_memory_destroy(struct accel_memory *memory);

/**
 * accel_memory_map() - Make memory readable and writable for the program.
 * @memory: which.
 * @pointer: set to its first byte; the same one for every call, good until @memory is destroyed.
 *
 * Reading HBM through it is slow on hardware: every load crosses the bus.
 *
 * Context: Any thread. Nothing keeps the program and the card from writing at once.
 * Return: 0; -EINVAL a NULL; -ENOMEM; -ENODEV the card is gone.
 */
ACCEL_API int accel_memory_map(struct accel_memory *memory, void **pointer);

/**
 * accel_memory_bytes() - Tell how large it is.
 * @memory: which.
 *
 * Context: Any thread.
 * Return: bytes, as rounded up.
 */
ACCEL_API uint64_t accel_memory_bytes(const struct accel_memory *memory);

/**
 * accel_memory_tier() - Tell in which tier it was allocated.
 * @memory: which.
 *
 * Context: Any thread.
 * Return: enum accel_tier.
 */
ACCEL_API enum accel_tier accel_memory_tier(const struct accel_memory *memory);

/**
 * accel_memory_address() - Tell the card's address of its first byte.
 * @memory: which.
 *
 * Context: Any thread.
 * Return: address, as error texts and traces show it.
 */
ACCEL_API uint64_t accel_memory_address(const struct accel_memory *memory);

/**
 * accel_memory_upload() - Copy bytes of the program into memory, by the CPU.
 * @memory: to where.
 * @offset: in it.
 * @source: from where.
 * @bytes: how many; 0 does nothing.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -ERANGE the range ends beyond @memory; else as accel_memory_map().
 */
ACCEL_API int accel_memory_upload(struct accel_memory *memory, uint64_t offset,
				  const void *source, uint64_t bytes);

/**
 * accel_memory_download() - Copy bytes of memory into the program, by the CPU.
 * @memory: from where.
 * @offset: in it.
 * @target: to where.
 * @bytes: how many; 0 does nothing.
 *
 * Wait for the fence of what writes them first.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -ERANGE the range ends beyond @memory; else as accel_memory_map().
 */
ACCEL_API int accel_memory_download(struct accel_memory *memory, uint64_t offset, void *target,
				    uint64_t bytes);

/**
 * accel_memory_wait() - Wait until no work of the card uses memory.
 * @memory: which.
 * @deadline_ns: until when, ACCEL_FOREVER, or 0: look once.
 *
 * It waits for all work of the device that was submitted before, as that shares one reservation.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -ETIME the deadline passed; -ENODEV the card is gone.
 */
ACCEL_API int accel_memory_wait(struct accel_memory *memory, int64_t deadline_ns);

#ifdef __cplusplus
}
#endif

#endif
