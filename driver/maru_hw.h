/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The contract between the kernel and the card: PCI identity, registers, admin queue, event
 * ring, queue blocks and page-table entries. Included by the driver, the card and the direct
 * way of libaccel; nothing of it is written a second time. docs/card.md is the prose to it.
 *
 * Plain numbers and fixed-size types only, so that it compiles in user space, as C and as C++.
 * All words are little-endian and naturally aligned. Every word has one writer, named below.
 */
#ifndef MARU_HW_H
#define MARU_HW_H

#include <linux/types.h>

#ifdef __cplusplus
#define MARU_HW_ASSERT(expr, text) static_assert(expr, text)
#else
#define MARU_HW_ASSERT(expr, text) _Static_assert(expr, text)
#endif

/* ---- PCI ---------------------------------------------------------------------------- */

#define MARU_PCI_VENDOR			0x1234	/* not registered, as QEMU's own edu device */
#define MARU_PCI_DEVICE			0x4d52
#define MARU_PCI_CLASS			0x120000 /* processing accelerator */

#define MARU_BAR_REGS			0	/* 64 KiB, trapped */
#define MARU_BAR_MEMORY			2	/* device memory: HBM at 0, CXL behind it */
#define MARU_BAR_WAKE			4	/* 1 MiB, trapped: a wake page per doorbell group */

#define MARU_REGS_BYTES			0x10000
#define MARU_WAKE_BYTES			0x100000
#define MARU_MSIX_TABLE			0x8000	/* in BAR 0 */
#define MARU_MSIX_PBA			0xc000	/* in BAR 0 */
#define MARU_MSIX_VECTORS		16

#define MARU_VECTOR_EVENT		0	/* event ring, STATUS changes */
#define MARU_VECTOR_ADMIN		1	/* admin completions */

/* ---- Registers: BAR 0, accesses of 4 or 8 bytes, holes read 0 ------------------------ */

#define MARU_REG_MAGIC			0x000	/* RO32; all ones: the card is gone */
#define MARU_REG_CONTRACT		0x004	/* RO32 major << 16 | minor */
#define MARU_REG_STATUS			0x008	/* RO32 15:0 enum maru_status, 31:16 boot error */
#define MARU_REG_BOOT_ID		0x00c	/* RO32 +1 with each core */
#define MARU_REG_CTRL			0x010	/* RW32 MARU_CTRL_* */
#define MARU_REG_CAPS_LEN		0x018	/* RO32 valid bytes at MARU_REG_CAPS */
#define MARU_REG_ADMIN_SQ		0x020	/* RW64 entry: struct maru_admin_sq */
#define MARU_REG_ADMIN_CQ		0x028	/* RW64 entry: struct maru_admin_cqe[] */
#define MARU_REG_EVENT			0x030	/* RW64 entry: struct maru_event_ring */
#define MARU_REG_RING_LOG2		0x038	/* RW32 log2 entries: 7:0 SQ, 15:8 CQ, 23:16 events */
#define MARU_REG_GROUP0			0x040	/* RW64 entry: struct maru_group_page of the kernel */
#define MARU_REG_DMA_ERR		0x048	/* RO64 first address without window since ENABLE */
#define MARU_REG_CAPS			0x1000	/* RO, TLV list, struct maru_cap_head */
#define MARU_REG_CAPS_BYTES		0x1000

#define MARU_MAGIC			0x5552414d /* "MARU" */
#define MARU_CONTRACT_MAJOR		1
#define MARU_CONTRACT_MINOR		0

#define MARU_CTRL_ENABLE		0x1	/* rings are valid; the core reads nothing before */
#define MARU_CTRL_RESET			0x2	/* self-clearing: replace the core */

#define MARU_RING_LOG2_MIN		6	/* admin and event rings */
#define MARU_RING_LOG2_MAX		12

