/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_DEBUGFS_H
#define MARU_DEBUGFS_H

struct maru_device;

void maru_debugfs_init(struct maru_device *mdev);

#endif
