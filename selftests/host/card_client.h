/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole card in the test: the core runs in a child process and is spoken to over ipc.h, as
 * the slot does; the test is the slot, the guest's memory and its driver in one. Nothing of the
 * slot, of QEMU or of a kernel takes part.
 *
 *	struct card *card = card_start(NULL);
 *	struct card_queue *queue = card_queue_create(card, &(struct card_queue_config){ 0 });
 *	struct maru_desc desc = { .op = MARU_DESC_NOP };
 *
 *	assert_int_equal(card_wait(queue, card_submit(queue, &desc), 1000), 0);
 *	card_stop(card);
 *
 * Functions that wait take milliseconds and return -ETIMEDOUT or -EPIPE when the core is gone.
 * Not thread-safe; one test, one card.
 */
#ifndef CARD_CLIENT_H
#define CARD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "firmware-emu/ipc.h"
#include "uapi/drm/maru_cmd.h"

#define CARD_RAM_IOVA		0x40000000ULL	/* where the guest's memory begins */
#define CARD_VECTORS		2

struct card_config {			/* 0: the default in brackets */
	uint64_t hbm_bytes;		/* 64 MiB */
	uint64_t cxl_bytes;		/* 16 MiB */
	uint64_t ram_bytes;		/* 32 MiB, one DMA window at CARD_RAM_IOVA */
	unsigned int threads;		/* 2 */
	uint32_t profile;		/* ~0 */
	unsigned int log_level;		/* 0: errors only */
	unsigned int event_log2;	/* 8 */
	bool is_cold;			/* stop before ENABLE */
	bool is_raw;			/* stop before HELLO */
};

struct card {
	struct card_config config;
	pid_t pid;			/* of the core, 0 when it is known to be gone */
	int fd;				/* to the core */
	int kick_fd;
	int memory_fd;
	int ram_fd;
	int shared_fd;
	int irq_fd[CARD_VECTORS];
	struct ipc_shared *shared;
	uint8_t *memory;		/* HBM, then CXL */
	uint8_t *ram;
	uint64_t used[MARU_TIER_COUNT];	/* of card_alloc() */
	uint32_t seq;
	bool is_ready;			/* IPC_READY came */
	uint32_t failed;		/* error of IPC_FAILED */
	uint32_t acked;			/* last IPC_ACK */
	struct maru_admin_sq *sq;
	struct maru_admin_cqe *cq;
	struct maru_event_ring *events;
	struct maru_group_page *group;
	uint64_t cq_head;
	uint64_t event_head;
	uint16_t next_id;
	uint64_t roots[16];		/* of card_vm_create(), by id */
};

struct card_queue_config {
	unsigned int id;
	unsigned int vm;		/* 0: addresses are tier << 60 | address */
	unsigned int cls;
	unsigned int priority;
	unsigned int weight;		/* 0: 100 */
	unsigned int slot;		/* 0: id + 1 */
	unsigned int ring_log2;		/* 0: 8 */
	uint32_t time_slice_us;
	uint64_t start;
};

struct card_queue {
	struct card *card;
	struct maru_ring *ring;
	struct maru_desc *descs;
	volatile struct maru_queue_block *block;
	uint64_t tail;
	uint64_t entries;
	unsigned int id;
	unsigned int slot;
};

/** card_start() - Start a core and boot it. Return: the card; the test fails otherwise. */
struct card *card_start(const struct card_config *config);

/** card_stop() - End the core, whatever it does, and free everything. */
void card_stop(struct card *card);

/** card_quit() - Ask the core to end. Return: its exit status, or -ETIMEDOUT. */
int card_quit(struct card *card, int ms);

/** card_is_alive() - Tell whether the core still runs. */
bool card_is_alive(struct card *card);

/** card_wait_dead() - Wait for the core to die. Return: the signal, 0: it exited, or < 0. */
int card_wait_dead(struct card *card, int ms);

/**
 * card_settle() - Wait until no thread of the core runs or wants to: what they were about to do
 * is done, also on a machine whose processors others have.
 */
void card_settle(struct card *card);

/** card_waited_ns() - How long the thread of the firmware had to wait for a processor so far. */
uint64_t card_waited_ns(struct card *card);

/* The steps of card_start(), for tests that stop between them. */
int card_hello(struct card *card);
int card_wait_ready(struct card *card, int ms);
void card_enable(struct card *card);
void card_disable(struct card *card);

