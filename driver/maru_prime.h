/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_PRIME_H
#define MARU_PRIME_H

#include <linux/types.h>

struct dma_buf;
struct dma_buf_attachment;
struct drm_device;
struct drm_file;
struct drm_gem_object;
struct sg_table;

int maru_prime_handle_to_fd(struct drm_device *drm, struct drm_file *file, u32 handle,
			    u32 flags, int *fd);
int maru_prime_fd_to_handle(struct drm_device *drm, struct drm_file *file, int fd, u32 *handle);
struct dma_buf *maru_prime_export(struct drm_gem_object *obj, int flags);
int maru_prime_pin(struct drm_gem_object *obj);
void maru_prime_unpin(struct drm_gem_object *obj);
struct sg_table *maru_prime_get_sg_table(struct drm_gem_object *obj);
struct drm_gem_object *maru_prime_import_sg_table(struct drm_device *drm,
						  struct dma_buf_attachment *attach,
						  struct sg_table *sgt);

#endif
