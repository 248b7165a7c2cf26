/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_PRIME_H
#define MARU_PRIME_H

struct dma_buf;
struct dma_buf_attachment;
struct drm_device;
struct drm_gem_object;
struct sg_table;

struct dma_buf *maru_prime_export(struct drm_gem_object *obj, int flags);
int maru_prime_pin(struct drm_gem_object *obj);
void maru_prime_unpin(struct drm_gem_object *obj);
struct sg_table *maru_prime_get_sg_table(struct drm_gem_object *obj);
struct drm_gem_object *maru_prime_import_sg_table(struct drm_device *drm,
						  struct dma_buf_attachment *attach,
						  struct sg_table *sgt);

#endif
