// SPDX-License-Identifier: MIT
/*
 * Regions: what they are, and accesses to them. A guest can make any access inside a region, so
 * nothing inside one is an error; only what no guest can cause is.
 */
#include <errno.h>
#include <string.h>

#include "firmware-emu/transport/session.h"

static int region_check(struct session *session, uint32_t region, uint64_t offset, uint64_t count)
{
	struct device_region_info info = { .fd = -1 };

	if (region >= DEVICE_REGION_COUNT || count > WIRE_MAX_XFER)
		return -EINVAL;
	session->device->region_info(session->dev, region, &info);
	if (offset > info.bytes || count > info.bytes - offset)
		return -EINVAL;
	return 0;
}

/**
 * msg_region_info() - Describe a region; its file rides along when it can be mapped.
 * @session: the session
 * @msg: the message
 *
 * No region has a capability list: a region with a file is mapped as a whole, so that one reply
 * of 32 bytes says all and QEMU has no second question.
 *
 * Return: 0, or -EINVAL for a wrong argsz or an unknown region.
 */
int msg_region_info(struct session *session, struct message *msg)
{
	struct device_region_info device = { .fd = -1 };
	struct wire_region_info info;

	memcpy(&info, msg->body, sizeof(info));
	if (!message_argsz_is_ok(info.argsz, sizeof(info)) || info.index >= DEVICE_REGION_COUNT)
		return -EINVAL;
	session->device->region_info(session->dev, info.index, &device);
	info.argsz = sizeof(info);
	info.flags = device.bytes ? WIRE_REGION_READABLE | WIRE_REGION_WRITABLE : 0;
	info.cap_offset = 0;
	info.bytes = device.bytes;
	info.offset = 0;
	if (device.bytes && device.fd >= 0) {
		info.flags |= WIRE_REGION_MMAP;
		msg->reply_fd = device.fd;
	}
	memcpy(msg->reply_body, &info, sizeof(info));
	msg->reply_bytes = sizeof(info);
	return 0;
}

/**
 * msg_region_read() - Read from a region.
 * @session: the session
 * @msg: the message
 *
 * Return: 0, or -EINVAL for a range that is not inside the region.
 */
int msg_region_read(struct session *session, struct message *msg)
{
	struct wire_region_access access;
	int ret;

	memcpy(&access, msg->body, sizeof(access));
	ret = region_check(session, access.region, access.offset, access.count);
	if (ret)
		return ret;
	memcpy(msg->reply_body, &access, sizeof(access));
	if (access.count)
		session->device->region_read(session->dev, access.region, access.offset,
					     msg->reply_body + sizeof(access), access.count);
	msg->reply_bytes = sizeof(access) + access.count;
	return 0;
}

/**
 * msg_region_write() - Write to a region.
 * @session: the session
 * @msg: the message
 *
 * Return: 0, or -EINVAL for a range that is not inside the region, or for other bytes than told.
 */
int msg_region_write(struct session *session, struct message *msg)
{
	struct wire_region_access access;
	int ret;

	memcpy(&access, msg->body, sizeof(access));
	if (msg->bytes - sizeof(access) != access.count)
		return -EINVAL;
	ret = region_check(session, access.region, access.offset, access.count);
	if (ret)
		return ret;
	if (access.count)
		session->device->region_write(session->dev, access.region, access.offset,
					      msg->body + sizeof(access), access.count);
	memcpy(msg->reply_body, &access, sizeof(access));
	msg->reply_bytes = sizeof(access);
	return 0;
}

/**
 * msg_region_write_multi() - Make several small writes.
 * @session: the session
 * @msg: the message
 *
 * All are checked before the first is made.
 *
 * Return: 0, or -EINVAL when one of them is wrong.
 */
int msg_region_write_multi(struct session *session, struct message *msg)
{
	const uint8_t *at = msg->body + sizeof(struct wire_write_multi);
	struct wire_write_multi multi;
	struct wire_write_one one;
	int ret;

	memcpy(&multi, msg->body, sizeof(multi));
	if (multi.count > WIRE_MAX_MULTI ||
	    msg->bytes != sizeof(multi) + multi.count * sizeof(one))
		return -EINVAL;
	for (uint64_t i = 0; i < multi.count; i++) {
		memcpy(&one, at + i * sizeof(one), sizeof(one));
		if (one.count > sizeof(one.data))
			return -EINVAL;
		ret = region_check(session, one.region, one.offset, one.count);
		if (ret)
			return ret;
	}
	for (uint64_t i = 0; i < multi.count; i++) {
		memcpy(&one, at + i * sizeof(one), sizeof(one));
		if (one.count)
			session->device->region_write(session->dev, one.region, one.offset,
						      one.data, one.count);
	}
	return 0;
}
