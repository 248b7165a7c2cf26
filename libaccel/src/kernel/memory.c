// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/mman.h>

#include "kernel.h"

static int bind(struct accel_device *device, struct drm_maru_bind_op *op)
{
	struct drm_maru_vm_bind bind = {
		.vm = kernel_of(device)->vm,
		.ops = { .stride = sizeof(*op), .count = 1, .ptr = (uintptr_t)op },
	};

	return accel_ioctl(kernel_of(device)->fd, DRM_IOCTL_MARU_VM_BIND, &bind);
}

static void close_handle(struct accel_memory *memory)
{
	struct drm_gem_close close = { .handle = memory->handle };

	accel_ioctl(kernel_of(memory->device)->fd, DRM_IOCTL_GEM_CLOSE, &close);
}

int kernel_memory_create(struct accel_memory *memory)
{
	struct kernel *kernel = kernel_of(memory->device);
	struct drm_maru_bo_create create = {
		.size = memory->bytes,
		.tiers = 1u << memory->tier,
		.preferred = memory->tier,
		.flags = DRM_MARU_BO_CPU,
		.vm = kernel->vm,
	};
	struct drm_maru_bind_op map = {
		.op = DRM_MARU_BIND_MAP, .va = memory->address, .bytes = memory->bytes,
	};
	int error = accel_ioctl(kernel->fd, DRM_IOCTL_MARU_BO_CREATE, &create);

	if (error)
		return error;
	memory->handle = create.handle;
	map.handle = create.handle;
	error = bind(memory->device, &map);
	if (error)
		close_handle(memory);
	return error;
}

void kernel_memory_destroy(struct accel_memory *memory)
{
	struct drm_maru_bind_op unmap = {
		.op = DRM_MARU_BIND_UNMAP, .va = memory->address, .bytes = memory->bytes,
	};
	void *pointer = atomic_load(&memory->pointer);

	if (pointer)
		munmap(pointer, memory->bytes);
	bind(memory->device, &unmap);
	close_handle(memory);
}

int kernel_memory_map(struct accel_memory *memory, void **pointer)
{
	struct kernel *kernel = kernel_of(memory->device);
	struct drm_maru_bo_mmap request = { .handle = memory->handle };
	int error = accel_ioctl(kernel->fd, DRM_IOCTL_MARU_BO_MMAP, &request);
	void *mapped;

	if (error)
		return error;
	mapped = mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, kernel->fd,
		      (off_t)request.offset);
	if (mapped == MAP_FAILED)
		return -errno;
	*pointer = mapped;
	return 0;
}

int kernel_memory_wait(struct accel_memory *memory, int64_t deadline_ns)
{
	struct drm_maru_bo_wait wait = {
		.handle = memory->handle,
		.flags = DRM_MARU_BO_WAIT_WRITE,
		.deadline_ns = deadline_ns,
	};

	return accel_ioctl(kernel_of(memory->device)->fd, DRM_IOCTL_MARU_BO_WAIT, &wait);
}
