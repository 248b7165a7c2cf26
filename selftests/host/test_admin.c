// SPDX-License-Identifier: GPL-2.0-only
/* The admin queue: every command, every field, order, waiting, a hostile tail. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "selftests/host/card_client.h"

#define AT(member)		offsetof(struct maru_admin_sqe, member)

static struct card *card;

static int setup(void **state)
{
	(void)state;
	card = card_start(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	card_stop(card);
	return 0;
}

static struct maru_admin_sqe vm_sqe(unsigned int vm)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_VM_CREATE };

	sqe.vm.vm = (uint16_t)vm;
	sqe.vm.root = MARU_ENTRY(MARU_TIER_HBM, 0x10000) & ~MARU_PTE_LEAF;
	return sqe;
}

static struct maru_admin_sqe queue_sqe(unsigned int queue, uint64_t ring)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_CREATE };

	sqe.queue.queue = (uint16_t)queue;
	sqe.queue.weight = 100;
	sqe.queue.slot = 7;
	sqe.queue.ring_log2 = 6;
	sqe.queue.ring = MARU_ENTRY(MARU_TIER_HOST, ring);
	sqe.queue.block = MARU_ENTRY(MARU_TIER_HOST, ring);
	sqe.queue.block_offset = 0x800;
	return sqe;
}

static int do_op(unsigned int op, unsigned int object)
{
	struct maru_admin_sqe sqe = { .op = (uint16_t)op };

	sqe.vm.vm = (uint16_t)object;
	return card_admin(card, &sqe, NULL);
}

static void nop_laps(void **state)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_NOP };
	struct maru_admin_cqe cqe;

	(void)state;
	for (int i = 0; i < 300; i++) {
		assert_int_equal(card_admin(card, &sqe, &cqe), MARU_ADMIN_OK);
		assert_int_equal(cqe.value[0] | cqe.value[1] | cqe.mbz, 0);
		assert_int_equal(cqe.phase, !(i / 64 & 1));
	}
	assert_int_equal(card->sq->head, 300);
	/* A whole ring of them at once. */
	for (int i = 0; i < 64; i++)
		card_admin_submit(card, &sqe);
	for (int i = 0; i < 64; i++)
		assert_int_equal(card_admin_next(card, &cqe, 1000), 0);
}

static void unsupported(void **state)
{
	static const uint16_t ops[] = { 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 21, 22, 0x7fff,
					0xffff };

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		assert_int_equal(do_op(ops[i], 0), MARU_ADMIN_UNSUPPORTED);
}

struct row {
	unsigned int offset, bytes;
	uint64_t value;
	unsigned int named;		/* byte that value[0] names */
};

static void check_rows(const struct maru_admin_sqe *good, const struct row *rows, size_t count)
{
	struct maru_admin_cqe cqe;

	for (size_t i = 0; i < count; i++) {
		struct maru_admin_sqe sqe = *good;

		memcpy((uint8_t *)&sqe + rows[i].offset, &rows[i].value, rows[i].bytes);
		if (card_admin(card, &sqe, &cqe) != MARU_ADMIN_INVALID ||
		    cqe.value[0] != rows[i].named)
			fail_msg("op %u row %zu: status %u byte %llu", good->op, i, cqe.status,
				 (unsigned long long)cqe.value[0]);
	}
}

/* Each byte from @from on, one at a time. */
static void check_mbz(const struct maru_admin_sqe *good, unsigned int from, unsigned int end)
{
	for (unsigned int at = from; at < end; at++) {
		const struct row row = { at, 1, 0x80, at };

		check_rows(good, &row, 1);
	}
}

static void check_flags(const struct maru_admin_sqe *good)
{
	const struct row rows[] = { { 4, 4, 1, 4 }, { 4, 4, 1u << 31, 4 } };

	check_rows(good, rows, 2);
}

