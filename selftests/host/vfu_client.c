// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "selftests/host/vfu_client.h"

static const char vfu_json[] =
	"{\"capabilities\":{\"pgsizes\":4096,\"max_msg_fds\":16,\"max_dma_maps\":65535,"
	"\"max_data_xfer_size\":1048576,\"migration\":{\"max_bitmap_size\":268435456,"
	"\"pgsize\":4096},\"write_multiple\":true}}";

/* Lets the slot work for some time. */
void vfu_pump(struct vfu *vfu, unsigned int ms)
{
	uint64_t end = slot_now_ms() + ms;

	do {
		slot_step(vfu->slot, 1);
	} while (slot_now_ms() < end);
}

/* Attaches to a slot, once it has finished with its last client. */
int vfu_connect(struct vfu *vfu, struct slot *slot, enum vfu_way way)
{
	struct transport *transport;
	int pair[2];

	*vfu = (struct vfu){ .slot = slot, .way = way, .fd = -1 };
	while (slot->session.transport || slot->is_leaving)
		slot_step(slot, 1);
	if (way == VFU_LOOPBACK) {
		transport = loopback_create(&vfu->loop);
	} else {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
			return -errno;
		vfu->fd = pair[0];
		transport = sock_create(pair[1]);
	}
	return transport ? slot_attach(slot, transport) : -ENOMEM;
}

/* Attaches and agrees on the version as QEMU does. */
int vfu_open(struct vfu *vfu, struct slot *slot, enum vfu_way way)
{
	int ret = vfu_connect(vfu, slot, way);

	return ret ? ret : vfu_negotiate(vfu, vfu_json, sizeof(vfu_json));
}

/* Hangs up and waits until the slot has forgotten the client. */
void vfu_close(struct vfu *vfu)
{
	fd_list_close(&vfu->fds);
	if (vfu->loop)
		loopback_hangup(vfu->loop);
	if (vfu->fd >= 0)
		close(vfu->fd);
	vfu->loop = NULL;
	vfu->fd = -1;
	while (vfu->slot && (vfu->slot->session.transport || vfu->slot->is_leaving))
		slot_step(vfu->slot, 1);
}

