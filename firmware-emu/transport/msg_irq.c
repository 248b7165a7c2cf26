// SPDX-License-Identifier: MIT
/* GET_IRQ_INFO and SET_IRQS. */
#include <errno.h>
#include <string.h>

#include "firmware-emu/transport/session.h"

/**
 * msg_irq_info() - Describe an interrupt kind.
 * @session: the session
 * @msg: the message
 *
 * NORESIZE is not set: with it QEMU takes all vectors away at each change, and loses edges.
 *
 * Return: 0, or -EINVAL for a wrong argsz or an unknown kind.
 */
int msg_irq_info(struct session *session, struct message *msg)
{
	struct wire_irq_info info;

	memcpy(&info, msg->body, sizeof(info));
	if (!message_argsz_is_ok(info.argsz, sizeof(info)) || info.index >= DEVICE_IRQ_COUNT)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.count = session->device->irq_count(session->dev, info.index);
	info.flags = info.count ? WIRE_IRQ_EVENTFD : 0;
	memcpy(msg->reply_body, &info, sizeof(info));
	msg->reply_bytes = sizeof(info);
	return 0;
}

static int irq_check(struct session *session, const struct wire_irq_set *set,
		     const struct message *msg)
{
	uint32_t data = set->flags & WIRE_IRQ_DATA_MASK;
	uint32_t action = set->flags & WIRE_IRQ_ACTION_MASK;
	size_t extra = msg->bytes - sizeof(*set);
	uint32_t vectors;

	if (!message_argsz_is_ok(set->argsz, sizeof(*set)) || set->index >= DEVICE_IRQ_COUNT)
		return -EINVAL;
	if (set->flags & ~(WIRE_IRQ_DATA_MASK | WIRE_IRQ_ACTION_MASK))
		return -EINVAL;
	if (!data || (data & (data - 1)) || !action || (action & (action - 1)))
		return -EINVAL;
	vectors = session->device->irq_count(session->dev, set->index);
	if (!set->count)
		return set->start || extra || msg->fds->count ||
		       action != WIRE_IRQ_TRIGGER || data != WIRE_IRQ_DATA_NONE ? -EINVAL : 0;
	if (set->start >= vectors || set->count > vectors - set->start)
		return -EINVAL;
	if (extra != (data == WIRE_IRQ_DATA_BOOL ? set->count : 0))
		return -EINVAL;
	if (msg->fds->count && (data != WIRE_IRQ_DATA_EVENTFD || msg->fds->count != set->count))
		return -EINVAL;
	/* Vectors can be neither masked nor unmasked here: QEMU keeps the table. */
	return action == WIRE_IRQ_TRIGGER ? 0 : -EOPNOTSUPP;
}

static int irq_arm(struct session *session, const struct wire_irq_set *set, struct message *msg)
{
	int fds[TRANSPORT_MAX_FDS];

	if (!msg->fds->count)
		return session->device->irq_arm(session->dev, set->index, set->start, set->count,
						NULL);
	for (unsigned int i = 0; i < msg->fds->count; i++)
		fds[i] = fd_list_take(msg->fds, i);
	return session->device->irq_arm(session->dev, set->index, set->start, set->count, fds);
}

/**
 * msg_irq_set() - Arm, disarm or trigger vectors.
 * @session: the session
 * @msg: the message, with no file descriptor or one for each vector
 *
 * Return: DEVICE_DONE or DEVICE_LATER; -EINVAL for a wrong shape; -EOPNOTSUPP for MASK and
 * UNMASK; or what the device says to it.
 */
int msg_irq_set(struct session *session, struct message *msg)
{
	struct wire_irq_set set;
	unsigned int all;
	int ret;

	memcpy(&set, msg->body, sizeof(set));
	ret = irq_check(session, &set, msg);
	if (ret)
		return ret;
	if (!set.count) {
		all = session->device->irq_count(session->dev, set.index);
		return all ? session->device->irq_arm(session->dev, set.index, 0, all, NULL) : 0;
	}
	if (set.flags & WIRE_IRQ_DATA_EVENTFD)
		return irq_arm(session, &set, msg);
	for (uint32_t i = 0; i < set.count; i++) {
		if ((set.flags & WIRE_IRQ_DATA_NONE) || msg->body[sizeof(set) + i])
			session->device->irq_trigger(session->dev, set.index, set.start + i);
	}
	return DEVICE_DONE;
}
