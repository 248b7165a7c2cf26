/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_OPS_H
#define ACCEL_OPS_H

#include <accel/cmd.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_ops - record the operations of a transformer
 *
 * Each function appends one packet, as those of accel_cmd do. Shapes are in C order, the
 * outermost axis first, and count up to four axes; missing outer axes are 1. A tensor with axes
 * in another order is brought into the one wanted here by accel_tensor_permute(), which moves no
 * byte: the innermost axis of an operand lies without gaps, all others may have any stride; those
 * of a destination fall from the outermost axis to the innermost one.
 *
 * Lengths, positions, row numbers and block tables are tensors: the card reads them when it runs
 * the packet. So a step of decoding is recorded once and submitted again and again. A value out
 * of range ends the job with -ERANGE and its packet and operand in accel_queue_error().
 *
 * Descs begin with @size and have an _INIT macro; NULL for a desc means that macro. "F" below is
 * F32, F16 or BF16. The card computes in F32 and rounds once to the destination; it sums in F32
 * for attention, in F64 for norms, softmax and reductions. docs/card.md has the numerics.
 */

/** ACCEL_SKIP_NEGATIVE - For accel_cmd_gather() and _scatter(): a negative row number is none. */
#define ACCEL_SKIP_NEGATIVE	0x1

/** ACCEL_SORT_DESCENDING - For accel_cmd_sort(): the largest first. */
#define ACCEL_SORT_DESCENDING	0x1

/**
 * accel_cmd_gather() - Record: fetch rows by number.
 * @cmd: which.
 * @dst: [c, b, r, n], F or I32.
 * @src: [c', b', rows, n], F or I32 (I32 goes with I32 only); may be prepared, K16N64K4 excepted.
 *	c' divides c, b' divides b.
 * @idx: [c, b, r], I32 or I64: row i of @dst becomes row idx[i] of @src.
 * @flags: ACCEL_SKIP_NEGATIVE: a negative number makes a row of zeros; or 0.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL also unknown @flags; else as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_gather(struct accel_cmd *cmd, struct accel_tensor dst,
			       struct accel_tensor src, struct accel_tensor idx, uint32_t flags);

/**
 * accel_cmd_scatter() - Record: store rows by number; other rows keep their bytes.
 * @cmd: which.
 * @dst: [c, b, rows, n], of any type.
 * @src: [c, b, r, n], F.
 * @idx: [c', b', r], I32 or I64: row i of @src goes to row idx[i] of @dst. c' divides c, b'
 *	divides b. Of equal numbers the last row wins.
 * @flags: ACCEL_SKIP_NEGATIVE: a row with a negative number is not stored; or 0.
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_gather().
 */
ACCEL_API int accel_cmd_scatter(struct accel_cmd *cmd, struct accel_tensor dst,
				struct accel_tensor src, struct accel_tensor idx, uint32_t flags);

/** ACCEL_ATTENTION_OPEN - No limit to that side, for struct accel_attention_desc. */
#define ACCEL_ATTENTION_OPEN	UINT32_MAX

/**
 * struct accel_attention_desc - What is around softmax(s) · v; s = scale · q·k.
 * @size: sizeof(struct accel_attention_desc).
 * @scale: finite; often 1 / √d.
 * @softcap: above 0: s = softcap · tanh(scale / softcap · q·k), before the mask; 0: none.
 * @max_bias: above 0: the mask is multiplied by a slope per head (ALiBi); without a mask
 *	slope · (key − position of the query) is added. 0: slope 1.
 * @causal: 1: query j of n sees keys up to length − n + j; 0: all.
 * @left: keys seen before the query's position, or ACCEL_ATTENTION_OPEN.
 * @right: keys seen after it, or ACCEL_ATTENTION_OPEN.
 * @mask: [sequences', heads', n, keys], F, added to s; −Inf: the key is not read. heads' divides
 *	heads, sequences' divides sequences. NULL: none. Not with @block_table.
 * @block_table: [sequences, blocks], I32: the numbers of each sequence's blocks in @k and @v,
 *	which are pools then; needs @kv_len. NULL: none.
 * @kv_len: [sequences], I32: keys that each sequence has, 0 … capacity; 0 gives zeros. NULL: all.
 * @q_start: [sequences + 1], I32: sequence i has the queries q_start[i] … q_start[i + 1] − 1; it
 *	starts at 0 and never falls. @q is [1, heads, n, d] then, and @mask has a row for each
 *	row of it; needs @kv_len; rows behind the last sequence become zeros. NULL: each has n.
 */
