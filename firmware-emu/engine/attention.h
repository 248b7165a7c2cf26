/* SPDX-License-Identifier: MIT */
/*
 * Inside of ATTENTION. A tile holds some queries of some heads that share key and value heads:
 * its *rows*. It walks over the keys in blocks at absolute multiples of ATTENTION_KEYS with a
 * running softmax, so scratch does not grow with the number of keys.
 */
#ifndef MARU_ATTENTION_H
#define MARU_ATTENTION_H

#include <stdbool.h>

#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"

#define ATTENTION_D_MAX		512u
#define ATTENTION_KEYS		256u	/* of a block; part of the numerics */
#define ATTENTION_ROWS		128u	/* of a tile, at most */

struct attention_plan {
	uint32_t dk, dv;
	uint32_t heads;
	uint32_t queries;	/* of a sequence; of all of them in a ragged batch */
	uint32_t seqs;
	uint32_t block;		/* keys of a block of the pool, 0: contiguous keys */
	uint64_t capacity;	/* keys that a sequence can have */
	uint32_t k_share, v_share;	/* heads of q that share one of k, v */
	uint32_t share;		/* neighbouring heads that share both */
	uint32_t tile_queries, tile_heads;
	uint32_t parts_queries, parts_heads;	/* tiles of a sequence; of a share of heads */
	uint32_t group;		/* units of work of a tile of the packet */
	uint64_t units;
	bool is_ragged;
	bool is_causal;
	uint32_t left, right;
	float scale, max_bias, softcap;
};

/* Queries of one sequence and some heads: the part of a tile that meets the same keys. */
struct attention_run {
	uint32_t seq;
	uint32_t query;		/* index of the first in q */
	uint32_t queries;
	uint32_t head, heads;
	int64_t position;	/* of the first query among the keys; below 0: before them */
	int64_t len;		/* keys of the sequence */
	uint32_t row;		/* first row in scratch: queries of one head follow each other */
};

/* Shares of a thread's scratch. Kernels of a block write up to five rows behind the last. */
#define ATTENTION_ROOM	(ATTENTION_ROWS + 5)

struct attention_scratch {
	float *q;		/* [rows][dk, zeros to a whole 8] */
	float *out;		/* [rows][dv, whole 16] */
	float *scores;		/* [rows][ATTENTION_KEYS] */
	float *max, *sum;	/* [rows]: running softmax */
	float *line;		/* [ATTENTION_D_MAX]: a row of mask or of values */
	float *k, *v;		/* strips of a block of keys */
	const uint8_t **k_rows[2], **v_rows[2];	/* [ATTENTION_KEYS], of this block and the next */
};

/** attention_q_pitch() - Floats between rows of attention_scratch.q. */
static inline uint32_t attention_q_pitch(const struct attention_plan *plan)
{
	return (plan->dk + 7) / 8 * 8;
}

/** attention_out_pitch() - Floats between rows of attention_scratch.out. */
static inline uint32_t attention_out_pitch(const struct attention_plan *plan)
{
	return (plan->dv + 15) / 16 * 16;
}

/**
 * attention_length() - Keys of a sequence, read once and checked.
 * Return: < 0: not in 0 … capacity.
 */
int64_t attention_length(const struct engine_op *op, uint32_t seq);

/**
 * attention_start() - First query of sequence @seq of a ragged batch, read once.
 * Return: < 0: not in 0 … queries.
 */
int64_t attention_start(const struct engine_op *op, uint32_t seq);

/**
 * attention_rows() - Look up where keys @key … @key + @count - 1 of a run lie.
 * @k_rows, @v_rows: filled.
 * Return: 0, or -EINVAL with *error filled: a block that does not exist.
 */
int attention_rows(const struct engine_op *op, const struct attention_run *run, uint32_t key,
		   uint32_t count, const uint8_t **k_rows, const uint8_t **v_rows,
		   struct engine_error *error);

/**
 * attention_keys() - Let a run meet its keys: fills its rows of scratch, sums not yet divided.
 * Return: 0, or -EINVAL with *error filled: a bad block, or CANCELLED.
 */
int attention_keys(struct engine_op *op, const struct attention_run *run,
		   const struct attention_scratch *scratch, struct engine_error *error);

/** attention_widen() - @n elements of a type of F as F32. */
void attention_widen(unsigned int type, float *to, const void *from, uint32_t n);

/** attention_refuse() - Fill *error. Return: -EINVAL. */
int attention_refuse(const struct engine_op *op, unsigned int code, unsigned int role,
		     uint64_t value, struct engine_error *error);

/** attention_tile() - Run a tile. */
int attention_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		   struct engine_error *error);

#endif
