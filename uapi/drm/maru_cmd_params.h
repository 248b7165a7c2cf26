/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * Parameters of the operations: the last 48 bytes of a packet's header line. Part of
 * maru_cmd.h, which includes this. Fields named mbz must be zero; "bits of an f32" are those of
 * a finite one. Meaning and numerics of each operation: docs/card.md.
 */
#ifndef _UAPI_DRM_MARU_CMD_PARAMS_H_
#define _UAPI_DRM_MARU_CMD_PARAMS_H_

#include <linux/types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * enum maru_code - What ELEMENTWISE computes. Below 0x40 of a alone and as ggml numbers them;
 * from 0x40 of a alone with parameters p; from 0x80 of a and b; from 0xc0 gated: act(a) · b.
 */
enum maru_code {
	/** @MARU_CODE_ABS: |a| */
	MARU_CODE_ABS		= 0x00,
	/** @MARU_CODE_SGN: −1, 0 or 1 */
	MARU_CODE_SGN		= 0x01,
	/** @MARU_CODE_NEG: −a */
	MARU_CODE_NEG		= 0x02,
	/** @MARU_CODE_STEP: a > 0 */
	MARU_CODE_STEP		= 0x03,
	/** @MARU_CODE_TANH: tanh(a) */
	MARU_CODE_TANH		= 0x04,
	/** @MARU_CODE_ELU: a, below 0 expm1(a) */
	MARU_CODE_ELU		= 0x05,
	/** @MARU_CODE_RELU: max(a, 0) */
	MARU_CODE_RELU		= 0x06,
	/** @MARU_CODE_SIGMOID: 1 / (1 + exp(−a)) */
	MARU_CODE_SIGMOID	= 0x07,
	/** @MARU_CODE_GELU: tanh form */
	MARU_CODE_GELU		= 0x08,
	/** @MARU_CODE_GELU_QUICK: a · sigmoid(1.702 a) */
	MARU_CODE_GELU_QUICK	= 0x09,
	/** @MARU_CODE_SILU: a · sigmoid(a) */
	MARU_CODE_SILU		= 0x0a,
	/** @MARU_CODE_HARDSWISH: a · clamp((a + 3) / 6, 0, 1) */
	MARU_CODE_HARDSWISH	= 0x0b,
	/** @MARU_CODE_HARDSIGMOID: clamp((a + 3) / 6, 0, 1) */
	MARU_CODE_HARDSIGMOID	= 0x0c,
	/** @MARU_CODE_EXP: exp(a) */
	MARU_CODE_EXP		= 0x0d,
	/** @MARU_CODE_EXPM1: exp(a) − 1 */
	MARU_CODE_EXPM1		= 0x0e,
	/** @MARU_CODE_SOFTPLUS: log1p(exp(a)); a beyond 20 */
	MARU_CODE_SOFTPLUS	= 0x0f,
	/** @MARU_CODE_GELU_ERF: a · Φ(a) */
	MARU_CODE_GELU_ERF	= 0x10,
	/** @MARU_CODE_XIELU: p1 · a² + p2 · a; up to 0 p0 · (expm1(min(a, p3)) − a) + p2 · a */
	MARU_CODE_XIELU		= 0x11,
	/** @MARU_CODE_FLOOR: towards −∞ */
	MARU_CODE_FLOOR		= 0x12,
	/** @MARU_CODE_CEIL: towards ∞ */
	MARU_CODE_CEIL		= 0x13,
	/** @MARU_CODE_ROUND: half away from 0 */
	MARU_CODE_ROUND		= 0x14,
	/** @MARU_CODE_TRUNC: towards 0 */
	MARU_CODE_TRUNC		= 0x15,
	/** @MARU_CODE_SQR: a² */
	MARU_CODE_SQR		= 0x40,
	/** @MARU_CODE_SQRT: √a */
	MARU_CODE_SQRT		= 0x41,
	/** @MARU_CODE_LOG: ln(a) */
	MARU_CODE_LOG		= 0x42,
	/** @MARU_CODE_SIN: sin(a) */
	MARU_CODE_SIN		= 0x43,
	/** @MARU_CODE_COS: cos(a) */
	MARU_CODE_COS		= 0x44,
	/** @MARU_CODE_LEAKY_RELU: a, below 0 p0 · a */
	MARU_CODE_LEAKY_RELU	= 0x45,
	/** @MARU_CODE_SCALE: p0 · a + p1 */
	MARU_CODE_SCALE		= 0x46,
	/** @MARU_CODE_CLAMP: min(max(a, p0), p1) */
	MARU_CODE_CLAMP		= 0x47,
	/** @MARU_CODE_ADD: a + b */
	MARU_CODE_ADD		= 0x80,
	/** @MARU_CODE_SUB: a − b */
	MARU_CODE_SUB		= 0x81,
	/** @MARU_CODE_MUL: a · b */
	MARU_CODE_MUL		= 0x82,
	/** @MARU_CODE_DIV: a / b */
	MARU_CODE_DIV		= 0x83,
	/** @MARU_CODE_MIN: the smaller */
	MARU_CODE_MIN		= 0x84,
	/** @MARU_CODE_MAX: the larger */
	MARU_CODE_MAX		= 0x85,
	/** @MARU_CODE_REGLU: max(a, 0) · b */
	MARU_CODE_REGLU		= 0xc0,
	/** @MARU_CODE_GEGLU: gelu(a) · b */
	MARU_CODE_GEGLU		= 0xc1,
	/** @MARU_CODE_SWIGLU: silu(a) · b */
	MARU_CODE_SWIGLU	= 0xc2,
	/** @MARU_CODE_SWIGLU_OAI: x · sigmoid(p0 x) · (z + 1), x = min(a, p1), z = clamp(b, −p1, p1) */
	MARU_CODE_SWIGLU_OAI	= 0xc3,
	/** @MARU_CODE_GEGLU_ERF: gelu_erf(a) · b */
	MARU_CODE_GEGLU_ERF	= 0xc4,
	/** @MARU_CODE_GEGLU_QUICK: gelu_quick(a) · b */
	MARU_CODE_GEGLU_QUICK	= 0xc5,
	/** @MARU_CODE_SWIGLU_CLAMP: silu(min(a, p1)) · clamp(b, −p1, p1) */
	MARU_CODE_SWIGLU_CLAMP	= 0xc6,
};

