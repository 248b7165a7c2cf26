// SPDX-License-Identifier: MIT
/* From a socket to a card that takes commands. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "direct.h"

#define BOOT_MS		12000		/* the card itself gives up after 10 s */
#define CONFIG_REVISION	8
#define OPS_BYTES	0x10000u

static uint64_t reg_read(struct direct *direct, uint64_t offset, uint32_t bytes, int *error)
{
	uint64_t value = 0;

	if (!*error)
		*error = client_read(&direct->client, MARU_BAR_REGS, offset, &value, bytes);
	return value;
}

static void reg_write(struct direct *direct, uint64_t offset, uint64_t value, uint32_t bytes,
		      int *error)
{
	if (!*error)
		*error = client_write(&direct->client, MARU_BAR_REGS, offset, value, bytes);
}

static int attach_memory(struct direct *direct)
{
	struct vfu_region_info info = { .argsz = sizeof(info), .index = MARU_BAR_MEMORY };
	struct direct_files files = { .got = -1 };
	int error = client_call(&direct->client, VFU_GET_REGION_INFO, &info, sizeof(info), &info,
				sizeof(info), &files);
	struct stat file;
	void *at;

	if (error)
		return error;
	direct->memory_fd = files.got;
	if (files.got < 0 || !(info.flags & VFU_REGION_MMAP) || info.offset || !info.bytes)
		return -EPROTO;
	/* Else whoever has the file could take memory away under our feet. */
	if (fstat(files.got, &file) || (uint64_t)file.st_size < info.bytes ||
	    !(fcntl(files.got, F_GET_SEALS) & F_SEAL_SHRINK))
		return -EPROTO;
	at = mmap(NULL, info.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, files.got, 0);
	if (at == MAP_FAILED)
		return -errno;
	direct->memory = at;
	direct->memory_bytes = info.bytes;
	return 0;
}

static int attach_vectors(struct direct *direct)
{
	const struct vfu_irq_set set = {
		.argsz = sizeof(set), .flags = VFU_IRQ_EVENTFD | VFU_IRQ_TRIGGER,
		.index = VFU_IRQ_MSIX, .count = DIRECT_VECTORS,
	};
	struct direct_files files = { .send = direct->vector_fds, .send_count = DIRECT_VECTORS };

	for (int i = 0; i < DIRECT_VECTORS; i++) {
		direct->vector_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (direct->vector_fds[i] < 0)
			return -errno;
	}
	return client_call(&direct->client, VFU_SET_IRQS, &set, sizeof(set), NULL, 0, &files);
}

/* One sparse file: as large as the machine's memory, and costs what is used of it. */
static int attach_host(struct direct *direct)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	struct vfu_dma_map map = {
		.argsz = sizeof(map), .flags = VFU_DMA_READ | VFU_DMA_WRITE,
		.iova = DIRECT_HOST_IOVA,
	};
	struct direct_files files = { .send = &direct->host_fd, .send_count = 1 };
	void *at;

	bytes &= ~(uint64_t)(MARU_BLOCK_BYTES - 1);
	map.bytes = bytes > DIRECT_HOST_MAX ? DIRECT_HOST_MAX : bytes;
	direct->host_fd = memfd_create("accel-host", MFD_CLOEXEC);
	if (direct->host_fd < 0 || ftruncate(direct->host_fd, (off_t)map.bytes))
		return -errno;
	at = mmap(NULL, map.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, direct->host_fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	direct->host = at;
	direct->host_bytes = map.bytes;
	return client_call(&direct->client, VFU_DMA_MAP, &map, sizeof(map), NULL, 0, &files);
}

int boot_attach(struct direct *direct)
{
	struct vfu_info info = { .argsz = sizeof(info) };
	uint32_t revision = 0;
	int error = client_call(&direct->client, VFU_GET_INFO, &info, sizeof(info), &info,
				sizeof(info), NULL);

	if (!error && (info.regions <= VFU_REGION_CONFIG || info.irqs <= VFU_IRQ_MSIX))
		error = -EPROTO;
	if (!error)
		error = client_read(&direct->client, VFU_REGION_CONFIG, 0, &direct->identity, 4);
	if (!error)
		error = client_read(&direct->client, VFU_REGION_CONFIG, CONFIG_REVISION,
				    &revision, 4);
	direct->revision = revision & 0xff;
	if (!error && direct->identity != (MARU_PCI_VENDOR | MARU_PCI_DEVICE << 16))
		error = -ENODEV;
	if (!error)
		error = attach_memory(direct);
	if (!error)
		error = attach_vectors(direct);
	return error ? error : attach_host(direct);
}

int boot_wait(struct direct *direct)
{
	int64_t end = direct_now_ns() + BOOT_MS * 1000000ll;
	struct pollfd poller = { .fd = direct->vector_fds[MARU_VECTOR_EVENT], .events = POLLIN };
	uint64_t count;
	int error = 0;

	for (;;) {
		switch (reg_read(direct, MARU_REG_STATUS, 4, &error) & 0xffff) {
		case MARU_STATUS_READY:
			direct->boot_id = (uint32_t)reg_read(direct, MARU_REG_BOOT_ID, 4, &error);
			if (reg_read(direct, MARU_REG_MAGIC, 4, &error) != MARU_MAGIC && !error)
				error = -ENODEV;
			return error;
		case MARU_STATUS_CRASHED:
		case MARU_STATUS_FAILED:
			return error ? error : -EIO;
		}
		if (error)
			return error;
		if (direct_now_ns() > end)
			return -EIO;
		/* Raised when it is READY, but a read is what counts. */
		if (poll(&poller, 1, 5) > 0 && read(poller.fd, &count, sizeof(count)) < 0)
			continue;
	}
}

