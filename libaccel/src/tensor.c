// SPDX-License-Identifier: MIT
/* Tensors are values: what makes and reads them. Moving their bytes is in tensor_copy.c. */
#include <errno.h>
#include <string.h>

#include "cmd.h"
#include "internal.h"
#include "ops.h"

static struct accel_tensor invalid(void)
{
	struct accel_tensor tensor = { .rank = ACCEL_RANK_INVALID };

	return tensor;
}

#define REFUSE(...) (accel_refuse(-EINVAL, __VA_ARGS__), invalid())

static bool is_valid(const struct accel_tensor *tensor)
{
	return tensor->rank <= ACCEL_DIMS;
}

/* Sizes from the outermost one on, to dims from the innermost one on. */
static bool set_dims(struct accel_tensor *tensor, unsigned int rank, const uint32_t *shape)
{
	if (rank > ACCEL_DIMS || (rank && !shape))
		return false;
	tensor->rank = (uint8_t)rank;
	for (unsigned int d = 0; d < ACCEL_DIMS; d++)
		tensor->ne[d] = d < rank ? shape[rank - 1 - d] : 1;
	return true;
}

static bool set_dense(struct accel_tensor *tensor)
{
	uint64_t span = maru_type_bytes(tensor->type);

	for (unsigned int d = 0; d < ACCEL_DIMS; d++) {
		tensor->nb[d] = span;
		if (__builtin_mul_overflow(span, tensor->ne[d] ? tensor->ne[d] : 1, &span))
			return false;
	}
	return span <= 1ull << 48;
}

static void operand_raw(struct maru_operand *operand, const struct accel_tensor *tensor)
{
	memset(operand, 0, sizeof(*operand));
	operand->va = (tensor->memory ? tensor->memory->address : 0) + tensor->offset;
	operand->type = tensor->type;
	operand->layout = tensor->layout;
	memcpy(operand->dim, tensor->ne, sizeof(operand->dim));
	memcpy(operand->stride, tensor->nb, sizeof(operand->stride));
}

/*
 * Strides of dims with one element say nothing, but the card checks them: they become those of a
 * tensor without gaps. A transposed matrix keeps the element size as its second one.
 */
void accel_operand_from_tensor(struct maru_operand *operand, const struct accel_tensor *tensor)
{
	uint64_t size = maru_type_bytes(tensor->type), span = size;

	operand_raw(operand, tensor);
	if (tensor->layout != ACCEL_LAYOUT_STRIDED)
		return;
	for (int d = 0; d < ACCEL_DIMS; d++) {
		if (operand->dim[d] <= 1)
			operand->stride[d] = d == 1 && operand->stride[0] != size ? size : span;
		span = operand->stride[d] * (operand->dim[d] ? operand->dim[d] : 1);
	}
}

int accel_tensor_refusal(const struct accel_tensor *tensor, const char **why)
{
	struct maru_operand operand;
	uint64_t bytes;

	*why = "it is no tensor: made from arguments that were refused";
	if (!is_valid(tensor))
		return -EINVAL;
	*why = "its type or layout is no such number";
	if (!maru_type_bytes(tensor->type) || tensor->layout >= 16)
		return -EINVAL;
	operand_raw(&operand, tensor);
	*why = "it reaches beyond 2^48 bytes, or its layout does not take its type";
	if (!accel_operand_extent(&operand, &bytes))
		return -EINVAL;
	*why = "it has more than 2^40 elements";
	if (bytes && (!accel_tensor_elements(*tensor) ||
		      accel_tensor_elements(*tensor) > MARU_ELEMENTS_MAX))
		return -EINVAL;
	*why = "it ends beyond its memory";
	if (tensor->memory && (tensor->offset > tensor->memory->bytes ||
			       bytes > tensor->memory->bytes - tensor->offset))
		return -ERANGE;
	*why = "";
	return 0;
}

int accel_tensor_check(struct accel_tensor tensor)
{
	const char *why;
	int error = accel_tensor_refusal(&tensor, &why);

	return error ? accel_refuse(error, "accel_tensor_check: tensor: %s", why) : 0;
}