enum maru_status {
	MARU_STATUS_OFF			= 0,
	MARU_STATUS_BOOTING		= 1,
	MARU_STATUS_READY		= 2,
	MARU_STATUS_CRASHED		= 3,
	MARU_STATUS_RESETTING		= 4,
	MARU_STATUS_FAILED		= 5,	/* the core could not be started; see boot error */
};

/* ---- Capabilities: TLVs, each padded to 8 bytes --------------------------------------- */

enum maru_cap {
	MARU_CAP_END			= 0,
	MARU_CAP_TIER			= 1,	/* struct maru_cap_tier, one for each tier */
	MARU_CAP_ENGINES		= 2,	/* struct maru_cap_engines */
	MARU_CAP_LIMITS			= 3,	/* struct maru_cap_limits */
	MARU_CAP_NUMERICS		= 4,	/* struct maru_cap_numerics */
	MARU_CAP_FIRMWARE		= 5,	/* struct maru_cap_firmware */
	MARU_CAP_CLOCK			= 6,	/* struct maru_cap_clock */
	MARU_CAP_UUID			= 7,	/* __u8[16] */
};

struct maru_cap_head {
	__u16 type;
	__u16 bytes;			/* of the payload, without this head and the padding */
	__u32 mbz;
};

enum maru_tier {
	MARU_TIER_HBM			= 0,
	MARU_TIER_CXL			= 1,
	MARU_TIER_HOST			= 2,	/* address: guest-physical, through a DMA window */
	MARU_TIER_COUNT			= 3,
};

struct maru_cap_tier {
	__u32 tier;
	__u32 mbz;
	__u64 bytes;
	__u64 bar_offset;		/* in BAR 2 */
};

#define MARU_CLASS_COMPUTE		0
#define MARU_CLASS_COPY			1
#define MARU_CLASS_STORAGE		2
#define MARU_CLASS_COUNT		3

struct maru_cap_engines {
	__u32 classes;			/* bit = MARU_CLASS_* */
	__u32 threads;			/* engine threads behind all classes */
	__u32 units;			/* bit = MARU_UNIT_* of maru_cmd.h */
	__u32 mbz;
};

struct maru_cap_limits {
	__u32 vms;			/* ids 1 … vms */
	__u32 queues;			/* ids 0 … queues - 1 */
	__u32 groups;			/* ids 0 … groups - 1, 0 is the kernel's */
	__u32 ring_log2;		/* largest queue ring */
	__u32 command_bytes;		/* largest command buffer */
	__u32 va_bits;
	__u32 timeout_scale;		/* multiply fixed time limits by this */
	__u32 mbz;
};

struct maru_cap_numerics {
	__u32 profile;			/* 7:0 ISA level, 31:8 revision */
	__u32 mbz;
	char library[56];		/* NUL-terminated */
};

struct maru_cap_firmware {
	__u32 version;			/* major << 16 | minor << 8 | patch */
	__u32 mbz;
	char build[56];			/* NUL-terminated */
};

struct maru_cap_clock {
	__u64 card_hz;			/* of card timestamps */
	__u64 model_hz;			/* 0: time and energy are not modelled */
};

/* ---- Entries: page tables, roots, ring and buffer addresses --------------------------- */

#define MARU_PTE_VALID			(1ULL << 0)
#define MARU_PTE_READ			(1ULL << 1)
#define MARU_PTE_WRITE			(1ULL << 2)
#define MARU_PTE_LEAF			(1ULL << 3)
#define MARU_PTE_TIER_SHIFT		4
#define MARU_PTE_TIER_MASK		(3ULL << MARU_PTE_TIER_SHIFT)
#define MARU_PTE_SW_MASK		(7ULL << 9)	/* ignored by the card */
#define MARU_PTE_ADDR_MASK		0x00fffffffffff000ULL
#define MARU_PTE_MBZ_MASK		(~(MARU_PTE_ADDR_MASK | MARU_PTE_SW_MASK | 0x3fULL))

