// SPDX-License-Identifier: GPL-2.0-only
/* Life of the core under test, and its memory. Queues are in card_queue.c. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "firmware-emu/core/core.h"
#include "selftests/host/card_client.h"

#define BOOT_MS		10000
#define SQ_LOG2		6

uint64_t card_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int make_memfd(const char *name, uint64_t bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static void *map_fd(int fd, uint64_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void card_send(struct card *card, const void *message, size_t bytes, const int *fds,
		      unsigned int count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)message, .iov_len = bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (count) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
	}
	sendmsg(card->fd, &msg, MSG_NOSIGNAL);
}

/* Takes one message. Return: 1, 0: none within the time, -EPIPE. */
static int card_receive(struct card *card, int ms)
{
	struct pollfd poller = { .fd = card->fd, .events = POLLIN };
	struct ipc_message message;
	ssize_t got;

	if (poll(&poller, 1, ms) <= 0)
		return 0;
	got = recv(card->fd, &message, sizeof(message), 0);
	if (got <= 0)
		return -EPIPE;
	if (message.head.type == IPC_READY)
		card->is_ready = true;
	else if (message.head.type == IPC_ACK)
		card->acked = message.head.seq;
	else if (message.head.type == IPC_FAILED)
		card->failed = message.failed.error;
	return 1;
}

static void card_fork(struct card *card)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	card->pid = fork();
	assert_true(card->pid >= 0);
	if (!card->pid) {
		close(pair[0]);
		/* Nothing of the test's own handling of signals belongs there. */
		for (int sig = 1; sig < NSIG; sig++)
			signal(sig, SIG_DFL);
		_exit(core_main(pair[1]));
	}
	close(pair[1]);
	card->fd = pair[0];
}

static struct card_config config_fill(const struct card_config *config)
{
	struct card_config full = { 0 };

	if (config)
		full = *config;
	full.hbm_bytes = full.hbm_bytes ? full.hbm_bytes : 64u << 20;
	full.cxl_bytes = full.cxl_bytes ? full.cxl_bytes : 16u << 20;
	full.ram_bytes = full.ram_bytes ? full.ram_bytes : 32u << 20;
	full.threads = full.threads ? full.threads : 2;
	full.profile = full.profile ? full.profile : ~0u;
	full.event_log2 = full.event_log2 ? full.event_log2 : 8;
	return full;
}

struct card *card_start(const struct card_config *config)
{
	struct card *card = calloc(1, sizeof(*card));

	assert_non_null(card);
	card->config = config_fill(config);
	card->shared_fd = make_memfd("shared", IPC_SHARED_BYTES);
	card->memory_fd = make_memfd("memory", card->config.hbm_bytes + card->config.cxl_bytes);
	card->ram_fd = make_memfd("ram", card->config.ram_bytes);
	card->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (int i = 0; i < CARD_VECTORS; i++)
		card->irq_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	card->shared = map_fd(card->shared_fd, IPC_SHARED_BYTES);
	card->memory = map_fd(card->memory_fd, card->config.hbm_bytes + card->config.cxl_bytes);
	card->ram = map_fd(card->ram_fd, card->config.ram_bytes);
	card->shared->log_level = card->config.log_level;
	card->used[MARU_TIER_HBM] = MARU_BLOCK_BYTES;
	card_fork(card);
	if (card->config.is_raw)
		return card;
	assert_int_equal(card_hello(card), 0);
	assert_int_equal(card_wait_ready(card, BOOT_MS), 0);
	if (!card->config.is_cold)
		card_enable(card);
	return card;
}

int card_hello(struct card *card)
{
	struct ipc_hello hello = {
		.head.type = IPC_HELLO, .version = IPC_VERSION, .boot_id = 1,
		.hbm_bytes = card->config.hbm_bytes, .cxl_bytes = card->config.cxl_bytes,
		.threads = card->config.threads, .log_level = card->config.log_level,
		.profile = card->config.profile,
	};
	const int fds[3] = { card->shared_fd, card->memory_fd, card->kick_fd };

	card_send(card, &hello, sizeof(hello), fds, 3);
	return 0;
}

int card_wait_ready(struct card *card, int ms)
{
	struct ipc_irqs irqs = { .head.type = IPC_IRQS, .count = CARD_VECTORS, .armed = 1 };
	uint64_t end = card_now_ns() + (uint64_t)ms * 1000000;

	while (!card->is_ready && !card->failed) {
		if (card_now_ns() > end)
			return -ETIMEDOUT;
		if (card_receive(card, 100) < 0)
			return -EPIPE;
	}
	if (card->failed)
		return -EIO;
	irqs.head.seq = ++card->seq;
	card_send(card, &irqs, sizeof(irqs), card->irq_fd, CARD_VECTORS);
	if (card_wait_ack(card, irqs.head.seq, ms))
		return -ETIMEDOUT;
	card_map_window(card, CARD_RAM_IOVA, card->config.ram_bytes, card->ram_fd, 0, true);
	return 0;
}

