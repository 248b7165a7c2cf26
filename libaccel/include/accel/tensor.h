/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_TENSOR_H
#define ACCEL_TENSOR_H

#include <accel/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_tensor - tensors are values: views cost nothing
 *
 * A tensor says how to read bytes of memory: type, sizes, strides. Making a view calls no driver
 * and allocates nothing.
 */

#define ACCEL_DIMS		4
#define ACCEL_RANK_INVALID	0xff

/**
 * struct accel_tensor - A tensor: bytes of memory and how to read them. A plain value: it is
 * passed and copied as such, owns nothing, and a view of one is just another one.
 * @memory: where the bytes are. NULL: nowhere, which only a command buffer that is made with
 *	ACCEL_CMD_CHECK takes.
 * @offset: bytes from there to element 0.
 * @type: enum accel_type.
 * @layout: enum accel_layout.
 * @rank: dims that the program thinks of, 0 … 4; ACCEL_RANK_INVALID: made from wrong arguments.
 * @mbz: 0.
 * @ne: elements per dim, the innermost one first, unused ones 1: the order of the card and of
 *	GGUF. Functions below count axes from the outermost one, as NumPy does.
 * @nb: bytes from one element to the next in that dim; 0 in a layout other than STRIDED.
 *
 * Functions that make a tensor cannot return an error. From wrong arguments they make an invalid
 * one, which every function takes and refuses, and set accel_error_text().
 */
struct accel_tensor {
	struct accel_memory *memory;
	uint64_t offset;
	uint8_t type;
	uint8_t layout;
	uint8_t rank;
	uint8_t mbz[5];
	uint32_t ne[ACCEL_DIMS];
	uint64_t nb[ACCEL_DIMS];
};

/**
 * accel_tensor_make() - Describe a dense tensor, in C order.
 * @memory: where it lies, or NULL.
 * @offset: in bytes.
 * @type: of its elements.
 * @rank: 0 … 4.
 * @shape: that many sizes, the outermost one first, as NumPy prints them.
 *
 * It must lie in @memory whole.
 *
 * Context: Any thread.
 * Return: the tensor; invalid if an argument is wrong.
 */
ACCEL_API struct accel_tensor accel_tensor_make(struct accel_memory *memory, uint64_t offset,
						enum accel_type type, unsigned int rank,
						const uint32_t *shape);

/**
 * accel_tensor_prepared() - Describe a prepared image of a matrix, or of up to two outer dims
 * of matrices.
 * @memory: where it lies, or NULL.
 * @offset: in bytes, multiple of 64.
 * @type: of its elements.
 * @layout: enum accel_layout, not STRIDED.
 * @rank: 2 … 4.
 * @shape: of the plain tensor [.., n, k].
 *
 * Such an image has no views: slice before accel_cmd_prepare().
 *
 * Context: Any thread.
 * Return: the tensor; invalid if an argument is wrong.
 */
ACCEL_API struct accel_tensor accel_tensor_prepared(struct accel_memory *memory, uint64_t offset,
						    enum accel_type type,
						    enum accel_layout layout, unsigned int rank,
						    const uint32_t *shape);

/**
 * accel_tensor_create() - Allocate memory for one dense tensor.
 * @device: where.
 * @tier: which kind.
 * @type: of its elements.
 * @rank: 0 … 4.
 * @shape: outermost first.
 * @tensor: set on success; its elements are zero.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL wrong argument; else as accel_memory_create().
 */
ACCEL_API int accel_tensor_create(struct accel_device *device, enum accel_tier tier,
				  enum accel_type type, unsigned int rank,
				  const uint32_t *shape, struct accel_tensor *tensor);

/**
 * accel_tensor_create_prepared() - Allocate memory for one prepared image.
 * @device: where.
 * @tier: which kind.
 * @type: of its elements.
 * @layout: not STRIDED.
 * @rank: 2 … 4.
 * @shape: of the plain tensor.
 * @tensor: set on success.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL wrong argument; else as accel_memory_create().
 */
ACCEL_API int accel_tensor_create_prepared(struct accel_device *device, enum accel_tier tier,
					   enum accel_type type, enum accel_layout layout,
					   unsigned int rank, const uint32_t *shape,
					   struct accel_tensor *tensor);

/**
 * accel_tensor_destroy() - Destroy the memory of a tensor, and with it all other tensors there.
 * @tensor: its memory becomes NULL.
 *
 * Context: One thread at a time for its memory.
 */
ACCEL_API void accel_tensor_destroy(struct accel_tensor *tensor);

/**
 * accel_tensor_transpose() - View with the two innermost axes exchanged.
 * @tensor: of rank ≥ 2.
 *
 * Context: Any thread.
 * Return: the view; invalid if @tensor is, is prepared, or has a lower rank.
 */
ACCEL_API struct accel_tensor accel_tensor_transpose(struct accel_tensor tensor);

