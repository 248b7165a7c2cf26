/* SPDX-License-Identifier: GPL-2.0-only */
/* The case "attention" of the card's side of the benches. */
#ifndef BENCH_STACK_ATTENTION_H
#define BENCH_STACK_ATTENTION_H

#include <accel/accel.h>

/**
 * struct stack_case - What a case that memory binds works on.
 * @cmd: the commands that are timed; NULL: not made yet
 * @tensors: what they read and write, the first @count of it
 * @count: tensors in use
 *
 * It is kept while the same line comes again, so that a round finds in the CPU's last cache what
 * the one before left there, as the read loop does, whose memory is kept too.
 */
struct stack_case {
	struct accel_cmd *cmd;
	struct accel_tensor tensors[6];
	unsigned int count;
};

/**
 * stack_attention() - Run a line "attention TYPE HEADS KEY_HEADS SEQUENCES N KEYS D CAUSAL REPS".
 * TYPE is that of keys and values; one job at a time.
 *
 * Return: seconds of a repetition; < 0: not such a line.
 */
double stack_attention(struct accel_device *card, struct accel_queue *queue,
		       struct stack_case *kept, const char *line);

#endif
