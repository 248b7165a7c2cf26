// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

int accel_caps_parse_ops(struct accel_caps *caps, const void *records, uint32_t bytes)
{
	const uint8_t *at = records;
	struct accel_caps_op *op;
	uint32_t roles, left = bytes;

	caps->op_count = 0;
	while (left) {
		if (left < sizeof(op->info) || caps->op_count == ACCEL_CAPS_OPS)
			return -EPROTO;
		op = &caps->ops[caps->op_count];
		memset(op, 0, sizeof(*op));
		memcpy(&op->info, at, sizeof(op->info));
		at += sizeof(op->info);
		left -= sizeof(op->info);
		roles = op->info.required | op->info.optional;
		for (unsigned int role = 0; role < MARU_ROLES; role++) {
			if (!(roles & (1u << role)))
				continue;
			if (left < sizeof(op->roles[role]))
				return -EPROTO;
			memcpy(&op->roles[role], at, sizeof(op->roles[role]));
			at += sizeof(op->roles[role]);
			left -= sizeof(op->roles[role]);
		}
		caps->op_count++;
	}
	return 0;
}

const struct accel_caps_op *accel_caps_find(const struct accel_caps *caps, uint16_t op)
{
	for (uint32_t i = 0; i < caps->op_count; i++) {
		if (caps->ops[i].info.op == op)
			return &caps->ops[i];
	}
	return NULL;
}

static int load_ops(struct accel_device *device, struct accel_caps *caps)
{
	uint32_t bytes = 0, room;
	void *records;
	int error;

	error = device->ops->query(device, DRM_MARU_QUERY_OPS, NULL, &bytes);
	if (error)
		return error;
	if (bytes > ACCEL_CAPS_OPS * sizeof(struct accel_caps_op))
		return -EPROTO;
	records = calloc(1, bytes + 1);
	if (!records)
		return -ENOMEM;
	room = bytes;
	error = device->ops->query(device, DRM_MARU_QUERY_OPS, records, &bytes);
	if (!error)
		error = accel_caps_parse_ops(caps, records, bytes < room ? bytes : room);
	free(records);
	return error;
}

int accel_caps_load(struct accel_device *device, struct accel_caps *caps)
{
	uint32_t bytes = sizeof(caps->limits);
	int error;

	error = device->ops->query(device, DRM_MARU_QUERY_LIMITS, &caps->limits, &bytes);
	return error ? error : load_ops(device, caps);
}
