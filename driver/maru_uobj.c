// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays of user space: the only place that copies one in.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "maru_uobj.h"

/**
 * maru_uobj_get_array() - Copy an array of structs in from user space.
 * @array: array as user space gave it, copied already.
 * @min_stride: bytes of the struct's first version.
 * @size: bytes of the struct as the kernel knows it, not less than @min_stride.
 * @max: elements allowed.
 *
 * Elements that are smaller than @size are filled up with zeros; larger ones must be zero
 * beyond. Each byte is read once.
 *
 * Context: process, may fault and sleep.
 * Return: @array->count elements of @size bytes, to be freed by kvfree(); NULL for an empty
 * array; ERR_PTR: -E2BIG more than @max; -EINVAL a stride below @min_stride, above a page or no
 * multiple of 8, or bytes set that are not known; -EFAULT; -ENOMEM.
 */
void *maru_uobj_get_array(const struct drm_maru_array *array, u32 min_stride, u32 size, u32 max)
{
	void *copy;
	int ret;

	if (!array->count)
		return NULL;
	if (array->stride < min_stride || array->stride > PAGE_SIZE || array->stride % 8)
		return ERR_PTR(-EINVAL);
	if (array->count > max)
		return ERR_PTR(-E2BIG);

	copy = kvcalloc(array->count, size, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return ERR_PTR(-ENOMEM);
	for (u32 i = 0; i < array->count; i++) {
		u64 offset = (u64)i * array->stride, address;

		if (check_add_overflow(array->ptr, offset, &address)) {
			ret = -EFAULT;
			goto err_free;
		}
		ret = copy_struct_from_user(copy + (size_t)i * size, size, u64_to_user_ptr(address),
					    array->stride);
		if (ret) {
			/* copy_struct_from_user's word for bytes that it does not know */
			ret = ret == -E2BIG ? -EINVAL : ret;
			goto err_free;
		}
	}
	return copy;

err_free:
	kvfree(copy);
	return ERR_PTR(ret);
}