/** enum maru_act - Activation of MATMUL: 0 none, else a code of ELEMENTWISE below 0x40, + 1. */
enum maru_act {
	/** @MARU_ACT_NONE: x */
	MARU_ACT_NONE		= 0,
	/** @MARU_ACT_TANH: tanh(x) */
	MARU_ACT_TANH		= 5,
	/** @MARU_ACT_RELU: max(x, 0) */
	MARU_ACT_RELU		= 7,
	/** @MARU_ACT_SIGMOID: 1 / (1 + exp(−x)) */
	MARU_ACT_SIGMOID	= 8,
	/** @MARU_ACT_GELU: tanh form */
	MARU_ACT_GELU		= 9,
	/** @MARU_ACT_GELU_QUICK: x · sigmoid(1.702 x) */
	MARU_ACT_GELU_QUICK	= 10,
	/** @MARU_ACT_SILU: x · sigmoid(x) */
	MARU_ACT_SILU		= 11,
	/** @MARU_ACT_GELU_ERF: x · Φ(x) */
	MARU_ACT_GELU_ERF	= 17,
};

#define MARU_COPY_RESHAPE	0	/* equal counts, both read in element order */
#define MARU_COPY_REPEAT	1	/* dims of src divide those of dst */

/** enum maru_norm - Kind of NORM; sums run over dim[0]. */
enum maru_norm {
	/** @MARU_NORM_RMS: x / √(mean(x²) + eps) */
	MARU_NORM_RMS		= 0,
	/** @MARU_NORM_LAYER: (x − mean) / √(variance + eps) */
	MARU_NORM_LAYER		= 1,
	/** @MARU_NORM_GROUP: kept */
	MARU_NORM_GROUP		= 2,
	/** @MARU_NORM_L2: x / max(√Σx², eps) */
	MARU_NORM_L2		= 3,
	/** @MARU_NORM_SUM: x / Σx */
	MARU_NORM_SUM		= 4,
};

