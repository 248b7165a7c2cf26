// SPDX-License-Identifier: MIT
#include <errno.h>

#include "firmware-emu/engine/index.h"
#include "firmware-emu/engine/tile.h"

int64_t index_load(const struct index_rule *rule, unsigned int type, const uint8_t *at)
{
	int64_t row;

	if (type == MARU_TYPE_I64)
		row = __atomic_load_n((const int64_t *)(const void *)at, __ATOMIC_RELAXED);
	else
		row = __atomic_load_n((const int32_t *)(const void *)at, __ATOMIC_RELAXED);
	if (row < 0)
		return rule->skip_neg ? INDEX_NONE : INDEX_BAD;
	return (uint64_t)row < rule->rows ? row : INDEX_BAD;
}

int index_look(struct engine_op *op, const struct index_rule *rule, uint64_t *used)
{
	const struct engine_operand *idx = &op->operands[MARU_ROLE_IDX];
	uint64_t total = tile_elements(idx->desc), i;
	struct tile_walk walk;
	struct tile_cursor cursor;

	*used = 0;
	tile_walk_init(&walk, idx->desc);
	tile_cursor_seek(&cursor, &walk, idx->host, 0);
	for (i = 0; i < total && i < ENGINE_LOOK_MAX; i++) {
		int64_t row = index_load(rule, idx->desc->type, cursor.at);

		if (row == INDEX_BAD)
			return decode_refuse(op, MARU_ERR_BAD_INDEX, MARU_ROLE_IDX,
					     MARU_FIELD_VA, i);
		*used += row >= 0;
		tile_cursor_advance(&cursor, 1);
	}
	*used += total - i;
	return 0;
}

int index_refuse(const struct engine_op *op, uint64_t element, struct engine_error *error)
{
	*error = (struct engine_error) {
		.word = MARU_ERROR(MARU_ERR_BAD_INDEX, MARU_ROLE_IDX, MARU_FIELD_VA),
		.tag = op->header.tag,
		.value = element,
	};
	return -EINVAL;
}
