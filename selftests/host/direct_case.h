/* SPDX-License-Identifier: GPL-2.0-only */
/* A card of the direct way in a test, and the processes that belong to it. */
#ifndef DIRECT_CASE_H
#define DIRECT_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include <accel/accel.h>

#define SPEC		"direct,hbm=64M,cxl=32M,threads=2"
#define SHAPE(...)	((const uint32_t[]){ __VA_ARGS__ })
#define OK(call)							\
	do {								\
		int ok_error = (call);					\
									\
		if (ok_error)						\
			print_message("# %s: %s\n", #call, accel_error_text()); \
		assert_int_equal(ok_error, 0);				\
	} while (0)
#define BAD(error, call, part)						\
	do {								\
		assert_int_equal(call, error);				\
		if (!strstr(accel_error_text(), part))			\
			print_message("# %s\n", accel_error_text());	\
		assert_non_null(strstr(accel_error_text(), part));	\
	} while (0)

struct direct_case {
	struct accel_device *card;
	struct accel_queue *queue;
	struct accel_cmd *cmd;
};

/** case_open() - Open $CASE_DEVICE, or a card of the direct way. */
void case_open(struct direct_case *c);
void case_close(struct direct_case *c);

/** case_run() - Submit and wait. Return: how it ended. */
int case_run(struct accel_queue *queue, struct accel_cmd *cmd);

/** case_tensor() - A matrix in HBM. */
struct accel_tensor case_tensor(struct accel_device *card, enum accel_type type, uint32_t rows,
				uint32_t columns);

/** case_slow() - Record large products, each of which reads what the one before wrote. */
void case_slow(struct accel_device *card, struct accel_cmd *cmd, unsigned int copies);

/** case_processes() - Processes of the cards with a mark: cores, or all. Return: how many. */
unsigned int case_processes(const char *mark, int is_core, pid_t *pids, unsigned int room);

/** case_mark() - Make the cards that are started from now on recognisable. Return: the mark. */
const char *case_mark(void);

/** case_wait_gone() - Wait until no process of a mark is left. Return: 0 or -1. */
int case_wait_gone(const char *mark, int ms);

#endif
