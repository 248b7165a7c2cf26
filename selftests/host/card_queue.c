// SPDX-License-Identifier: GPL-2.0-only
/* What a driver does with the card of card_client.h: admin commands, page tables, queues. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "selftests/host/card_client.h"

#define ADMIN_MS	5000
#define SPIN_NS		100000		/* then sleep between two looks */
#define NAP_US		50

static inline void mb(void)
{
	__builtin_ia32_mfence();
}

/*
 * Between two looks at a word: first none, then long ones. The time counts looks, so that a
 * test which the host did not run does not take itself for a card that does not answer.
 * Return: 0, -ETIMEDOUT, -EPIPE.
 */
static int wait_step(struct card *card, uint64_t start, int ms)
{
	static __thread uint64_t of, looks;

	if (card_now_ns() - start < SPIN_NS) {
		__builtin_ia32_pause();
		return 0;
	}
	looks = of == start ? looks + 1 : 0;
	of = start;
	if (looks > (uint64_t)ms * 1000 / NAP_US)
		return card_is_alive(card) ? -ETIMEDOUT : -EPIPE;
	if (looks % 64 == 63 && !card_is_alive(card))
		return -EPIPE;
	usleep(NAP_US);
	return 0;
}

void card_kick(struct card *card, unsigned int slot)
{
	const uint64_t one = 1;

	__atomic_store_n(&card->group->kick[slot], 1, __ATOMIC_RELEASE);
	mb();
	if (__atomic_load_n(&card->group->need_wake, __ATOMIC_ACQUIRE))
		assert_int_equal(write(card->kick_fd, &one, sizeof(one)), sizeof(one));
}

uint16_t card_admin_submit(struct card *card, struct maru_admin_sqe *sqe)
{
	uint64_t tail = card->sq->tail;

	sqe->id = ++card->next_id;
	card->sq->sqe[tail & 63] = *sqe;
	__atomic_store_n(&card->sq->tail, tail + 1, __ATOMIC_RELEASE);
	card_kick(card, MARU_SLOT_ADMIN);
	return sqe->id;
}

int card_admin_next(struct card *card, struct maru_admin_cqe *cqe, int ms)
{
	struct maru_admin_cqe *slot = &card->cq[card->cq_head & 63];
	uint32_t phase = !(card->cq_head / 64 & 1);
	uint64_t start = card_now_ns();
	int ret;

	while (__atomic_load_n(&slot->phase, __ATOMIC_ACQUIRE) != phase) {
		ret = wait_step(card, start, ms);
		if (ret)
			return ret;
	}
	*cqe = *slot;
	card->cq_head++;
	return 0;
}

int card_admin(struct card *card, struct maru_admin_sqe *sqe, struct maru_admin_cqe *cqe)
{
	struct maru_admin_cqe own;
	uint16_t id = card_admin_submit(card, sqe);
	int ret = card_admin_next(card, &own, ADMIN_MS);

	if (ret)
		return ret;
	assert_int_equal(own.id, id);
	if (cqe)
		*cqe = own;
	return own.status;
}

int card_event(struct card *card, struct maru_event *event, int ms)
{
	uint64_t entries = 1ULL << card->config.event_log2;
	struct maru_event *slot = &card->events->event[card->event_head & (entries - 1)];
	uint32_t phase = !(card->event_head / entries & 1);
	uint64_t start = card_now_ns();
	int ret;

	while (__atomic_load_n(&slot->phase, __ATOMIC_ACQUIRE) != phase) {
		ret = wait_step(card, start, ms);
		if (ret)
			return ret;
	}
	*event = *slot;
	__atomic_store_n(&card->events->consumer, ++card->event_head, __ATOMIC_RELEASE);
	return 0;
}

int card_vm_create(struct card *card, unsigned int vm, unsigned int group, uint64_t group_page)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_VM_CREATE };
	uint64_t root = card_alloc(card, MARU_TIER_HBM, MARU_PAGE_BYTES);

	assert_true(vm < sizeof(card->roots) / sizeof(card->roots[0]));
	card->roots[vm] = root;
	sqe.vm.vm = (uint16_t)vm;
	sqe.vm.root = MARU_ENTRY(MARU_TIER_HBM, root) & ~MARU_PTE_LEAF;
	sqe.vm.group = (uint16_t)group;
	sqe.vm.group_page = group ? MARU_ENTRY(MARU_TIER_HOST, group_page) : 0;
	return card_admin(card, &sqe, NULL);
}

static uint64_t *pte_at(struct card *card, unsigned int vm, uint64_t va, unsigned int level)
{
	uint64_t *table = card_ptr(card, MARU_TIER_HBM, card->roots[vm]);

	for (unsigned int l = MARU_PT_LEVELS - 1; l > level; l--) {
		uint64_t *entry = &table[va >> (MARU_PAGE_SHIFT + 9 * l) & 511];

		if (!*entry)
			*entry = MARU_ENTRY(MARU_TIER_HBM, card_alloc(card, MARU_TIER_HBM,
					    MARU_PAGE_BYTES)) & ~MARU_PTE_LEAF;
		assert_false(*entry & MARU_PTE_LEAF);
		table = card_ptr(card, MARU_TIER_HBM, *entry & MARU_PTE_ADDR_MASK);
	}
	return &table[va >> (MARU_PAGE_SHIFT + 9 * level) & 511];
}

uint64_t *card_pte(struct card *card, unsigned int vm, uint64_t va)
{
	return pte_at(card, vm, va, 0);
}

