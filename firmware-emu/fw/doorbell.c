// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdlib.h>

#include "firmware-emu/fw/admin.h"
#include "firmware-emu/fw/doorbell.h"
#include "firmware-emu/fw/queue.h"
#include "firmware-emu/fw/sched.h"

#define COOL_NS			5000000		/* without a kick: cold again */
#define WORDS			(MARU_GROUP_SLOTS / 8)

struct group {
	unsigned int id;
	uint64_t va;
	uint64_t kicked_ns;
	unsigned int top;		/* slots below it are looked at */
	bool is_hot;
	struct group *next;		/* list of all groups */
	uint16_t queue_of[MARU_GROUP_SLOTS];	/* id + 1, 0: nobody */
};

static struct group *groups[FW_GROUPS];
static struct group *first;
static atomic_uint hot_count;

static void group_store_need_wake(const struct group *group, uint32_t value)
{
	struct span_fault fault;

	span_write(fw_kernel(), group->va + offsetof(struct maru_group_page, need_wake), &value,
		   sizeof(value), &fault);
}

static void group_set_hot(struct group *group, bool is_hot)
{
	if (group->is_hot == is_hot)
		return;
	group->is_hot = is_hot;
	if (is_hot)
		atomic_fetch_add(&hot_count, 1);
	else
		atomic_fetch_sub(&hot_count, 1);
	__atomic_store_n(&fw.shared->asleep, !atomic_load(&hot_count), __ATOMIC_RELAXED);
	group_store_need_wake(group, !is_hot);
}

bool group_exists(unsigned int group)
{
	return groups[group];
}

bool group_create(unsigned int id, uint64_t va)
{
	struct group *group = calloc(1, sizeof(*group));

	if (!group)
		return false;
	group->id = id;
	group->va = va;
	group->top = id ? 0 : MARU_SLOT_ADMIN + 1;
	group->next = first;
	first = group;
	groups[id] = group;
	group_store_need_wake(group, 1);
	return true;
}

void group_destroy(unsigned int id)
{
	struct group *group = groups[id], **at = &first;

	if (!group)
		return;
	group_set_hot(group, false);
	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	groups[id] = NULL;
	free(group);
}

bool group_bind(unsigned int id, unsigned int slot, const struct queue *queue)
{
	struct group *group = groups[id];

	if (group->queue_of[slot])
		return false;
	group->queue_of[slot] = (uint16_t)(queue->id + 1);
	if (group->top <= slot)
		group->top = slot + 1;
	return true;
}

void group_unbind(unsigned int id, unsigned int slot)
{
	struct group *group = groups[id];

	if (!group)
		return;
	group->queue_of[slot] = 0;
	while (group->top > (id ? 0u : 1u) && !group->queue_of[group->top - 1])
		group->top--;
}

static void group_dispatch(const struct group *group, unsigned int slot)
{
	unsigned int queue = group->queue_of[slot];

	if (!group->id && slot == MARU_SLOT_ADMIN)
		admin_kick();
	else if (queue)
		sched_kick(queue_lookup(queue - 1));
}

/* Takes the kicks of one word of slots: bytes back to 0. Return: how many. */
static unsigned int group_take(const struct group *group, unsigned int word, uint64_t kicks,
			       uint16_t *slots)
{
	const uint8_t zero = 0;
	struct span_fault fault;
	unsigned int count = 0;

	while (kicks) {
		unsigned int byte = (unsigned int)__builtin_ctzll(kicks) / 8;

		kicks &= ~(0xffULL << 8 * byte);
		slots[count] = (uint16_t)(8 * word + byte);
		span_write(fw_kernel(), group->va + slots[count], &zero, 1, &fault);
		count++;
	}
	return count;
}

/* Submitter: tail, kick = 1. Here: kick = 0, mb(), tail is read later than this. */
static unsigned int group_scan(struct group *group)
{
	unsigned int words = (group->top + 7) / 8, count = 0;
	uint16_t slots[MARU_GROUP_SLOTS];
	uint64_t kicks[WORDS];
	struct span_fault fault;

	if (!words || span_read(fw_kernel(), group->va, kicks, 8 * words, &fault))
		return 0;
	for (unsigned int word = 0; word < words; word++) {
		if (kicks[word])
			count += group_take(group, word, kicks[word], slots + count);
	}
	if (!count)
		return 0;
	fw_mb();
	for (unsigned int i = 0; i < count; i++)
		group_dispatch(group, slots[i]);
	return count;
}

/* need_wake = 1, mb(), scan once more: a submitter that saw 0 before has kicked by then. */
static unsigned int group_cool(struct group *group)
{
	unsigned int count;

	group_set_hot(group, false);
	fw_mb();
	count = group_scan(group);
	if (count)
		group_set_hot(group, true);
	return count;
}

unsigned int doorbell_poll(void)
{
	unsigned int total = 0, count;
	uint64_t now;

	if (!atomic_load_explicit(&hot_count, memory_order_relaxed))
		return 0;
	now = fw_now_ns();
	for (struct group *group = first; group; group = group->next) {
		if (!group->is_hot)
			continue;
		count = group_scan(group);
		if (count)
			group->kicked_ns = now;
		else if (now - group->kicked_ns > COOL_NS)
			count = group_cool(group);
		total += count;
	}
	return total;
}

unsigned int doorbell_wake(void)
{
	unsigned int total = 0, count;
	uint64_t now = fw_now_ns();

	for (struct group *group = first; group; group = group->next) {
		count = group_scan(group);
		if (!count)
			continue;
		group->kicked_ns = now;
		group_set_hot(group, true);
		total += count;
	}
	return total;
}

unsigned int doorbell_rest(void)
{
	unsigned int total = 0;

	if (!atomic_load_explicit(&hot_count, memory_order_relaxed))
		return 0;
	for (struct group *group = first; group; group = group->next) {
		if (group->is_hot)
			total += group_cool(group);
	}
	return total;
}

bool doorbell_is_hot(void)
{
	return atomic_load_explicit(&hot_count, memory_order_relaxed);
}