/** enum maru_rope - Which elements of a head ROPE turns together, as ggml numbers it. */
enum maru_rope {
	/** @MARU_ROPE_NORMAL: (2i, 2i + 1) */
	MARU_ROPE_NORMAL	= 0,
	/** @MARU_ROPE_NEOX: (i, i + n_dims / 2) */
	MARU_ROPE_NEOX		= 2,
	/** @MARU_ROPE_MROPE: kept, as are the next two: sections with positions of their own */
	MARU_ROPE_MROPE		= 8,
	/** @MARU_ROPE_VISION: kept */
	MARU_ROPE_VISION	= 24,
	/** @MARU_ROPE_IMROPE: kept */
	MARU_ROPE_IMROPE	= 40,
};

/** enum maru_reduce - Kind of REDUCE. */
enum maru_reduce {
	/** @MARU_REDUCE_SUM: Σx */
	MARU_REDUCE_SUM		= 0,
	/** @MARU_REDUCE_MEAN: Σx / n */
	MARU_REDUCE_MEAN	= 1,
	/** @MARU_REDUCE_MAX: largest */
	MARU_REDUCE_MAX		= 2,
	/** @MARU_REDUCE_MIN: smallest */
	MARU_REDUCE_MIN		= 3,
	/** @MARU_REDUCE_SUMSQ: Σx² */
	MARU_REDUCE_SUMSQ	= 4,
	/** @MARU_REDUCE_ARGMAX: lowest index of the largest */
	MARU_REDUCE_ARGMAX	= 5,
	/** @MARU_REDUCE_ARGMIN: lowest index of the smallest */
	MARU_REDUCE_ARGMIN	= 6,
};

#define MARU_ATTENTION_CAUSAL	0x1	/* query j of n sees keys ≤ length − n + j */
#define MARU_ATTENTION_OPEN	0xffffffffu	/* no limit to that side */

/**
 * struct maru_params_fill - FILL: the low bytes of a pattern, as many as an element has, go
 * into every element of dst.
 * @pattern: the bytes.
 * @mbz: MBZ.
 */
struct maru_params_fill {
	__u64 pattern;
	__u64 mbz[5];
};

/**
 * struct maru_params_copy - COPY.
 * @mode: MARU_COPY_RESHAPE or MARU_COPY_REPEAT.
 * @mbz: MBZ.
 */
struct maru_params_copy {
	__u8 mode;
	__u8 mbz[47];
};

/**
 * struct maru_params_matmul - MATMUL: dst = act(scale · A·B̂ + bias) + residual.
 * @b_as: type that B is converted to first, MARU_TYPE_NONE: as it is. F16 and BF16 are legal,
 *	A is then rounded to that type too; I8 with A of I8 and its scale: each row of B is
 *	divided by its largest magnitude / 127 and rounded.
 * @act: enum maru_act.
 * @glu: MBZ.
 * @mbz: MBZ.
 * @scale: bits of a finite f32.
 * @p0: bits of a finite f32, parameter of the activation; MBZ now.
 * @p1: as @p0.
 * @mbz2: MBZ.
 */
struct maru_params_matmul {
	__u8 b_as;
	__u8 act;
	__u8 glu;
	__u8 mbz;
	__u32 scale;
	__u32 p0;
	__u32 p1;
	__u64 mbz2[4];
};

/**
 * struct maru_params_gather - GATHER: row idx[i] of src to row i of dst.
 * @mode: 0.
 * @skip_neg: 1: a negative index makes a row of zeros; 0: it is an error.
 * @mbz: MBZ.
 */
struct maru_params_gather {
	__u8 mode;
	__u8 skip_neg;
	__u8 mbz[46];
};

/**
 * struct maru_params_scatter - SCATTER: row i of src to row idx[i] of dst.
 * @skip_neg: 1: a row with a negative index is not stored; 0: it is an error.
 * @mbz: MBZ.
 */
struct maru_params_scatter {
	__u8 skip_neg;
	__u8 mbz[47];
};

