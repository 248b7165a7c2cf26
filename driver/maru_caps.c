// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities: a list of records that the card wrote, and so is checked field by field.
 * Touches no device.
 */
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "maru_fw.h"

#define MARU_TIMEOUT_SCALE_MAX	100

static int maru_caps_take_tier(struct maru_caps *caps, const struct maru_cap_tier *tier,
			       u64 memory_bytes)
{
	if (tier->tier >= ARRAY_SIZE(caps->tiers))
		return 0;
	if (!tier->bytes)
		return 0;
	if (!IS_ALIGNED(tier->bytes | tier->bar_offset, MARU_BLOCK_BYTES) ||
	    tier->bytes > memory_bytes || tier->bar_offset > memory_bytes - tier->bytes ||
	    caps->tiers[tier->tier].bytes)
		return -EPROTO;
	caps->tiers[tier->tier] = *tier;
	return 0;
}

static int maru_caps_take(struct maru_caps *caps, u16 type, const void *payload, u32 bytes,
			  u64 memory_bytes)
{
	/* records may grow: the known part is taken, the rest is of a later contract */
	static const u32 sizes[] = {
		[MARU_CAP_TIER]	    = sizeof(struct maru_cap_tier),
		[MARU_CAP_ENGINES]  = sizeof(struct maru_cap_engines),
		[MARU_CAP_LIMITS]   = sizeof(struct maru_cap_limits),
		[MARU_CAP_NUMERICS] = sizeof(struct maru_cap_numerics),
		[MARU_CAP_FIRMWARE] = sizeof(struct maru_cap_firmware),
		[MARU_CAP_CLOCK]    = sizeof(struct maru_cap_clock),
		[MARU_CAP_UUID]	    = sizeof(caps->uuid),
	};

	if (type >= ARRAY_SIZE(sizes))
		return 0;
	if (bytes < sizes[type])
		return -EPROTO;

	switch (type) {
	case MARU_CAP_TIER:
		return maru_caps_take_tier(caps, payload, memory_bytes);
	case MARU_CAP_ENGINES:
		memcpy(&caps->engines, payload, sizeof(caps->engines));
		return 0;
	case MARU_CAP_LIMITS:
		memcpy(&caps->limits, payload, sizeof(caps->limits));
		return 0;
	case MARU_CAP_NUMERICS:
		memcpy(&caps->numerics, payload, sizeof(caps->numerics));
		return 0;
	case MARU_CAP_FIRMWARE:
		memcpy(&caps->firmware, payload, sizeof(caps->firmware));
		return 0;
	case MARU_CAP_CLOCK:
		memcpy(&caps->clock, payload, sizeof(caps->clock));
		return 0;
	case MARU_CAP_UUID:
		memcpy(caps->uuid, payload, sizeof(caps->uuid));
		return 0;
	}
	return 0;
}

static int maru_caps_check(struct maru_caps *caps)
{
	struct maru_cap_limits *limits = &caps->limits;

	if (!caps->tiers[MARU_TIER_HBM].bytes)
		return -EPROTO;
	if (!(caps->engines.classes & BIT(MARU_CLASS_COPY)) || !caps->engines.threads)
		return -EPROTO;
	if (!limits->vms || limits->vms > 4095 || !limits->queues || limits->queues > 65536 ||
	    !limits->groups || limits->ring_log2 < 6 || limits->ring_log2 > 16 ||
	    limits->va_bits != MARU_VA_BITS || !limits->command_bytes)
		return -EPROTO;
	limits->timeout_scale = clamp(limits->timeout_scale, 1U, MARU_TIMEOUT_SCALE_MAX);

	caps->numerics.library[sizeof(caps->numerics.library) - 1] = '\0';
	caps->firmware.build[sizeof(caps->firmware.build) - 1] = '\0';
	return 0;
}

/**
 * maru_caps_parse() - Read the card's capabilities.
 * @data: the list, copied from the card.
 * @bytes: of it.
 * @memory_bytes: of the memory BAR, which all tiers lie in.
 * @caps: filled in.
 *
 * Return: 0; -EPROTO when the list or a value in it can not be.
 */
int maru_caps_parse(const void *data, u32 bytes, u64 memory_bytes, struct maru_caps *caps)
{
	u32 at = 0;

	memset(caps, 0, sizeof(*caps));
	while (bytes - at >= sizeof(struct maru_cap_head)) {
		const struct maru_cap_head *head = data + at;
		int ret;

		if (head->type == MARU_CAP_END)
			break;
		at += sizeof(*head);
		if (head->bytes > bytes - at)
			return -EPROTO;
		ret = maru_caps_take(caps, head->type, data + at, head->bytes, memory_bytes);
		if (ret)
			return ret;
		at += min(ALIGN(head->bytes, 8), bytes - at);
	}
	return maru_caps_check(caps);
}
