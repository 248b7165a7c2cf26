/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_ERROR_INTERNAL_H
#define ACCEL_ERROR_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

struct maru_packet;

/**
 * accel_refuse() - Set the thread's error text and hand the errno through.
 * @error: negative errno.
 * @format: of printf(): "accel_function: argument: what is wrong".
 *
 * Return: @error.
 */
int accel_refuse(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** accel_errno_text() - Say in a few words what an errno means here. */
const char *accel_errno_text(int error);

/** accel_error_errno() - The errno of an error word of maru_cmd.h. */
int accel_error_errno(uint32_t word);

/**
 * accel_error_describe() - Say in words what an error word means.
 * @text: gets one line.
 * @bytes: of it.
 * @packet: that it is about, whole, or NULL: not known.
 * @number: of the packet in its buffer.
 * @offset: of the packet in its buffer.
 * @word: the error word.
 * @value: the value beside it.
 * @va: of a fault.
 */
void accel_error_describe(char *text, size_t bytes, const struct maru_packet *packet,
			  uint32_t number, uint32_t offset, uint32_t word, uint64_t value,
			  uint64_t va);

#endif
