// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/slot.h"

/**
 * channel_init() - Begin without a core.
 * @channel: the channel
 */
void channel_init(struct channel *channel)
{
	memset(channel, 0, sizeof(*channel));
	channel->fd = -1;
}

static int channel_send(struct channel *channel, struct ipc_head *head, size_t bytes,
			const int *fds, unsigned int count)
{
	union {
		char data[CMSG_SPACE(IPC_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { .data = { 0 } };
	struct iovec iov = { .iov_base = head, .iov_len = bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	head->seq = channel->seq + 1;
	if (count) {
		msg.msg_control = control.data;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
	}
	n = sendmsg(channel->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		/* EPIPE: the core is dying; its end is reported by the spawner. */
		channel->is_blocked = errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS;
		return -errno;
	}
	channel->seq++;
	return 0;
}

static int channel_hello(struct slot *slot)
{
	struct ipc_hello hello = {
		.head.type = IPC_HELLO,
		.version = IPC_VERSION,
		.boot_id = regs_get(slot, MARU_REG_BOOT_ID),
		.hbm_bytes = slot->plan.hbm_bytes,
		.cxl_bytes = slot->plan.cxl_bytes,
		.threads = slot->options.threads,
		.log_level = (uint32_t)log_get_level(),
		.profile = slot->options.profile,
	};
	const int fds[] = { slot->shared_fd, slot->memory_fd, slot->kick_fd };

	memcpy(hello.uuid, slot->uuid, sizeof(hello.uuid));
	return channel_send(&slot->channel, &hello.head, sizeof(hello), fds, 3);
}

/**
 * channel_open() - Start a core and greet it.
 * @slot: the slot
 *
 * Return: 0 or -errno.
 */
int channel_open(struct slot *slot)
{
	struct channel *channel = &slot->channel;
	int pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	channel_init(channel);
	channel->fd = pair[0];
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	ret = spawn_start(&slot->spawn, pair[1]);
	close(pair[1]);
	if (!ret)
		ret = channel_hello(slot);
	if (ret) {
		close(channel->fd);
		channel->fd = -1;
	}
	return ret;
}

/* The client's operation is done, in one way or the other. */
static void channel_finish(struct slot *slot)
{
	windows_drop_left(&slot->windows);
	vectors_close_retired(&slot->vectors);
	if (!slot->channel.is_waiting)
		return;
	slot->channel.is_waiting = false;
	session_complete(&slot->session, 0);
}

/**
 * channel_close() - Note that the core is gone; nothing of it is under way any more.
 * @slot: the slot
 *
 * What waited for the core is done by that.
 */
void channel_close(struct slot *slot)
{
	struct channel *channel = &slot->channel;

	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
	channel->is_ready = false;
	channel->is_enabled = false;
	channel->is_blocked = false;
	channel->is_hung_up = false;
	channel->acks_due = 0;
	channel->vectors_due = 0;
	windows_core_gone(&slot->windows);
	channel_finish(slot);
}

static int channel_send_window(struct slot *slot, const struct window *window, uint32_t type)
{
	struct ipc_window message = {
		.head.type = type,
		.iova = window->range.iova,
		.bytes = window->range.bytes,
		.fd_offset = window->range.offset,
		.writable = window->range.is_writable,
	};
	int fd = windows_fd(&slot->windows, window);

	return channel_send(&slot->channel, &message.head, sizeof(message), &fd,
			    type == IPC_MAP ? 1 : 0);
}

static int channel_flush_windows(struct slot *slot)
{
	for (unsigned int i = 0; i < slot->windows.count; i++) {
		struct window *window = &slot->windows.window[i];
		int ret = 0;

		if (window->state == WINDOW_NEW && window->file != WINDOWS_NO_FILE &&
		    window->range.is_readable) {
			ret = channel_send_window(slot, window, IPC_MAP);
			if (!ret)
				window->state = WINDOW_SENT;
		} else if (window->state == WINDOW_LEAVING) {
			ret = channel_send_window(slot, window, IPC_UNMAP);
			if (!ret)
				window->state = WINDOW_LEAVING_SENT;
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int channel_flush_vectors(struct slot *slot)
{
	struct channel *channel = &slot->channel;
	const int *fds = slot->vectors.fd;

	while (channel->vectors_due) {
		unsigned int start = (unsigned int)__builtin_ctz(channel->vectors_due);
		unsigned int end = start;
		struct ipc_irqs irqs = { .head.type = IPC_IRQS, .start = start };
		int ret;

		while (end < MARU_MSIX_VECTORS && (channel->vectors_due >> end & 1) &&
		       (fds[end] >= 0) == (fds[start] >= 0))
			end++;
		irqs.count = end - start;
		irqs.armed = fds[start] >= 0;
		ret = channel_send(channel, &irqs.head, sizeof(irqs), fds + start,
				   irqs.armed ? irqs.count : 0);
		if (ret)
			return ret;
		channel->acks_due++;
		channel->vectors_due &= ~(((1u << irqs.count) - 1) << start);
	}
	return 0;
}

static int channel_flush_enable(struct slot *slot)
{
	bool is_enabled = (regs_get(slot, MARU_REG_CTRL) & MARU_CTRL_ENABLE) != 0;
	struct ipc_head head = { .type = is_enabled ? IPC_ENABLE : IPC_DISABLE };
	int ret;

	if (is_enabled == slot->channel.is_enabled)
		return 0;
	ret = channel_send(&slot->channel, &head, sizeof(head), NULL, 0);
	if (!ret)
		slot->channel.is_enabled = is_enabled;
	return ret;
}

/**
 * channel_flush() - Say what the core does not know yet, as far as there is room.
 * @slot: the slot
 *
 * Rings are enabled last: when the core reads them it has all windows and vectors.
 */
void channel_flush(struct slot *slot)
{
	struct channel *channel = &slot->channel;

	if (channel->fd < 0 || !channel->is_ready)
		return;
	channel->is_blocked = false;
	if (channel_flush_windows(slot) || channel_flush_vectors(slot))
		return;
	channel_flush_enable(slot);
}

static void channel_ack(struct slot *slot)
{
	struct channel *channel = &slot->channel;

	if (!channel->acks_due)
		return;
	channel->acks_due--;
	if (!channel->acks_due && !channel->vectors_due)
		channel_finish(slot);
}

static void channel_handle(struct slot *slot, struct ipc_message *message, size_t bytes)
{
	switch (message->head.type) {
	case IPC_READY:
		if (life_ready(slot)) {
			slot->channel.is_ready = true;
			slot->channel.vectors_due = (1u << MARU_MSIX_VECTORS) - 1;
			channel_flush(slot);
		}
		break;
	case IPC_ACK:
		channel_ack(slot);
		break;
	case IPC_FAILED:
		if (bytes < sizeof(message->failed))
			break;
		message->failed.text[sizeof(message->failed.text) - 1] = '\0';
		life_failed(slot, message->failed.error, message->failed.text);
		break;
	default:
		log_warn("slot", "message %u from the core is not known", message->head.type);
	}
}

/**
 * channel_read() - Take what the core said.
 * @slot: the slot
 */
void channel_read(struct slot *slot)
{
	const struct channel *channel = &slot->channel;

	for (unsigned int i = 0; i < 64 && channel->fd >= 0 && !channel->is_hung_up; i++) {
		struct ipc_message message = { 0 };
		ssize_t n = recv(slot->channel.fd, &message, sizeof(message), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			/* Dying, or it let go of us: then it is of no use any more. */
			slot->channel.is_hung_up = true;
			life_hung_up(slot);
			return;
		}
		if ((size_t)n >= sizeof(message.head))
			channel_handle(slot, &message, (size_t)n);
	}
}

/* Does the core have to be waited for? It knows nothing of a guest before it is READY. */
static bool channel_must_wait(const struct slot *slot)
{
	return slot->channel.fd >= 0 && slot->channel.is_ready;
}

static int channel_wait(struct slot *slot)
{
	slot->channel.is_waiting = true;
	slot->channel.deadline_ms = slot_now_ms() + IPC_ACK_MS;
	channel_flush(slot);
	return DEVICE_LATER;
}

/**
 * channel_unmap() - Take windows away.
 * @slot: the slot
 * @iova: begin of a window
 * @bytes: its length, 0: all windows
 *
 * Return: DEVICE_DONE, DEVICE_LATER or -ENOENT.
 */
int channel_unmap(struct slot *slot, uint64_t iova, uint64_t bytes)
{
	unsigned int sent;
	int ret = windows_leave(&slot->windows, iova, bytes, &sent);

	if (ret)
		return ret;
	if (!sent || !channel_must_wait(slot)) {
		windows_drop_left(&slot->windows);
		return DEVICE_DONE;
	}
	slot->channel.acks_due += sent;
	return channel_wait(slot);
}

/**
 * channel_vectors() - Arm or disarm vectors.
 * @slot: the slot
 * @start: first one
 * @count: how many
 * @fds: an eventfd each, owned by this call, or NULL
 *
 * Return: DEVICE_DONE or DEVICE_LATER.
 */
int channel_vectors(struct slot *slot, unsigned int start, unsigned int count, const int *fds)
{
	vectors_set(&slot->vectors, start, count, fds);
	if (!channel_must_wait(slot)) {
		vectors_close_retired(&slot->vectors);
		return DEVICE_DONE;
	}
	slot->channel.vectors_due |= ((1u << count) - 1) << start;
	return channel_wait(slot);
}

/**
 * channel_expire() - Kill a core that did not answer in time.
 * @slot: the slot
 * @now_ms: the time
 */
void channel_expire(struct slot *slot, uint64_t now_ms)
{
	struct channel *channel = &slot->channel;

	if (!channel->is_waiting || now_ms < channel->deadline_ms)
		return;
	channel->deadline_ms = now_ms + IPC_ACK_MS;
	life_kill(slot, "no acknowledgement");
}