static void regs_store(struct card *card, unsigned int offset, uint64_t value)
{
	memcpy(card->shared->regs + offset, &value, sizeof(value));
}

/* Rings in the guest's memory, zeroed, their addresses in the register page. */
void card_enable(struct card *card)
{
	const struct ipc_head head = { .type = IPC_ENABLE };
	uint64_t sq = card_alloc(card, MARU_TIER_HOST, 2 * MARU_PAGE_BYTES);
	uint64_t cq = card_alloc(card, MARU_TIER_HOST, MARU_PAGE_BYTES);
	uint64_t events = card_alloc(card, MARU_TIER_HOST, sizeof(struct maru_event_ring) +
				     (sizeof(struct maru_event) << card->config.event_log2));
	uint64_t group = card_alloc(card, MARU_TIER_HOST, MARU_PAGE_BYTES);
	uint32_t log2 = SQ_LOG2 | SQ_LOG2 << 8 | card->config.event_log2 << 16;

	card->sq = card_ptr(card, MARU_TIER_HOST, sq);
	card->cq = card_ptr(card, MARU_TIER_HOST, cq);
	card->events = card_ptr(card, MARU_TIER_HOST, events);
	card->group = card_ptr(card, MARU_TIER_HOST, group);
	card->cq_head = 0;
	card->event_head = 0;
	regs_store(card, MARU_REG_ADMIN_SQ, MARU_ENTRY(MARU_TIER_HOST, sq));
	regs_store(card, MARU_REG_ADMIN_CQ, MARU_ENTRY(MARU_TIER_HOST, cq));
	regs_store(card, MARU_REG_EVENT, MARU_ENTRY(MARU_TIER_HOST, events));
	regs_store(card, MARU_REG_GROUP0, MARU_ENTRY(MARU_TIER_HOST, group));
	memcpy(card->shared->regs + MARU_REG_RING_LOG2, &log2, sizeof(log2));
	card_send(card, &head, sizeof(head), NULL, 0);
}

void card_disable(struct card *card)
{
	const struct ipc_head head = { .type = IPC_DISABLE };

	card_send(card, &head, sizeof(head), NULL, 0);
}

