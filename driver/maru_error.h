/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_ERROR_H
#define MARU_ERROR_H

#include <drm/maru_cmd.h>
#include <linux/errno.h>

/**
 * maru_error_errno() - Translate the card's error word.
 * @word: error word of maru_cmd.h.
 *
 * Return: the errno that the fence of the job carries; -EIO for a code that does not exist.
 */
static inline int maru_error_errno(u32 word)
{
	switch (MARU_ERROR_CODE(word)) {
	case MARU_ERR_NONE:
		return 0;
	case MARU_ERR_BAD_LENGTH ... MARU_ERR_TOO_LARGE:
		return -EINVAL;
	case MARU_ERR_UNSUPPORTED:
		return -EOPNOTSUPP;
	case MARU_ERR_BAD_INDEX:
		return -ERANGE;
	case MARU_ERR_FAULT_READ ... MARU_ERR_FAULT_WINDOW:
		return -EFAULT;
	case MARU_ERR_TIMEOUT:
		return -ETIME;
	case MARU_ERR_CANCELLED:
	case MARU_ERR_INNOCENT:
		return -ECANCELED;
	default:
		return -EIO;
	}
}

#endif
