// SPDX-License-Identifier: MIT
/*
 * The state machine: bytes → message → handler → reply. Memory is taken once, at start. A broken
 * rule of the stream itself (sizes, types, too many descriptors) ends the connection; a broken
 * rule of one message is an error reply and the next message is read.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/log.h"
#include "firmware-emu/transport/session.h"

#define SESSION_BUDGET		64	/* messages a call, so that nobody else starves */

struct rule {
	int (*handle)(struct session *session, struct message *msg);
	uint32_t min, max;		/* payload bytes */
	uint32_t fds;
};

static const struct rule rules[WIRE_COMMAND_COUNT] = {
	[WIRE_VERSION] = { msg_version, sizeof(struct wire_version) + 1,
		sizeof(struct wire_version) + WIRE_MAX_JSON, 0 },
	[WIRE_DMA_MAP] = { msg_dma_map, sizeof(struct wire_dma_map),
		sizeof(struct wire_dma_map), 1 },
	[WIRE_DMA_UNMAP] = { msg_dma_unmap, sizeof(struct wire_dma_unmap),
		sizeof(struct wire_dma_unmap), 0 },
	[WIRE_DEVICE_GET_INFO] = { msg_device_info, sizeof(struct wire_device_info),
		sizeof(struct wire_device_info), 0 },
	[WIRE_DEVICE_GET_REGION_INFO] = { msg_region_info, sizeof(struct wire_region_info),
		sizeof(struct wire_region_info), 0 },
	[WIRE_DEVICE_GET_IRQ_INFO] = { msg_irq_info, sizeof(struct wire_irq_info),
		sizeof(struct wire_irq_info), 0 },
	[WIRE_DEVICE_SET_IRQS] = { msg_irq_set, sizeof(struct wire_irq_set),
		sizeof(struct wire_irq_set) + 4096, TRANSPORT_MAX_FDS },
	[WIRE_REGION_READ] = { msg_region_read, sizeof(struct wire_region_access),
		sizeof(struct wire_region_access), 0 },
	[WIRE_REGION_WRITE] = { msg_region_write, sizeof(struct wire_region_access),
		sizeof(struct wire_region_access) + WIRE_MAX_XFER, 0 },
	[WIRE_DEVICE_RESET] = { msg_device_reset, 0, 0, 0 },
	[WIRE_REGION_WRITE_MULTI] = { msg_region_write_multi, sizeof(struct wire_write_multi),
		sizeof(struct wire_write_multi) + WIRE_MAX_MULTI * sizeof(struct wire_write_one),
		0 },
};

/**
 * session_init() - Take the memory of a session.
 * @session: the session
 * @device: what stands behind
 * @dev: its argument
 *
 * Return: 0 or -ENOMEM.
 */
int session_init(struct session *session, const struct device_ops *device, void *dev)
{
	memset(session, 0, sizeof(*session));
	session->device = device;
	session->dev = dev;
	session->state = SESSION_DEAD;
	session->reply_fd = -1;
	session->body = malloc(WIRE_MAX_BODY);
	session->reply = malloc(sizeof(struct wire_header) + WIRE_MAX_BODY);
	if (session->body && session->reply)
		return 0;
	session_fini(session);
	return -ENOMEM;
}

/**
 * session_fini() - Close the session and give its memory back.
 * @session: the session
 */
void session_fini(struct session *session)
{
	session_close(session);
	free(session->body);
	free(session->reply);
	session->body = NULL;
	session->reply = NULL;
}

/**
 * session_open() - Begin to serve a client.
 * @session: a closed session
 * @transport: the way to the client; owned by the session from here on
 */
void session_open(struct session *session, struct transport *transport)
{
	session->transport = transport;
	session->state = SESSION_NEGOTIATING;
	session->why = NULL;
	session->header_read = 0;
	session->body_read = 0;
	session->body_bytes = 0;
	session->reply_bytes = 0;
	session->reply_sent = 0;
	session->reply_fd = -1;
	session->is_close_after = false;
	session->stats.sessions++;
}

/**
 * session_close() - Hang up and drop all that belongs to the client.
 * @session: the session
 */
void session_close(struct session *session)
{
	session->state = SESSION_DEAD;
	fd_list_close(&session->fds);
	if (session->transport)
		session->transport->ops->close(session->transport);
	session->transport = NULL;
}

static void session_break(struct session *session, const char *why)
{
	session->stats.broken++;
	session->state = SESSION_DEAD;
	session->why = why;
	log_warn("transport", "client dropped: %s", why);
}

static void session_leave(struct session *session)
{
	session->state = SESSION_DEAD;
	session->why = session->header_read ? "left inside a message" : "left";
}

static void session_flush(struct session *session)
{
	while (session->reply_sent < session->reply_bytes) {
		int fd = session->reply_sent ? -1 : session->reply_fd;
		ssize_t n = session->transport->ops->send(session->transport,
				session->reply + session->reply_sent,
				session->reply_bytes - session->reply_sent, fd);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			session_leave(session);
			return;
		}
		session->reply_sent += (size_t)n;
	}
	session->reply_bytes = 0;
	session->reply_sent = 0;
	session->reply_fd = -1;
	if (session->is_close_after)
		session_break(session, "no agreement on the version");
}