static void vm_fields(void **state)
{
	const struct maru_admin_sqe good = vm_sqe(5);
	const uint64_t root = good.vm.root;
	const struct row rows[] = {
		{ AT(vm.vm), 2, 0, AT(vm.vm) }, { AT(vm.vm), 2, 4096, AT(vm.vm) },
		{ AT(vm.group), 2, 256, AT(vm.group) },
		{ AT(vm.root), 8, 0, AT(vm.root) },
		{ AT(vm.root), 8, root | MARU_PTE_LEAF, AT(vm.root) },
		{ AT(vm.root), 8, root & ~MARU_PTE_WRITE, AT(vm.root) },
		{ AT(vm.root), 8, root & ~MARU_PTE_READ, AT(vm.root) },
		{ AT(vm.root), 8, root & ~MARU_PTE_VALID, AT(vm.root) },
		{ AT(vm.root), 8, root | 2 << 4, AT(vm.root) },
		{ AT(vm.root), 8, root | 3 << 4, AT(vm.root) },
		{ AT(vm.root), 8, root | 0x40, AT(vm.root) },
		{ AT(vm.root), 8, root | 1ULL << 63, AT(vm.root) },
		{ AT(vm.group_page), 8, MARU_ENTRY(2, CARD_RAM_IOVA), AT(vm.group_page) },
	};
	struct maru_admin_sqe sqe = good;
	struct maru_admin_cqe cqe;

	(void)state;
	check_rows(&good, rows, sizeof(rows) / sizeof(rows[0]));
	check_mbz(&good, AT(vm.mbz), AT(vm.root));
	check_mbz(&good, AT(vm.mbz2), 64);
	check_flags(&good);
	sqe.vm.group = 1;
	sqe.vm.group_page = MARU_ENTRY(2, CARD_RAM_IOVA) & ~MARU_PTE_LEAF;
	check_rows(&sqe, (const struct row[]){ { AT(vm.vm), 2, 5, AT(vm.group_page) } }, 1);
	sqe.vm.group_page = MARU_ENTRY(2, 0x1000);
	assert_int_equal(card_admin(card, &sqe, &cqe), MARU_ADMIN_FAULT);
	assert_int_equal(cqe.value[0], MARU_VM0_VA(2, 0x1000));
	sqe = good;
	sqe.vm.root = MARU_ENTRY(0, card->config.hbm_bytes) & ~MARU_PTE_LEAF;
	assert_int_equal(card_admin(card, &sqe, &cqe), MARU_ADMIN_FAULT);
	sqe.op = MARU_ADMIN_VM_DESTROY;
	memset(sqe.bytes, 0, sizeof(sqe.bytes));
	sqe.vm.vm = 5;
	check_mbz(&sqe, AT(vm.group), 64);
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_NOT_FOUND);
	assert_int_equal(do_op(MARU_ADMIN_VM_DESTROY, 0), MARU_ADMIN_INVALID);
	assert_int_equal(do_op(MARU_ADMIN_VM_DESTROY, 4096), MARU_ADMIN_INVALID);
}

static void vm_life(void **state)
{
	uint64_t page = card_alloc(card, MARU_TIER_HOST, 4096);
	struct maru_admin_sqe sqe = vm_sqe(4095), other;

	(void)state;
	sqe.vm.group = 255;
	sqe.vm.group_page = MARU_ENTRY(MARU_TIER_HOST, page);
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_OK);
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_EXISTS);
	other = sqe;
	other.vm.vm = 1;
	assert_int_equal(card_admin(card, &other, NULL), MARU_ADMIN_EXISTS);
	assert_int_equal(card->shared->vms, 1);
	assert_int_equal(do_op(MARU_ADMIN_VM_DESTROY, 4095), MARU_ADMIN_OK);
	assert_int_equal(do_op(MARU_ADMIN_VM_DESTROY, 4095), MARU_ADMIN_NOT_FOUND);
	assert_int_equal(card_admin(card, &other, NULL), MARU_ADMIN_OK);
	other = queue_sqe(3, card_alloc(card, MARU_TIER_HOST, 8192));
	other.queue.vm = 1;
	assert_int_equal(card_admin(card, &other, NULL), MARU_ADMIN_OK);
	assert_int_equal(do_op(MARU_ADMIN_VM_DESTROY, 1), MARU_ADMIN_BUSY);
	assert_int_equal(do_op(MARU_ADMIN_QUEUE_DESTROY, 3), MARU_ADMIN_OK);
	assert_int_equal(do_op(MARU_ADMIN_VM_DESTROY, 1), MARU_ADMIN_OK);
	assert_int_equal(card->shared->vms, 0);
	assert_int_equal(card->shared->queues, 0);
}

