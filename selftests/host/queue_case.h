/* SPDX-License-Identifier: GPL-2.0-only */
/* A card with one queue of VM 0, and packets for it: what tests of queues share. */
#ifndef QUEUE_CASE_H
#define QUEUE_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "selftests/host/card_client.h"

#define HOST(addr)	MARU_VM0_VA(MARU_TIER_HOST, addr)

struct fill {
	struct maru_packet head;
	struct maru_operand dst;
};

struct matmul {
	struct maru_packet head;
	struct maru_operand dst, a, b;
};

extern struct card *card;
extern struct card_queue *queue;

/** queue_case_start() - Start a card, NULL: the default one, and its queue. */
int queue_case_start(const struct card_config *config);

/** queue_case_setup() - As a test's setup, queue_case_teardown() its end. */
int queue_case_setup(void **state);
int queue_case_teardown(void **state);

/** fill_of() - A packet that fills bytes; its tag is 0x7a60 + @byte. */
struct fill fill_of(uint64_t va, uint32_t bytes, uint8_t byte);

/** operand() - A matrix of a packet, contiguous or prepared. */
struct maru_operand operand(uint64_t va, unsigned int type, unsigned int layout, uint32_t d0,
			    uint32_t d1);

/** matmul_of() - A product of a and b with results of type @out; operands are to be set. */
struct matmul matmul_of(unsigned int out);

/** exec_of() - A descriptor that runs packets, which are copied to the guest's memory. */
struct maru_desc exec_of(const void *packets, uint32_t bytes);

/** wait_halted() - Expect a queue to halt. */
void wait_halted(struct card_queue *q);

#endif