#define MARU_ENTRY(tier, addr) \
	(MARU_PTE_VALID | MARU_PTE_READ | MARU_PTE_WRITE | MARU_PTE_LEAF | \
	 ((__u64)(tier) << MARU_PTE_TIER_SHIFT) | ((addr) & MARU_PTE_ADDR_MASK))

/*
 * Four levels of 512 entries under a 48-bit VA: level 3 is the root. Leaves at level 0
 * (4 KiB) and level 1 (2 MiB, address aligned to it). A table is one 4 KiB page; an entry
 * that points to a table has LEAF clear, READ and WRITE set, and a tier that is not host.
 */
#define MARU_VA_BITS			48
#define MARU_PT_LEVELS			4
#define MARU_PT_ENTRIES			512
#define MARU_PAGE_SHIFT			12
#define MARU_PAGE_BYTES			4096
#define MARU_BLOCK_SHIFT		21
#define MARU_BLOCK_BYTES		(1 << 21)

/* VM 0 is the kernel's: no page table, va = tier << 60 | address inside the tier. */
#define MARU_VM0_TIER_SHIFT		60
#define MARU_VM0_VA(tier, addr)		(((__u64)(tier) << MARU_VM0_TIER_SHIFT) | (addr))

/* ---- Doorbell groups ------------------------------------------------------------------ */

#define MARU_GROUP_SLOTS		2048

/*
 * One page of system memory a group. Submitter: descriptors, tail, kick[slot] = 1, mb(),
 * need_wake? one 4-byte store to the group's page of BAR 4. Core: sees kick, kick = 0, mb(),
 * reads tail; before it sleeps: need_wake = 1, mb(), scans the kicks once more.
 */
struct maru_group_page {
	__u8 kick[MARU_GROUP_SLOTS];	/* submitter stores 1, core stores 0 */
	__u32 need_wake;		/* core */
	__u8 mbz[2044];
};

#define MARU_SLOT_ADMIN			0	/* of group 0 */

/* ---- Admin queue ---------------------------------------------------------------------- */

enum maru_admin_op {
	MARU_ADMIN_NOP			= 0,
	MARU_ADMIN_IDENTIFY		= 1,
	MARU_ADMIN_VM_CREATE		= 2,
	MARU_ADMIN_VM_DESTROY		= 3,
	MARU_ADMIN_INVALIDATE		= 4,
	MARU_ADMIN_QUEUE_CREATE		= 5,
	MARU_ADMIN_QUEUE_DESTROY	= 6,
	MARU_ADMIN_QUEUE_SET		= 7,
	MARU_ADMIN_QUEUE_RESET		= 8,
	MARU_ADMIN_SUSPEND_VM		= 9,	/* 9 … 13, 15 … 18: kept, answered UNSUPPORTED */
	MARU_ADMIN_RESUME_VM		= 10,
	MARU_ADMIN_SUSPEND_ALL		= 11,
	MARU_ADMIN_RESUME_ALL		= 12,
	MARU_ADMIN_SCHED_GROUP		= 13,
	MARU_ADMIN_TELEMETRY		= 14,
	MARU_ADMIN_HEAT			= 15,
	MARU_ADMIN_SET_SHARES		= 16,
	MARU_ADMIN_STORAGE_ID		= 17,
	MARU_ADMIN_STORAGE_FLUSH	= 18,
	MARU_ADMIN_POWER		= 19,
	MARU_ADMIN_CLOCK		= 20,	/* value[0] card ns, value[1] model ns */
	MARU_ADMIN_DUMP			= 21,
};

enum maru_admin_status {
	MARU_ADMIN_OK			= 0,
	MARU_ADMIN_UNSUPPORTED		= 1,
	MARU_ADMIN_INVALID		= 2,	/* value[0]: byte of the command that is wrong */
	MARU_ADMIN_EXISTS		= 3,
	MARU_ADMIN_NOT_FOUND		= 4,
	MARU_ADMIN_BUSY			= 5,
	MARU_ADMIN_NO_SPACE		= 6,
	MARU_ADMIN_FAULT		= 7,	/* an address is not reachable: value[0] */
	MARU_ADMIN_TIMEOUT		= 8,
	MARU_ADMIN_INTERNAL		= 9,
};

