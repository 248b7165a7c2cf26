/* SPDX-License-Identifier: GPL-2.0-only */
/* The case "attention" of the card's side of the benches. */
#ifndef BENCH_STACK_ATTENTION_H
#define BENCH_STACK_ATTENTION_H

#include <accel/accel.h>

/**
 * stack_attention() - Run a line "attention TYPE HEADS KEY_HEADS SEQUENCES N KEYS D CAUSAL REPS".
 * TYPE is that of keys and values; one job at a time.
 *
 * Return: seconds of a repetition; < 0: not such a line.
 */
double stack_attention(struct accel_device *card, struct accel_queue *queue, const char *line);

#endif
