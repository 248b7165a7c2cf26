// SPDX-License-Identifier: GPL-2.0-only
/*
 * At a kick it touches the first byte of each window, without any guard, stores their sum as
 * telemetry.busy_ns[0], counts telemetry.wakes and raises vector 1 with its own copy.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/ipc.h"
#include "selftests/host/fake_core.h"

#define MAX_WINDOWS		70000

struct fake_window {
	uint64_t iova, bytes;
	uint8_t *at;
};

static struct {
	int fd, kick, memory;
	struct ipc_shared *shared;
	struct fake_window *windows;
	unsigned int count;
	int vectors[MARU_MSIX_VECTORS];
	uint32_t armed[IPC_POINT_COUNT];	/* last seen */
	uint32_t passed[IPC_POINT_COUNT];
} core;

static void hold(struct ipc_arm *arm, uint32_t release)
{
	const struct timespec nap = { .tv_nsec = 2000000 };

	arm->holding++;
	while (__atomic_load_n(&arm->release, __ATOMIC_SEQ_CST) == release)
		nanosleep(&nap, NULL);
	arm->holding--;
}

/* Returns whether the step shall fail. */
static int point(enum ipc_point which)
{
	struct ipc_arm *arm = &core.shared->points[which];
	uint32_t release = __atomic_load_n(&arm->release, __ATOMIC_SEQ_CST);
	uint32_t action;

	arm->hits++;
	if (core.armed[which] != arm->armed) {
		core.armed[which] = arm->armed;
		core.passed[which] = 0;
	}
	action = __atomic_load_n(&arm->action, __ATOMIC_SEQ_CST);
	if (!action || core.passed[which]++ < arm->skip)
		return 0;
	arm->fired++;
	if (action == IPC_ACTION_KILL)
		raise(SIGKILL);
	if (action == IPC_ACTION_ABORT)
		abort();
	while (action == IPC_ACTION_HANG)
		pause();
	if (action == IPC_ACTION_HOLD)
		hold(arm, release);
	return action == IPC_ACTION_FAIL;
}