static void invalidate_fields(void **state)
{
	struct maru_admin_sqe good = { .op = MARU_ADMIN_INVALIDATE };
	const struct row rows[] = {
		{ AT(invalidate.vm), 2, 0, AT(invalidate.vm) },
		{ AT(invalidate.vm), 2, 4096, AT(invalidate.vm) },
		{ AT(invalidate.va), 8, 0x1001, AT(invalidate.va) },
		{ AT(invalidate.va), 8, 1ULL << 48, AT(invalidate.va) },
		{ AT(invalidate.bytes), 8, 100, AT(invalidate.bytes) },
		{ AT(invalidate.bytes), 8, 1ULL << 48, AT(invalidate.bytes) },
		{ AT(invalidate.bytes), 8, ~0xfffULL, AT(invalidate.bytes) },
	};

	(void)state;
	assert_int_equal(card_vm_create(card, 2, 0, 0), MARU_ADMIN_OK);
	good.invalidate.vm = 2;
	good.invalidate.va = 0x1000;
	good.invalidate.bytes = 0x1000;
	check_rows(&good, rows, sizeof(rows) / sizeof(rows[0]));
	check_mbz(&good, AT(invalidate.mbz), AT(invalidate.va));
	check_mbz(&good, AT(invalidate.mbz2), 64);
	check_flags(&good);
	assert_int_equal(card_admin(card, &good, NULL), MARU_ADMIN_OK);
	good.invalidate.bytes = (1ULL << 48) - 0x1000;
	assert_int_equal(card_admin(card, &good, NULL), MARU_ADMIN_OK);
	good.invalidate.bytes = 0;
	assert_int_equal(card_admin(card, &good, NULL), MARU_ADMIN_OK);
	good.invalidate.vm = 3;
	assert_int_equal(card_admin(card, &good, NULL), MARU_ADMIN_NOT_FOUND);
}

static void queue_fields(void **state)
{
	const uint64_t ring = card_alloc(card, MARU_TIER_HOST, 8192);
	const struct maru_admin_sqe good = queue_sqe(9, ring);
	const uint64_t entry = good.queue.ring;
	const struct row rows[] = {
		{ AT(queue.queue), 2, 4096, AT(queue.queue) },
		{ AT(queue.vm), 2, 4096, AT(queue.vm) },
		{ AT(queue.cls), 1, 3, AT(queue.cls) },
		{ AT(queue.priority), 1, 4, AT(queue.priority) },
		{ AT(queue.weight), 2, 0, AT(queue.weight) },
		{ AT(queue.weight), 2, 1001, AT(queue.weight) },
		{ AT(queue.slot), 2, 0, AT(queue.slot) },
		{ AT(queue.slot), 2, 2048, AT(queue.slot) },
		{ AT(queue.ring_log2), 1, 5, AT(queue.ring_log2) },
		{ AT(queue.ring_log2), 1, 17, AT(queue.ring_log2) },
		{ AT(queue.flags), 1, 4, AT(queue.flags) },
		{ AT(queue.flags), 1, MARU_QUEUE_WRITE, AT(queue.flags) },
		{ AT(queue.mbz), 2, 1, AT(queue.mbz) },
		{ AT(queue.time_slice_us), 4, 1000001, AT(queue.time_slice_us) },
		{ AT(queue.ns), 4, 1, AT(queue.ns) },
		{ AT(queue.ring), 8, 0, AT(queue.ring) },
		{ AT(queue.ring), 8, entry & ~MARU_PTE_LEAF, AT(queue.ring) },
		{ AT(queue.ring), 8, entry | 3 << 4, AT(queue.ring) },
		{ AT(queue.ring), 8, entry | 1ULL << 56, AT(queue.ring) },
		{ AT(queue.block), 8, entry | 0x100, AT(queue.block) },
		{ AT(queue.block_offset), 4, 128, AT(queue.block_offset) },
		{ AT(queue.block_offset), 4, 4096, AT(queue.block_offset) },
		{ AT(queue.mbz2), 4, 1, AT(queue.mbz2) },
	};
	struct maru_admin_sqe sqe = good;
	struct maru_admin_cqe cqe;

	(void)state;
	check_rows(&good, rows, sizeof(rows) / sizeof(rows[0]));
	check_flags(&good);
	sqe.queue.cls = MARU_CLASS_STORAGE;
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_UNSUPPORTED);
	sqe = good;
	sqe.queue.vm = 77;
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_NOT_FOUND);
	sqe = good;
	sqe.queue.sched_group = 1;
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_NOT_FOUND);
	sqe = good;
	sqe.queue.block = MARU_ENTRY(MARU_TIER_HBM, card->config.hbm_bytes);
	assert_int_equal(card_admin(card, &sqe, &cqe), MARU_ADMIN_FAULT);
	assert_int_equal(cqe.value[0], card->config.hbm_bytes + 0x800);
	sqe = good;
	sqe.queue.ring = MARU_ENTRY(MARU_TIER_HOST, CARD_RAM_IOVA + card->config.ram_bytes - 4096);
	assert_int_equal(card_admin(card, &sqe, &cqe), MARU_ADMIN_FAULT);
	assert_int_equal(card->shared->queues, 0);
}

