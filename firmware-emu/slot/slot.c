// SPDX-License-Identifier: MIT
/*
 * Wiring, the loop, and the order of teardown: client, core, windows and vectors, memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/slot.h"

#define SLOT_POLLS		(5 + CONTROL_POLLS)

/**
 * slot_now_ms() - Tell the time.
 *
 * Return: milliseconds of the monotonic clock.
 */
uint64_t slot_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void slot_make_uuid(uint8_t *uuid)
{
	if (getrandom(uuid, 16, 0) != 16)
		memset(uuid, 0, 16);
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static int slot_init_files(struct slot *slot)
{
	int ret;

	slot->shared_fd = memory_shared_create(&slot->shared);
	if (slot->shared_fd < 0)
		return slot->shared_fd;
	slot->shared->log_level = (uint32_t)log_get_level();
	slot->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (slot->kick_fd < 0)
		return -errno;
	ret = session_init(&slot->session, &regs_ops, slot);
	if (ret)
		return ret;
	return control_init(&slot->control, slot->options.control);
}

/**
 * slot_init() - Make a card without a client.
 * @slot: the slot
 * @options: what the user wants; the sizes are checked here
 *
 * Return: 0 or -errno; everything is taken back by slot_fini() in both cases.
 */
int slot_init(struct slot *slot, const struct options *options)
{
	const char *why;
	int ret;

	memset(slot, 0, sizeof(*slot));
	slot->options = *options;
	slot->memory_fd = -1;
	slot->shared_fd = -1;
	slot->kick_fd = -1;
	slot->listener = -1;
	slot->spawn.fd = -1;
	channel_init(&slot->channel);
	windows_init(&slot->windows);
	vectors_init(&slot->vectors);
	control_preset(&slot->control);
	ret = bar_plan_make(&slot->plan, options->hbm_bytes, options->cxl_bytes, &why);
	if (ret) {
		log_error("slot", "%s", why);
		return ret;
	}
	config_init(&slot->config, &slot->plan);
	slot_make_uuid(slot->uuid);
	ret = spawn_init(&slot->spawn);
	if (ret)
		return ret;
	ret = slot_init_files(slot);
	if (ret)
		return ret;
	regs_power_on(slot);
	return 0;
}

/**
 * slot_fini() - Take a card apart: the client first, so that it sees a clean end.
 * @slot: the slot
 */
void slot_fini(struct slot *slot)
{
	session_fini(&slot->session);
	control_fini(&slot->control);
	spawn_fini(&slot->spawn);
	slot->life.is_alive = false;
	if (slot->shared)
		channel_close(slot);
	windows_clear(&slot->windows);
	vectors_clear(&slot->vectors);
	if (slot->memory_fd >= 0)
		close(slot->memory_fd);
	if (slot->kick_fd >= 0)
		close(slot->kick_fd);
	if (slot->shared)
		munmap(slot->shared, IPC_SHARED_BYTES);
	if (slot->shared_fd >= 0)
		close(slot->shared_fd);
	if (slot->listener >= 0)
		close(slot->listener);
}

/**
 * slot_attach() - Take a client, with memory that no other client ever saw.
 * @slot: a slot without a client
 * @transport: the way to it, owned by this call
 *
 * Return: 0 or -errno.
 */
int slot_attach(struct slot *slot, struct transport *transport)
{
	int fd = memory_create(slot->plan.bar[MARU_BAR_MEMORY].bytes);

	if (fd < 0) {
		log_error("slot", "no memory for a client: %s", strerror(-fd));
		transport->ops->close(transport);
		return fd;
	}
	slot->memory_fd = fd;
	config_reset(&slot->config);
	regs_power_on(slot);
	session_open(&slot->session, transport);
	return 0;
}

/**
 * slot_quiesced() - No core is alive and none is wanted.
 * @slot: the slot
 *
 * The rest of a client that left is dropped now: nothing uses it any more.
 */
void slot_quiesced(struct slot *slot)
{
	if (!slot->is_leaving)
		return;
	slot->is_leaving = false;
	windows_clear(&slot->windows);
	vectors_clear(&slot->vectors);
	close(slot->memory_fd);
	slot->memory_fd = -1;
	slot->is_link_down = false;
	regs_forget(slot);
	if (slot->options.is_once || slot->options.private_fd >= 0)
		slot->is_done = true;
}

static void slot_serve(struct slot *slot)
{
	struct session *session = &slot->session;

	if (!session->transport)
		return;
	session_process(session);
	if (session->state == SESSION_OPEN && slot->life.state == LIFE_OFF &&
	    !slot->is_link_down)
		life_power_on(slot);
	if (session->state != SESSION_DEAD)
		return;
	log_debug("slot", "client gone: %s", session->why ? session->why : "");
	session_close(session);
	slot->is_leaving = true;
	life_stop(slot);
}

static void slot_accept(struct slot *slot)
{
	int fd = sock_accept(slot->listener);
	struct transport *transport;

	if (fd < 0)
		return;
	transport = sock_create(fd);
	if (transport)
		slot_attach(slot, transport);
}

static int slot_timeout(const struct slot *slot, int timeout_ms)
{
	uint64_t due = life_deadline(slot), now = slot_now_ms(), left;

	if (slot->channel.is_waiting && slot->channel.deadline_ms < due)
		due = slot->channel.deadline_ms;
	/* A full channel has no event for "too many descriptors in flight". */
	if (slot->channel.is_blocked && now + 10 < due)
		due = now + 10;
	if (due == UINT64_MAX)
		return timeout_ms;
	left = due > now ? due - now : 0;
	return timeout_ms < 0 || left < (uint64_t)timeout_ms ? (int)left : timeout_ms;
}

static void slot_fill_polls(const struct slot *slot, struct pollfd *polls)
{
	const struct session *session = &slot->session;
	bool is_free = !session->transport && !slot->is_leaving;

	for (unsigned int i = 0; i < SLOT_POLLS; i++)
		polls[i] = (struct pollfd){ .fd = -1 };
	polls[0].fd = is_free ? slot->listener : -1;
	polls[0].events = POLLIN;
	if (session->transport) {
		polls[1].events = session_events(session);
		polls[1].fd = polls[1].events ? session->transport->fd : -1;
	}
	polls[2].fd = slot->spawn.fd;
	polls[2].events = POLLIN;
	polls[3].fd = slot->channel.is_hung_up ? -1 : slot->channel.fd;
	polls[3].events = POLLIN;
	control_fill_polls(&slot->control, polls + 5);
}

/**
 * slot_step() - Wait for something and do it.
 * @slot: the slot
 * @timeout_ms: wait at most that long; -1: until something happens
 *
 * Return: 0, or -errno when waiting itself fails.
 */
int slot_step(struct slot *slot, int timeout_ms)
{
	struct pollfd polls[SLOT_POLLS];
	uint64_t now;

	slot_fill_polls(slot, polls);
	if (poll(polls, SLOT_POLLS, slot_timeout(slot, timeout_ms)) < 0 && errno != EINTR)
		return -errno;
	/* Exits first, so that nothing is said to a core that is gone. */
	if (polls[2].revents)
		life_read_spawn(slot);
	if (polls[3].revents)
		channel_read(slot);
	now = slot_now_ms();
	life_expire(slot, now);
	channel_expire(slot, now);
	if (slot->channel.is_blocked)
		channel_flush(slot);
	control_serve(&slot->control, polls + 5, slot);
	if (polls[0].revents)
		slot_accept(slot);
	if (polls[1].revents || (slot->session.transport && slot->session.transport->fd < 0))
		slot_serve(slot);
	return 0;
}

static int slot_open_client(struct slot *slot)
{
	const struct options *options = &slot->options;
	int type = 0, ret;
	socklen_t bytes = sizeof(type);

	if (options->private_fd < 0) {
		slot->listener = sock_listen(options->socket);
		if (slot->listener < 0)
			log_error("slot", "can not listen on %s: %s", options->socket,
				  strerror(-slot->listener));
		return slot->listener < 0 ? slot->listener : 0;
	}
	if (getsockopt(options->private_fd, SOL_SOCKET, SO_TYPE, &type, &bytes) ||
	    type != SOCK_STREAM) {
		log_error("slot", "--private %d is no stream socket", options->private_fd);
		return -ENOTSOCK;
	}
	fcntl(options->private_fd, F_SETFD, FD_CLOEXEC);
	ret = slot_attach(slot, sock_create(options->private_fd));
	return ret;
}

static int slot_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int slot_loop(struct slot *slot, int signals)
{
	struct pollfd poller = { .fd = signals, .events = POLLIN };
	int ret = 0;

	slot->control.signals = signals;
	while (!slot->is_done && !ret) {
		ret = slot_step(slot, -1);
		if (poll(&poller, 1, 0) > 0)
			slot->is_done = true;
	}
	if (ret)
		log_error("slot", "can not wait: %s", strerror(-ret));
	return ret;
}

/**
 * slot_run() - Be a card until told to end.
 * @options: what the user wants
 *
 * Return: an exit code: 0, or 1 after an error, which was logged.
 */
int slot_run(const struct options *options)
{
	struct slot *slot = malloc(sizeof(*slot));
	int ret, signals;

	if (!slot)
		return 1;
	sandbox_limit();
	signals = slot_signals();
	ret = slot_init(slot, options);
	if (ret)
		log_error("slot", "can not start: %s", strerror(-ret));
	if (!ret)
		ret = slot_open_client(slot);
	if (!ret)
		ret = sandbox_enter();
	if (!ret) {
		log_info("slot", "card with %llu MiB HBM and %llu MiB CXL waits on %s",
			 (unsigned long long)options->hbm_bytes >> 20,
			 (unsigned long long)options->cxl_bytes >> 20,
			 options->socket ? options->socket : "a private socket");
		ret = slot_loop(slot, signals);
	}
	if (slot->listener >= 0)
		unlink(options->socket);
	slot_fini(slot);
	free(slot);
	return ret ? 1 : 0;
}