static void say(uint32_t type, uint32_t seq)
{
	struct ipc_head head = { .type = type, .seq = seq };

	if (send(core.fd, &head, sizeof(head), MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void fail(const char *text)
{
	struct ipc_failed failed = { .head.type = IPC_FAILED, .error = 0x42 };

	strncpy(failed.text, text, sizeof(failed.text) - 1);
	send(core.fd, &failed, sizeof(failed), MSG_NOSIGNAL);
	pause();
}

static void write_caps(void)
{
	struct {
		struct maru_cap_head head;
		struct maru_cap_firmware firmware;
		struct maru_cap_head end;
	} caps = {
		.head = { .type = MARU_CAP_FIRMWARE, .bytes = sizeof(caps.firmware) },
		.firmware = { .version = 1, .build = "fake" },
	};
	uint32_t bytes = sizeof(caps);

	memcpy(core.shared->regs + MARU_REG_CAPS, &caps, sizeof(caps));
	memcpy(core.shared->regs + MARU_REG_CAPS_LEN, &bytes, sizeof(bytes));
}

static void hello(const struct ipc_hello *message, const int *fds, unsigned int count)
{
	if (count != 3 || message->version != IPC_VERSION)
		_exit(2);
	core.shared = mmap(NULL, IPC_SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	core.memory = fds[1];
	core.kick = fds[2];
	if (core.shared == MAP_FAILED)
		_exit(2);
	for (unsigned int i = 0; i < IPC_POINT_COUNT; i++)
		core.armed[i] = core.shared->points[i].armed;
	core.shared->windows = 0;
	point(IPC_POINT_BOOT_START);
	if (point(IPC_POINT_BOOT_CAPS))
		fail("boot.caps was told to fail");
	write_caps();
	point(IPC_POINT_BOOT_READY);
	say(IPC_READY, 0);
}

static void map(const struct ipc_window *message, const int *fds, unsigned int count)
{
	struct fake_window *window = &core.windows[core.count];

	if (count != 1 || core.count == MAX_WINDOWS)
		_exit(2);
	window->iova = message->iova;
	window->bytes = message->bytes;
	window->at = mmap(NULL, message->bytes,
			  message->writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
			  fds[0], (off_t)message->fd_offset);
	close(fds[0]);
	if (window->at == MAP_FAILED)
		window->at = NULL;
	core.shared->windows = ++core.count;
}

static void unmap(const struct ipc_window *message)
{
	point(IPC_POINT_DMA_UNMAP);
	for (unsigned int i = 0; i < core.count; i++) {
		struct fake_window *window = &core.windows[i];

		if (window->iova != message->iova || window->bytes != message->bytes)
			continue;
		if (window->at)
			munmap(window->at, window->bytes);
		*window = core.windows[--core.count];
		core.shared->windows = core.count;
		say(IPC_ACK, message->head.seq);
		return;
	}
	_exit(3);	/* the slot named a window that was never shown */
}

static void irqs(const struct ipc_irqs *message, const int *fds, unsigned int count)
{
	if (message->start + message->count > MARU_MSIX_VECTORS ||
	    count != (message->armed ? message->count : 0))
		_exit(3);
	for (unsigned int i = 0; i < message->count; i++) {
		int *vector = &core.vectors[message->start + i];

		if (*vector >= 0)
			close(*vector);
		*vector = message->armed ? fds[i] : -1;
	}
	say(IPC_ACK, message->head.seq);
}

static void handle(struct ipc_message *message, const int *fds, unsigned int count)
{
	switch (message->head.type) {
	case IPC_HELLO:
		hello(&message->hello, fds, count);
		break;
	case IPC_MAP:
		map(&message->window, fds, count);
		break;
	case IPC_UNMAP:
		unmap(&message->window);
		break;
	case IPC_IRQS:
		irqs(&message->irqs, fds, count);
		break;
	case IPC_ENABLE:
		point(IPC_POINT_BOOT_ENABLE);
		core.shared->queues = 1;
		break;
	case IPC_DISABLE:
		core.shared->queues = 0;
		break;
	default:
		_exit(4);
	}
}

static void receive(void)
{
	union {
		char data[CMSG_SPACE(IPC_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct ipc_message message = { 0 };
	struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.data, .msg_controllen = sizeof(control.data),
	};
	struct cmsghdr *cmsg;
	int fds[IPC_MAX_FDS];
	unsigned int count = 0;

	if (recvmsg(core.fd, &msg, MSG_CMSG_CLOEXEC) <= 0)
		_exit(0);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg) {
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), count * sizeof(int));
	}
	handle(&message, fds, count);
}

static void kicked(void)
{
	static const uint64_t one = 1;
	uint64_t value, sum = 0;

	if (read(core.kick, &value, sizeof(value)) < 0)
		return;
	for (unsigned int i = 0; i < core.count; i++) {
		if (core.windows[i].at)
			sum += *(volatile uint8_t *)core.windows[i].at;
	}
	core.shared->telemetry.busy_ns[0] = sum;
	core.shared->telemetry.wakes += value;
	if (core.vectors[MARU_VECTOR_ADMIN] >= 0 &&
	    write(core.vectors[MARU_VECTOR_ADMIN], &one, sizeof(one)) < 0)
		return;
}

/* fake_core_main() - Serve the slot at the other end of fd until it is gone. */
int fake_core_main(int fd)
{
	core.fd = fd;
	core.kick = -1;
	core.windows = calloc(MAX_WINDOWS, sizeof(*core.windows));
	for (unsigned int i = 0; i < MARU_MSIX_VECTORS; i++)
		core.vectors[i] = -1;
	if (!core.windows)
		return 1;
	for (;;) {
		struct pollfd polls[2] = {
			{ .fd = fd, .events = POLLIN }, { .fd = core.kick, .events = POLLIN },
		};

		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (polls[0].revents)
			receive();
		else if (polls[1].revents)
			kicked();
	}
}
