/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The command stream: what user space says to the card.
 *
 * A command buffer is a list of packets in memory that the card can read. A packet is a header
 * line of 64 bytes and one line of 64 bytes for each operand that is present. Buffers and
 * packets start at multiples of 64. The kernel reads none of it: the card copies each packet
 * once, checks the copy whole, and only then writes anything. The packets of a buffer, and the
 * descriptors of a ring, act as if they ran one after another.
 *
 * What is fixed when a buffer is recorded is a parameter; what changes from run to run is data
 * in an operand. A recorded buffer can therefore be submitted again and again unchanged.
 *
 * Which operations, roles, types and layouts exist is one table: maru_cmd_ops.h. docs/card.md
 * is the specification with the numerics.
 *
 * All values are little-endian and naturally aligned; fields named mbz must be zero.
 */
#ifndef _UAPI_DRM_MARU_CMD_H_
#define _UAPI_DRM_MARU_CMD_H_

#include <linux/types.h>

#include "maru_cmd_params.h"

#if defined(__cplusplus)
extern "C" {
#endif

/** enum maru_op - Operation of a packet. */
enum maru_op {
	/** @MARU_OP_NOP: nothing */
	MARU_OP_NOP		= 0x0000,
	/** @MARU_OP_TIMESTAMP: card and model time to memory */
	MARU_OP_TIMESTAMP	= 0x0001,
	/** @MARU_OP_FILL: a pattern into every element */
	MARU_OP_FILL		= 0x0100,
	/** @MARU_OP_COPY: copy with strides and conversion */
	MARU_OP_COPY		= 0x0101,
	/** @MARU_OP_GATHER: rows by index */
	MARU_OP_GATHER		= 0x0102,
	/** @MARU_OP_SCATTER: rows to indices */
	MARU_OP_SCATTER		= 0x0103,
	/** @MARU_OP_PREPARE: weights to or from a prepared layout */
	MARU_OP_PREPARE		= 0x0104,
	/** @MARU_OP_MATMUL: matrix product with epilogue */
	MARU_OP_MATMUL		= 0x0200,
	/** @MARU_OP_MATMUL_ID: product with a matrix per token; kept */
	MARU_OP_MATMUL_ID	= 0x0201,
	/** @MARU_OP_ATTENTION: softmax(q·kᵀ)·v, over a cache of keys */
	MARU_OP_ATTENTION	= 0x0300,
	/** @MARU_OP_NORM: normalise rows */
	MARU_OP_NORM		= 0x0400,
	/** @MARU_OP_ROPE: rotate pairs by position */
	MARU_OP_ROPE		= 0x0401,
	/** @MARU_OP_SOFTMAX: softmax of rows */
	MARU_OP_SOFTMAX		= 0x0402,
	/** @MARU_OP_ELEMENTWISE: one or two operands, element by element */
	MARU_OP_ELEMENTWISE	= 0x0403,
	/** @MARU_OP_REDUCE: one dim to one element */
	MARU_OP_REDUCE		= 0x0500,
	/** @MARU_OP_SORT: the k first of a row in order */
	MARU_OP_SORT		= 0x0501,
	/** @MARU_OP_SAMPLE: kept */
	MARU_OP_SAMPLE		= 0x0502,
};

/**
 * enum maru_type - Element types. Numbers below 0x80 are those of GGUF files; block types
 * keep their number there and are refused until an operation lists them.
 */
enum maru_type {
	/** @MARU_TYPE_F32: IEEE single */
	MARU_TYPE_F32		= 0,
	/** @MARU_TYPE_F16: IEEE half */
	MARU_TYPE_F16		= 1,
	/** @MARU_TYPE_I8: signed */
	MARU_TYPE_I8		= 24,
	/** @MARU_TYPE_I16: signed */
	MARU_TYPE_I16		= 25,
	/** @MARU_TYPE_I32: signed */
	MARU_TYPE_I32		= 26,
	/** @MARU_TYPE_I64: signed */
	MARU_TYPE_I64		= 27,
	/** @MARU_TYPE_F64: IEEE double */
	MARU_TYPE_F64		= 28,
	/** @MARU_TYPE_BF16: upper half of a single */
	MARU_TYPE_BF16		= 30,
	/** @MARU_TYPE_U8: bytes */
	MARU_TYPE_U8		= 0x80,
	/** @MARU_TYPE_U64: unsigned */
	MARU_TYPE_U64		= 0x82,
	/** @MARU_TYPE_NONE: "as it is", where a parameter names a type */
	MARU_TYPE_NONE		= 0xff,
};

/** enum maru_layout - How the bytes of an operand lie. All but STRIDED are made by PREPARE. */
enum maru_layout {
	/** @MARU_LAYOUT_STRIDED: by strides */
	MARU_LAYOUT_STRIDED	= 0,
	/** @MARU_LAYOUT_R16: block types; kept */
	MARU_LAYOUT_R16		= 1,
	/** @MARU_LAYOUT_K16N64: F32, F16, BF16: blocks of 16 k × 64 n, n innermost */
	MARU_LAYOUT_K16N64	= 2,
	/** @MARU_LAYOUT_K16N64K2: F16, BF16: 32 k × 64 n, pairs of k innermost */
	MARU_LAYOUT_K16N64K2	= 3,
	/** @MARU_LAYOUT_K16N64K4: I8: 64 k × 64 n, quads of k innermost */
	MARU_LAYOUT_K16N64K4	= 4,
};

/** enum maru_unit - Where a packet runs. An order, not a wish: units differ in bits. */
enum maru_unit {
	/** @MARU_UNIT_TENSOR: the tensor engine */
	MARU_UNIT_TENSOR	= 0,
	/** @MARU_UNIT_PIM: kept */
	MARU_UNIT_PIM		= 1,
	/** @MARU_UNIT_PNM: kept */
	MARU_UNIT_PNM		= 2,
};

/* Roles: bit r of the header says that an operand in role r follows. Role 0 is written. */
#define MARU_ROLES		16
#define MARU_ROLE_DST		0
#define MARU_ROLE_SRC		1	/* COPY, PREPARE, GATHER, SCATTER */
#define MARU_ROLE_IDX		2	/* GATHER, SCATTER: row numbers */
#define MARU_ROLE_A		1	/* MATMUL: weights [k, n] */
#define MARU_ROLE_B		2	/* MATMUL: activations [k, m] */
#define MARU_ROLE_BIAS		3	/* MATMUL: [n] */
#define MARU_ROLE_RESIDUAL	4	/* MATMUL: same dims as dst; may be exactly dst */
#define MARU_ROLE_A_SCALE	5	/* MATMUL: [n], of A of I8 */
#define MARU_ROLE_Q		1	/* ATTENTION: queries [d, n, heads, sequences] */
#define MARU_ROLE_K		2	/* ATTENTION: keys [d, capacity, key heads, sequences] */
#define MARU_ROLE_V		3	/* ATTENTION: values, like keys */
#define MARU_ROLE_MASK		4	/* ATTENTION: [keys, n, …]; SOFTMAX has its own */
#define MARU_ROLE_BLOCKS	6	/* ATTENTION: block table [blocks, sequences] */
#define MARU_ROLE_KV_LEN	7	/* ATTENTION: keys of each sequence */
#define MARU_ROLE_Q_START	8	/* ATTENTION: first query of each sequence, and the end */
#define MARU_ROLE_X		1	/* NORM, ROPE, SOFTMAX, REDUCE, SORT */
#define MARU_ROLE_MUL		2	/* NORM */
#define MARU_ROLE_ADD		3	/* NORM */
#define MARU_ROLE_POS		2	/* ROPE: [T] */
#define MARU_ROLE_FACTORS	3	/* ROPE: [n_dims / 2] */
#define MARU_ROLE_SOFTMAX_MASK	2	/* SOFTMAX */
#define MARU_ROLE_REDUCE_ADD	2	/* REDUCE */
#define MARU_ROLE_VALUES	2	/* SORT: written beside dst */
#define MARU_ROLE_LEFT		1	/* ELEMENTWISE: a */
#define MARU_ROLE_RIGHT		2	/* ELEMENTWISE: b */
#define MARU_ROLE_NONE		0xff	/* in an error: the header or the parameters */

#define MARU_LINE_BYTES		64
#define MARU_PACKET_MAX_BYTES	(MARU_LINE_BYTES * (1 + MARU_ROLES))
#define MARU_DIM_MAX		0x7fffffffu
#define MARU_ELEMENTS_MAX	(1ULL << 40)

/**
 * struct maru_packet - Header line of a packet.
 * @op: enum maru_op.
 * @revision: of this op's parameters and roles, 0 now.
 * @flags: MBZ.
 * @bytes: 64 · (1 + number of bits in @roles).
 * @roles: bit r: an operand in role r follows, in rising order.
 * @unit: enum maru_unit.
 * @mbz: MBZ.
 * @tag: free; echoed in errors and traces.
 * @params: parameters, the 48 bytes of the line that are left.
 * @fill: those of FILL.
 * @copy: those of COPY.
 * @matmul: those of MATMUL.
 * @gather: those of GATHER.
 * @scatter: those of SCATTER.
 * @attention: those of ATTENTION.
 * @norm: those of NORM.
 * @rope: those of ROPE.
 * @softmax: those of SOFTMAX.
 * @elementwise: those of ELEMENTWISE.
 * @reduce: those of REDUCE.
 * @sort: those of SORT.
 */
struct maru_packet {
	__u16 op;
	__u8 revision;
	__u8 flags;
	__u32 bytes;
	__u16 roles;
	__u8 unit;
	__u8 mbz;
	__u32 tag;
	union {
		__u8 params[48];
		struct maru_params_fill fill;
		struct maru_params_copy copy;
		struct maru_params_matmul matmul;
		struct maru_params_gather gather;
		struct maru_params_scatter scatter;
		struct maru_params_attention attention;
		struct maru_params_norm norm;
		struct maru_params_rope rope;
		struct maru_params_softmax softmax;
		struct maru_params_elementwise elementwise;
		struct maru_params_reduce reduce;
		struct maru_params_sort sort;
	};
};

/**
 * struct maru_operand - One tensor of a packet.
 * @va: card address of element 0, aligned to the element (to 64 in a prepared layout).
 * @type: enum maru_type.
 * @layout: enum maru_layout.
 * @mbz: MBZ.
 * @dim: elements, dim[0] innermost; unused ones are 1, 0 makes the tensor empty, which is legal.
 * @stride: bytes from one element to the next in that dim; MBZ in a prepared layout. Sources
 *	may have any order and 0; destinations have rising strides, each at least the span
 *	of what lies inside. stride[0] is the element size, but free in COPY and FILL, and
 *	in MATMUL's plain A and B when stride[1] is the element size (transposed).
 */
struct maru_operand {
	__u64 va;
	__u8 type;
	__u8 layout;
	__u8 mbz[6];
	__u32 dim[4];
	__u64 stride[4];
};

/** enum maru_desc_op - What a ring descriptor does beside waiting and signalling. */
enum maru_desc_op {
	/** @MARU_DESC_NOP: nothing */
	MARU_DESC_NOP		= 0,
	/** @MARU_DESC_EXEC: run the command buffer */
	MARU_DESC_EXEC		= 1,
	/** @MARU_DESC_WAIT: @wait_va needed, no commands */
	MARU_DESC_WAIT		= 2,
	/** @MARU_DESC_SIGNAL: @signal_va needed, no commands */
	MARU_DESC_SIGNAL	= 3,
};

#define MARU_DESC_IRQ		0x1	/* raise a FENCE event when done */
#define MARU_DESC_IDEMPOTENT	0x4	/* may run again after it ran in part */

/**
 * struct maru_desc - Ring descriptor: wait, then run, then signal. Copied once, then checked.
 * @op: enum maru_desc_op.
 * @flags: MARU_DESC_*.
 * @mbz: MBZ.
 * @bytes: of the command buffer, multiple of 64, ≤ 16 MiB; 0 unless EXEC.
 * @va: of the command buffer, multiple of 64; 0 unless EXEC.
 * @wait_va: of a u64, multiple of 8; 0: no wait.
 * @wait_value: go on when the u64 at @wait_va is ≥ this.
 * @signal_va: of a u64, multiple of 8; 0: no signal.
 * @signal_value: stored there after all writes are visible.
 * @job: free number, echoed in errors and traces.
 * @times_va: of u64[4]: start and end in card ns, then in model ns; multiple of 8; 0: none.
 */
struct maru_desc {
	__u8 op;
	__u8 flags;
	__u16 mbz;
	__u32 bytes;
	__u64 va;
	__u64 wait_va;
	__u64 wait_value;
	__u64 signal_va;
	__u64 signal_value;
	__u64 job;
	__u64 times_va;
};

#define MARU_COMMAND_MAX_BYTES	(16u << 20)

/**
 * enum maru_error - Code of an error word. The word is code | role << 16 | field << 24: role
 * is that of the operand or MARU_ROLE_NONE; field is a byte offset in its line.
 */
enum maru_error {
	/** @MARU_ERR_NONE: no error */
	MARU_ERR_NONE		= 0,
	/** @MARU_ERR_BAD_LENGTH: -EINVAL up to TOO_LARGE */
	MARU_ERR_BAD_LENGTH	= 1,
	/** @MARU_ERR_BAD_FLAG: a flag, unit or MBZ byte */
	MARU_ERR_BAD_FLAG	= 2,
	/** @MARU_ERR_BAD_ROLES: a role is missing, unknown, or does not go with another */
	MARU_ERR_BAD_ROLES	= 3,
	/** @MARU_ERR_BAD_PARAM: a parameter */
	MARU_ERR_BAD_PARAM	= 4,
	/** @MARU_ERR_BAD_TYPE: a type that the role does not take */
	MARU_ERR_BAD_TYPE	= 5,
	/** @MARU_ERR_BAD_LAYOUT: a layout that the role does not take */
	MARU_ERR_BAD_LAYOUT	= 6,
	/** @MARU_ERR_BAD_STRIDE: a stride */
	MARU_ERR_BAD_STRIDE	= 7,
	/** @MARU_ERR_BAD_ALIGN: an address that is not aligned */
	MARU_ERR_BAD_ALIGN	= 8,
	/** @MARU_ERR_BAD_SHAPE: dims that do not fit those of another operand */
	MARU_ERR_BAD_SHAPE	= 9,
	/** @MARU_ERR_BAD_DESC: of the ring; field is a byte of the descriptor */
	MARU_ERR_BAD_DESC	= 10,
	/** @MARU_ERR_RANGE: an extent wraps or ends beyond 2^48 */
	MARU_ERR_RANGE		= 11,
	/** @MARU_ERR_OVERLAP: a destination overlaps a source, or itself */
	MARU_ERR_OVERLAP	= 12,
	/** @MARU_ERR_TOO_LARGE: more elements or bytes than the card can address */
	MARU_ERR_TOO_LARGE	= 13,
	/** @MARU_ERR_UNSUPPORTED: -EOPNOTSUPP: right, but not on this card */
	MARU_ERR_UNSUPPORTED	= 14,
	/** @MARU_ERR_BAD_INDEX: -ERANGE: a value in memory; value: its number */
	MARU_ERR_BAD_INDEX	= 15,
	/** @MARU_ERR_FAULT_READ: -EFAULT up to FAULT_WINDOW */
	MARU_ERR_FAULT_READ	= 16,
	/** @MARU_ERR_FAULT_WRITE: no WRITE permission */
	MARU_ERR_FAULT_WRITE	= 17,
	/** @MARU_ERR_FAULT_PTE: a broken page-table entry */
	MARU_ERR_FAULT_PTE	= 18,
	/** @MARU_ERR_FAULT_WINDOW: a host address without DMA window */
	MARU_ERR_FAULT_WINDOW	= 19,
	/** @MARU_ERR_TIMEOUT: -ETIME */
	MARU_ERR_TIMEOUT	= 20,
	/** @MARU_ERR_CANCELLED: -ECANCELED, also INNOCENT */
	MARU_ERR_CANCELLED	= 21,
	/** @MARU_ERR_INNOCENT: another's fault reset the card */
	MARU_ERR_INNOCENT	= 22,
	/** @MARU_ERR_INTERNAL: -EIO up to ECC */
	MARU_ERR_INTERNAL	= 23,
	/** @MARU_ERR_STORAGE: storage failed */
	MARU_ERR_STORAGE	= 24,
	/** @MARU_ERR_ECC: memory was lost */
	MARU_ERR_ECC		= 25,
};

#define MARU_ERROR(code, role, field) \
	((__u32)(code) | (__u32)(role) << 16 | (__u32)(field) << 24)
#define MARU_ERROR_CODE(word)	((word) & 0xffffu)
#define MARU_ERROR_ROLE(word)	(((word) >> 16) & 0xffu)
#define MARU_ERROR_FIELD(word)	((word) >> 24)

/* Field numbers of an operand line. */
#define MARU_FIELD_VA		0
#define MARU_FIELD_TYPE		8
#define MARU_FIELD_LAYOUT	9
#define MARU_FIELD_DIM(d)	(16 + 4 * (d))
#define MARU_FIELD_STRIDE(d)	(32 + 8 * (d))

/**
 * struct maru_op_info - One operation of the card, as QUERY OPS lists them. For each role that
 * is required or optional one struct maru_role_info follows, in rising order.
 * @op: enum maru_op.
 * @revision: highest one.
 * @classes: bit = queue class that takes it.
 * @required: bits of roles.
 * @optional: bits of roles.
 * @units: bit = enum maru_unit.
 * @mbz: 0.
 */
struct maru_op_info {
	__u16 op;
	__u8 revision;
	__u8 classes;
	__u16 required;
	__u16 optional;
	__u32 units;
	__u32 mbz;
};

/**
 * struct maru_role_info - Types and layouts that a role takes.
 * @types: bit = enum maru_type.
 * @layouts: bit = enum maru_layout.
 * @fast: those of @layouts that are not left to reference code.
 * @mbz: 0.
 */
struct maru_role_info {
	__u64 types[4];
	__u16 layouts;
	__u16 fast;
	__u32 mbz;
};

/**
 * maru_type_bytes() - Bytes of an element of a plain type.
 * @type: any number.
 *
 * Return: bytes, 0 for a number that is not a plain type.
 */
static __inline__ __u32 maru_type_bytes(__u32 type)
{
	switch (type) {
	case MARU_TYPE_I8:
	case MARU_TYPE_U8:
		return 1;
	case MARU_TYPE_F16:
	case MARU_TYPE_BF16:
	case MARU_TYPE_I16:
		return 2;
	case MARU_TYPE_F32:
	case MARU_TYPE_I32:
		return 4;
	case MARU_TYPE_F64:
	case MARU_TYPE_I64:
	case MARU_TYPE_U64:
		return 8;
	default:
		return 0;
	}
}

/**
 * maru_layout_bytes() - Size of a prepared image: what PREPARE writes and readers read.
 * @layout: a prepared layout.
 * @type: one that it lists.
 * @dim: dims of the plain tensor.
 *
 * Matrices [k, n] of dims 2, 3 lie one after another, each rounded up to 64 bytes. Padding is
 * zeros.
 *
 * Return: bytes; 0 for a pair that does not exist, an empty tensor, or ≥ 2^48 bytes.
 */
static __inline__ __u64 maru_layout_bytes(__u32 layout, __u32 type, const __u32 dim[4])
{
	__u64 k, n, size = maru_type_bytes(type), matrix;

	switch (layout) {
	case MARU_LAYOUT_K16N64:
		if (type != MARU_TYPE_F32 && type != MARU_TYPE_F16 && type != MARU_TYPE_BF16)
			return 0;
		k = ((__u64)dim[0] + 15) / 16 * 16;
		break;
	case MARU_LAYOUT_K16N64K2:
		if (type != MARU_TYPE_F16 && type != MARU_TYPE_BF16)
			return 0;
		k = ((__u64)dim[0] + 31) / 32 * 32;
		break;
	case MARU_LAYOUT_K16N64K4:
		if (type != MARU_TYPE_I8)
			return 0;
		k = ((__u64)dim[0] + 63) / 64 * 64;
		break;
	default:
		return 0;
	}
	n = ((__u64)dim[1] + 63) / 64 * 64;
	if (!k || !n || !dim[2] || !dim[3])
		return 0;
	if (n > (1ULL << 48) / (k * size))
		return 0;
	matrix = k * n * size;
	if (dim[2] >= (1ULL << 48) / matrix || dim[3] >= (1ULL << 48) / (matrix * dim[2]))
		return 0;
	return matrix * dim[2] * dim[3];
}

#if defined(__cplusplus)
}
#define MARU_CMD_ASSERT(type, bytes) static_assert(sizeof(type) == (bytes), #type)
#else
#define MARU_CMD_ASSERT(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#endif

MARU_CMD_ASSERT(struct maru_params_fill, 48);
MARU_CMD_ASSERT(struct maru_params_copy, 48);
MARU_CMD_ASSERT(struct maru_params_matmul, 48);
MARU_CMD_ASSERT(struct maru_params_gather, 48);
MARU_CMD_ASSERT(struct maru_params_scatter, 48);
MARU_CMD_ASSERT(struct maru_params_attention, 48);
MARU_CMD_ASSERT(struct maru_params_norm, 48);
MARU_CMD_ASSERT(struct maru_params_rope, 48);
MARU_CMD_ASSERT(struct maru_params_softmax, 48);
MARU_CMD_ASSERT(struct maru_params_elementwise, 48);
MARU_CMD_ASSERT(struct maru_params_reduce, 48);
MARU_CMD_ASSERT(struct maru_params_sort, 48);
MARU_CMD_ASSERT(struct maru_packet, 64);
MARU_CMD_ASSERT(struct maru_operand, 64);
MARU_CMD_ASSERT(struct maru_desc, 64);
MARU_CMD_ASSERT(struct maru_op_info, 16);
MARU_CMD_ASSERT(struct maru_role_info, 40);

#endif