struct accel_attention_desc {
	size_t size;
	float scale;
	float softcap;
	float max_bias;
	uint32_t causal;
	uint32_t left;
	uint32_t right;
	const struct accel_tensor *mask;
	const struct accel_tensor *block_table;
	const struct accel_tensor *kv_len;
	const struct accel_tensor *q_start;
};

#define ACCEL_ATTENTION_DESC_INIT { sizeof(struct accel_attention_desc), 1.0f, 0.0f, 0.0f, 0, \
				    ACCEL_ATTENTION_OPEN, ACCEL_ATTENTION_OPEN, NULL, NULL, \
				    NULL, NULL }

/**
 * accel_cmd_attention() - Record: dst = softmax(scale · q·kᵀ) · v for each head.
 * @cmd: which.
 * @dst: [sequences, n, heads, dv], F: heads and queries are exchanged against @q, so that the
 *	heads of a query lie side by side.
 * @q: [sequences, heads, n, d], F.
 * @k: [sequences, key heads, capacity, d], F. Key heads divide heads: consecutive heads share
 *	one. With a block table: [blocks, key heads, keys of a block, d].
 * @v: [sequences, value heads, capacity, dv], F, like @k.
 * @desc: what is around it, or NULL.
 *
 * A query that sees no key gives zeros.
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_attention(struct accel_cmd *cmd, struct accel_tensor dst,
				  struct accel_tensor q, struct accel_tensor k,
				  struct accel_tensor v, const struct accel_attention_desc *desc);

/** enum accel_norm - How a row is normalised. */
enum accel_norm {
	ACCEL_NORM_RMS		= 0,	/* x / √(mean(x²) + eps) */
	ACCEL_NORM_LAYER	= 1,	/* (x − mean) / √(variance + eps) */
	ACCEL_NORM_L2		= 3,	/* x / max(√Σx², eps) */
	ACCEL_NORM_SUM		= 4,	/* x / Σx */
};

/**
 * struct accel_norm_desc - Kind of norm, and what follows: dst = norm(x) · mul + add.
 * @size: sizeof(struct accel_norm_desc).
 * @kind: enum accel_norm.
 * @eps: ≥ 0; 1e-5 by the macro. ACCEL_NORM_SUM does not use it.
 * @mul: F, each of its sizes divides that of dst: often [n]; or NULL.
 * @add: as @mul, may be exactly dst; or NULL.
 */
struct accel_norm_desc {
	size_t size;
	enum accel_norm kind;
	float eps;
	const struct accel_tensor *mul;
	const struct accel_tensor *add;
};

#define ACCEL_NORM_DESC_INIT { sizeof(struct accel_norm_desc), ACCEL_NORM_RMS, 1e-5f, NULL, NULL }

/**
 * accel_cmd_norm() - Record: normalise rows, over the innermost axis.
 * @cmd: which.
 * @dst: F, of the shape of @x.
 * @x: F; may be exactly @dst.
 * @desc: which norm, or NULL: RMS.
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_norm(struct accel_cmd *cmd, struct accel_tensor dst,
			     struct accel_tensor x, const struct accel_norm_desc *desc);

/** enum accel_rope - Which elements of a head turn together; n are n_dims of them. */
enum accel_rope {
	ACCEL_ROPE_NORMAL	= 0,	/* 2i and 2i + 1 */
	ACCEL_ROPE_NEOX		= 2,	/* i and i + n / 2 */
};