/* What a caller gets: X(status, errno); EIO for a status that is not there. */
#define MARU_ADMIN_ERRNOS(X) \
	X(OK, 0) \
	X(UNSUPPORTED, EOPNOTSUPP) \
	X(INVALID, EINVAL) \
	X(EXISTS, EEXIST) \
	X(NOT_FOUND, ENOENT) \
	X(BUSY, EBUSY) \
	X(NO_SPACE, ENOSPC) \
	X(FAULT, EFAULT) \
	X(TIMEOUT, ETIME) \
	X(INTERNAL, EIO)

struct maru_admin_vm {			/* VM_CREATE, VM_DESTROY (vm only) */
	__u16 vm;			/* 1 … 4095 */
	__u16 group;			/* doorbell group of its user queues, 0: none */
	__u32 mbz;
	__u64 root;			/* entry of the level 3 table, LEAF clear */
	__u64 group_page;		/* entry, 0 when group is 0 */
	__u64 mbz2[4];
};

struct maru_admin_invalidate {
	__u16 vm;
	__u16 mbz[3];
	__u64 va;			/* 4 KiB aligned */
	__u64 bytes;			/* 4 KiB multiple, 0: all */
	__u64 mbz2[4];
};

#define MARU_QUEUE_USER			0x1	/* ring is a va of the VM, slot of the VM's group */
#define MARU_QUEUE_WRITE		0x2	/* storage only */

#define MARU_PRIORITY_LOW		0
#define MARU_PRIORITY_NORMAL		1
#define MARU_PRIORITY_HIGH		2
#define MARU_PRIORITY_REALTIME		3

struct maru_admin_queue {		/* QUEUE_CREATE, QUEUE_DESTROY (queue only) */
	__u16 queue;
	__u16 vm;			/* 0: the kernel's */
	__u8 cls;			/* MARU_CLASS_* */
	__u8 priority;			/* MARU_PRIORITY_* */
	__u16 weight;			/* 1 … 1000, 100 is usual */
	__u16 sched_group;
	__u16 slot;			/* in group 0, or in the VM's group with USER */
	__u8 ring_log2;			/* 6 … 16 */
	__u8 flags;			/* MARU_QUEUE_* */
	__u16 mbz;
	__u32 time_slice_us;		/* 0: the card's own */
	__u32 ns;			/* storage namespace */
	__u64 ring;			/* struct maru_ring: entry, or va with USER */
	__u64 block;			/* entry, struct maru_queue_block at start of that page + block_offset */
	__u32 block_offset;		/* multiple of 256 in the page */
	__u32 mbz2;
	__u64 start;			/* first ring index to fetch */
};

enum maru_queue_property {
	MARU_PROPERTY_PRIORITY		= 0,
	MARU_PROPERTY_WEIGHT		= 1,
	MARU_PROPERTY_TIME_SLICE	= 2,	/* µs */
	MARU_PROPERTY_IRQ_US		= 3,
};

struct maru_admin_queue_set {
	__u16 queue;
	__u16 mbz;
	__u32 property;
	__u64 value;
	__u64 mbz2[5];
};

#define MARU_RESET_CANCEL		0	/* current descriptor ends CANCELLED, queue goes on */
#define MARU_RESET_DROP			1	/* all up to tail end CANCELLED, queue is idle after */

struct maru_admin_queue_reset {
	__u16 queue;
	__u16 mode;			/* MARU_RESET_* */
	__u32 mbz;
	__u64 mbz2[6];
};