static void user_queue_fields(void **state)
{
	struct maru_admin_sqe good = queue_sqe(9, card_alloc(card, MARU_TIER_HOST, 8192));
	const uint64_t end = 1ULL << 48;
	const struct row rows[] = {
		{ AT(queue.vm), 2, 0, AT(queue.vm) },
		{ AT(queue.vm), 2, 2, AT(queue.flags) },	/* it has no group */
		{ AT(queue.ring), 8, 0x1008, AT(queue.ring) },
		{ AT(queue.ring), 8, end, AT(queue.ring) },
		{ AT(queue.ring), 8, end - 8192, AT(queue.ring) },
		{ AT(queue.ring), 8, ~0xfffULL, AT(queue.ring) },
	};
	uint64_t page = card_alloc(card, MARU_TIER_HOST, 4096);

	(void)state;
	assert_int_equal(card_vm_create(card, 1, 9, page), MARU_ADMIN_OK);
	assert_int_equal(card_vm_create(card, 2, 0, 0), MARU_ADMIN_OK);
	good.queue.flags = MARU_QUEUE_USER;
	good.queue.vm = 1;
	good.queue.slot = 0;
	good.queue.ring = 0x200000;
	check_rows(&good, rows, sizeof(rows) / sizeof(rows[0]));
	assert_int_equal(card_admin(card, &good, NULL), MARU_ADMIN_OK);
}

static void queue_life(void **state)
{
	struct maru_admin_sqe sqe = queue_sqe(4095, card_alloc(card, MARU_TIER_HOST, 8192));
	struct maru_admin_sqe other = sqe, end = { .op = MARU_ADMIN_QUEUE_DESTROY };
	struct maru_admin_cqe cqe;

	(void)state;
	sqe.queue.start = 1000;
	other.queue.queue = 3;
	((struct maru_ring *)card_ptr(card, MARU_TIER_HOST, sqe.queue.ring &
				      MARU_PTE_ADDR_MASK))->tail = 1000;
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_OK);
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_EXISTS);
	assert_int_equal(card_admin(card, &other, NULL), MARU_ADMIN_BUSY);
	assert_int_equal(card->shared->queues, 1);
	end.queue.queue = 4095;
	check_mbz(&end, AT(queue.vm), 64);
	check_flags(&end);
	assert_int_equal(card_admin(card, &end, &cqe), MARU_ADMIN_OK);
	assert_int_equal(cqe.value[0], 1000);
	assert_int_equal(card_admin(card, &end, NULL), MARU_ADMIN_NOT_FOUND);
	assert_int_equal(card_admin(card, &other, NULL), MARU_ADMIN_OK);
	assert_int_equal(do_op(MARU_ADMIN_QUEUE_DESTROY, 4096), MARU_ADMIN_INVALID);
}

