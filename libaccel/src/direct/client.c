// SPDX-License-Identifier: MIT
/* A vfio-user client: one message at a time, each with its reply, all with a time limit. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "direct.h"

#define REPLY_MS	5000	/* the card promises one second */
#define FDS		8

static const char hello[] = "{\"capabilities\":{\"max_msg_fds\":8}}";

struct packet {
	struct iovec parts[2];
	union {
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message;
};

static void packet_attach(struct packet *packet, const int *fds, uint32_t count)
{
	struct cmsghdr *head = &packet->control.align;

	if (!count)
		return;
	memset(&packet->control, 0, sizeof(packet->control));
	packet->message.msg_control = &packet->control;
	packet->message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(head), fds, count * sizeof(int));
}

static int ready(int fd, short events)
{
	struct pollfd poller = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&poller, 1, REPLY_MS);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n ? -errno : -ETIMEDOUT;
}

static int send_all(int fd, struct packet *packet)
{
	struct msghdr *message = &packet->message;
	ssize_t n;
	int error;

	while (message->msg_iovlen) {
		n = sendmsg(fd, message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -ENODEV;
		if (n < 0) {
			error = ready(fd, POLLOUT);
			if (error)
				return error;
			continue;
		}
		message->msg_control = NULL;
		message->msg_controllen = 0;
		while (message->msg_iovlen && (size_t)n >= message->msg_iov->iov_len) {
			n -= (ssize_t)message->msg_iov->iov_len;
			message->msg_iov++;
			message->msg_iovlen--;
		}
		if (message->msg_iovlen) {
			message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + n;
			message->msg_iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* Keeps the first descriptor, closes what else there is. */
static void take_fds(struct msghdr *message, int *got)
{
	struct cmsghdr *head;
	uint32_t count;
	int fd;

	for (head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		count = (uint32_t)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (uint32_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(fd));
			if (got && *got < 0)
				*got = fd;
			else
				close(fd);
		}
	}
}

static int receive(int fd, void *data, size_t bytes, int *got)
{
	union {
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part;
	struct msghdr message;
	int error;
	ssize_t n;

	while (bytes) {
		error = ready(fd, POLLIN);
		if (error)
			return error;
		part = (struct iovec){ data, bytes };
		message = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1,
					   .msg_control = &control,
					   .msg_controllen = sizeof(control) };
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ENODEV;
		take_fds(&message, got);
		data = (char *)data + n;
		bytes -= (size_t)n;
	}
	return 0;
}

static int call_locked(struct direct_client *client, struct vfu_header *head, struct packet *packet,
		       void *reply, uint32_t room, struct direct_files *files)
{
	struct vfu_header answer;
	int error = send_all(client->fd, packet);

	if (error || head->flags & VFU_NO_REPLY)
		return error;
	error = receive(client->fd, &answer, sizeof(answer), files ? &files->got : NULL);
	if (error)
		return error;
	if (answer.id != head->id || answer.command != head->command ||
	    (answer.flags & VFU_TYPE_MASK) != VFU_REPLY || answer.bytes < sizeof(answer) ||
	    answer.bytes - sizeof(answer) > room)
		return -EPROTO;
	if (answer.flags & VFU_ERROR)
		return answer.error && answer.error < 4096 ? -(int)answer.error : -EPROTO;
	if (room)
		memset(reply, 0, room);
	return receive(client->fd, reply, answer.bytes - sizeof(answer),
		       files ? &files->got : NULL);
}

static int call(struct direct_client *client, uint32_t flags, enum vfu_command command,
		const void *body, uint32_t bytes, void *reply, uint32_t room,
		struct direct_files *files)
{
	struct vfu_header head = {
		.command = (uint16_t)command, .bytes = (uint32_t)sizeof(head) + bytes,
		.flags = flags,
	};
	struct packet packet = {
		.parts = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, bytes } },
	};
	int error = -ENODEV;

	packet.message.msg_iov = packet.parts;
	packet.message.msg_iovlen = bytes ? 2 : 1;
	if (files) {
		files->got = -1;
		packet_attach(&packet, files->send, files->send_count);
	}
	pthread_mutex_lock(&client->lock);
	if (!client->is_dead) {
		head.id = ++client->id;
		error = call_locked(client, &head, &packet, reply, room, files);
		/* Out of step: no later reply could be told from this one. */
		if (error == -ENODEV || error == -ETIMEDOUT || error == -EPROTO)
			client->is_dead = true;
	}
	pthread_mutex_unlock(&client->lock);
	return error;
}

int client_call(struct direct_client *client, enum vfu_command command, const void *body,
		uint32_t bytes, void *reply, uint32_t room, struct direct_files *files)
{
	return call(client, 0, command, body, bytes, reply, room, files);
}

int client_open(struct direct_client *client, int fd)
{
	struct vfu_version version = { 0 }, reply;
	int error;

	client->fd = fd;
	memcpy(version.json, hello, sizeof(hello));
	error = client_call(client, VFU_VERSION, &version, 4 + sizeof(hello), &reply,
			    sizeof(reply), NULL);
	if (!error && reply.major)
		error = -EPROTO;
	return error == -ETIMEDOUT ? -EBUSY : error;
}

/* Any store to the trapped pages wakes the core; nobody waits for the reply. */
void client_wake(struct direct_client *client)
{
	const struct vfu_access access = { .region = MARU_BAR_WAKE, .count = 4, .data = { 1 } };

	call(client, VFU_NO_REPLY, VFU_REGION_WRITE, &access, VFU_ACCESS_BYTES + 4, NULL, 0, NULL);
}

int client_read(struct direct_client *client, uint32_t region, uint64_t offset, void *value,
		uint32_t bytes)
{
	const struct vfu_access access = { .offset = offset, .region = region, .count = bytes };
	struct vfu_access reply;
	int error = client_call(client, VFU_REGION_READ, &access, VFU_ACCESS_BYTES, &reply,
				sizeof(reply), NULL);

	if (!error)
		memcpy(value, reply.data, bytes);
	return error;
}

int client_write(struct direct_client *client, uint32_t region, uint64_t offset, uint64_t value,
		 uint32_t bytes)
{
	struct vfu_access access = { .offset = offset, .region = region, .count = bytes }, reply;

	memcpy(access.data, &value, bytes);
	return client_call(client, VFU_REGION_WRITE, &access, VFU_ACCESS_BYTES + bytes, &reply,
			   sizeof(reply), NULL);
}

bool client_is_dead(struct direct_client *client)
{
	struct pollfd poller = { .fd = client->fd, .events = POLLRDHUP };

	if (__atomic_load_n(&client->is_dead, __ATOMIC_RELAXED))
		return true;
	return poll(&poller, 1, 0) > 0 && poller.revents & (POLLRDHUP | POLLHUP | POLLERR);
}
