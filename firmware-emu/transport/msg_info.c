// SPDX-License-Identifier: MIT
/* GET_INFO and DEVICE_RESET. */
#include <errno.h>
#include <string.h>

#include "firmware-emu/transport/session.h"

/**
 * msg_device_info() - Say that this is a PCI device that can be reset, and its counts.
 * @session: the session
 * @msg: the message
 *
 * Return: 0, or -EINVAL for a wrong argsz.
 */
int msg_device_info(struct session *session, struct message *msg)
{
	struct wire_device_info info;

	(void)session;
	memcpy(&info, msg->body, sizeof(info));
	if (!message_argsz_is_ok(info.argsz, sizeof(info)))
		return -EINVAL;
	info.argsz = sizeof(info);
	info.flags = WIRE_DEVICE_PCI | WIRE_DEVICE_RESETS;
	info.regions = DEVICE_REGION_COUNT;
	info.irqs = DEVICE_IRQ_COUNT;
	memcpy(msg->reply_body, &info, sizeof(info));
	msg->reply_bytes = sizeof(info);
	return 0;
}

/**
 * msg_device_reset() - Reset the device as a machine reset does.
 * @session: the session
 * @msg: the message, empty
 *
 * Return: 0.
 */
int msg_device_reset(struct session *session, struct message *msg)
{
	(void)msg;
	session->device->reset(session->dev);
	return 0;
}
