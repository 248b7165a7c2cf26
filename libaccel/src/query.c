// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

_Static_assert(sizeof(struct accel_usage) == sizeof(struct drm_maru_usage), "one layout");
_Static_assert(sizeof(struct accel_clock) == sizeof(struct drm_maru_clock), "one layout");
_Static_assert(sizeof(struct accel_resets) == sizeof(struct drm_maru_resets), "one layout");

static int ask(struct accel_device *device, uint32_t id, void *answer, uint32_t bytes)
{
	memset(answer, 0, bytes);
	return device->ops->query(device, id, answer, &bytes);
}

static int ask_for(struct accel_device *device, uint32_t id, void *answer, uint32_t bytes,
		   const char *call)
{
	int error;

	if (!device || !answer)
		return accel_refuse(-EINVAL, "%s: %s: NULL", call, device ? "answer" : "device");
	error = ask(device, id, answer, bytes);
	return error ? accel_refuse(error, "%s: %s", call, accel_errno_text(error)) : 0;
}

int accel_device_usage(struct accel_device *device, struct accel_usage *usage)
{
	return ask_for(device, DRM_MARU_QUERY_USAGE, usage, sizeof(*usage), "accel_device_usage");
}

int accel_device_clock(struct accel_device *device, struct accel_clock *clock)
{
	return ask_for(device, DRM_MARU_QUERY_CLOCK, clock, sizeof(*clock), "accel_device_clock");
}

int accel_device_resets(struct accel_device *device, struct accel_resets *resets)
{
	return ask_for(device, DRM_MARU_QUERY_RESETS, resets, sizeof(*resets),
		       "accel_device_resets");
}

static int fill_info(struct accel_device *device, struct accel_device_info *info)
{
	const struct drm_maru_limits *limits = &device->caps.limits;
	struct drm_maru_topology topology;
	struct drm_maru_firmware firmware;
	struct drm_maru_engines engines;
	struct drm_maru_device card;
	int error;

	if ((error = ask(device, DRM_MARU_QUERY_DEVICE, &card, sizeof(card))) ||
	    (error = ask(device, DRM_MARU_QUERY_ENGINES, &engines, sizeof(engines))) ||
	    (error = ask(device, DRM_MARU_QUERY_FIRMWARE, &firmware, sizeof(firmware))) ||
	    (error = ask(device, DRM_MARU_QUERY_TOPOLOGY, &topology, sizeof(topology))))
		return error;
	snprintf(info->way, sizeof(info->way), "%s", device->ops->way);
	snprintf(info->path, sizeof(info->path), "%s", device->path);
	info->vendor = card.vendor;
	info->device = card.device;
	info->revision = card.revision;
	info->contract = card.contract;
	info->boot_id = card.boot_id;
	memcpy(info->uuid, card.uuid, sizeof(info->uuid));
	info->domain = topology.domain;
	info->bus = topology.bus;
	info->slot = topology.slot;
	info->function = topology.function;
	info->numa_node = topology.numa_node;
	info->threads = engines.threads;
	info->classes = engines.classes;
	info->firmware = firmware.version;
	info->profile = firmware.profile;
	snprintf(info->build, sizeof(info->build), "%.*s", (int)sizeof(firmware.build),
		 (const char *)firmware.build);
	snprintf(info->library, sizeof(info->library), "%.*s", (int)sizeof(firmware.library),
		 (const char *)firmware.library);
	info->command_bytes = limits->command_bytes;
	info->cmds_per_submit = limits->jobs_per_submit < ACCEL_JOBS_MAX ?
				limits->jobs_per_submit : ACCEL_JOBS_MAX;
	info->waits_per_submit = limits->syncs_per_call < ACCEL_SYNCS_MAX ?
				 limits->syncs_per_call : ACCEL_SYNCS_MAX;
	return 0;
}

int accel_device_info(struct accel_device *device, struct accel_device_info *info)
{
	struct accel_device_info all = ACCEL_DEVICE_INFO_INIT;
	int error;

	if (!device || !info)
		return accel_refuse(-EINVAL, "accel_device_info: %s: NULL",
				    device ? "info" : "device");
	if (info->size <= sizeof(info->size) || info->size > sizeof(all))
		return accel_refuse(-EINVAL, "accel_device_info: info: its size is %zu, not %zu",
				    info->size, sizeof(all));
	error = fill_info(device, &all);
	if (error)
		return accel_refuse(error, "accel_device_info: %s", accel_errno_text(error));
	all.size = info->size;
	memcpy(info, &all, info->size);
	return 0;
}

int accel_device_tier(struct accel_device *device, enum accel_tier tier,
		      struct accel_tier_info *info)
{
	struct drm_maru_tier_info tiers[8];
	uint32_t bytes = sizeof(tiers);
	int error;

	if (!device || !info)
		return accel_refuse(-EINVAL, "accel_device_tier: %s: NULL",
				    device ? "info" : "device");
	memset(tiers, 0, sizeof(tiers));
	error = device->ops->query(device, DRM_MARU_QUERY_TIERS, tiers, &bytes);
	if (error)
		return accel_refuse(error, "accel_device_tier: %s", accel_errno_text(error));
	for (uint32_t i = 0; i < 8 && (i + 1) * sizeof(tiers[0]) <= bytes; i++) {
		if (tiers[i].tier != (uint32_t)tier)
			continue;
		*info = (struct accel_tier_info){
			.bytes = tiers[i].bytes,
			.used_bytes = tiers[i].used_bytes,
			.available = tiers[i].flags & 1,
		};
		return 0;
	}
	return accel_refuse(-ENOENT, "accel_device_tier: tier: this card has none of kind %u",
			    (unsigned int)tier);
}
