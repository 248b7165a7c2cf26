/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_FILE_H
#define MARU_FILE_H

#include "maru_types.h"

u64 maru_file_pin_limit(struct maru_device *mdev);
int maru_file_charge(struct maru_file *file, u64 bytes, bool force);
void maru_file_uncharge(struct maru_file *file, u64 bytes);
void maru_file_begin_bind(struct maru_file *file);
void maru_file_end_bind(struct maru_file *file);
int maru_file_settle(struct maru_file *file);

#endif