struct accel_tensor accel_tensor_make(struct accel_memory *memory, uint64_t offset,
				      enum accel_type type, unsigned int rank,
				      const uint32_t *shape)
{
	struct accel_tensor tensor = { .memory = memory, .offset = offset, .type = (uint8_t)type };
	const char *why;

	if (!accel_type_bytes(type))
		return REFUSE("accel_tensor_make: type: %u is none", (unsigned int)type);
	if (!set_dims(&tensor, rank, shape))
		return REFUSE("accel_tensor_make: %s", rank > ACCEL_DIMS ? "rank: above 4" :
			      "shape: NULL");
	if (!set_dense(&tensor))
		return REFUSE("accel_tensor_make: shape: larger than 2^48 bytes");
	if (accel_tensor_refusal(&tensor, &why))
		return REFUSE("accel_tensor_make: %s", why);
	return tensor;
}

struct accel_tensor accel_tensor_prepared(struct accel_memory *memory, uint64_t offset,
					  enum accel_type type, enum accel_layout layout,
					  unsigned int rank, const uint32_t *shape)
{
	struct accel_tensor tensor = {
		.memory = memory, .offset = offset, .type = (uint8_t)type,
		.layout = (uint8_t)layout,
	};
	const char *why;

	if (rank < 2 || !set_dims(&tensor, rank, shape))
		return REFUSE("accel_tensor_prepared: %s",
			      rank < 2 || rank > ACCEL_DIMS ? "rank: not 2 … 4" : "shape: NULL");
	if (!accel_layout_bytes(layout, type, rank, shape))
		return REFUSE("accel_tensor_prepared: layout: %u takes no %s of this shape",
			      (unsigned int)layout, accel_type_name(type));
	if (offset % 64)
		return REFUSE("accel_tensor_prepared: offset: not a multiple of 64");
	if (accel_tensor_refusal(&tensor, &why))
		return REFUSE("accel_tensor_prepared: %s", why);
	return tensor;
}

uint64_t accel_layout_bytes(enum accel_layout layout, enum accel_type type, unsigned int rank,
			    const uint32_t *shape)
{
	struct accel_tensor tensor;

	if (rank < 2 || (unsigned int)type > 0xff || !set_dims(&tensor, rank, shape))
		return 0;
	return maru_layout_bytes(layout, type, tensor.ne);
}

/* Views: checks that all of them share. */
static bool can_view(const struct accel_tensor *tensor, const char *call)
{
	if (is_valid(tensor) && tensor->layout == ACCEL_LAYOUT_STRIDED)
		return true;
	if (is_valid(tensor))	/* an invalid one has its text already */
		accel_refuse(-EINVAL, "%s: tensor: a prepared image has no views", call);
	return false;
}

struct accel_tensor accel_tensor_transpose(struct accel_tensor tensor)
{
	struct accel_tensor view = tensor;

	if (!can_view(&tensor, "accel_tensor_transpose"))
		return invalid();
	if (tensor.rank < 2)
		return REFUSE("accel_tensor_transpose: tensor: its rank is %u", tensor.rank);
	view.ne[0] = tensor.ne[1];
	view.nb[0] = tensor.nb[1];
	view.ne[1] = tensor.ne[0];
	view.nb[1] = tensor.nb[0];
	return view;
}

struct accel_tensor accel_tensor_permute(struct accel_tensor tensor, const unsigned int *axes)
{
	struct accel_tensor view = tensor;
	unsigned int seen = 0, to, from;

	if (!can_view(&tensor, "accel_tensor_permute"))
		return invalid();
	if (tensor.rank && !axes)
		return REFUSE("accel_tensor_permute: axes: NULL");
	for (unsigned int axis = 0; axis < tensor.rank; axis++) {
		if (axes[axis] >= tensor.rank || seen >> axes[axis] & 1)
			return REFUSE("accel_tensor_permute: axes: entry %u is %u, beyond its rank "
				      "or twice there", axis, axes[axis]);
		seen |= 1u << axes[axis];
		to = tensor.rank - 1 - axis;
		from = tensor.rank - 1 - axes[axis];
		view.ne[to] = tensor.ne[from];
		view.nb[to] = tensor.nb[from];
	}
	return view;
}

