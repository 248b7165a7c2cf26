// SPDX-License-Identifier: GPL-2.0-only
/* What a guest changes behind the card's back: each thing is read once, and that copy counts. */
#include <string.h>

#include "selftests/host/check_list.h"
#include "selftests/host/queue_case.h"

/* Both packets change while the first is held: that one was copied, the second was not. */
static void packets(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 3 * 4096);
	uint8_t *bytes = card_ptr(card, MARU_TIER_HBM, at);
	struct fill fills[2] = { fill_of(at, 4096, 1), fill_of(at + 4096, 4096, 2) };
	struct maru_desc desc = exec_of(fills, sizeof(fills));
	struct fill *shared = card_ptr(card, MARU_TIER_HOST, desc.va & 0xffffffff);

	(void)state;
	card_arm(card, IPC_POINT_JOB_DECODE, IPC_ACTION_HOLD, 0);
	card_submit(queue, &desc);
	assert_int_equal(card_wait_holding(card, IPC_POINT_JOB_DECODE, 2000), 0);
	memset(shared, 0xff, sizeof(*shared));
	shared[1] = fill_of(at + 8192, 4096, 3);
	card_release(card, IPC_POINT_JOB_DECODE);
	assert_int_equal(card_wait(queue, 1, 2000), 0);
	for (int i = 0; i < 4096; i++) {
		assert_int_equal(bytes[i], 1);
		assert_int_equal(bytes[4096 + i], 0);
		assert_int_equal(bytes[8192 + i], 3);
	}
}

static void descriptor(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 4096);
	struct fill fill = fill_of(at, 4096, 5);
	struct maru_desc desc = exec_of(&fill, sizeof(fill));

	(void)state;
	card_arm(card, IPC_POINT_JOB_FETCH, IPC_ACTION_HOLD, 0);
	card_submit(queue, &desc);
	assert_int_equal(card_wait_holding(card, IPC_POINT_JOB_FETCH, 2000), 0);
	memset(queue->descs, 0xff, sizeof(*queue->descs));
	card_release(card, IPC_POINT_JOB_FETCH);
	assert_int_equal(card_wait(queue, 1, 2000), 0);
	assert_int_equal(queue->block->job, desc.job);
	assert_int_equal(*(uint8_t *)card_ptr(card, MARU_TIER_HBM, at), 5);
}

static void admin_command(void **state)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_CLOCK };
	uint64_t slot = card->sq->tail & 63;
	struct maru_admin_cqe cqe;
	uint16_t id;

	(void)state;
	card_arm(card, IPC_POINT_ADMIN_FETCH, IPC_ACTION_HOLD, 0);
	id = card_admin_submit(card, &sqe);
	assert_int_equal(card_wait_holding(card, IPC_POINT_ADMIN_FETCH, 2000), 0);
	memset(&card->sq->sqe[slot], 0xff, sizeof(sqe));
	card_release(card, IPC_POINT_ADMIN_FETCH);
	assert_int_equal(card_admin_next(card, &cqe, 2000), 0);
	assert_int_equal(cqe.id, id);
	assert_int_equal(cqe.status, MARU_ADMIN_OK);
	assert_true(cqe.value[0] > 0);
}

#define TEST(function, text) { text, function, queue_case_setup, queue_case_teardown, NULL }

int main(void)
{
	static const struct check checks[] = {
		{ "memory is read once, then checked", { packets, descriptor, admin_command } },
	};
	const struct CMUnitTest tests[] = {
		TEST(packets, "[PKT-10] packets that change when one of them is under way"),
		TEST(descriptor, "[QUE-1] a descriptor that changes after it was taken"),
		TEST(admin_command, "[ADM-1] an admin command that changes after it was taken"),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL) +
	       check_list(checks, sizeof(checks) / sizeof(checks[0]), tests,
			  sizeof(tests) / sizeof(tests[0]));
}
