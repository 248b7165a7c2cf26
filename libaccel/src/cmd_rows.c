// SPDX-License-Identifier: MIT
/* Packets that choose, order or fold rows. */
#include <errno.h>

#include "cmd.h"
#include "error.h"

static int check_flags(const char *call, uint32_t flags, uint32_t known)
{
	return flags & ~known ?
	       accel_refuse(-EINVAL, "%s: flags: 0x%x: unknown bits", call, flags) : 0;
}

int accel_cmd_gather(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor src,
		     struct accel_tensor idx, uint32_t flags)
{
	struct accel_packet packet = {
		.call = "accel_cmd_gather",
		.header.op = MARU_OP_GATHER,
		.header.gather.skip_neg = flags & ACCEL_SKIP_NEGATIVE,
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_SRC] = &src,
		.tensors[MARU_ROLE_IDX] = &idx,
	};
	int error = check_flags(packet.call, flags, ACCEL_SKIP_NEGATIVE);

	return error ? error : accel_cmd_append(cmd, &packet);
}

int accel_cmd_scatter(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor src,
		      struct accel_tensor idx, uint32_t flags)
{
	struct accel_packet packet = {
		.call = "accel_cmd_scatter",
		.header.op = MARU_OP_SCATTER,
		.header.scatter.skip_neg = flags & ACCEL_SKIP_NEGATIVE,
		.tensors[MARU_ROLE_DST] = &dst,
		.tensors[MARU_ROLE_SRC] = &src,
		.tensors[MARU_ROLE_IDX] = &idx,
	};
	int error = check_flags(packet.call, flags, ACCEL_SKIP_NEGATIVE);

	return error ? error : accel_cmd_append(cmd, &packet);
}

static int reduce(struct accel_cmd *cmd, const char *call, enum accel_reduce kind,
		  struct accel_tensor *dst, struct accel_tensor *x, unsigned int axis,
		  const struct accel_tensor *add)
{
	struct accel_packet packet = {
		.call = call,
		.header.op = MARU_OP_REDUCE,
		.header.reduce.kind = (uint8_t)kind,
		.tensors[MARU_ROLE_DST] = dst,
		.tensors[MARU_ROLE_X] = x,
		.tensors[MARU_ROLE_REDUCE_ADD] = add,
	};

	if ((unsigned int)kind > 0xff)
		return accel_refuse(-EINVAL, "%s: kind: %u is no such number", call,
				    (unsigned int)kind);
	if (x->rank <= ACCEL_DIMS) {	/* an invalid one is refused with the operands */
		if (axis >= x->rank)
			return accel_refuse(-EINVAL, "%s: axis: %u of %u", call, axis, x->rank);
		packet.header.reduce.dim = (uint8_t)(x->rank - 1 - axis);
	}
	return accel_cmd_append(cmd, &packet);
}

int accel_cmd_reduce(struct accel_cmd *cmd, enum accel_reduce kind, struct accel_tensor dst,
		     struct accel_tensor x, unsigned int axis, const struct accel_tensor *add)
{
	return reduce(cmd, "accel_cmd_reduce", kind, &dst, &x, axis, add);
}

int accel_cmd_argmax(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor x)
{
	return reduce(cmd, "accel_cmd_argmax", ACCEL_REDUCE_ARGMAX, &dst, &x, x.rank - 1u, NULL);
}

static int sort(struct accel_cmd *cmd, const char *call, struct accel_tensor *dst,
		struct accel_tensor *x, const struct accel_tensor *values, bool is_descending)
{
	struct accel_packet packet = {
		.call = call,
		.header.op = MARU_OP_SORT,
		.header.sort.descending = is_descending,
		.tensors[MARU_ROLE_DST] = dst,
		.tensors[MARU_ROLE_X] = x,
		.tensors[MARU_ROLE_VALUES] = values,
	};

	return accel_cmd_append(cmd, &packet);
}

int accel_cmd_sort(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor x,
		   const struct accel_tensor *values, uint32_t flags)
{
	int error = check_flags("accel_cmd_sort", flags, ACCEL_SORT_DESCENDING);

	return error ? error :
	       sort(cmd, "accel_cmd_sort", &dst, &x, values, flags & ACCEL_SORT_DESCENDING);
}

int accel_cmd_top_k(struct accel_cmd *cmd, struct accel_tensor dst, struct accel_tensor x,
		    const struct accel_tensor *values)
{
	return sort(cmd, "accel_cmd_top_k", &dst, &x, values, true);
}
