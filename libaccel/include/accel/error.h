/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_ERROR_H
#define ACCEL_ERROR_H

#include <accel/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_error - say what was wrong
 *
 * Every function that fails returns a negative errno and leaves one line of text for its thread.
 */

/**
 * accel_error_text() - Say what was wrong with the last call of this thread that failed.
 *
 * One line without a newline: the function, the argument, what is wrong with it. A call that
 * succeeds leaves the text alone, so look only after an error.
 *
 * Context: Any thread. The text is this thread's and is overwritten by its next failing call.
 * Return: text, "" when no call has failed yet.
 */
ACCEL_API const char *accel_error_text(void);

#ifdef __cplusplus
}
#endif

#endif
