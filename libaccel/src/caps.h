/* SPDX-License-Identifier: MIT */
/* What a card can do: limits, and its operations as QUERY OPS lists them. */
#ifndef ACCEL_CAPS_H
#define ACCEL_CAPS_H

#include <stdint.h>

#include <drm/maru_accel.h>
#include <drm/maru_cmd.h>

#define ACCEL_CAPS_OPS	64	/* more than the contract can number densely; the rest is ignored */

struct accel_caps_op {
	struct maru_op_info info;
	struct maru_role_info roles[MARU_ROLES];
};

struct accel_caps {
	struct drm_maru_limits limits;
	uint32_t op_count;
	struct accel_caps_op ops[ACCEL_CAPS_OPS];
};

struct accel_device;

/** accel_caps_load() - Ask the card. Return: 0; -EPROTO it answers nonsense; -errno of the way. */
int accel_caps_load(struct accel_device *device, struct accel_caps *caps);

/**
 * accel_caps_parse_ops() - Read the records of QUERY OPS.
 * @caps: gets them.
 * @records: bytes of the answer.
 * @bytes: how many.
 *
 * Return: 0; -EPROTO a record ends beyond @bytes.
 */
int accel_caps_parse_ops(struct accel_caps *caps, const void *records, uint32_t bytes);

/** accel_caps_find() - Find an operation that the card lists. Return: it, or NULL. */
const struct accel_caps_op *accel_caps_find(const struct accel_caps *caps, uint16_t op);

#endif