struct accel_tensor accel_tensor_slice(struct accel_tensor tensor, unsigned int axis,
				       uint32_t start, uint32_t count)
{
	unsigned int d;

	if (!can_view(&tensor, "accel_tensor_slice"))
		return invalid();
	if (axis >= tensor.rank)
		return REFUSE("accel_tensor_slice: axis: %u of %u", axis, tensor.rank);
	d = tensor.rank - 1 - axis;
	if (start > tensor.ne[d] || count > tensor.ne[d] - start)
		return REFUSE("accel_tensor_slice: start, count: %u + %u of %u", start, count,
			      tensor.ne[d]);
	tensor.offset += start * tensor.nb[d];
	tensor.ne[d] = count;
	return tensor;
}

struct accel_tensor accel_tensor_reshape(struct accel_tensor tensor, unsigned int rank,
					 const uint32_t *shape)
{
	struct accel_tensor view = tensor;

	if (!can_view(&tensor, "accel_tensor_reshape"))
		return invalid();
	if (!accel_tensor_is_dense(tensor))
		return REFUSE("accel_tensor_reshape: tensor: it has gaps or another order");
	if (!set_dims(&view, rank, shape))
		return REFUSE("accel_tensor_reshape: %s", rank > ACCEL_DIMS ? "rank: above 4" :
			      "shape: NULL");
	if (!set_dense(&view) || accel_tensor_elements(view) != accel_tensor_elements(tensor))
		return REFUSE("accel_tensor_reshape: shape: not %llu elements",
			      (unsigned long long)accel_tensor_elements(tensor));
	return view;
}

struct accel_tensor accel_tensor_expand(struct accel_tensor tensor, unsigned int axis,
					uint32_t count)
{
	unsigned int d;

	if (!can_view(&tensor, "accel_tensor_expand"))
		return invalid();
	if (axis >= tensor.rank)
		return REFUSE("accel_tensor_expand: axis: %u of %u", axis, tensor.rank);
	d = tensor.rank - 1 - axis;
	if (tensor.ne[d] != 1)
		return REFUSE("accel_tensor_expand: axis: its size is %u, not 1", tensor.ne[d]);
	tensor.ne[d] = count;
	tensor.nb[d] = 0;
	return tensor;
}

uint32_t accel_tensor_dim(struct accel_tensor tensor, unsigned int axis)
{
	return is_valid(&tensor) && axis < tensor.rank ? tensor.ne[tensor.rank - 1 - axis] : 0;
}

uint64_t accel_tensor_elements(struct accel_tensor tensor)
{
	uint64_t count = 1;

	if (!is_valid(&tensor))
		return 0;
	for (int d = 0; d < ACCEL_DIMS; d++) {
		if (!tensor.ne[d])
			return 0;
		if (__builtin_mul_overflow(count, tensor.ne[d], &count))
			return 0;
	}
	return count;
}

uint64_t accel_tensor_bytes(struct accel_tensor tensor)
{
	struct maru_operand operand;
	uint64_t bytes;

	operand_raw(&operand, &tensor);
	return is_valid(&tensor) && accel_operand_extent(&operand, &bytes) ? bytes : 0;
}

int accel_tensor_is_dense(struct accel_tensor tensor)
{
	uint64_t span = maru_type_bytes(tensor.type);

	if (!is_valid(&tensor) || tensor.layout != ACCEL_LAYOUT_STRIDED)
		return 0;
	for (int d = 0; d < ACCEL_DIMS; d++) {
		if (tensor.ne[d] > 1 && tensor.nb[d] != span)
			return 0;
		if (tensor.ne[d])
			span *= tensor.ne[d];
	}
	return 1;
}