struct maru_admin_buffer {		/* IDENTIFY, TELEMETRY, DUMP: value[0] = bytes written */
	__u32 page;			/* IDENTIFY: 0 capabilities, 1 operations; DUMP: queue or ~0 */
	__u32 bytes;			/* of the buffer, ≤ 64 KiB, contiguous in its tier */
	__u64 buffer;			/* entry */
	__u64 mbz2[5];
};

struct maru_admin_sqe {
	__u16 op;			/* enum maru_admin_op */
	__u16 id;			/* echoed */
	__u32 flags;			/* MBZ */
	union {
		__u8 bytes[56];
		struct maru_admin_vm vm;
		struct maru_admin_invalidate invalidate;
		struct maru_admin_queue queue;
		struct maru_admin_queue_set queue_set;
		struct maru_admin_queue_reset queue_reset;
		struct maru_admin_buffer buffer;
	};
};

struct maru_admin_cqe {
	__u16 id;
	__u16 status;			/* enum maru_admin_status */
	__u32 phase;			/* 1 in the first lap, 0 in the second, …; stored last */
	__u64 value[2];
	__u64 mbz;
};

/*
 * Commands are completed in any order but keep their order per object. Never more commands
 * under way than completion entries; the completion ring is at least as large.
 */
struct maru_admin_sq {
	__u64 tail;			/* driver: free-running index */
	__u64 mbz[7];
	__u64 head;			/* core: free-running, fetched up to here */
	__u64 mbz2[503];
	struct maru_admin_sqe sqe[];
};

/* ---- Events --------------------------------------------------------------------------- */

enum maru_event_type {
	MARU_EVENT_FENCE		= 1,	/* queue; value: done */
	MARU_EVENT_QUEUE_ERROR		= 2,	/* queue; info: error word; value: job; va: packet offset */
	MARU_EVENT_MMU_FAULT		= 3,	/* queue; info: kind << 16 | vm; va */
	MARU_EVENT_HANG			= 4,
	MARU_EVENT_RAS			= 5,
	MARU_EVENT_FIRMWARE		= 6,	/* info: code; a message stands in the card's log */
	MARU_EVENT_THERMAL		= 7,
	MARU_EVENT_STORAGE		= 8,
};

#define MARU_FAULT_READ			0	/* no READ permission, or unmapped for a read */
#define MARU_FAULT_WRITE		1
#define MARU_FAULT_PTE			2	/* MBZ bit, bad tier, address beyond the tier */
#define MARU_FAULT_WINDOW		3	/* host address without DMA window */

struct maru_event {
	__u16 type;
	__u16 queue;
	__u32 info;
	__u64 value;
	__u64 va;
	__u32 seq;			/* number of the event, from 0 */
	__u32 phase;			/* as in maru_admin_cqe; stored last */
};

/*
 * Nothing lives in an event only: queue blocks hold the truth. The card never waits for the
 * driver: without room it counts overflow and drops.
 */
struct maru_event_ring {
	__u64 consumer;			/* driver: free-running */
	__u32 irq_on;			/* driver stores 1 when drained, core 0 before it raises */
	__u32 mbz0;
	__u64 mbz1[6];
	__u64 producer;			/* core: free-running */
	__u32 overflow;			/* core: events dropped */
	__u32 tick;			/* core: ≥ 4 Hz while work is pending */
	__u64 mbz2[502];
	struct maru_event event[];
};

/* ---- Queues --------------------------------------------------------------------------- */

/* Ring of a queue: descriptors (maru_cmd.h) behind a header page. Indices run freely. */
struct maru_ring {
	__u64 tail;			/* submitter */
	__u64 mbz[7];
	__u64 head;			/* core: descriptors done */
	__u32 status;			/* core: enum maru_queue_status */
	__u32 error;			/* core: error word of maru_cmd.h */
	__u64 mbz2[502];
};

enum maru_queue_status {
	MARU_QUEUE_OK			= 0,
	MARU_QUEUE_HALTED		= 1,	/* by an error; nothing runs until it is destroyed */
};

