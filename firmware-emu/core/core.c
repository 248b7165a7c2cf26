// SPDX-License-Identifier: MIT
/*
 * The core process: this thread talks to the slot, the firmware's threads do the rest. It
 * trusts the slot and ends with it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/core/core.h"
#include "firmware-emu/core/irq.h"
#include "firmware-emu/engine/engine.h"
#include "firmware-emu/fw/fw.h"
#include "firmware-emu/log.h"
#include "firmware-emu/mem/point.h"
#include "firmware-emu/mem/sigbus.h"
#include "firmware-emu/mem/tier.h"
#include "firmware-emu/mem/dma.h"

#define UNMAP_POLL_NS	50000
#define QUIT_MS		900
#define SYNC_NS		20000
#define SYNC_ROUNDS	5000

struct core {
	int fd;
	struct ipc_message message;
	size_t bytes;
	int fds[IPC_MAX_FDS];
	unsigned int fd_count;
};

static int core_fd = -1;	/* for irq and failure reports of other threads */

static void core_close_fds(struct core *core)
{
	while (core->fd_count)
		close(core->fds[--core->fd_count]);
}

static atomic_bool is_handling;		/* a message was taken and is not done with */

/*
 * A window that the guest may use already can still be in a message: the slot does not wait
 * for us. Whoever misses a window waits until the messages so far are done with. An IPC_UNMAP
 * may in turn wait for a span of that thread, hence the limit.
 */
static void core_sync(void)
{
	const struct timespec nap = { .tv_nsec = SYNC_NS };
	struct pollfd poller = { .fd = core_fd, .events = POLLIN };

	for (unsigned int i = 0; i < SYNC_ROUNDS; i++) {
		/* in this order: it says that it handles before it takes the message away */
		if (poll(&poller, 1, 0) <= 0 && !is_handling)
			return;
		nanosleep(&nap, NULL);
	}
}

/* Return: false when the slot is gone. */
static bool core_receive(struct core *core)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = &core->message, .iov_len = sizeof(core->message) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t got;

	memset(&core->message, 0, sizeof(core->message));
	do {
		got = recvmsg(core->fd, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < (ssize_t)sizeof(core->message.head))
		return false;
	core->bytes = (size_t)got;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		core->fd_count = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(core->fds, CMSG_DATA(c), core->fd_count * sizeof(int));
	}
	return true;
}

static void core_send(const void *message, size_t bytes)
{
	if (send(core_fd, message, bytes, MSG_NOSIGNAL) < 0)
		log_warn("core", "send: %s", strerror(errno));
}

static void core_ack(uint32_t seq)
{
	const struct ipc_head head = { .type = IPC_ACK, .seq = seq };

	core_send(&head, sizeof(head));
}

static void core_failed(uint32_t error, const char *text)
{
	struct ipc_failed failed = { .head.type = IPC_FAILED, .error = error };

	log_error("core", "%s", text);
	strncpy(failed.text, text, sizeof(failed.text) - 1);
	core_send(&failed, sizeof(failed));
}

static const struct fw_ops ops = { .irq_raise = irq_raise, .failed = core_failed };

/* fds: shared page, memory, kick eventfd; they stay open for good. */
static uint32_t core_attach(struct core *core, const char **text)
{
	const struct ipc_hello *hello = &core->message.hello;
	void *shared;
	int ret;

	*text = "HELLO is not of this version";
	if (hello->head.type != IPC_HELLO || core->bytes < sizeof(*hello) ||
	    hello->version != IPC_VERSION || core->fd_count != 3)
		return FW_ERROR_VERSION;
	shared = mmap(NULL, IPC_SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, core->fds[0], 0);
	*text = "the shared page can not be mapped";
	if (shared == MAP_FAILED)
		return FW_ERROR_MEMORY;
	fw.shared = shared;
	fw.ops = &ops;
	fw.kick_fd = core->fds[2];
	fw.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	log_set_level(hello->log_level < LOG_LEVEL_COUNT ? (enum log_level)hello->log_level :
		      LOG_DEBUG);
	point_init(fw.shared);
	*text = "failed by a fault point";
	if (point_hit(IPC_POINT_BOOT_START))
		return FW_ERROR_INJECTED;
	ret = tier_init(core->fds[1], hello->hbm_bytes, hello->cxl_bytes);
	*text = "the memory can not be mapped";
	return ret ? FW_ERROR_MEMORY : 0;
}