/**
 * struct accel_rope_desc - Pair i turns by pos · freq_scale · base^(−2i / n_dims) / factors[i].
 * @size: sizeof(struct accel_rope_desc).
 * @mode: enum accel_rope.
 * @inverse: 1: turn back; 0: turn.
 * @n_dims: elements of a head that turn, even; the others are copied. 0: all behind @n_offs.
 * @n_offs: the first of them, even.
 * @n_ctx: length that the model was trained with; used when @ext_factor is not 0.
 * @base: above 0; 10000 by the macro.
 * @freq_scale: 1 by the macro.
 * @ext_factor: share of YaRN's extrapolation, 0: none.
 * @attn_factor: scales the result; 1 by the macro.
 * @beta_fast: turns over @n_ctx from which on nothing is stretched; 32 by the macro.
 * @beta_slow: turns over @n_ctx up to which all is; 1 by the macro.
 * @factors: [n_dims / 2], F32; or NULL: 1.
 */
struct accel_rope_desc {
	size_t size;
	enum accel_rope mode;
	uint32_t inverse;
	uint32_t n_dims;
	uint32_t n_offs;
	uint32_t n_ctx;
	float base;
	float freq_scale;
	float ext_factor;
	float attn_factor;
	float beta_fast;
	float beta_slow;
	const struct accel_tensor *factors;
};

#define ACCEL_ROPE_DESC_INIT { sizeof(struct accel_rope_desc), ACCEL_ROPE_NORMAL, 0, 0, 0, 0, \
			       10000.0f, 1.0f, 0.0f, 1.0f, 32.0f, 1.0f, NULL }

/**
 * accel_cmd_rope() - Record: turn pairs of elements by the position of their token.
 * @cmd: which.
 * @dst: F, of the shape of @x.
 * @x: [batch, tokens, heads, d], F; may be exactly @dst.
 * @pos: [tokens], I32, any values.
 * @desc: how, or NULL.
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_rope(struct accel_cmd *cmd, struct accel_tensor dst,
			     struct accel_tensor x, struct accel_tensor pos,
			     const struct accel_rope_desc *desc);

/**
 * struct accel_softmax_desc - What goes into the exponent: scale · x + slope · mask.
 * @size: sizeof(struct accel_softmax_desc).
 * @scale: finite.
 * @max_bias: above 0: slopes per index of the second axis of [c, b, r, n] (ALiBi), needs a
 *	@mask; 0: slope 1.
 * @mask: [c', b', r' ≥ r, n], F; c' divides c, b' divides b; or NULL.
 */
struct accel_softmax_desc {
	size_t size;
	float scale;
	float max_bias;
	const struct accel_tensor *mask;
};

#define ACCEL_SOFTMAX_DESC_INIT { sizeof(struct accel_softmax_desc), 1.0f, 0.0f, NULL }