static void queue_set(void **state)
{
	struct maru_admin_sqe good = { .op = MARU_ADMIN_QUEUE_SET };
	const struct row rows[] = {
		{ AT(queue_set.queue), 2, 4096, AT(queue_set.queue) },
		{ AT(queue_set.mbz), 2, 1, AT(queue_set.mbz) },
		{ AT(queue_set.property), 4, 4, AT(queue_set.property) },
		{ AT(queue_set.value), 8, 4, AT(queue_set.value) },
		{ AT(queue_set.value), 8, 1ULL << 32, AT(queue_set.value) },
	};
	const struct { unsigned int property; uint64_t value; int status; } values[] = {
		{ MARU_PROPERTY_PRIORITY, 3, 0 }, { MARU_PROPERTY_WEIGHT, 0, 2 },
		{ MARU_PROPERTY_WEIGHT, 1001, 2 }, { MARU_PROPERTY_WEIGHT, 1000, 0 },
		{ MARU_PROPERTY_TIME_SLICE, 0, 2 }, { MARU_PROPERTY_TIME_SLICE, 1000001, 2 },
		{ MARU_PROPERTY_TIME_SLICE, 500, 0 }, { MARU_PROPERTY_IRQ_US, 5, 1 },
	};
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });

	(void)state;
	check_rows(&good, rows, sizeof(rows) / sizeof(rows[0]));
	check_mbz(&good, AT(queue_set.mbz2), 64);
	check_flags(&good);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		good.queue_set.property = values[i].property;
		good.queue_set.value = values[i].value;
		assert_int_equal(card_admin(card, &good, NULL), values[i].status);
	}
	good.queue_set.property = MARU_PROPERTY_WEIGHT;
	good.queue_set.value = 1;
	good.queue_set.queue = 8;
	assert_int_equal(card_admin(card, &good, NULL), MARU_ADMIN_NOT_FOUND);
	free(queue);
}

static void queue_reset_fields(void **state)
{
	struct maru_admin_sqe good = { .op = MARU_ADMIN_QUEUE_RESET };
	const struct row rows[] = {
		{ AT(queue_reset.queue), 2, 4096, AT(queue_reset.queue) },
		{ AT(queue_reset.mode), 2, 2, AT(queue_reset.mode) },
	};
	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });

	(void)state;
	check_rows(&good, rows, sizeof(rows) / sizeof(rows[0]));
	check_mbz(&good, AT(queue_reset.mbz), 64);
	check_flags(&good);
	assert_int_equal(card_admin(card, &good, NULL), MARU_ADMIN_OK);
	assert_int_equal(queue->block->resets, 1);
	good.queue_reset.queue = 1;
	assert_int_equal(card_admin(card, &good, NULL), MARU_ADMIN_NOT_FOUND);
	free(queue);
}

static void buffers(void **state)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, 65536);
	struct maru_admin_sqe good = { .op = MARU_ADMIN_IDENTIFY };
	struct maru_admin_cqe cqe;
	uint32_t caps;
	uint8_t *page = card_ptr(card, MARU_TIER_HBM, at);

	(void)state;
	good.buffer.bytes = 65536;
	good.buffer.buffer = MARU_ENTRY(MARU_TIER_HBM, at);
	for (good.op = MARU_ADMIN_IDENTIFY; ; good.op = MARU_ADMIN_TELEMETRY) {
		const struct row rows[] = {
			{ AT(buffer.page), 4, good.op == MARU_ADMIN_IDENTIFY ? 2 : 1,
			  AT(buffer.page) },
			{ AT(buffer.bytes), 4, 0, AT(buffer.bytes) },
			{ AT(buffer.bytes), 4, 65537, AT(buffer.bytes) },
			{ AT(buffer.buffer), 8, 0, AT(buffer.buffer) },
			{ AT(buffer.buffer), 8, good.buffer.buffer | 0x40, AT(buffer.buffer) },
		};
		struct maru_admin_sqe far = good;

		check_rows(&good, rows, sizeof(rows) / sizeof(rows[0]));
		check_mbz(&good, AT(buffer.mbz2), 64);
		check_flags(&good);
		far.buffer.buffer = MARU_ENTRY(MARU_TIER_HOST, 0);
		assert_int_equal(card_admin(card, &far, &cqe), MARU_ADMIN_FAULT);
		assert_int_equal(cqe.value[0], MARU_VM0_VA(MARU_TIER_HOST, 0));
		if (good.op == MARU_ADMIN_TELEMETRY)
			break;
	}
	assert_int_equal(card_admin(card, &good, &cqe), MARU_ADMIN_OK);
	assert_int_equal(cqe.value[0], sizeof(struct maru_telemetry));
	assert_true(((struct maru_telemetry *)page)->card_ns <= card_now_ns());
	good.op = MARU_ADMIN_IDENTIFY;
	assert_int_equal(card_admin(card, &good, &cqe), MARU_ADMIN_OK);
	memcpy(&caps, card->shared->regs + MARU_REG_CAPS_LEN, 4);
	assert_int_equal(cqe.value[0], caps);
	assert_memory_equal(page, card->shared->regs + MARU_REG_CAPS, caps);
	good.buffer.page = 1;
	good.buffer.bytes = 10;
	memset(page, 0xee, 64);
	assert_int_equal(card_admin(card, &good, &cqe), MARU_ADMIN_OK);
	assert_int_equal(cqe.value[0], 10);
	assert_int_equal(cqe.value[1], sizeof(struct maru_op_info));
	assert_int_equal(page[10], 0xee);
}

