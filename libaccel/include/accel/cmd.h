/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_CMD_H
#define ACCEL_CMD_H

#include <accel/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_cmd - record what the card is to do
 *
 * A command buffer is recorded once and submitted as often as one likes. Sizes and addresses are
 * fixed by recording; contents of memory are not.
 */

/**
 * ACCEL_CMD_CHECK - For accel_cmd_create(): every packet is checked and none is kept. Tensors
 * need no memory. So a program asks whether the card can do something before it allocates.
 */
#define ACCEL_CMD_CHECK		0x1

/**
 * accel_cmd_create() - Make a command buffer: a list of packets, recorded once, submitted often.
 * @device: for which.
 * @flags: ACCEL_CMD_CHECK or 0.
 * @cmd: set on success, empty.
 *
 * Functions below that take a @cmd append one packet. They check it whole: shapes, types and
 * strides by the card's own table, extents against the memory, and whether the card lists the
 * operation. What they accept, the card accepts. Packets act as if run one after another.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL or unknown @flags; -ENOMEM.
 */
ACCEL_API int accel_cmd_create(struct accel_device *device, uint32_t flags,
			       struct accel_cmd **cmd);

/**
 * accel_cmd_destroy() - Forget a command buffer.
 * @cmd: from accel_cmd_create(), or NULL. Submissions of it that are pending still run.
 *
 * Context: One thread at a time for @cmd.
 */
ACCEL_API void accel_cmd_destroy(struct accel_cmd *cmd);

/**
 * accel_cmd_reset() - Make a command buffer empty, to record it anew.
 * @cmd: which.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL a NULL; -EBUSY a submission of it is pending.
 */
ACCEL_API int accel_cmd_reset(struct accel_cmd *cmd);

/**
 * accel_cmd_tag() - Choose the number that the next packets carry into errors and traces.
 * @cmd: which.
 * @tag: free; 0 at first.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL a NULL.
 */
ACCEL_API int accel_cmd_tag(struct accel_cmd *cmd, uint32_t tag);

/**
 * accel_cmd_packets() - Tell the number of packets.
 * @cmd: which.
 *
 * Context: One thread at a time for @cmd.
 * Return: how many; the last one recorded has this number − 1. 0 with ACCEL_CMD_CHECK.
 */
ACCEL_API uint32_t accel_cmd_packets(const struct accel_cmd *cmd);

/**
 * accel_cmd_is_idempotent() - Tell whether running it twice is the same as once.
 * @cmd: which.
 *
 * It is when no packet writes bytes that it or an earlier packet reads from before the buffer
 * ran. Only such work is run again after another program made the card reset; other work that
 * had started then ends -ECANCELED.
 *
 * Context: One thread at a time for @cmd.
 * Return: 1 or 0.
 */
ACCEL_API int accel_cmd_is_idempotent(struct accel_cmd *cmd);

/**
 * accel_cmd_nop() - Record a packet that does nothing.
 * @cmd: which.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL a NULL; -EBUSY a submission of @cmd is pending; -E2BIG the buffer would be
 * larger than the card takes; -ENOMEM.
 */
ACCEL_API int accel_cmd_nop(struct accel_cmd *cmd);

/**
 * accel_cmd_timestamp() - Record: write card and modelled time to memory.
 * @cmd: which.
 * @dst: U64 [2]: ns on the card's clock, ns on the model's (0 without one).
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL, -ERANGE, -EOPNOTSUPP as accel_cmd_matmul(); else as accel_cmd_nop().
 */
ACCEL_API int accel_cmd_timestamp(struct accel_cmd *cmd, struct accel_tensor dst);

/**
 * accel_cmd_fill() - Record: one value into every element.
 * @cmd: which.
 * @dst: of any type.
 * @element: the value, one element of that type.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL, -ERANGE, -EOPNOTSUPP as accel_cmd_matmul(); else as accel_cmd_nop().
 */
ACCEL_API int accel_cmd_fill(struct accel_cmd *cmd, struct accel_tensor dst, const void *element);

/**
 * accel_cmd_copy() - Record: copy, with conversion if the types differ.
 * @cmd: which.
 * @dst: target.
 * @src: as many elements; both are read in C order of their shapes.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL, -ERANGE, -EOPNOTSUPP as accel_cmd_matmul(); else as accel_cmd_nop().
 */
ACCEL_API int accel_cmd_copy(struct accel_cmd *cmd, struct accel_tensor dst,
			     struct accel_tensor src);

/**
 * accel_cmd_repeat() - Record: tile a tensor, with conversion if the types differ.
 * @cmd: which.
 * @dst: target.
 * @src: each of its sizes divides that of @dst.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL, -ERANGE, -EOPNOTSUPP as accel_cmd_matmul(); else as accel_cmd_nop().
 */
ACCEL_API int accel_cmd_repeat(struct accel_cmd *cmd, struct accel_tensor dst,
			       struct accel_tensor src);

/**
 * accel_cmd_prepare() - Record: bring weights into, or out of, a prepared layout.
 * @cmd: which.
 * @dst: target.
 * @src: same type and shape; at least one of them is prepared.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL, -ERANGE, -EOPNOTSUPP as accel_cmd_matmul(); else as accel_cmd_nop().
 */