/**
 * accel_cmd_softmax() - Record: softmax of rows, over the innermost axis.
 * @cmd: which.
 * @dst: F32, of the shape of @x.
 * @x: [c, b, r, n], F32; may be exactly @dst.
 * @desc: what goes in, or NULL: @x alone.
 *
 * A row without any number above −Inf gives NaN, other than in accel_cmd_attention().
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_softmax(struct accel_cmd *cmd, struct accel_tensor dst,
				struct accel_tensor x, const struct accel_softmax_desc *desc);

/** enum accel_unary - Functions of one element. p: of struct accel_elementwise_desc. */
enum accel_unary {
	ACCEL_UNARY_ABS		= 0x00,
	ACCEL_UNARY_SGN		= 0x01,	/* −1, 0 or 1 */
	ACCEL_UNARY_NEG		= 0x02,
	ACCEL_UNARY_STEP	= 0x03,	/* a > 0 */
	ACCEL_UNARY_TANH	= 0x04,
	ACCEL_UNARY_ELU		= 0x05,	/* a, below 0 exp(a) − 1 */
	ACCEL_UNARY_RELU	= 0x06,
	ACCEL_UNARY_SIGMOID	= 0x07,
	ACCEL_UNARY_GELU	= 0x08,	/* tanh form */
	ACCEL_UNARY_GELU_QUICK	= 0x09,	/* a · sigmoid(1.702 a) */
	ACCEL_UNARY_SILU	= 0x0a,	/* a · sigmoid(a) */
	ACCEL_UNARY_HARDSWISH	= 0x0b,	/* a · clamp((a + 3) / 6, 0, 1) */
	ACCEL_UNARY_HARDSIGMOID	= 0x0c,	/* clamp((a + 3) / 6, 0, 1) */
	ACCEL_UNARY_EXP		= 0x0d,
	ACCEL_UNARY_EXPM1	= 0x0e,
	ACCEL_UNARY_SOFTPLUS	= 0x0f,	/* ln(1 + exp(a)) */
	ACCEL_UNARY_GELU_ERF	= 0x10,
	ACCEL_UNARY_XIELU	= 0x11,	/* p[0] … p[3]: αₙ, αₚ, β, ε */
	ACCEL_UNARY_FLOOR	= 0x12,
	ACCEL_UNARY_CEIL	= 0x13,
	ACCEL_UNARY_ROUND	= 0x14,	/* half away from 0 */
	ACCEL_UNARY_TRUNC	= 0x15,
	ACCEL_UNARY_SQR		= 0x40,
	ACCEL_UNARY_SQRT	= 0x41,
	ACCEL_UNARY_LOG		= 0x42,
	ACCEL_UNARY_SIN		= 0x43,
	ACCEL_UNARY_COS		= 0x44,
	ACCEL_UNARY_LEAKY_RELU	= 0x45,	/* a, below 0 p[0] · a */
	ACCEL_UNARY_SCALE	= 0x46,	/* p[0] · a + p[1] */
	ACCEL_UNARY_CLAMP	= 0x47,	/* min(max(a, p[0]), p[1]) */
};

/** enum accel_binary - Functions of two elements. All but DIV take I32 too, and wrap. */
enum accel_binary {
	ACCEL_BINARY_ADD	= 0x80,
	ACCEL_BINARY_SUB	= 0x81,
	ACCEL_BINARY_MUL	= 0x82,
	ACCEL_BINARY_DIV	= 0x83,
	ACCEL_BINARY_MIN	= 0x84,
	ACCEL_BINARY_MAX	= 0x85,
};

/** enum accel_glu - Gated functions: of a gate a and a value b. */
enum accel_glu {
	ACCEL_GLU_REGLU		= 0xc0,	/* max(a, 0) · b */
	ACCEL_GLU_GEGLU		= 0xc1,	/* gelu(a) · b, tanh form */
	ACCEL_GLU_SWIGLU	= 0xc2,	/* silu(a) · b */
	ACCEL_GLU_SWIGLU_OAI	= 0xc3,	/* x · sigmoid(p[0] x) · (z + 1), limit p[1] */
	ACCEL_GLU_GEGLU_ERF	= 0xc4,
	ACCEL_GLU_GEGLU_QUICK	= 0xc5,
	ACCEL_GLU_SWIGLU_CLAMP	= 0xc6,	/* silu(x) · z, limit p[1] */
};

/**
 * struct accel_elementwise_desc - Parameters of the functions that have some.
 * @size: sizeof(struct accel_elementwise_desc).
 * @p: those that the function does not have are 0. With a limit, x = min(a, p[1]) and
 *	z = b between −p[1] and p[1]. XIELU is αₚ a² + β a, of a up to 0
 *	αₙ (expm1(min(a, ε)) − a) + β a.
 */
struct accel_elementwise_desc {
	size_t size;
	float p[4];
};

#define ACCEL_ELEMENTWISE_DESC_INIT { sizeof(struct accel_elementwise_desc), \
				      { 0.0f, 0.0f, 0.0f, 0.0f } }

