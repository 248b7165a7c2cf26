/* SPDX-License-Identifier: MIT */
/*
 * The firmware: what its files share. Locks, outermost first: fw.lock → sched lock → block
 * lock of a queue → event lock → locks of mem/. No fault point that may wait is passed with
 * one of them but fw.lock, and with that one only where the command itself is meant.
 */
#ifndef MARU_FW_H
#define MARU_FW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "firmware-emu/ipc.h"
#include "firmware-emu/mem/vm.h"

#define FW_VERSION		0x000100	/* major << 16 | minor << 8 | patch */

#define FW_VMS			4096	/* ids, 0 is the kernel's space */
#define FW_QUEUES		4096
#define FW_GROUPS		256
#define FW_RING_LOG2_MAX	16

/* What the firmware asks of the process around it. */
struct fw_ops {
	void (*irq_raise)(unsigned int vector);
	void (*failed)(uint32_t error, const char *text);
};

/* Boot errors, shown in STATUS 31:16. */
enum fw_error {
	FW_ERROR_MEMORY		= 1,
	FW_ERROR_ENGINES	= 2,
	FW_ERROR_THREADS	= 3,
	FW_ERROR_RINGS		= 4,	/* a base register or RING_LOG2 is wrong at ENABLE */
	FW_ERROR_INJECTED	= 5,	/* a fault point said so */
	FW_ERROR_VERSION	= 6,
};

struct vm {
	unsigned int id;
	struct span_vm *space;
	unsigned int group;		/* 0: none */
	unsigned int queues;
};

struct fw {
	struct ipc_shared *shared;
	const struct fw_ops *ops;
	int kick_fd;
	int call_fd;			/* eventfd: the core thread wants something */
	pthread_mutex_t lock;		/* protects doorbells, admin, VMs, the queue table */
	bool is_enabled;		/* rings may be read */
	struct vm *vms[FW_VMS];		/* [0] is always there */
	unsigned int vm_count;
};

extern struct fw fw;

static inline uint64_t fw_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The only order that x86 does not keep by itself: a store before a later load. */
static inline void fw_mb(void)
{
	__builtin_ia32_mfence();
}

static inline void fw_count(__u64 *counter, uint64_t more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

/** fw_kernel() - The kernel's address space. */
static inline struct span_vm *fw_kernel(void)
{
	return fw.vms[0]->space;
}

/** fw_entry_va() - Address in the kernel's space that an entry names. */
static inline uint64_t fw_entry_va(uint64_t entry)
{
	return MARU_VM0_VA((entry & MARU_PTE_TIER_MASK) >> MARU_PTE_TIER_SHIFT,
			   entry & MARU_PTE_ADDR_MASK);
}

/** fw_boot() - Make the kernel's space and write CAPS. Return: 0 or enum fw_error. */
uint32_t fw_boot(const struct ipc_hello *hello);

/** fw_caps() - Copy the capability list. Return: its bytes; no more than @bytes are copied. */
uint32_t fw_caps(void *to, uint32_t bytes);

/** fw_start() - Start the threads. Return: 0 or enum fw_error. */
uint32_t fw_start(unsigned int threads);

/** fw_enable(), fw_disable() - CTRL.ENABLE changed; done by the firmware thread soon. */
void fw_enable(void);
void fw_disable(void);

/** fw_quit() - Let what runs come to the end of its tile, at most @ms. */
void fw_quit(unsigned int ms);

/**
 * fw_poll() - Look at doorbells, admin commands and parked queues, if nobody else does.
 * Return: true when something was found.
 */
bool fw_poll(void);

/** fw_rest() - Nobody will call fw_poll() soon: submitters have to wake. As pool_client.rest. */
bool fw_rest(void);

/** fw_unmap_begin() - As span_unmap_begin(); work that stands between tiles lets go. */
void fw_unmap_begin(uint64_t iova, uint64_t bytes);

#endif