static void clock_and_nop(void **state)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_CLOCK };
	uint64_t before = card_now_ns();
	struct maru_admin_cqe cqe;

	(void)state;
	check_mbz(&sqe, 8, 64);
	check_flags(&sqe);
	assert_int_equal(card_admin(card, &sqe, &cqe), MARU_ADMIN_OK);
	assert_true(cqe.value[0] >= before && cqe.value[0] <= card_now_ns());
	assert_int_equal(cqe.value[1], 0);
	sqe.op = MARU_ADMIN_NOP;
	check_mbz(&sqe, 8, 64);
	check_flags(&sqe);
}

/* A held INVALIDATE: others pass it, but not the end of its own VM. */
static void waits_stand_aside(void **state)
{
	struct maru_admin_sqe wait = { .op = MARU_ADMIN_INVALIDATE };
	struct maru_admin_sqe end = { .op = MARU_ADMIN_VM_DESTROY };
	struct maru_admin_sqe nop = { .op = MARU_ADMIN_NOP };
	uint16_t wait_id, end_id, nop_id;
	struct maru_admin_cqe cqe;

	(void)state;
	assert_int_equal(card_vm_create(card, 6, 0, 0), MARU_ADMIN_OK);
	card_arm(card, IPC_POINT_ADMIN_INVALIDATE, IPC_ACTION_HOLD, 0);
	wait.invalidate.vm = 6;
	end.vm.vm = 6;
	wait_id = card_admin_submit(card, &wait);
	end_id = card_admin_submit(card, &end);
	nop_id = card_admin_submit(card, &nop);
	assert_int_equal(card_admin_next(card, &cqe, 1000), 0);
	assert_int_equal(cqe.id, nop_id);
	assert_int_equal(card_wait_holding(card, IPC_POINT_ADMIN_INVALIDATE, 1000), 0);
	for (int i = 0; i < 5; i++) {
		nop_id = card_admin_submit(card, &nop);
		assert_int_equal(card_admin_next(card, &cqe, 1000), 0);
		assert_int_equal(cqe.id, nop_id);
	}
	assert_int_equal(card_admin_next(card, &cqe, 50), -ETIMEDOUT);
	card_release(card, IPC_POINT_ADMIN_INVALIDATE);
	assert_int_equal(card_admin_next(card, &cqe, 1000), 0);
	assert_int_equal(cqe.id, wait_id);
	assert_int_equal(cqe.status, MARU_ADMIN_OK);
	assert_int_equal(card_admin_next(card, &cqe, 1000), 0);
	assert_int_equal(cqe.id, end_id);
	assert_int_equal(cqe.status, MARU_ADMIN_OK);
}

