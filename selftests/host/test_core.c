// SPDX-License-Identifier: GPL-2.0-only
/* The core as a process: boot, windows, interrupts, end. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "selftests/host/card_client.h"
#include "selftests/host/fake_engine.h"

static struct maru_desc nop = { .op = MARU_DESC_NOP };

static void boot_1_answers_nop(void **state)
{
	struct card *card = card_start(NULL);
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_NOP };

	(void)state;
	assert_int_equal(card_admin(card, &sqe, NULL), 0);
	card_stop(card);
}

static void job_runs_fill(void **state)
{
	struct card *card = card_start(NULL);
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 1 << 16);
	struct { struct maru_packet head; struct maru_operand dst; } fill = {
		.head = { .op = MARU_OP_FILL, .bytes = 128, .roles = 1,
			  .fill.pattern = 0x5a },
		.dst = { .va = MARU_VM0_VA(MARU_TIER_HBM, at), .type = MARU_TYPE_U8,
			 .dim = { 65536, 1, 1, 1 }, .stride = { 1, 65536, 65536, 65536 } },
	};

	(void)state;
	assert_int_equal(card_wait(queue, card_submit(queue, &nop), 1000), 0);
	assert_int_equal(card_run(queue, &fill, sizeof(fill), 1000), 0);
	for (int i = 0; i < 65536; i++)
		assert_int_equal(((uint8_t *)card_ptr(card, MARU_TIER_HBM, at))[i], 0x5a);
	card_stop(card);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boot_1_answers_nop),
		cmocka_unit_test(job_runs_fill),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