ACCEL_API int accel_cmd_prepare(struct accel_cmd *cmd, struct accel_tensor dst,
				struct accel_tensor src);

/**
 * struct accel_matmul_desc - What is around a matrix product:
 * dst = act(scale · b·aᵀ + bias) + residual.
 * @size: sizeof(struct accel_matmul_desc).
 * @bias: [n] of F32, F16 or BF16, or NULL.
 * @residual: of dst's shape, may be exactly dst, or NULL.
 * @scale: finite.
 * @act: enum accel_act.
 * @b_as: type that @b is converted to first, F16 or BF16 (a is rounded to it too), or
 *	ACCEL_TYPE_NONE: as it is. With @a_scale also I8: each row to its largest magnitude / 127.
 * @mbz: 0.
 * @a_scale: [n] of F32, or NULL: a is I8 and each sum is multiplied by that of its row of a.
 */
struct accel_matmul_desc {
	size_t size;
	const struct accel_tensor *bias;
	const struct accel_tensor *residual;
	float scale;
	enum accel_act act;
	enum accel_type b_as;
	uint32_t mbz;
	const struct accel_tensor *a_scale;
};

#define ACCEL_MATMUL_DESC_INIT	{ sizeof(struct accel_matmul_desc), NULL, NULL, 1.0f, \
				  ACCEL_ACT_NONE, ACCEL_TYPE_NONE, 0, NULL }

/**
 * accel_cmd_matmul() - Record a matrix product: dst [m, n] = b [m, k] · aᵀ, a [n, k].
 * @cmd: which.
 * @dst: F32, F16 or BF16; or I32 when a and b are I8, exact and with nothing around it.
 * @a: weights, one row per output, as torch.nn.Linear and GGUF keep them; may be prepared. For
 *	weights that lie [k, n], pass accel_tensor_transpose() of them.
 * @b: activations.
 * @desc: what is around it, or NULL: nothing.
 *
 * Outer axes are batches: those of @b equal those of @dst, those of @a divide them, and a matrix
 * of @a serves consecutive ones. Sums are kept in F32, in I32 for I8.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL a NULL, an invalid tensor, or shapes, types or strides that do not go
 * together; -ERANGE a tensor ends beyond its memory; -EOPNOTSUPP the card does not list this
 * operation with these types and layouts; else as accel_cmd_nop().
 */
ACCEL_API int accel_cmd_matmul(struct accel_cmd *cmd, struct accel_tensor dst,
			       struct accel_tensor a, struct accel_tensor b,
			       const struct accel_matmul_desc *desc);

/** enum accel_role - Operands of a packet, for accel_cmd_patch(). Numbers are per operation. */
enum accel_role {
	ACCEL_ROLE_DST			= 0,
	ACCEL_ROLE_SRC			= 1,	/* copy, repeat, prepare, gather, scatter */
	ACCEL_ROLE_IDX			= 2,	/* gather, scatter */
	ACCEL_ROLE_MATMUL_A		= 1,
	ACCEL_ROLE_MATMUL_B		= 2,
	ACCEL_ROLE_MATMUL_BIAS		= 3,
	ACCEL_ROLE_MATMUL_RESIDUAL	= 4,
	ACCEL_ROLE_MATMUL_A_SCALE	= 5,
	ACCEL_ROLE_ATTENTION_Q		= 1,
	ACCEL_ROLE_ATTENTION_K		= 2,
	ACCEL_ROLE_ATTENTION_V		= 3,
	ACCEL_ROLE_ATTENTION_MASK	= 4,
	ACCEL_ROLE_ATTENTION_BLOCKS	= 6,	/* block_table */
	ACCEL_ROLE_ATTENTION_KV_LEN	= 7,
	ACCEL_ROLE_ATTENTION_Q_START	= 8,
	ACCEL_ROLE_X			= 1,	/* norm, rope, softmax, reduce, sort */
	ACCEL_ROLE_NORM_MUL		= 2,
	ACCEL_ROLE_NORM_ADD		= 3,
	ACCEL_ROLE_ROPE_POS		= 2,
	ACCEL_ROLE_ROPE_FACTORS		= 3,
	ACCEL_ROLE_SOFTMAX_MASK		= 2,
	ACCEL_ROLE_REDUCE_ADD		= 2,
	ACCEL_ROLE_SORT_VALUES		= 2,
	ACCEL_ROLE_LEFT			= 1,	/* unary, binary; gate of glu */
	ACCEL_ROLE_RIGHT		= 2,	/* binary; value of glu */
};

/**
 * accel_cmd_patch() - Replace one operand of a recorded packet, for submissions to come.
 * @cmd: which.
 * @packet: its number, from 0.
 * @role: which operand; the packet must have it.
 * @tensor: the new one. The packet is checked anew; if it is refused, nothing has changed.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -ENOENT no such packet or operand; -EBUSY a submission of @cmd is pending; else as
 * accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_patch(struct accel_cmd *cmd, uint32_t packet, enum accel_role role,
			      struct accel_tensor tensor);

#ifdef __cplusplus
}
#endif

#endif
