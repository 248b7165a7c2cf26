/* SPDX-License-Identifier: MIT */
/*
 * A session: one client, from its first byte to its last. Messages are taken in order, one at a
 * time, and answered in that order: while one waits for the device none is read after it.
 */
#ifndef MARU_TRANSPORT_SESSION_H
#define MARU_TRANSPORT_SESSION_H

#include "firmware-emu/transport/transport.h"
#include "firmware-emu/transport/wire.h"

enum session_state {
	SESSION_NEGOTIATING,		/* only VERSION is taken */
	SESSION_OPEN,
	SESSION_WAITING,		/* the device has not finished the last message */
	SESSION_DEAD,			/* the client left, or broke the protocol */
};

struct session_stats {
	uint64_t messages;
	uint64_t replies;
	uint64_t errors;		/* error replies */
	uint64_t broken;		/* connections that ended for a broken rule */
	uint64_t sessions;
};

struct session {
	struct transport *transport;
	const struct device_ops *device;
	void *dev;
	enum session_state state;
	const char *why;		/* SESSION_DEAD: what the client did */

	struct wire_header header;
	size_t header_read, body_read, body_bytes;
	uint8_t *body;			/* WIRE_MAX_BODY, taken once */
	struct fd_list fds;

	uint8_t *reply;			/* header and WIRE_MAX_BODY, taken once */
	size_t reply_bytes, reply_sent;
	int reply_fd;			/* not owned, -1: none */
	bool is_close_after;		/* the reply is the last */

	struct session_stats stats;
};

/*
 * struct message - One checked message and its reply. body holds exactly bytes of payload; the
 * handler writes reply_body and sets reply_bytes.
 */
struct message {
	const uint8_t *body;
	size_t bytes;
	struct fd_list *fds;
	uint8_t *reply_body;
	size_t reply_bytes;
	int reply_fd;
	bool is_fatal;			/* answer, then end the connection */
};

/* What a client says to have room for: the struct, and no more than any message has. */
static inline bool message_argsz_is_ok(uint32_t argsz, size_t bytes)
{
	return argsz >= bytes && argsz <= WIRE_MAX_BODY;
}

int session_init(struct session *session, const struct device_ops *device, void *dev);
void session_fini(struct session *session);
void session_open(struct session *session, struct transport *transport);
void session_close(struct session *session);
void session_process(struct session *session);
void session_complete(struct session *session, int error);
short session_events(const struct session *session);

/* Handlers: 0, DEVICE_LATER or -errno. */
int msg_version(struct session *session, struct message *msg);
int msg_dma_map(struct session *session, struct message *msg);
int msg_dma_unmap(struct session *session, struct message *msg);
int msg_device_info(struct session *session, struct message *msg);
int msg_device_reset(struct session *session, struct message *msg);
int msg_region_info(struct session *session, struct message *msg);
int msg_region_read(struct session *session, struct message *msg);
int msg_region_write(struct session *session, struct message *msg);
int msg_region_write_multi(struct session *session, struct message *msg);
int msg_irq_info(struct session *session, struct message *msg);
int msg_irq_set(struct session *session, struct message *msg);

#endif
