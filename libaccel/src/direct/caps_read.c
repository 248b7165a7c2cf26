// SPDX-License-Identifier: MIT
/* The card's capabilities: a list of records that it wrote, so each is checked. Pure. */
#include <errno.h>
#include <string.h>

#include "direct.h"

#define SCALE_MAX	100

static int take_tier(struct direct_caps *caps, const struct maru_cap_tier *tier,
		     uint64_t memory_bytes)
{
	if (tier->tier >= 2 || !tier->bytes)
		return 0;
	if ((tier->bytes | tier->bar_offset) % MARU_BLOCK_BYTES || tier->bytes > memory_bytes ||
	    tier->bar_offset > memory_bytes - tier->bytes || tier->bytes > 4ull << 40 ||
	    caps->tiers[tier->tier].bytes)
		return -EPROTO;
	caps->tiers[tier->tier] = *tier;
	return 0;
}

static int take(struct direct_caps *caps, const struct maru_cap_head *head, const void *payload,
		uint64_t memory_bytes)
{
	/* A record may grow: what is known of it is taken. */
	const struct {
		void *to;
		uint32_t bytes;
	} places[] = {
		[MARU_CAP_ENGINES]	= { &caps->engines, sizeof(caps->engines) },
		[MARU_CAP_LIMITS]	= { &caps->limits, sizeof(caps->limits) },
		[MARU_CAP_NUMERICS]	= { &caps->numerics, sizeof(caps->numerics) },
		[MARU_CAP_FIRMWARE]	= { &caps->firmware, sizeof(caps->firmware) },
		[MARU_CAP_UUID]		= { caps->uuid, sizeof(caps->uuid) },
	};
	struct maru_cap_tier tier;

	if (head->type == MARU_CAP_TIER) {
		if (head->bytes < sizeof(tier))
			return -EPROTO;
		memcpy(&tier, payload, sizeof(tier));
		return take_tier(caps, &tier, memory_bytes);
	}
	if (head->type >= sizeof(places) / sizeof(places[0]) || !places[head->type].to)
		return 0;
	if (head->bytes < places[head->type].bytes)
		return -EPROTO;
	memcpy(places[head->type].to, payload, places[head->type].bytes);
	return 0;
}

static int check(struct direct_caps *caps)
{
	struct maru_cap_limits *limits = &caps->limits;

	if (!caps->tiers[MARU_TIER_HBM].bytes || !caps->engines.classes || !caps->engines.threads)
		return -EPROTO;
	if (!limits->vms || !limits->queues || !limits->command_bytes ||
	    limits->ring_log2 < 6 || limits->ring_log2 > 16 || limits->va_bits != MARU_VA_BITS)
		return -EPROTO;
	if (!limits->timeout_scale)
		limits->timeout_scale = 1;
	if (limits->timeout_scale > SCALE_MAX)
		limits->timeout_scale = SCALE_MAX;
	caps->numerics.library[sizeof(caps->numerics.library) - 1] = '\0';
	caps->firmware.build[sizeof(caps->firmware.build) - 1] = '\0';
	return 0;
}

int direct_caps_parse(struct direct_caps *caps, const void *list, uint32_t bytes,
		      uint64_t memory_bytes)
{
	struct maru_cap_head head;
	uint32_t at = 0, padded;
	int error;

	memset(caps, 0, sizeof(*caps));
	while (bytes - at >= sizeof(head)) {
		memcpy(&head, (const uint8_t *)list + at, sizeof(head));
		if (head.type == MARU_CAP_END)
			break;
		at += sizeof(head);
		if (head.bytes > bytes - at)
			return -EPROTO;
		error = take(caps, &head, (const uint8_t *)list + at, memory_bytes);
		if (error)
			return error;
		padded = (head.bytes + 7u) & ~7u;
		at += padded < bytes - at ? padded : bytes - at;
	}
	return check(caps);
}
