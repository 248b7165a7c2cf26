/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_TABLE_H
#define MARU_TABLE_H

#include "maru_pt.h"
#include "maru_types.h"

extern const struct maru_pt_ops maru_table_ops;

struct maru_table_pool *maru_table_pool_create(struct maru_device *mdev, struct maru_file *file);
void maru_table_pool_destroy(struct maru_table_pool *pool);
struct maru_pt_table *maru_table_create(struct maru_table_pool *pool, bool leaf);
int maru_table_fill(struct maru_table_pool *pool, struct maru_pt_stash *stash,
		    const struct maru_pt_need *need, bool force);
void maru_table_give_back(struct maru_table_pool *pool, struct maru_pt_stash *stash);

#endif