int boot_caps(struct direct *direct)
{
	uint64_t list[MARU_REG_CAPS_BYTES / 8];
	uint32_t bytes, contract;
	int error = 0;

	contract = (uint32_t)reg_read(direct, MARU_REG_CONTRACT, 4, &error);
	bytes = (uint32_t)reg_read(direct, MARU_REG_CAPS_LEN, 4, &error);
	if (error)
		return error;
	if (contract >> 16 != MARU_CONTRACT_MAJOR || !bytes || bytes > MARU_REG_CAPS_BYTES)
		return -EPROTO;
	for (uint32_t at = 0; at < bytes; at += 8)
		list[at / 8] = reg_read(direct, MARU_REG_CAPS + at, 8, &error);
	return error ? error : direct_caps_parse(&direct->caps, list, bytes, direct->memory_bytes);
}

void *direct_host_alloc(struct direct *direct, uint64_t bytes)
{
	uint64_t at;

	if (heap_alloc(&direct->heaps[MARU_TIER_HOST], bytes, &at))
		return NULL;
	return direct->host + at;
}

/* Rings, words of timelines, and the tables that show the words to the card. */
int boot_rings(struct direct *direct)
{
	uint64_t words = (uint64_t)DIRECT_WORDS * DIRECT_WORD_BYTES;
	int error;

	for (int tier = 0; tier < 2; tier++) {
		const struct maru_cap_tier *cap = &direct->caps.tiers[tier];

		error = heap_init(&direct->heaps[tier], direct->memory + cap->bar_offset,
				  cap->bytes, direct->memory_fd, cap->bar_offset);
		if (error)
			return error;
	}
	error = heap_init(&direct->heaps[MARU_TIER_HOST], direct->host, direct->host_bytes,
			  direct->host_fd, 0);
	if (error)
		return error;
	direct->words = direct_host_alloc(direct, words);
	direct->sq = direct_host_alloc(direct, sizeof(*direct->sq) +
				(sizeof(struct maru_admin_sqe) << DIRECT_ADMIN_LOG2));
	direct->cq = direct_host_alloc(direct, sizeof(*direct->cq) << DIRECT_ADMIN_LOG2);
	direct->events = direct_host_alloc(direct, sizeof(*direct->events) +
				    (sizeof(struct maru_event) << DIRECT_EVENT_LOG2));
	direct->group = direct_host_alloc(direct, sizeof(*direct->group));
	direct->answer = direct_host_alloc(direct, OPS_BYTES);
	direct->timelines = calloc(DIRECT_WORDS, sizeof(*direct->timelines));
	if (!direct->words || !direct->sq || !direct->cq || !direct->events || !direct->group ||
	    !direct->answer || !direct->timelines)
		return -ENOMEM;
	error = pt_init(direct);
	if (error)
		return error;
	return pt_map(direct, DIRECT_WORDS_VA, MARU_TIER_HOST,
		      (uint64_t)(direct->words - direct->host) + DIRECT_HOST_IOVA, words);
}

int boot_enable(struct direct *direct)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_VM_CREATE };
	int error = 0;

	memset(direct->sq, 0, sizeof(*direct->sq));
	memset(direct->cq, 0, sizeof(*direct->cq) << DIRECT_ADMIN_LOG2);
	memset(direct->events, 0, sizeof(*direct->events) +
	       (sizeof(struct maru_event) << DIRECT_EVENT_LOG2));
	memset(direct->group, 0, sizeof(*direct->group));
	direct->admin_tail = 0;
	reg_write(direct, MARU_REG_ADMIN_SQ, direct_entry(direct, direct->sq), 8, &error);
	reg_write(direct, MARU_REG_ADMIN_CQ, direct_entry(direct, direct->cq), 8, &error);
	reg_write(direct, MARU_REG_EVENT, direct_entry(direct, direct->events), 8, &error);
	reg_write(direct, MARU_REG_GROUP0, direct_entry(direct, direct->group), 8, &error);
	reg_write(direct, MARU_REG_RING_LOG2, DIRECT_ADMIN_LOG2 | DIRECT_ADMIN_LOG2 << 8 |
		  DIRECT_EVENT_LOG2 << 16, 4, &error);
	reg_write(direct, MARU_REG_CTRL, MARU_CTRL_ENABLE, 4, &error);
	if (error)
		return error;
	sqe.vm.vm = DIRECT_VM;
	sqe.vm.root = MARU_ENTRY(MARU_TIER_HBM, direct->root) & ~MARU_PTE_LEAF;
	return admin_once(direct, &sqe, NULL);
}

int boot_reset(struct direct *direct)
{
	int64_t end = direct_now_ns() + 1000000000ll;
	uint32_t old = direct->boot_id;
	int error = 0;

	reg_write(direct, MARU_REG_CTRL, MARU_CTRL_RESET, 4, &error);
	while (!error && reg_read(direct, MARU_REG_BOOT_ID, 4, &error) == old &&
	       direct_now_ns() < end)
		poll(NULL, 0, 1);
	return error ? error : boot_wait(direct);
}

int boot_ops(struct direct *direct)
{
	direct->ops = malloc(OPS_BYTES);
	if (!direct->ops)
		return -ENOMEM;
	return direct_admin_ask(direct, MARU_ADMIN_IDENTIFY, 1, direct->ops, OPS_BYTES,
				&direct->ops_bytes);
}