static void points_fail(void **state)
{
	struct maru_admin_sqe nop = { .op = MARU_ADMIN_NOP };
	struct maru_admin_cqe cqe;

	(void)state;
	card_arm(card, IPC_POINT_ADMIN_FETCH, IPC_ACTION_FAIL, 1);
	assert_int_equal(card_admin(card, &nop, NULL), MARU_ADMIN_OK);
	assert_int_equal(card_admin(card, &nop, NULL), MARU_ADMIN_INTERNAL);
	card_disarm(card, IPC_POINT_ADMIN_FETCH);
	card_arm(card, IPC_POINT_ADMIN_COMPLETE, IPC_ACTION_FAIL, 0);
	card_admin_submit(card, &nop);
	assert_int_equal(card_admin_next(card, &cqe, 50), -ETIMEDOUT);
	card_disarm(card, IPC_POINT_ADMIN_COMPLETE);
	assert_int_equal(card_admin(card, &nop, NULL), MARU_ADMIN_OK);
	card_arm(card, IPC_POINT_ADMIN_ANSWER, IPC_ACTION_FAIL, 0);
	card_admin_submit(card, &nop);
	assert_int_equal(card_admin_next(card, &cqe, 1000), 0);
	assert_int_not_equal(cqe.id, nop.id);
	card_disarm(card, IPC_POINT_ADMIN_ANSWER);
	assert_int_equal(card_admin_next(card, &cqe, 1000), 0);
	assert_int_equal(cqe.id, nop.id);
	for (enum ipc_point p = IPC_POINT_ADMIN_FETCH; p <= IPC_POINT_ADMIN_COMPLETE; p++) {
		card_arm(card, p, IPC_ACTION_HOLD, 0);
		card_admin_submit(card, &nop);
		assert_int_equal(card_wait_holding(card, p, 1000), 0);
		assert_int_equal(card_admin_next(card, &cqe, 20), -ETIMEDOUT);
		card_release(card, p);
		assert_int_equal(card_admin_next(card, &cqe, 1000), 0);
		card_disarm(card, p);
	}
}

static void tail_beyond_ring(void **state)
{
	struct maru_admin_cqe cqe;
	struct maru_event event;

	(void)state;
	card->sq->tail = 65;
	card_kick(card, MARU_SLOT_ADMIN);
	assert_int_equal(card_event(card, &event, 1000), 0);
	assert_int_equal(event.type, MARU_EVENT_FIRMWARE);
	assert_int_equal(event.info, 1);
	card->sq->tail = 1;
	card_kick(card, MARU_SLOT_ADMIN);
	assert_int_equal(card_admin_next(card, &cqe, 50), -ETIMEDOUT);
	assert_int_equal(card->sq->head, 0);
	assert_true(card_is_alive(card));
}

static void raises_vector(void **state)
{
	struct pollfd poller = { .fd = card->irq_fd[MARU_VECTOR_ADMIN], .events = POLLIN };
	uint64_t count;

	(void)state;
	assert_int_equal(do_op(MARU_ADMIN_NOP, 0), MARU_ADMIN_OK);
	assert_int_equal(poll(&poller, 1, 1000), 1);
	assert_int_equal(read(poller.fd, &count, 8), 8);
}

#define CARD_TEST(function, text) { text, function, setup, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		CARD_TEST(nop_laps, "[ADM-1] [ADM-2] laps, phases and ids of completions"),
		CARD_TEST(unsupported, "[ADM-3] operations that are kept"),
		CARD_TEST(vm_fields, "[ADM-4] [ADM-5] fields of VM_CREATE and VM_DESTROY"),
		CARD_TEST(vm_life, "[ADM-6] a VM from creation to its end"),
		CARD_TEST(invalidate_fields, "[ADM-4] fields of INVALIDATE"),
		CARD_TEST(queue_fields, "[ADM-4] [ADM-5] fields of QUEUE_CREATE"),
		CARD_TEST(user_queue_fields, "[ADM-4] [ADM-7] fields of a user queue"),
		CARD_TEST(queue_life, "[ADM-6] [ADM-8] a queue from creation to its end"),
		CARD_TEST(queue_set, "[ADM-4] [ADM-9] QUEUE_SET"),
		CARD_TEST(queue_reset_fields, "[ADM-4] [ADM-10] fields of QUEUE_RESET"),
		CARD_TEST(buffers, "[ADM-4] [ADM-11] IDENTIFY and TELEMETRY"),
		CARD_TEST(clock_and_nop, "[ADM-4] [ADM-12] CLOCK and NOP"),
		CARD_TEST(waits_stand_aside, "[ADM-13] what waits does not block others"),
		CARD_TEST(points_fail, "[ADM-14] commands at fault points"),
		CARD_TEST(tail_beyond_ring, "[ADM-15] a tail beyond the ring"),
		CARD_TEST(raises_vector, "[ADM-16] completions raise vector 1"),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
