// SPDX-License-Identifier: MIT
/*
 * May a buffer run again after a part of it ran? Not if a packet writes bytes that it or an
 * earlier one read, unless the buffer itself had written those bytes before they were read: then
 * the second run makes them anew.
 */
#include <stdlib.h>
#include <string.h>

#include <drm/maru_cmd_ops.h>

#include "cmd.h"
#include "ops.h"

struct range {
	uint64_t start, end;
};

struct ranges {			/* sorted, disjoint, not adjacent */
	struct range *items;
	uint32_t count, room;
};

/* First range that ends at or behind @address. */
static uint32_t ranges_find(const struct ranges *ranges, uint64_t address)
{
	uint32_t low = 0, high = ranges->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (ranges->items[middle].end < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool ranges_cover(const struct ranges *ranges, struct range range)
{
	uint32_t at = ranges_find(ranges, range.end);

	return at < ranges->count && ranges->items[at].start <= range.start;
}

static bool ranges_touch(const struct ranges *ranges, struct range range)
{
	uint32_t at = ranges_find(ranges, range.start + 1);

	return at < ranges->count && ranges->items[at].start < range.end;
}

static bool ranges_add(struct ranges *ranges, struct range range)
{
	uint32_t first = ranges_find(ranges, range.start), last = first;
	struct range *items = ranges->items;

	while (last < ranges->count && items[last].start <= range.end) {
		if (items[last].start < range.start)
			range.start = items[last].start;
		if (items[last].end > range.end)
			range.end = items[last].end;
		last++;
	}
	if (last == first) {
		if (ranges->count == ranges->room) {
			ranges->room = ranges->room ? 2 * ranges->room : 64;
			items = realloc(items, ranges->room * sizeof(*items));
			if (!items)
				return false;
			ranges->items = items;
		}
		memmove(items + first + 1, items + first,
			(ranges->count - first) * sizeof(*items));
		ranges->count++;
	} else {
		memmove(items + first + 1, items + last, (ranges->count - last) * sizeof(*items));
		ranges->count -= last - first - 1;
	}
	items[first] = range;
	return true;
}

static struct range operand_range(const struct maru_operand *operand)
{
	uint64_t bytes = 0;

	accel_operand_extent(operand, &bytes);
	return (struct range){ operand->va, operand->va + bytes };
}

static bool is_written(const struct maru_packet *packet, unsigned int role)
{
	return accel_op_role_find(packet->op, role)->flags & MARU_ROLE_WRITTEN;
}

/* Which bytes of its range SCATTER writes stands in memory. */
static bool writes_whole(const struct maru_packet *packet, const struct maru_operand *operand)
{
	return packet->op != MARU_OP_SCATTER && accel_operand_is_dense(operand);
}

static bool packet_reads(const struct maru_packet *packet, const struct ranges *written,
			 struct ranges *read)
{
	const struct maru_operand *operand;
	struct range range;

	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		operand = accel_packet_operand(packet, role);
		if (!operand || is_written(packet, role))
			continue;
		range = operand_range(operand);
		if (range.start == range.end || ranges_cover(written, range))
			continue;
		if (!ranges_add(read, range))
			return false;
	}
	return true;
}

static bool packet_writes(const struct maru_packet *packet, struct ranges *written,
			  const struct ranges *read)
{
	const struct maru_operand *operand;
	struct range range;

	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		operand = accel_packet_operand(packet, role);
		if (!operand || !is_written(packet, role))
			continue;
		range = operand_range(operand);
		if (range.start == range.end)
			continue;
		if (ranges_touch(read, range))
			return false;
		if (writes_whole(packet, operand) && !ranges_add(written, range))
			return false;
	}
	return true;
}

bool accel_packets_idempotent(const void *packets, uint32_t bytes)
{
	struct ranges read = { 0 }, written = { 0 };
	const struct maru_packet *packet;
	bool is_idempotent = true;

	for (uint32_t at = 0; at < bytes && is_idempotent; at += packet->bytes) {
		packet = (const struct maru_packet *)((const uint8_t *)packets + at);
		is_idempotent = packet_reads(packet, &written, &read) &&
				packet_writes(packet, &written, &read);
	}
	free(read.items);
	free(written.items);
	return is_idempotent;
}