static ssize_t vfu_send_some(struct vfu *vfu, const void *buf, size_t bytes, const int *fds,
			     unsigned int count)
{
	char control[CMSG_SPACE(256 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (vfu->loop)
		return loopback_send(vfu->loop, buf, bytes, fds, count);
	if (count) {
		struct cmsghdr *cmsg = (struct cmsghdr *)control;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	n = sendmsg(vfu->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

int vfu_send_bytes(struct vfu *vfu, const void *buf, size_t bytes, const int *fds,
		   unsigned int count)
{
	uint64_t end = slot_now_ms() + 5000;

	while (bytes) {
		ssize_t n = vfu_send_some(vfu, buf, bytes, fds, count);

		if (n == -EAGAIN && slot_now_ms() < end) {
			slot_step(vfu->slot, 1);
			continue;
		}
		if (n < 0)
			return n == -EPIPE || n == -ECONNRESET ? VFU_CLOSED : (int)n;
		buf = (const char *)buf + n;
		bytes -= (size_t)n;
		count = 0;
	}
	return 0;
}

int vfu_send(struct vfu *vfu, unsigned int command, uint32_t flags, const void *body,
	     size_t bytes, const int *fds, unsigned int count)
{
	struct wire_header header = {
		.id = ++vfu->id, .command = (uint16_t)command, .flags = flags,
		.bytes = (uint32_t)(sizeof(header) + bytes),
	};
	char *all = malloc(sizeof(header) + bytes);
	int ret;

	memcpy(all, &header, sizeof(header));
	if (bytes)
		memcpy(all + sizeof(header), body, bytes);
	ret = vfu_send_bytes(vfu, all, sizeof(header) + bytes, fds, count);
	free(all);
	return ret;
}

static ssize_t vfu_recv_some(struct vfu *vfu, void *buf, size_t bytes)
{
	struct transport transport = { .fd = vfu->fd };
	char control[CMSG_SPACE(64 * sizeof(int))];
	struct iovec iov = { .iov_base = buf, .iov_len = bytes };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n;

	if (vfu->loop)
		return loopback_recv(vfu->loop, buf, bytes, &vfu->fds);
	n = recvmsg(transport.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		unsigned int count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (unsigned int i = 0; i < count && vfu->fds.count < TRANSPORT_MAX_FDS; i++)
			memcpy(&vfu->fds.fd[vfu->fds.count++],
			       CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
	}
	return n;
}

static int vfu_recv_all(struct vfu *vfu, void *buf, size_t bytes, uint64_t end)
{
	while (bytes) {
		ssize_t n = vfu_recv_some(vfu, buf, bytes);

		if (n == -EAGAIN) {
			if (slot_now_ms() >= end)
				return VFU_SILENT;
			slot_step(vfu->slot, 1);
			continue;
		}
		if (n <= 0)
			return n ? (int)n : VFU_CLOSED;
		buf = (char *)buf + n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* Returns bytes of the body, or a negative number. Bytes without room are an error. */
int vfu_recv(struct vfu *vfu, struct wire_header *header, void *body, size_t room,
	     unsigned int ms)
{
	uint64_t end = slot_now_ms() + ms;
	int ret;

	fd_list_close(&vfu->fds);
	ret = vfu_recv_all(vfu, header, sizeof(*header), end);
	if (ret)
		return ret;
	if (header->bytes < sizeof(*header) || header->bytes - sizeof(*header) > room)
		return -EMSGSIZE;
	ret = vfu_recv_all(vfu, body, header->bytes - sizeof(*header), end);
	return ret ? ret : (int)(header->bytes - sizeof(*header));
}

/* Returns bytes of the reply's body, the negative errno of an error reply, or VFU_*. */
int vfu_call(struct vfu *vfu, unsigned int command, const void *body, size_t bytes,
	     const int *fds, unsigned int count, void *reply, size_t room)
{
	struct wire_header header;
	int ret = vfu_send(vfu, command, 0, body, bytes, fds, count);

	if (ret)
		return ret;
	ret = vfu_recv(vfu, &header, reply, room, 5000);
	if (ret < 0)
		return ret;
	if (header.id != vfu->id || header.command != command ||
	    (header.flags & WIRE_FLAG_TYPE_MASK) != WIRE_FLAG_REPLY)
		return -EBADMSG;
	if (!(header.flags & WIRE_FLAG_ERROR))
		return ret;
	return ret || !header.error ? -EBADMSG : -(int)header.error;
}

int vfu_negotiate(struct vfu *vfu, const char *json, size_t bytes)
{
	char *body = calloc(1, sizeof(struct wire_version) + bytes);
	char reply[256];
	int ret;

	memcpy(body + sizeof(struct wire_version), json, bytes);
	ret = vfu_call(vfu, WIRE_VERSION, body, sizeof(struct wire_version) + bytes, NULL, 0,
		       reply, sizeof(reply));
	free(body);
	return ret < 0 ? ret : 0;
}

int vfu_read(struct vfu *vfu, unsigned int region, uint64_t offset, void *buf, uint32_t n)
{
	struct wire_region_access access = { .offset = offset, .region = region, .count = n };
	char *reply = malloc(sizeof(access) + n);
	int ret = vfu_call(vfu, WIRE_REGION_READ, &access, sizeof(access), NULL, 0, reply,
			   sizeof(access) + n);

	if (ret >= 0) {
		ret = ret == (int)(sizeof(access) + n) ? 0 : -EBADMSG;
		memcpy(buf, reply + sizeof(access), n);
	}
	free(reply);
	return ret;
}

int vfu_write(struct vfu *vfu, unsigned int region, uint64_t offset, const void *buf, uint32_t n)
{
	struct wire_region_access access = { .offset = offset, .region = region, .count = n };
	char *body = malloc(sizeof(access) + n), reply[sizeof(access)];
	int ret;

	memcpy(body, &access, sizeof(access));
	memcpy(body + sizeof(access), buf, n);
	ret = vfu_call(vfu, WIRE_REGION_WRITE, body, sizeof(access) + n, NULL, 0, reply,
		       sizeof(reply));
	free(body);
	return ret < 0 ? ret : 0;
}

uint32_t vfu_read32(struct vfu *vfu, unsigned int region, uint64_t offset)
{
	uint32_t value = 0xdeadbeef;

	vfu_read(vfu, region, offset, &value, sizeof(value));
	return value;
}

int vfu_write32(struct vfu *vfu, unsigned int region, uint64_t offset, uint32_t value)
{
	return vfu_write(vfu, region, offset, &value, sizeof(value));
}

int vfu_map(struct vfu *vfu, int fd, uint64_t offset, uint64_t iova, uint64_t bytes,
	    uint32_t flags)
{
	struct wire_dma_map map = {
		.argsz = sizeof(map), .flags = flags, .offset = offset, .iova = iova,
		.bytes = bytes,
	};

	return vfu_call(vfu, WIRE_DMA_MAP, &map, sizeof(map), &fd, fd >= 0, NULL, 0);
}

int vfu_unmap(struct vfu *vfu, uint64_t iova, uint64_t bytes, uint32_t flags)
{
	struct wire_dma_unmap unmap = {
		.argsz = sizeof(unmap), .flags = flags, .iova = iova, .bytes = bytes,
	};

	return vfu_call(vfu, WIRE_DMA_UNMAP, &unmap, sizeof(unmap), NULL, 0, NULL, 0);
}

int vfu_irqs(struct vfu *vfu, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
	     const int *fds, unsigned int nfds)
{
	struct wire_irq_set set = {
		.argsz = sizeof(set), .flags = flags, .index = index, .start = start,
		.count = count,
	};

	return vfu_call(vfu, WIRE_DEVICE_SET_IRQS, &set, sizeof(set), fds, nfds, NULL, 0);
}

/* Waits until STATUS (its lower half) is what a test wants. Returns 0 or -ETIME. */
int vfu_wait_status(struct vfu *vfu, uint32_t status, unsigned int ms)
{
	uint64_t end = slot_now_ms() + ms;

	while ((vfu_read32(vfu, MARU_BAR_REGS, MARU_REG_STATUS) & 0xffff) != status) {
		if (slot_now_ms() >= end)
			return -ETIME;
		slot_step(vfu->slot, 1);
	}
	return 0;
}