/* Puts the reply of the current message on its way. body_bytes counts for success only. */
static void session_reply(struct session *session, int error, size_t body_bytes)
{
	struct wire_header *header = (struct wire_header *)session->reply;

	session->header_read = 0;
	fd_list_close(&session->fds);
	if (error)
		session->stats.errors++;
	if (session->header.flags & WIRE_FLAG_NO_REPLY)
		return;
	memset(header, 0, sizeof(*header));
	header->id = session->header.id;
	header->command = session->header.command;
	header->bytes = sizeof(*header);
	header->flags = WIRE_FLAG_REPLY;
	if (error) {
		header->flags |= WIRE_FLAG_ERROR;
		header->error = (uint32_t)-error;
		session->reply_fd = -1;
	} else {
		header->bytes += (uint32_t)body_bytes;
	}
	session->reply_bytes = header->bytes;
	session->reply_sent = 0;
	session->stats.replies++;
	session_flush(session);
}

/**
 * session_complete() - Finish the message that the device had put off.
 * @session: a session
 * @error: 0 or -errno
 *
 * Does nothing when the client has left meanwhile.
 */
void session_complete(struct session *session, int error)
{
	if (session->state != SESSION_WAITING)
		return;
	session->state = SESSION_OPEN;
	session_reply(session, error, 0);
}

static int session_check(const struct session *session, const struct rule *rule)
{
	bool is_version = session->header.command == WIRE_VERSION;

	if (is_version != (session->state == SESSION_NEGOTIATING))
		return -EPROTO;
	if (!rule->handle)
		return -EOPNOTSUPP;
	if (session->body_bytes < rule->min || session->body_bytes > rule->max)
		return -EINVAL;
	if (session->fds.count > rule->fds)
		return -EINVAL;
	return 0;
}

static void session_handle(struct session *session)
{
	static const struct rule unknown;
	const struct rule *rule = &unknown;
	struct message msg = {
		.body = session->body,
		.bytes = session->body_bytes,
		.fds = &session->fds,
		.reply_body = session->reply + sizeof(struct wire_header),
		.reply_fd = -1,
	};
	int ret;

	session->stats.messages++;
	if (session->header.command < WIRE_COMMAND_COUNT)
		rule = &rules[session->header.command];
	ret = session_check(session, rule);
	if (session->state == SESSION_NEGOTIATING &&
	    (ret || (session->header.flags & WIRE_FLAG_NO_REPLY)))
		msg.is_fatal = true;
	if (!ret)
		ret = rule->handle(session, &msg);
	if (ret == DEVICE_LATER) {
		session->state = SESSION_WAITING;
		return;
	}
	if (session->state == SESSION_NEGOTIATING && !ret && !msg.is_fatal)
		session->state = SESSION_OPEN;
	session->is_close_after = msg.is_fatal;
	session->reply_fd = msg.reply_fd;
	session_reply(session, ret, msg.reply_bytes);
	if (session->is_close_after && !session->reply_bytes && session->state != SESSION_DEAD)
		session_break(session, "no agreement on the version");
}

static int session_check_header(struct session *session)
{
	const struct wire_header *header = &session->header;

	if (header->bytes < sizeof(*header)) {
		session_break(session, "message shorter than its header");
		return -EPROTO;
	}
	if (header->bytes - sizeof(*header) > WIRE_MAX_BODY) {
		session_break(session, "message too long");
		return -EPROTO;
	}
	if ((header->flags & WIRE_FLAG_TYPE_MASK) != WIRE_FLAG_COMMAND) {
		session_break(session, "message is no command");
		return -EPROTO;
	}
	session->body_bytes = header->bytes - sizeof(*header);
	session->body_read = 0;
	return 0;
}

static int session_recv(struct session *session, void *to, size_t want, size_t *have)
{
	ssize_t n;

	n = session->transport->ops->recv(session->transport, to, want, &session->fds);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n <= 0) {
		session_leave(session);
		return -EPIPE;
	}
	if (session->fds.is_over) {
		session_break(session, "too many file descriptors");
		return -EPROTO;
	}
	*have += (size_t)n;
	return 0;
}

/* Reads towards the next message. 1: it is complete, 0: some bytes came, -EAGAIN, -errno. */
static int session_read(struct session *session)
{
	int ret;

	if (session->header_read < sizeof(session->header)) {
		ret = session_recv(session, (uint8_t *)&session->header + session->header_read,
				   sizeof(session->header) - session->header_read,
				   &session->header_read);
		if (ret || session->header_read < sizeof(session->header))
			return ret;
		ret = session_check_header(session);
		return ret ? ret : !session->body_bytes;
	}
	ret = session_recv(session, session->body + session->body_read,
			   session->body_bytes - session->body_read, &session->body_read);
	return ret ? ret : session->body_read == session->body_bytes;
}

/**
 * session_process() - Serve what the client sent, as far as it goes without waiting.
 * @session: an open session
 *
 * Takes a bounded number of messages. Afterwards the caller looks at the state; a dead session
 * is closed by session_close().
 */
void session_process(struct session *session)
{
	unsigned int budget = SESSION_BUDGET, reads = SESSION_BUDGET * 64;

	if (session->state == SESSION_DEAD)
		return;
	if (session->reply_bytes)
		session_flush(session);
	while (budget && reads-- && !session->reply_bytes &&
	       (session->state == SESSION_OPEN || session->state == SESSION_NEGOTIATING)) {
		int ret = session_read(session);

		if (ret < 0)
			return;
		if (!ret)
			continue;
		budget--;
		session_handle(session);
	}
}

/**
 * session_events() - Tell what to poll the client's socket for.
 * @session: a session
 *
 * Return: poll(2) events; 0 while the session waits for the device.
 */
short session_events(const struct session *session)
{
	if (session->state == SESSION_DEAD || session->state == SESSION_WAITING)
		return 0;
	return session->reply_bytes ? POLLOUT : POLLIN;
}