void card_map(struct card *card, unsigned int vm, uint64_t va, unsigned int tier, uint64_t addr,
	      uint64_t bytes, uint64_t flags)
{
	const uint64_t rw = MARU_PTE_READ | MARU_PTE_WRITE;
	uint64_t step;

	for (; bytes; va += step, addr += step, bytes -= step) {
		bool is_block = !((va | addr) % MARU_BLOCK_BYTES) && bytes >= MARU_BLOCK_BYTES;
		uint64_t entry = flags ? (MARU_ENTRY(tier, addr) & ~rw) | flags : 0;

		step = is_block ? MARU_BLOCK_BYTES : MARU_PAGE_BYTES;
		__atomic_store_n(pte_at(card, vm, va, is_block), entry, __ATOMIC_RELEASE);
	}
}

int card_invalidate(struct card *card, unsigned int vm, uint64_t va, uint64_t bytes)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_INVALIDATE };

	sqe.invalidate.vm = (uint16_t)vm;
	sqe.invalidate.va = va;
	sqe.invalidate.bytes = bytes;
	return card_admin(card, &sqe, NULL);
}

struct card_queue *card_queue_create(struct card *card, const struct card_queue_config *config)
{
	struct card_queue *queue = calloc(1, sizeof(*queue));
	unsigned int log2 = config->ring_log2 ? config->ring_log2 : 8;
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_CREATE };
	uint64_t ring, block;

	assert_non_null(queue);
	ring = card_alloc(card, MARU_TIER_HOST, sizeof(struct maru_ring) +
			  (sizeof(struct maru_desc) << log2));
	block = card_alloc(card, MARU_TIER_HOST, MARU_PAGE_BYTES);
	queue->card = card;
	queue->id = config->id;
	queue->slot = config->slot ? config->slot : config->id + 1;
	queue->entries = 1ULL << log2;
	queue->ring = card_ptr(card, MARU_TIER_HOST, ring);
	queue->descs = (struct maru_desc *)(queue->ring + 1);
	queue->block = card_ptr(card, MARU_TIER_HOST, block);
	queue->tail = config->start;
	queue->ring->tail = config->start;
	sqe.queue.queue = (uint16_t)config->id;
	sqe.queue.vm = (uint16_t)config->vm;
	sqe.queue.cls = (uint8_t)config->cls;
	sqe.queue.priority = (uint8_t)config->priority;
	sqe.queue.weight = (uint16_t)(config->weight ? config->weight : 100);
	sqe.queue.slot = (uint16_t)queue->slot;
	sqe.queue.ring_log2 = (uint8_t)log2;
	sqe.queue.time_slice_us = config->time_slice_us;
	sqe.queue.ring = MARU_ENTRY(MARU_TIER_HOST, ring);
	sqe.queue.block = MARU_ENTRY(MARU_TIER_HOST, block);
	sqe.queue.start = config->start;
	assert_int_equal(card_admin(card, &sqe, NULL), MARU_ADMIN_OK);
	return queue;
}

int card_queue_destroy(struct card_queue *queue)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_DESTROY };
	int ret;

	sqe.queue.queue = (uint16_t)queue->id;
	ret = card_admin(queue->card, &sqe, NULL);
	free(queue);
	return ret;
}

int card_queue_reset(struct card_queue *queue, unsigned int mode)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_QUEUE_RESET };

	sqe.queue_reset.queue = (uint16_t)queue->id;
	sqe.queue_reset.mode = (uint16_t)mode;
	return card_admin(queue->card, &sqe, NULL);
}

uint64_t card_put(struct card_queue *queue, const struct maru_desc *desc)
{
	queue->descs[queue->tail & (queue->entries - 1)] = *desc;
	__atomic_store_n(&queue->ring->tail, ++queue->tail, __ATOMIC_RELEASE);
	return queue->tail;
}

uint64_t card_submit(struct card_queue *queue, const struct maru_desc *desc)
{
	uint64_t tail = card_put(queue, desc);

	card_kick(queue->card, queue->slot);
	return tail;
}

int card_wait(struct card_queue *queue, uint64_t done, int ms)
{
	uint64_t start = card_now_ns();
	int ret;

	while (__atomic_load_n(&queue->block->done, __ATOMIC_ACQUIRE) < done) {
		if (__atomic_load_n(&queue->block->status, __ATOMIC_ACQUIRE) != MARU_QUEUE_OK)
			return -EIO;
		ret = wait_step(queue->card, start, ms);
		if (ret)
			return ret;
	}
	return 0;
}

int card_wait_u64(struct card *card, const volatile void *word, uint64_t value, int ms)
{
	uint64_t start = card_now_ns();
	int ret;

	while (__atomic_load_n((const volatile uint64_t *)word, __ATOMIC_ACQUIRE) < value) {
		ret = wait_step(card, start, ms);
		if (ret)
			return ret;
	}
	return 0;
}

int card_run(struct card_queue *queue, const void *packets, uint32_t bytes, int ms)
{
	uint64_t at = card_alloc(queue->card, MARU_TIER_HOST, bytes);
	struct maru_desc desc = { .op = MARU_DESC_EXEC, .bytes = bytes,
				  .va = MARU_VM0_VA(MARU_TIER_HOST, at) };

	memcpy(card_ptr(queue->card, MARU_TIER_HOST, at), packets, bytes);
	return card_wait(queue, card_submit(queue, &desc), ms);
}
