// SPDX-License-Identifier: MIT
/* DMA_MAP and DMA_UNMAP: the shape of windows. What they do to the card is the device's. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "firmware-emu/transport/session.h"

#define DMA_PAGE_MASK		0xfffull
#define DMA_MAX_BYTES		(8ull << 40)

static int dma_check_range(uint64_t iova, uint64_t bytes)
{
	if (!bytes || ((iova | bytes) & DMA_PAGE_MASK) || bytes > DMA_MAX_BYTES)
		return -EINVAL;
	if (iova + bytes - 1 < iova)
		return -EINVAL;
	return 0;
}

/**
 * msg_dma_map() - Add a window.
 * @session: the session
 * @msg: the message, with one file descriptor or none
 *
 * Return: 0; -EINVAL for a range that is empty, unaligned, wraps or is too long, for an unknown
 * flag or no permission at all; or what the device says to it.
 */
int msg_dma_map(struct session *session, struct message *msg)
{
	struct device_window window;
	struct wire_dma_map map;

	memcpy(&map, msg->body, sizeof(map));
	if (!message_argsz_is_ok(map.argsz, sizeof(map)) || !map.flags ||
	    (map.flags & ~(WIRE_DMA_READABLE | WIRE_DMA_WRITABLE)))
		return -EINVAL;
	if (dma_check_range(map.iova, map.bytes) || (map.offset & DMA_PAGE_MASK) ||
	    map.offset + map.bytes < map.offset)
		return -EINVAL;
	window.iova = map.iova;
	window.bytes = map.bytes;
	window.offset = map.offset;
	window.is_readable = (map.flags & WIRE_DMA_READABLE) != 0;
	window.is_writable = (map.flags & WIRE_DMA_WRITABLE) != 0;
	return session->device->window_map(session->dev, &window, fd_list_take(msg->fds, 0));
}

/**
 * msg_dma_unmap() - Take a window away; the reply promises that no access is under way.
 * @session: the session
 * @msg: the message
 *
 * Return: DEVICE_DONE or DEVICE_LATER; -EINVAL for a wrong range or flag; or what the device
 * says to it.
 */
int msg_dma_unmap(struct session *session, struct message *msg)
{
	struct wire_dma_unmap unmap;

	memcpy(&unmap, msg->body, sizeof(unmap));
	if (!message_argsz_is_ok(unmap.argsz, sizeof(unmap)) || (unmap.flags & ~WIRE_UNMAP_ALL))
		return -EINVAL;
	if (unmap.flags & WIRE_UNMAP_ALL) {
		if (unmap.iova || unmap.bytes)
			return -EINVAL;
	} else if (dma_check_range(unmap.iova, unmap.bytes)) {
		return -EINVAL;
	}
	return session->device->window_unmap(session->dev, unmap.iova, unmap.bytes);
}