/**
 * struct maru_params_attention - ATTENTION: softmax(s) · v over the keys that a query sees,
 * s = scale · q·k, soft-capped: softcap · tanh(scale / softcap · q·k), + slope · mask.
 * @scale: bits of an f32.
 * @max_bias: bits of an f32 ≥ 0: slopes per head (ALiBi); 0: slope 1. Without a mask,
 *	slope · (key − position of the query) is added.
 * @softcap: bits of an f32 ≥ 0; 0: none.
 * @flags: MARU_ATTENTION_CAUSAL or 0.
 * @left: keys seen before the query's position, or MARU_ATTENTION_OPEN.
 * @right: keys seen after it, or MARU_ATTENTION_OPEN.
 * @chunk: MBZ.
 * @mbz: MBZ.
 */
struct maru_params_attention {
	__u32 scale;
	__u32 max_bias;
	__u32 softcap;
	__u32 flags;
	__u32 left;
	__u32 right;
	__u32 chunk;
	__u32 mbz[5];
};

/**
 * struct maru_params_norm - NORM: dst = norm(x) · mul + add.
 * @kind: enum maru_norm.
 * @mbz: MBZ.
 * @eps: bits of an f32 ≥ 0.
 * @groups: of MARU_NORM_GROUP, which is kept; 0 in others.
 * @mbz2: MBZ.
 */
struct maru_params_norm {
	__u8 kind;
	__u8 mbz[3];
	__u32 eps;
	__u32 groups;
	__u32 mbz2[9];
};

/**
 * struct maru_params_rope - ROPE: pair i of a head turns by pos · base^(−2i / n_dims) / factor_i.
 * @mode: enum maru_rope.
 * @inverse: 1: turn back.
 * @skip_neg: MBZ.
 * @mbz: MBZ.
 * @n_dims: elements of a head that turn, even; the others are copied.
 * @n_offs: the first of them, even.
 * @sect: of the modes that are kept; 0 in others.
 * @n_ctx: length that the model was trained with; used when @ext_factor is not 0.
 * @base: bits of an f32 > 0.
 * @freq_scale: bits of an f32: positions are stretched by it.
 * @ext_factor: bits of an f32: share of YaRN's extrapolation; 0: none.
 * @attn_factor: bits of an f32: scales the result.
 * @beta_fast: bits of an f32: turns over n_ctx from which on nothing is stretched.
 * @beta_slow: bits of an f32: turns over n_ctx up to which all is.
 * @mbz2: MBZ.
 */
struct maru_params_rope {
	__u8 mode;
	__u8 inverse;
	__u8 skip_neg;
	__u8 mbz;
	__u16 n_dims;
	__u16 n_offs;
	__u16 sect[4];
	__u32 n_ctx;
	__u32 base;
	__u32 freq_scale;
	__u32 ext_factor;
	__u32 attn_factor;
	__u32 beta_fast;
	__u32 beta_slow;
	__u32 mbz2;
};

/**
 * struct maru_params_softmax - SOFTMAX: softmax over dim[0] of scale · x + slope · mask.
 * @scale: bits of an f32.
 * @max_bias: bits of an f32 ≥ 0: slopes per dim[2] (ALiBi), needs a mask; 0: slope 1.
 * @mbz: MBZ.
 */
struct maru_params_softmax {
	__u32 scale;
	__u32 max_bias;
	__u32 mbz[10];
};

/**
 * struct maru_params_elementwise - ELEMENTWISE.
 * @code: enum maru_code.
 * @mbz: MBZ.
 * @p: bits of f32: parameters of the code; those that it does not have are MBZ.
 * @mbz2: MBZ.
 */
struct maru_params_elementwise {
	__u16 code;
	__u16 mbz;
	__u32 p[4];
	__u32 mbz2[7];
};

/**
 * struct maru_params_reduce - REDUCE: dst = reduced x, + add.
 * @kind: enum maru_reduce.
 * @dim: which dim of x; it is 1 in dst.
 * @mbz: MBZ.
 */
struct maru_params_reduce {
	__u8 kind;
	__u8 dim;
	__u8 mbz[46];
};

/**
 * struct maru_params_sort - SORT: indices of the first elements of each row in order. Equal
 * ones keep their order, NaN comes last.
 * @descending: 1: largest first.
 * @mbz: MBZ.
 */
struct maru_params_sort {
	__u8 descending;
	__u8 mbz[47];
};

#define MARU_SORT_MAX	(1u << 19)	/* elements of a row */

#if defined(__cplusplus)
}
#endif

#endif