bool card_is_alive(struct card *card)
{
	siginfo_t info = { 0 };

	return card->pid &&
	       !waitid(P_PID, (id_t)card->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       !info.si_pid;
}

int card_wait_dead(struct card *card, int ms)
{
	int status;

	for (; ms >= 0; ms--) {
		if (waitpid(card->pid, &status, WNOHANG) == card->pid) {
			card->pid = 0;
			return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		}
		usleep(1000);
	}
	return -ETIMEDOUT;
}

int card_quit(struct card *card, int ms)
{
	const struct ipc_head head = { .type = IPC_QUIT };
	int status;

	card_send(card, &head, sizeof(head), NULL, 0);
	for (; ms >= 0; ms--) {
		if (waitpid(card->pid, &status, WNOHANG) == card->pid) {
			card->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
		}
		usleep(1000);
	}
	return -ETIMEDOUT;
}

void card_stop(struct card *card)
{
	if (card->pid) {
		kill(card->pid, SIGKILL);
		waitpid(card->pid, NULL, 0);
	}
	munmap(card->shared, IPC_SHARED_BYTES);
	munmap(card->memory, card->config.hbm_bytes + card->config.cxl_bytes);
	munmap(card->ram, card->config.ram_bytes);
	close(card->fd);
	close(card->kick_fd);
	close(card->memory_fd);
	close(card->ram_fd);
	close(card->shared_fd);
	for (int i = 0; i < CARD_VECTORS; i++)
		close(card->irq_fd[i]);
	free(card);
}

static uint64_t tier_size(const struct card *card, unsigned int tier)
{
	return tier == MARU_TIER_HBM ? card->config.hbm_bytes :
	       tier == MARU_TIER_CXL ? card->config.cxl_bytes : card->config.ram_bytes;
}

uint64_t card_alloc(struct card *card, unsigned int tier, uint64_t bytes)
{
	uint64_t at = card->used[tier];

	if (bytes >= MARU_BLOCK_BYTES)
		at = (at + MARU_BLOCK_BYTES - 1) & ~(uint64_t)(MARU_BLOCK_BYTES - 1);
	bytes = (bytes + MARU_PAGE_BYTES - 1) & ~(uint64_t)(MARU_PAGE_BYTES - 1);
	assert_true(at + bytes <= tier_size(card, tier));
	card->used[tier] = at + bytes;
	return tier == MARU_TIER_HOST ? CARD_RAM_IOVA + at : at;
}

void *card_ptr(struct card *card, unsigned int tier, uint64_t addr)
{
	if (tier == MARU_TIER_HOST)
		return card->ram + (addr - CARD_RAM_IOVA);
	return card->memory + (tier == MARU_TIER_CXL ? card->config.hbm_bytes : 0) + addr;
}

void card_map_window(struct card *card, uint64_t iova, uint64_t bytes, int fd, uint64_t offset,
		     bool is_writable)
{
	const struct ipc_window window = { .head.type = IPC_MAP, .head.seq = ++card->seq,
					   .iova = iova, .bytes = bytes, .fd_offset = offset,
					   .writable = is_writable };

	card_send(card, &window, sizeof(window), &fd, 1);
}

uint32_t card_unmap_begin(struct card *card, uint64_t iova, uint64_t bytes)
{
	const struct ipc_window window = { .head.type = IPC_UNMAP, .head.seq = ++card->seq,
					   .iova = iova, .bytes = bytes };

	card_send(card, &window, sizeof(window), NULL, 0);
	return window.head.seq;
}

int card_wait_ack(struct card *card, uint32_t seq, int ms)
{
	uint64_t end = card_now_ns() + (uint64_t)ms * 1000000;

	while (card->acked != seq) {
		if (card_now_ns() > end)
			return -ETIMEDOUT;
		if (card_receive(card, 10) < 0)
			return -EPIPE;
	}
	return 0;
}

int card_unmap_window(struct card *card, uint64_t iova, uint64_t bytes, int ms)
{
	return card_wait_ack(card, card_unmap_begin(card, iova, bytes), ms);
}

void card_arm(struct card *card, enum ipc_point point, enum ipc_action action, uint32_t skip)
{
	struct ipc_arm *arm = &card->shared->points[point];

	arm->skip = skip;
	__atomic_store_n(&arm->armed, arm->armed + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&arm->action, action, __ATOMIC_RELEASE);
}

void card_disarm(struct card *card, enum ipc_point point)
{
	__atomic_store_n(&card->shared->points[point].action, IPC_ACTION_NONE, __ATOMIC_RELEASE);
}

void card_release(struct card *card, enum ipc_point point)
{
	struct ipc_arm *arm = &card->shared->points[point];

	__atomic_store_n(&arm->release, arm->release + 1, __ATOMIC_RELEASE);
}

int card_wait_holding(struct card *card, enum ipc_point point, int ms)
{
	uint64_t end = card_now_ns() + (uint64_t)ms * 1000000;

	while (!__atomic_load_n(&card->shared->points[point].holding, __ATOMIC_ACQUIRE)) {
		if (card_now_ns() > end)
			return -ETIMEDOUT;
		usleep(200);
	}
	return 0;
}

/* The next thread of the core with a name (NULL: any) from @dir. Return: its file @name. */
static FILE *next_thread(struct card *card, DIR *dir, const char *thread, const char *name)
{
	struct dirent *entry;
	char path[64], comm[20];

	while ((entry = readdir(dir))) {
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.10s/comm", (int)card->pid,
			 entry->d_name);
		file = fopen(path, "r");
		comm[0] = '\0';
		if (file && fgets(comm, sizeof(comm), file))
			comm[strcspn(comm, "\n")] = '\0';
		if (file)
			fclose(file);
		if (thread && strcmp(comm, thread))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.10s/%s", (int)card->pid,
			 entry->d_name, name);
		return fopen(path, "r");
	}
	return NULL;
}

static DIR *threads_of(struct card *card)
{
	char path[32];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)card->pid);
	dir = opendir(path);
	assert_non_null(dir);
	return dir;
}

static bool is_still(struct card *card)
{
	DIR *dir = threads_of(card);
	bool is_still = true;
	FILE *file;

	while ((file = next_thread(card, dir, NULL, "stat"))) {
		char what = 0;

		if (fscanf(file, "%*d (%*[^)]) %c", &what) != 1 || what != 'S')
			is_still = false;
		fclose(file);
	}
	closedir(dir);
	return is_still;
}

void card_settle(struct card *card)
{
	uint64_t end = card_now_ns() + 5000000000;

	/* twice: one may wake another that was seen before */
	while (!is_still(card) || !is_still(card)) {
		assert_true(card_now_ns() < end);
		usleep(200);
	}
}

uint64_t card_waited_ns(struct card *card)
{
	unsigned long long ran, waited = 0;
	DIR *dir = threads_of(card);
	FILE *file = next_thread(card, dir, "firmware", "schedstat");

	if (file && fscanf(file, "%llu %llu", &ran, &waited) != 2)
		waited = 0;
	if (file)
		fclose(file);
	closedir(dir);
	return waited;
}