/* Owned by the kernel; all but the last line is written by the core. */
struct maru_queue_block {
	__u64 done;			/* descriptors finished: index of the first unfinished */
	__u64 started;			/* descriptors begun: done or done + 1 */
	__u64 fence;			/* last value signalled */
	__u64 active_ns;		/* card time of work, WAIT at the head included */
	__u64 packet;			/* packets finished, over all jobs */
	__u64 tile;			/* tiles finished: progress inside a packet */
	__u64 job;			/* of the descriptor that runs, or that failed */
	__u32 status;			/* enum maru_queue_status */
	__u32 resets;			/* QUEUE_RESET served */

	__u32 error;			/* error word of maru_cmd.h */
	__u32 packet_offset;		/* bytes from the start of the command buffer */
	__u32 tag;			/* of the packet that failed */
	__u32 mbz0;
	__u64 error_value;
	__u64 error_va;
	__u64 model_ns;
	__u64 bytes[3];			/* moved per tier: HBM, CXL, host */

	__u64 storage_bytes;
	__u64 picojoule;
	__u64 mbz1[6];

	__u32 irq_arm;			/* kernel: raise FENCE at each SIGNAL */
	__u32 mbz2[15];
};

/* ---- Telemetry ------------------------------------------------------------------------ */

struct maru_telemetry {
	__u64 card_ns;
	__u64 model_ns;
	__u64 jobs;
	__u64 packets;
	__u64 faults;
	__u64 errors;
	__u64 queue_resets;
	__u64 wakes;			/* trapped doorbells taken */
	__u64 busy_ns[4];		/* per class: COMPUTE, COPY, STORAGE, – */
	__u64 read_bytes[4];		/* per tier: HBM, CXL, host, storage */
	__u64 write_bytes[4];
	__u64 millidegree;		/* 0: not modelled */
	__u64 microwatt;
	__u64 microjoule;
	__u64 mbz[9];
};

MARU_HW_ASSERT(sizeof(struct maru_cap_head) == 8, "cap head");
MARU_HW_ASSERT(sizeof(struct maru_cap_tier) == 24, "cap tier");
MARU_HW_ASSERT(sizeof(struct maru_cap_limits) == 32, "cap limits");
MARU_HW_ASSERT(sizeof(struct maru_cap_numerics) == 64, "cap numerics");
MARU_HW_ASSERT(sizeof(struct maru_cap_firmware) == 64, "cap firmware");
MARU_HW_ASSERT(sizeof(struct maru_group_page) == 4096, "group page");
MARU_HW_ASSERT(sizeof(struct maru_admin_vm) == 56, "admin vm");
MARU_HW_ASSERT(sizeof(struct maru_admin_invalidate) == 56, "admin invalidate");
MARU_HW_ASSERT(sizeof(struct maru_admin_queue) == 56, "admin queue");
MARU_HW_ASSERT(sizeof(struct maru_admin_queue_set) == 56, "admin queue set");
MARU_HW_ASSERT(sizeof(struct maru_admin_queue_reset) == 56, "admin queue reset");
MARU_HW_ASSERT(sizeof(struct maru_admin_buffer) == 56, "admin buffer");
MARU_HW_ASSERT(sizeof(struct maru_admin_sqe) == 64, "admin command");
MARU_HW_ASSERT(sizeof(struct maru_admin_cqe) == 32, "admin completion");
MARU_HW_ASSERT(sizeof(struct maru_admin_sq) == 4096, "admin queue header");
MARU_HW_ASSERT(sizeof(struct maru_event) == 32, "event");
MARU_HW_ASSERT(sizeof(struct maru_event_ring) == 4096, "event ring header");
MARU_HW_ASSERT(sizeof(struct maru_ring) == 4096, "ring header");
MARU_HW_ASSERT(sizeof(struct maru_queue_block) == 256, "queue block");
MARU_HW_ASSERT(sizeof(struct maru_telemetry) == 256, "telemetry");

#endif