/**
 * accel_tensor_permute() - View with its axes in another order.
 * @tensor: any.
 * @axes: as many as its rank: axis i of the view is axis @axes[i] of @tensor.
 *
 * Context: Any thread.
 * Return: the view; invalid if @tensor is, is prepared, or @axes is no permutation.
 */
ACCEL_API struct accel_tensor accel_tensor_permute(struct accel_tensor tensor,
						   const unsigned int *axes);

/**
 * accel_tensor_slice() - View of a part.
 * @tensor: any.
 * @axis: 0 is the outermost.
 * @start: first index that is kept.
 * @count: how many.
 *
 * Context: Any thread.
 * Return: the view; invalid if @tensor is, is prepared, or the part lies outside.
 */
ACCEL_API struct accel_tensor accel_tensor_slice(struct accel_tensor tensor, unsigned int axis,
						 uint32_t start, uint32_t count);

/**
 * accel_tensor_reshape() - View of a dense tensor with other axes.
 * @tensor: dense, in C order.
 * @rank: 0 … 4.
 * @shape: outermost first, with as many elements.
 *
 * Context: Any thread.
 * Return: the view; invalid if @tensor is, is not dense, or the counts differ.
 */
ACCEL_API struct accel_tensor accel_tensor_reshape(struct accel_tensor tensor, unsigned int rank,
						   const uint32_t *shape);

/**
 * accel_tensor_expand() - View that repeats an axis of size 1, without copies. A source only.
 * @tensor: any.
 * @axis: 0 is the outermost, of size 1.
 * @count: its size in the view.
 *
 * Context: Any thread.
 * Return: the view; invalid if @tensor is, is prepared, or the axis has another size.
 */
ACCEL_API struct accel_tensor accel_tensor_expand(struct accel_tensor tensor, unsigned int axis,
						  uint32_t count);

/**
 * accel_tensor_dim() - Tell the size of an axis.
 * @tensor: which.
 * @axis: 0 is the outermost.
 *
 * Context: Any thread.
 * Return: elements; 0 for an axis it does not have.
 */
ACCEL_API uint32_t accel_tensor_dim(struct accel_tensor tensor, unsigned int axis);

/**
 * accel_tensor_elements() - Tell the number of elements.
 * @tensor: which.
 *
 * Context: Any thread.
 * Return: product of its sizes; 0 if it is invalid.
 */
ACCEL_API uint64_t accel_tensor_elements(struct accel_tensor tensor);

/**
 * accel_tensor_bytes() - Tell the bytes from element 0 to the end of the last one.
 * @tensor: which.
 *
 * Context: Any thread.
 * Return: bytes, of a prepared image its size; 0 if it is empty or invalid.
 */
ACCEL_API uint64_t accel_tensor_bytes(struct accel_tensor tensor);

/**
 * accel_tensor_is_dense() - Tell whether the elements lie in C order without gaps.
 * @tensor: which.
 *
 * Context: Any thread.
 * Return: 1 or 0.
 */
ACCEL_API int accel_tensor_is_dense(struct accel_tensor tensor);

/**
 * accel_tensor_check() - Tell whether a tensor is one, and lies in its memory.
 * @tensor: which.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL it is invalid or damaged; -ERANGE it ends beyond its memory.
 */
ACCEL_API int accel_tensor_check(struct accel_tensor tensor);

/**
 * accel_tensor_upload() - Copy elements of the program into a tensor, by the CPU.
 * @tensor: to where.
 * @source: its elements in C order without gaps, of its type; for a prepared image its bytes.
 * @bytes: size of @source, to be sure.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL, an invalid tensor, or @bytes is not the size of its elements;
 * -ERANGE it ends beyond its memory; else as accel_memory_map().
 */
ACCEL_API int accel_tensor_upload(struct accel_tensor tensor, const void *source, uint64_t bytes);

/**
 * accel_tensor_download() - Copy elements of a tensor into the program, by the CPU.
 * @tensor: from where.
 * @target: gets them in C order without gaps.
 * @bytes: size of @target.
 *
 * Wait for the fence of what writes them first.
 *
 * Context: Any thread.
 * Return: as accel_tensor_upload().
 */
ACCEL_API int accel_tensor_download(struct accel_tensor tensor, void *target, uint64_t bytes);

/**
 * accel_layout_bytes() - Tell the size of a prepared image.
 * @layout: not STRIDED.
 * @type: one it takes.
 * @rank: 2 … 4.
 * @shape: of the plain tensor.
 *
 * Context: Any thread.
 * Return: bytes; 0 for a pair of layout and type that does not exist, or an empty tensor.
 */
ACCEL_API uint64_t accel_layout_bytes(enum accel_layout layout, enum accel_type type,
				      unsigned int rank, const uint32_t *shape);

#ifdef __cplusplus
}
#endif

#endif
