/* SPDX-License-Identifier: MIT */
/* Row numbers that lie in memory: each is read once, checked, then used. */
#ifndef MARU_INDEX_H
#define MARU_INDEX_H

#include <stdbool.h>

#include "firmware-emu/engine/decode.h"

#define INDEX_NONE	(-1)		/* a negative number, where it means "no row" */
#define INDEX_BAD	(-2)

/** struct index_rule - What numbers are right. */
struct index_rule {
	uint64_t rows;		/* they are below */
	bool skip_neg;		/* negative ones mean no row */
};

/**
 * index_load() - Read a number.
 * @type: MARU_TYPE_I32 or MARU_TYPE_I64.
 * Return: the row, INDEX_NONE or INDEX_BAD.
 */
int64_t index_load(const struct index_rule *rule, unsigned int type, const uint8_t *at);

/**
 * index_look() - Check the numbers in role MARU_ROLE_IDX, at most ENGINE_LOOK_MAX of them.
 * @used: how many name a row; those beyond are taken to.
 * Return: 0, or -EINVAL with op->error filled.
 */
int index_look(struct engine_op *op, const struct index_rule *rule, uint64_t *used);

/**
 * index_refuse() - Fill *error for a number that was wrong when it was used.
 * @element: which one.
 * Return: -EINVAL.
 */
int index_refuse(const struct engine_op *op, uint64_t element, struct engine_error *error);

#endif