/** card_alloc() - Take zeroed pages of a tier, for good. Return: address inside the tier. */
uint64_t card_alloc(struct card *card, unsigned int tier, uint64_t bytes);

/** card_ptr() - The test's own pointer to a byte of a tier. */
void *card_ptr(struct card *card, unsigned int tier, uint64_t addr);

/** card_kick() - Ring a doorbell of group 0; wakes the core when it sleeps. */
void card_kick(struct card *card, unsigned int slot);

/** card_admin() - Do a command. Return: its status, or < 0; @cqe (or NULL) is filled. */
int card_admin(struct card *card, struct maru_admin_sqe *sqe, struct maru_admin_cqe *cqe);

/** card_admin_submit() - Begin a command. Return: its id. */
uint16_t card_admin_submit(struct card *card, struct maru_admin_sqe *sqe);

/** card_admin_next() - Wait for the next completion, of whatever command. */
int card_admin_next(struct card *card, struct maru_admin_cqe *cqe, int ms);

/** card_event() - Wait for the next event. */
int card_event(struct card *card, struct maru_event *event, int ms);

/** card_vm_create() - Make a VM without mappings and its root table. Return: as card_admin(). */
int card_vm_create(struct card *card, unsigned int vm, unsigned int group, uint64_t group_page);

/**
 * card_map() - Write page-table entries; 2 MiB leaves where everything is aligned to them.
 * @flags: MARU_PTE_READ and MARU_PTE_WRITE; 0: unmap. No INVALIDATE is sent.
 */
void card_map(struct card *card, unsigned int vm, uint64_t va, unsigned int tier, uint64_t addr,
	      uint64_t bytes, uint64_t flags);

/** card_pte() - The level 0 entry of an address, its tables made when missing. */
uint64_t *card_pte(struct card *card, unsigned int vm, uint64_t va);

/** card_invalidate() - INVALIDATE. @bytes 0: all. Return: as card_admin(). */
int card_invalidate(struct card *card, unsigned int vm, uint64_t va, uint64_t bytes);

/** card_queue_create() - Make a queue with ring and block in the guest's memory. */
struct card_queue *card_queue_create(struct card *card, const struct card_queue_config *config);

/** card_queue_destroy() - QUEUE_DESTROY; frees @queue. Return: as card_admin(). */
int card_queue_destroy(struct card_queue *queue);

/** card_queue_reset() - QUEUE_RESET. Return: as card_admin(). */
int card_queue_reset(struct card_queue *queue, unsigned int mode);

/** card_submit() - Put a descriptor in the ring and ring the doorbell. Return: tail after it. */
uint64_t card_submit(struct card_queue *queue, const struct maru_desc *desc);

/** card_put() - As card_submit(), without the doorbell. */
uint64_t card_put(struct card_queue *queue, const struct maru_desc *desc);

/** card_wait() - Wait until done ≥ @done. Return: 0, -EIO when the queue halted, or < 0. */
int card_wait(struct card_queue *queue, uint64_t done, int ms);

/** card_wait_u64() - Wait until a word of memory is ≥ @value. */
int card_wait_u64(struct card *card, const volatile void *word, uint64_t value, int ms);

/**
 * card_run() - Run one command buffer of packets and wait.
 * @packets: copied to the guest's memory, which a queue of VM 0 sees
 */
int card_run(struct card_queue *queue, const void *packets, uint32_t bytes, int ms);

/** card_map_window() - Add a DMA window over @bytes of a file. */
void card_map_window(struct card *card, uint64_t iova, uint64_t bytes, int fd, uint64_t offset,
		     bool is_writable);

/** card_unmap_window() - Remove one. Return: 0 when acknowledged, or < 0. */
int card_unmap_window(struct card *card, uint64_t iova, uint64_t bytes, int ms);

/** card_unmap_begin() - As above without the wait; card_wait_ack() does that. */
uint32_t card_unmap_begin(struct card *card, uint64_t iova, uint64_t bytes);
int card_wait_ack(struct card *card, uint32_t seq, int ms);

/** card_arm() - Arm a fault point. card_disarm() ends that, card_release() a HOLD. */
void card_arm(struct card *card, enum ipc_point point, enum ipc_action action, uint32_t skip);
void card_disarm(struct card *card, enum ipc_point point);
void card_release(struct card *card, enum ipc_point point);

/** card_wait_holding() - Wait until a thread is held at a point. */
int card_wait_holding(struct card *card, enum ipc_point point, int ms);

/** card_now_ns() - The card's clock. */
uint64_t card_now_ns(void);

#endif