static uint32_t core_boot(struct core *core, const char **text)
{
	uint32_t error = core_attach(core, text);

	if (error)
		return error;
	*text = "the engines can not be set up";
	if (engine_init(core->message.hello.profile))
		return FW_ERROR_ENGINES;
	*text = "the firmware can not be set up";
	span_set_window_miss(core_sync);
	error = fw_boot(&core->message.hello);
	if (error)
		return error;
	*text = "the threads can not be started";
	error = fw_start(core->message.hello.threads);
	if (error)
		return error;
	*text = "failed by a fault point";
	return point_hit(IPC_POINT_BOOT_READY) ? FW_ERROR_INJECTED : 0;
}

static void core_map(struct core *core)
{
	const struct ipc_window *window = &core->message.window;
	int ret;

	if (core->fd_count != 1)
		return;
	core->fd_count = 0;
	ret = dma_map(window->iova, window->bytes, core->fds[0], window->fd_offset,
			  window->writable);
	if (ret)
		log_warn("core", "window 0x%llx + 0x%llx: %s", (unsigned long long)window->iova,
			 (unsigned long long)window->bytes, strerror(-ret));
	__atomic_store_n(&fw.shared->windows, dma_count(), __ATOMIC_RELAXED);
}

/* A stuck engine keeps its spans: then no acknowledgement comes, and the slot kills us. */
static void core_unmap(struct core *core)
{
	const struct timespec nap = { .tv_nsec = UNMAP_POLL_NS };
	const struct ipc_window *window = &core->message.window;

	fw_unmap_begin(window->iova, window->bytes);
	while (!span_unmap_is_done())
		nanosleep(&nap, NULL);
	span_unmap_end();
	__atomic_store_n(&fw.shared->windows, dma_count(), __ATOMIC_RELAXED);
	if (!point_hit(IPC_POINT_DMA_UNMAP))
		core_ack(window->head.seq);
}

/* Return: false at the end. */
static bool core_handle(struct core *core)
{
	switch (core->message.head.type) {
	case IPC_MAP:
		core_map(core);
		break;
	case IPC_UNMAP:
		core_unmap(core);
		break;
	case IPC_IRQS:
		irq_set(&core->message.irqs, core->fds, core->fd_count);
		core->fd_count = 0;
		core_ack(core->message.head.seq);
		break;
	case IPC_ENABLE:
		fw_enable();
		break;
	case IPC_DISABLE:
		fw_disable();
		break;
	case IPC_QUIT:
		fw_quit(QUIT_MS);
		return false;
	default:
		log_warn("core", "message %u is not known", core->message.head.type);
	}
	return true;
}

static bool core_serve(struct core *core)
{
	struct pollfd poller = { .fd = core->fd, .events = POLLIN };
	bool is_on;

	if (poll(&poller, 1, -1) < 0)
		return errno == EINTR;
	is_handling = true;
	is_on = core_receive(core) && core_handle(core);
	core_close_fds(core);
	is_handling = false;
	return is_on;
}

int core_main(int fd)
{
	const struct ipc_head ready = { .type = IPC_READY };
	struct core core = { .fd = fd };
	const char *text;
	uint32_t error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "maru-core");		/* else it is "exe" */
	signal(SIGPIPE, SIG_IGN);
	sigbus_install();
	core_fd = fd;
	if (!core_receive(&core))
		return 1;
	error = core_boot(&core, &text);
	if (error) {
		core_failed(error, text);
		return 1;
	}
	core.fd_count = 0;	/* they are in use */
	core_send(&ready, sizeof(ready));
	while (core_serve(&core))
		;
	_exit(0);
}