/**
 * accel_cmd_unary() - Record a function of each element.
 * @cmd: which.
 * @code: enum accel_unary.
 * @dst: F, of the shape of @a.
 * @a: F; may be exactly @dst.
 * @desc: its parameters, or NULL: all 0.
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_unary(struct accel_cmd *cmd, enum accel_unary code,
			      struct accel_tensor dst, struct accel_tensor a,
			      const struct accel_elementwise_desc *desc);

/**
 * accel_cmd_binary() - Record a function of two tensors, element by element.
 * @cmd: which.
 * @code: enum accel_binary.
 * @dst: F, of the shape of @a; or I32, then all three are.
 * @a: may be exactly @dst.
 * @b: each of its sizes divides that of @dst, and it repeats; may be exactly @dst.
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_binary(struct accel_cmd *cmd, enum accel_binary code,
			       struct accel_tensor dst, struct accel_tensor a,
			       struct accel_tensor b);

/**
 * accel_cmd_glu() - Record a gated function: act(gate) · value.
 * @cmd: which.
 * @code: enum accel_glu.
 * @dst: F, of the shape of @gate.
 * @gate: F; may be exactly @dst. With @value in one tensor [.., 2n], both are slices of it.
 * @value: F; as b of accel_cmd_binary().
 * @desc: its parameters, or NULL: all 0.
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_glu(struct accel_cmd *cmd, enum accel_glu code, struct accel_tensor dst,
			    struct accel_tensor gate, struct accel_tensor value,
			    const struct accel_elementwise_desc *desc);

/** enum accel_reduce - What becomes of the elements along one axis. */
enum accel_reduce {
	ACCEL_REDUCE_SUM	= 0,
	ACCEL_REDUCE_MEAN	= 1,
	ACCEL_REDUCE_MAX	= 2,
	ACCEL_REDUCE_MIN	= 3,
	ACCEL_REDUCE_SUMSQ	= 4,	/* Σx² */
	ACCEL_REDUCE_ARGMAX	= 5,	/* lowest index of the largest */
	ACCEL_REDUCE_ARGMIN	= 6,	/* lowest index of the smallest */
};

/**
 * accel_cmd_reduce() - Record: one axis to one element.
 * @cmd: which.
 * @kind: enum accel_reduce.
 * @dst: F32; I32 of ARGMAX and ARGMIN. Shape of @x with 1 for @axis.
 * @x: F.
 * @axis: of @x, 0 is the outermost.
 * @add: F32 of the shape of @dst, added to the result; may be exactly @dst; not with ARGMAX and
 *	ARGMIN; or NULL.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL also an @axis that @x does not have; else as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_reduce(struct accel_cmd *cmd, enum accel_reduce kind,
			       struct accel_tensor dst, struct accel_tensor x, unsigned int axis,
			       const struct accel_tensor *add);

/**
 * accel_cmd_argmax() - Record: the index of the largest element of each row.
 * @cmd: which.
 * @dst: [.., 1], I32.
 * @x: [.., n], F. Of equal elements the first wins; NaN only if all are.
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_reduce().
 */
ACCEL_API int accel_cmd_argmax(struct accel_cmd *cmd, struct accel_tensor dst,
			       struct accel_tensor x);

/**
 * accel_cmd_sort() - Record: the first k of each row in order.
 * @cmd: which.
 * @dst: [.., k], I32: their indices in the row. k ≤ n.
 * @x: [.., n], F32, n up to 2^19. Equal elements keep their order; NaN comes last.
 * @values: [.., k], F32: gets the elements; shares no byte with @dst or @x; or NULL.
 * @flags: ACCEL_SORT_DESCENDING or 0.
 *
 * Context: One thread at a time for @cmd.
 * Return: 0; -EINVAL also unknown @flags; else as accel_cmd_matmul().
 */
ACCEL_API int accel_cmd_sort(struct accel_cmd *cmd, struct accel_tensor dst,
			     struct accel_tensor x, const struct accel_tensor *values,
			     uint32_t flags);

/**
 * accel_cmd_top_k() - Record: the k largest of each row, the largest first.
 * @cmd: which.
 * @dst: as of accel_cmd_sort().
 * @x: as of accel_cmd_sort().
 * @values: as of accel_cmd_sort().
 *
 * Context: One thread at a time for @cmd.
 * Return: as accel_cmd_sort().
 */
ACCEL_API int accel_cmd_top_k(struct accel_cmd *cmd, struct accel_tensor dst,
			      struct accel_tensor x, const struct accel_tensor *values);

#ifdef __cplusplus
}
#endif

#endif
