/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
#ifndef _UAPI_DRM_MARU_ACCEL_H_
#define _UAPI_DRM_MARU_ACCEL_H_

#include <drm/drm.h>

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: MARU uAPI
 *
 * Rules that hold for every ioctl:
 *
 * - Structs have no holes, a size that is a multiple of 8, 64-bit fields at multiples of 8, and
 *   the same layout for 32-bit programs.
 * - Fields named mbz, bits that are not listed, and on entry the [OUT] field that names what a
 *   call makes (handle, id, offset), must be zero: else -EINVAL. So they can get a meaning later,
 *   in which zero keeps today's behaviour.
 * - Arrays are struct drm_maru_array: an element may be larger than the kernel knows as long as
 *   the bytes beyond are zero (-EINVAL otherwise), or smaller down to the size of its first
 *   version, in which case the rest counts as zero.
 * - A refused call has changed nothing. The reason is printed at debug level.
 * - Deadlines are absolute CLOCK_MONOTONIC nanoseconds; one in the past looks once.
 * - Ids and handles belong to the file that made them. 0 is never one.
 * - A card that is gone: every ioctl is -ENODEV, fences carry -ENODEV; open() is -ENOENT, as its
 *   node is gone too, or -ENODEV by a name that is left, as in a container.
 * - What needs a card that is wedged is -EIO. An array that can not be read is -EFAULT.
 * - A call that waits is -EINTR by a signal whose handler does not restart it.
 *
 * A usual program: QUERY → VM_CREATE → BO_CREATE → VM_BIND → QUEUE_CREATE → SUBMIT with a
 * syncobj → DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT. docs/uapi.md shows each call in use.
 *
 * PRIME_HANDLE_TO_FD takes BOs made with DRM_MARU_BO_SHARE; while another device is attached they
 * stay in system memory, so they must be allowed there (-EOPNOTSUPP). PRIME_FD_TO_HANDLE takes
 * buffers of other devices too: in DRM_MARU_TIER_SYSTEM, mapped by their own fd only. Jobs do not
 * wait for what others do with a buffer; syncobjs do.
 *
 * Of the core ioctls these pass: VERSION, GET_CAP, SET_CLIENT_NAME, GEM_CLOSE,
 * PRIME_HANDLE_TO_FD, PRIME_FD_TO_HANDLE and SYNCOBJ_*. All others are -ENOTTY.
 */

#define DRM_MARU_QUERY			0x00
#define DRM_MARU_BO_CREATE		0x01
#define DRM_MARU_BO_MMAP		0x02
#define DRM_MARU_BO_INFO		0x03
#define DRM_MARU_BO_WAIT		0x04
#define DRM_MARU_BO_HINT		0x05	/* kept: -ENOTTY */
#define DRM_MARU_VM_CREATE		0x06
#define DRM_MARU_VM_DESTROY		0x07
#define DRM_MARU_VM_BIND		0x08
#define DRM_MARU_QUEUE_CREATE		0x09
#define DRM_MARU_QUEUE_DESTROY		0x0a
#define DRM_MARU_QUEUE_SET		0x0b
#define DRM_MARU_QUEUE_INFO		0x0c
#define DRM_MARU_SUBMIT			0x0d
#define DRM_MARU_WAIT_FENCE		0x0e	/* kept: -ENOTTY */
#define DRM_MARU_GROUP			0x0f	/* kept: -ENOTTY */
/* 0x10 … 0x1f are kept: -ENOTTY */

/**
 * struct drm_maru_array - An array in user memory.
 * @stride: [IN] bytes from one element to the next.
 * @count: [IN] elements; 0 is an empty array and @ptr is ignored.
 * @ptr: [IN] address of the first element.
 */
struct drm_maru_array {
	__u32 stride;
	__u32 count;
	__u64 ptr;
};

/** enum drm_maru_query_id - What DRM_IOCTL_MARU_QUERY can tell, and in which struct. */
enum drm_maru_query_id {
	/** @DRM_MARU_QUERY_DEVICE: struct drm_maru_device */
	DRM_MARU_QUERY_DEVICE		= 0,
	/** @DRM_MARU_QUERY_TIERS: struct drm_maru_tier_info[] */
	DRM_MARU_QUERY_TIERS		= 1,
	/** @DRM_MARU_QUERY_ENGINES: struct drm_maru_engines */
	DRM_MARU_QUERY_ENGINES		= 2,
	/** @DRM_MARU_QUERY_FIRMWARE: struct drm_maru_firmware */
	DRM_MARU_QUERY_FIRMWARE		= 3,
	/** @DRM_MARU_QUERY_LIMITS: struct drm_maru_limits */
	DRM_MARU_QUERY_LIMITS		= 4,
	/** @DRM_MARU_QUERY_OPS: records of struct maru_op_info and maru_role_info, maru_cmd.h */
	DRM_MARU_QUERY_OPS		= 5,
	/** @DRM_MARU_QUERY_USAGE: struct drm_maru_usage */
	DRM_MARU_QUERY_USAGE		= 6,
	/** @DRM_MARU_QUERY_CLOCK: struct drm_maru_clock */
	DRM_MARU_QUERY_CLOCK		= 7,
	/** @DRM_MARU_QUERY_NAMESPACES: kept: -EOPNOTSUPP */
	DRM_MARU_QUERY_NAMESPACES	= 8,
	/** @DRM_MARU_QUERY_TOPOLOGY: struct drm_maru_topology */
	DRM_MARU_QUERY_TOPOLOGY		= 9,
	/** @DRM_MARU_QUERY_RESETS: struct drm_maru_resets */
	DRM_MARU_QUERY_RESETS		= 10,
};

/**
 * struct drm_maru_query - Ask about the device.
 * @id: [IN] enum drm_maru_query_id.
 * @size: [IN/OUT] bytes at @ptr; 0 only asks for the size. Out: size of the answer.
 * @ptr: [IN] where the answer goes; ignored when @size is 0.
 *
 * A buffer smaller than the answer gets the first @size bytes of it, so that a struct can grow;
 * one that is larger gets zeros behind it.
 *
 * Return: 0; -EINVAL unknown @id; -EOPNOTSUPP an @id that is kept; -EFAULT; -ENODEV.
 */
struct drm_maru_query {
	__u32 id;
	__u32 size;
	__u64 ptr;
};

/**
 * struct drm_maru_device - DRM_MARU_QUERY_DEVICE.
 * @vendor: PCI vendor.
 * @device: PCI device.
 * @revision: PCI revision.
 * @contract: kernel ↔ card, major << 16 | minor.
 * @boot_id: number of the running core; it rises with each card reset.
 * @mbz: 0.
 * @uuid: of this card, as long as it runs.
 */
struct drm_maru_device {
	__u32 vendor;
	__u32 device;
	__u32 revision;
	__u32 contract;
	__u32 boot_id;
	__u32 mbz;
	__u8 uuid[16];
};

#define DRM_MARU_TIER_HBM		0
#define DRM_MARU_TIER_CXL		1
#define DRM_MARU_TIER_SYSTEM		2

/**
 * struct drm_maru_tier_info - An element of DRM_MARU_QUERY_TIERS.
 * @tier: DRM_MARU_TIER_*.
 * @flags: bit 0: BOs can be created there.
 * @bytes: capacity; for SYSTEM the machine's memory.
 * @used_bytes: allocated now by all files together; imported memory is another device's.
 */
struct drm_maru_tier_info {
	__u32 tier;
	__u32 flags;
	__u64 bytes;
	__u64 used_bytes;
};

/**
 * struct drm_maru_engines - DRM_MARU_QUERY_ENGINES.
 * @classes: bit = DRM_MARU_CLASS_* that exists.
 * @threads: engine threads.
 * @units: bit = enum maru_unit that exists.
 * @mbz: 0.
 */
struct drm_maru_engines {
	__u32 classes;
	__u32 threads;
	__u32 units;
	__u32 mbz;
};

/**
 * struct drm_maru_firmware - DRM_MARU_QUERY_FIRMWARE.
 * @version: major << 16 | minor << 8 | patch.
 * @profile: numerics profile: results of equal profiles are equal bits.
 * @build: text that names the build.
 * @library: text that names the maths library.
 */
struct drm_maru_firmware {
	__u32 version;
	__u32 profile;
	__u8 build[56];
	__u8 library[56];
};

/**
 * struct drm_maru_limits - DRM_MARU_QUERY_LIMITS.
 * @vms: VMs of the card.
 * @queues: of all files together.
 * @jobs_per_submit: -E2BIG beyond.
 * @ops_per_bind: -E2BIG beyond.
 * @syncs_per_call: -E2BIG beyond, each array.
 * @command_bytes: largest command buffer.
 * @time_limit_default_ms: card time of a job.
 * @time_limit_max_ms: without CAP_SYS_NICE.
 * @va_start: first address user space may bind.
 * @va_end: end of that range.
 * @pinned_bytes: a file may have pinned: rings of queues, page tables of VMs. -EDQUOT beyond.
 */
struct drm_maru_limits {
	__u32 vms;
	__u32 queues;
	__u32 jobs_per_submit;
	__u32 ops_per_bind;
	__u32 syncs_per_call;
	__u32 command_bytes;
	__u32 time_limit_default_ms;
	__u32 time_limit_max_ms;
	__u64 va_start;
	__u64 va_end;
	__u64 pinned_bytes;
};

/**
 * struct drm_maru_usage - DRM_MARU_QUERY_USAGE: counters of the whole card since its core
 * started; all files together.
 * @card_ns: card time.
 * @model_ns: modelled time, 0 without a model.
 * @jobs: finished.
 * @packets: finished.
 * @faults: MMU faults.
 * @errors: queues halted by an error.
 * @queue_resets: served.
 * @wakes: trapped doorbells.
 * @busy_ns: per class, work on the card.
 * @read_bytes: per tier HBM, CXL, system, storage.
 * @write_bytes: likewise.
 */
struct drm_maru_usage {
	__u64 card_ns;
	__u64 model_ns;
	__u64 jobs;
	__u64 packets;
	__u64 faults;
	__u64 errors;
	__u64 queue_resets;
	__u64 wakes;
	__u64 busy_ns[4];
	__u64 read_bytes[4];
	__u64 write_bytes[4];
};

/**
 * struct drm_maru_clock - DRM_MARU_QUERY_CLOCK: one moment on all clocks.
 * @card_ns: card time of TIMESTAMP and job times.
 * @model_ns: modelled time, 0 without a model.
 * @monotonic_ns: CLOCK_MONOTONIC halfway through the look.
 * @uncertainty_ns: length of the look.
 */
struct drm_maru_clock {
	__u64 card_ns;
	__u64 model_ns;
	__u64 monotonic_ns;
	__u64 uncertainty_ns;
};

/**
 * struct drm_maru_topology - DRM_MARU_QUERY_TOPOLOGY.
 * @domain: PCI domain.
 * @bus: PCI bus.
 * @slot: PCI device number.
 * @function: PCI function.
 * @numa_node: −1 when unknown.
 * @mbz: 0.
 */
struct drm_maru_topology {
	__u32 domain;
	__u32 bus;
	__u32 slot;
	__u32 function;
	__s32 numa_node;
	__u32 mbz;
};

/**
 * struct drm_maru_resets - DRM_MARU_QUERY_RESETS, since the driver was bound.
 * @card_resets: the core was replaced.
 * @queue_resets: one queue was reset.
 * @wedged: 1: the driver gave up; bind it again.
 * @mbz: 0.
 */
struct drm_maru_resets {
	__u32 card_resets;
	__u32 queue_resets;
	__u32 wedged;
	__u32 mbz;
};

#define DRM_MARU_BO_CPU			0x1	/* will be mapped by BO_MMAP */
#define DRM_MARU_BO_SHARE		0x2	/* may be exported; @vm must be 0 */
#define DRM_MARU_BO_UNIT_LAYOUT		0x4	/* kept: -EINVAL */

/**
 * struct drm_maru_bo_create - Create a buffer object. Its memory reads zero.
 * @size: [IN] bytes > 0; rounded up to 4 KiB.
 * @tiers: [IN] bits 1 << DRM_MARU_TIER_*: where it may live. CXL is kept: refused.
 * @preferred: [IN] DRM_MARU_TIER_*, one of @tiers.
 * @flags: [IN] DRM_MARU_BO_*.
 * @vm: [IN] the only VM that may bind it, or 0 for any VM of the file. Private BOs cost
 *	nothing at SUBMIT.
 * @align: [IN] power of two ≥ 4 KiB of its place in the tier, 0: no wish.
 * @handle: [OUT] GEM handle; 0 on entry.
 *
 * Return: 0; -EINVAL; -ENOENT no such @vm; -E2BIG larger than any of its tiers; -ENOMEM.
 */
struct drm_maru_bo_create {
	__u64 size;
	__u32 tiers;
	__u32 preferred;
	__u32 flags;
	__u32 vm;
	__u32 align;
	__u32 handle;
};

/**
 * struct drm_maru_bo_mmap - Get the offset to mmap() a BO at.
 * @handle: [IN] BO, created with DRM_MARU_BO_CPU.
 * @flags: [IN] MBZ.
 * @offset: [OUT] for mmap(2) with MAP_SHARED, any part of the BO; 0 on entry.
 *
 * Return: 0; -EINVAL; -ENOENT; -EACCES created without DRM_MARU_BO_CPU.
 */
struct drm_maru_bo_mmap {
	__u32 handle;
	__u32 flags;
	__u64 offset;
};

/**
 * struct drm_maru_bo_info - Look at a BO.
 * @handle: [IN] BO.
 * @mbz: [IN] MBZ.
 * @size: [OUT] bytes.
 * @tiers: [OUT] as created.
 * @preferred: [OUT] as created.
 * @current_tier: [OUT] where it is now; ~0: no memory behind it.
 * @flags: [OUT] as created.
 * @heat: [OUT] 0 now.
 * @pins: [OUT] reasons it can not move.
 *
 * Return: 0; -EINVAL; -ENOENT.
 */
struct drm_maru_bo_info {
	__u32 handle;
	__u32 mbz;
	__u64 size;
	__u32 tiers;
	__u32 preferred;
	__u32 current_tier;
	__u32 flags;
	__u32 heat;
	__u32 pins;
};

#define DRM_MARU_BO_WAIT_WRITE		0x1	/* for readers too: about to write */

/**
 * struct drm_maru_bo_wait - Wait until no job uses a BO.
 * @handle: [IN] BO.
 * @flags: [IN] DRM_MARU_BO_WAIT_WRITE.
 * @deadline_ns: [IN] absolute.
 *
 * Return: 0; -EINVAL; -ENOENT; -ETIME the deadline passed; -EINTR.
 */
struct drm_maru_bo_wait {
	__u32 handle;
	__u32 flags;
	__s64 deadline_ns;
};

#define DRM_MARU_VM_USER_QUEUES		0x1	/* kept: -EINVAL */
#define DRM_MARU_VM_FAULTS		0x2	/* kept: -EINVAL */

/**
 * struct drm_maru_vm_create - Create an address space.
 * @flags: [IN] MBZ; DRM_MARU_VM_* are kept.
 * @id: [OUT] VM; 0 on entry.
 * @va_start: [IN] first address that will be bound, multiple of 2 MiB within the limits.
 * @va_bytes: [IN] of that range; 0 with @va_start 0: all there is.
 *
 * Return: 0; -EINVAL; -ENOSPC no VM left on the card; -EDQUOT; -ENOMEM.
 */
struct drm_maru_vm_create {
	__u32 flags;
	__u32 id;
	__u64 va_start;
	__u64 va_bytes;
};

/**
 * struct drm_maru_vm_destroy - Destroy an address space and its mappings.
 * @id: [IN] VM.
 * @mbz: [IN] MBZ.
 *
 * Return: 0; -EINVAL; -ENOENT; -EBUSY it has queues.
 */
struct drm_maru_vm_destroy {
	__u32 id;
	__u32 mbz;
};

#define DRM_MARU_SYNC_SYNCOBJ		0
#define DRM_MARU_SYNC_TIMELINE		1
#define DRM_MARU_SYNC_USER_FENCE	2	/* kept: -EOPNOTSUPP */

#define DRM_MARU_SYNC_SIGNAL		0x1	/* else wait */

/**
 * struct drm_maru_sync - Something to wait for before, or to signal after.
 * @type: [IN] DRM_MARU_SYNC_*.
 * @flags: [IN] DRM_MARU_SYNC_SIGNAL.
 * @handle: [IN] syncobj.
 * @mbz: [IN] MBZ.
 * @value: [IN] point of a timeline, > 0; MBZ for a binary one.
 * @va: [IN] MBZ.
 *
 * Return: -EINVAL; -ENOENT no such syncobj, or nothing to wait for in it.
 */
struct drm_maru_sync {
	__u32 type;
	__u32 flags;
	__u32 handle;
	__u32 mbz;
	__u64 value;
	__u64 va;
};

/** enum drm_maru_bind_op_code - What an element of VM_BIND does. */
enum drm_maru_bind_op_code {
	/** @DRM_MARU_BIND_MAP: map a BO; replaces what was mapped there */
	DRM_MARU_BIND_MAP		= 0,
	/** @DRM_MARU_BIND_MAP_USERPTR: kept: -EOPNOTSUPP */
	DRM_MARU_BIND_MAP_USERPTR	= 1,
	/** @DRM_MARU_BIND_UNMAP: unmap a range; holes in it are no error */
	DRM_MARU_BIND_UNMAP		= 2,
	/** @DRM_MARU_BIND_UNMAP_ALL: unmap a BO wherever it is mapped */
	DRM_MARU_BIND_UNMAP_ALL		= 3,
	/** @DRM_MARU_BIND_PREFETCH: kept: -EOPNOTSUPP */
	DRM_MARU_BIND_PREFETCH		= 4,
};

#define DRM_MARU_BIND_READ_ONLY		0x1	/* MAP */
#define DRM_MARU_BIND_DUMP		0x2	/* kept: -EINVAL */

/**
 * struct drm_maru_bind_op - An element of VM_BIND.
 * @op: [IN] enum drm_maru_bind_op_code.
 * @flags: [IN] DRM_MARU_BIND_READ_ONLY with MAP.
 * @handle: [IN] BO of MAP and UNMAP_ALL; MBZ for UNMAP.
 * @tier: [IN] MBZ.
 * @offset: [IN] in the BO, multiple of 4 KiB; MAP only.
 * @va: [IN] multiple of 4 KiB, inside the VM's range; MBZ for UNMAP_ALL.
 * @bytes: [IN] multiple of 4 KiB > 0; MBZ for UNMAP_ALL.
 */
struct drm_maru_bind_op {
	__u32 op;
	__u32 flags;
	__u32 handle;
	__u32 tier;
	__u64 offset;
	__u64 va;
	__u64 bytes;
};

#define DRM_MARU_VM_BIND_ASYNC		0x1	/* do not wait; use @syncs */

/**
 * struct drm_maru_vm_bind - Change the mappings of a VM, all of them or none, in order with
 * earlier calls for this VM.
 * @vm: [IN] VM.
 * @flags: [IN] DRM_MARU_VM_BIND_ASYNC.
 * @ops: [IN] struct drm_maru_bind_op[].
 * @syncs: [IN] struct drm_maru_sync[]; MBZ without ASYNC.
 *
 * Work that still uses an unmapped range faults: its queue is banned. Signals end the wait for
 * memory, with nothing changed, but not the wait for what has been changed, unless they kill.
 *
 * Return: 0; -EINVAL; -ENOENT VM, BO or syncobj; -EACCES a BO private to another VM;
 * -E2BIG; -EOPNOTSUPP; -EDQUOT; -ENOMEM; -EINTR.
 */
struct drm_maru_vm_bind {
	__u32 vm;
	__u32 flags;
	struct drm_maru_array ops;
	struct drm_maru_array syncs;
};

#define DRM_MARU_CLASS_COMPUTE		0
#define DRM_MARU_CLASS_COPY		1
#define DRM_MARU_CLASS_STORAGE		2	/* kept: -EOPNOTSUPP */

#define DRM_MARU_QUEUE_KERNEL		0
#define DRM_MARU_QUEUE_USER		1	/* kept: -EOPNOTSUPP */

#define DRM_MARU_QUEUE_WRITE		0x1	/* kept: -EINVAL */

#define DRM_MARU_PRIORITY_LOW		0
#define DRM_MARU_PRIORITY_NORMAL	1
#define DRM_MARU_PRIORITY_HIGH		2	/* CAP_SYS_NICE */
#define DRM_MARU_PRIORITY_REALTIME	3	/* CAP_SYS_NICE */

/**
 * struct drm_maru_queue_create - Create an execution queue.
 * @vm: [IN] VM that its jobs see.
 * @cls: [IN] DRM_MARU_CLASS_*.
 * @mode: [IN] DRM_MARU_QUEUE_KERNEL.
 * @priority: [IN] DRM_MARU_PRIORITY_*.
 * @weight: [IN] 1 … 1000 among queues of one priority, 0: 100.
 * @group: [IN] MBZ.
 * @ns: [IN] MBZ.
 * @flags: [IN] MBZ; DRM_MARU_QUEUE_WRITE is kept.
 * @time_limit_ms: [IN] card time of a job, up to an hour (-EINVAL), 0: the default.
 * @ring_handle: [IN] MBZ.
 * @ring_offset: [IN] MBZ.
 * @ring_va: [IN] MBZ.
 * @ring_log2: [IN] MBZ.
 * @id: [OUT] queue; 0 on entry.
 * @slot: [OUT] 0.
 * @mbz: [IN] MBZ.
 * @group_offset: [OUT] 0.
 * @wake_offset: [OUT] 0.
 *
 * Return: 0; -EINVAL; -ENOENT no such VM; -EACCES priority or time limit without right;
 * -EOPNOTSUPP; -ENOSPC no queue left on the card; -EDQUOT; -ENOMEM.
 */
struct drm_maru_queue_create {
	__u32 vm;
	__u32 cls;
	__u32 mode;
	__u32 priority;
	__u32 weight;
	__u32 group;
	__u32 ns;
	__u32 flags;
	__u32 time_limit_ms;
	__u32 ring_handle;
	__u64 ring_offset;
	__u64 ring_va;
	__u32 ring_log2;
	__u32 id;
	__u32 slot;
	__u32 mbz;
	__u64 group_offset;
	__u64 wake_offset;
};

/**
 * struct drm_maru_queue_destroy - Destroy a queue; its unfinished jobs end -ECANCELED.
 * @id: [IN] queue.
 * @mbz: [IN] MBZ.
 *
 * Return: 0; -EINVAL; -ENOENT.
 */
struct drm_maru_queue_destroy {
	__u32 id;
	__u32 mbz;
};

/** enum drm_maru_queue_property - What QUEUE_SET changes. */
enum drm_maru_queue_property {
	/** @DRM_MARU_PROPERTY_PRIORITY: DRM_MARU_PRIORITY_* */
	DRM_MARU_PROPERTY_PRIORITY	= 0,
	/** @DRM_MARU_PROPERTY_WEIGHT: 1 … 1000 */
	DRM_MARU_PROPERTY_WEIGHT	= 1,
	/** @DRM_MARU_PROPERTY_TIME_SLICE: µs, 100 … 1,000,000 */
	DRM_MARU_PROPERTY_TIME_SLICE	= 2,
	/** @DRM_MARU_PROPERTY_TIME_LIMIT: ms of card time, 1 … 3,600,000, of jobs submitted from now on */
	DRM_MARU_PROPERTY_TIME_LIMIT	= 3,
	/** @DRM_MARU_PROPERTY_IRQ_US: kept: -EOPNOTSUPP */
	DRM_MARU_PROPERTY_IRQ_US	= 4,
};

/**
 * struct drm_maru_queue_set - Change a property of a queue.
 * @id: [IN] queue.
 * @property: [IN] enum drm_maru_queue_property.
 * @value: [IN] see there.
 *
 * Return: 0; -EINVAL; -ENOENT; -EACCES without right; -EOPNOTSUPP.
 */
struct drm_maru_queue_set {
	__u32 id;
	__u32 property;
	__u64 value;
};

#define DRM_MARU_QUEUE_STATE_OK		0
#define DRM_MARU_QUEUE_STATE_BANNED	1	/* by an error or a time limit: destroy it */
#define DRM_MARU_QUEUE_STATE_LOST	2	/* the card is gone or wedged */

/**
 * struct drm_maru_queue_info - Look at a queue.
 * @id: [IN] queue.
 * @state: [OUT] DRM_MARU_QUEUE_STATE_*.
 * @error: [OUT] error word of maru_cmd.h that banned it: code, role, field.
 * @packet_offset: [OUT] of the packet in its command buffer.
 * @tag: [OUT] of the packet.
 * @mbz: [IN] MBZ.
 * @error_value: [OUT] offending value.
 * @error_va: [OUT] of a fault.
 * @error_job: [OUT] id of the job.
 * @guilty_resets: [OUT] caused.
 * @innocent_resets: [OUT] jobs lost to the fault of others.
 * @submitted: [OUT] jobs.
 * @done: [OUT] jobs finished, in error or not.
 * @active_ns: [OUT] card time.
 * @model_ns: [OUT] modelled.
 * @picojoule: [OUT] modelled.
 * @bytes: [OUT] moved per tier: HBM, CXL, system, storage.
 *
 * Return: 0; -EINVAL; -ENOENT.
 */
struct drm_maru_queue_info {
	__u32 id;
	__u32 state;
	__u32 error;
	__u32 packet_offset;
	__u32 tag;
	__u32 mbz;
	__u64 error_value;
	__u64 error_va;
	__u64 error_job;
	__u32 guilty_resets;
	__u32 innocent_resets;
	__u64 submitted;
	__u64 done;
	__u64 active_ns;
	__u64 model_ns;
	__u64 picojoule;
	__u64 bytes[4];
};

#define DRM_MARU_JOB_IDEMPOTENT		0x1	/* may run again after it ran in part */

/**
 * struct drm_maru_job - An element of SUBMIT.
 * @queue: [IN] kernel queue.
 * @flags: [IN] DRM_MARU_JOB_*.
 * @va: [IN] command buffer in the queue's VM, multiple of 64; 0 with @bytes 0: an empty job.
 * @bytes: [IN] multiple of 64, up to the limit.
 * @mbz: [IN] MBZ.
 * @id: [IN] free number, echoed in errors and traces.
 * @syncs: [IN] struct drm_maru_sync[].
 */
struct drm_maru_job {
	__u32 queue;
	__u32 flags;
	__u64 va;
	__u32 bytes;
	__u32 mbz;
	__u64 id;
	struct drm_maru_array syncs;
};

/**
 * struct drm_maru_submit - Submit jobs, all of them or none, in array order.
 * @flags: [IN] MBZ.
 * @refused: [OUT] index of the job that was refused; ~0 when the call itself was.
 * @jobs: [IN] struct drm_maru_job[], at least one.
 *
 * Fences of jobs carry an error (SYNC_IOC_FILE_INFO tells): -EINVAL … by the packet's error,
 * -EFAULT an MMU fault, -ETIME the time limit, -ECANCELED queue banned or destroyed or an
 * innocent victim of a card reset, -EIO the card broke its contract, -ENODEV it is gone.
 *
 * Return: 0; -EINVAL; -ENOENT queue or syncobj; -E2BIG; -ECANCELED the queue is banned;
 * -EOPNOTSUPP; -ENOMEM; -EINTR; -EIO wedged.
 */
struct drm_maru_submit {
	__u32 flags;
	__u32 refused;
	struct drm_maru_array jobs;
};

#define DRM_IOCTL_MARU_QUERY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_QUERY, struct drm_maru_query)
#define DRM_IOCTL_MARU_BO_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_BO_CREATE, struct drm_maru_bo_create)
#define DRM_IOCTL_MARU_BO_MMAP \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_BO_MMAP, struct drm_maru_bo_mmap)
#define DRM_IOCTL_MARU_BO_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_BO_INFO, struct drm_maru_bo_info)
#define DRM_IOCTL_MARU_BO_WAIT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_BO_WAIT, struct drm_maru_bo_wait)
#define DRM_IOCTL_MARU_VM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_VM_CREATE, struct drm_maru_vm_create)
#define DRM_IOCTL_MARU_VM_DESTROY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_VM_DESTROY, struct drm_maru_vm_destroy)
#define DRM_IOCTL_MARU_VM_BIND \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_VM_BIND, struct drm_maru_vm_bind)
#define DRM_IOCTL_MARU_QUEUE_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_QUEUE_CREATE, struct drm_maru_queue_create)
#define DRM_IOCTL_MARU_QUEUE_DESTROY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_QUEUE_DESTROY, struct drm_maru_queue_destroy)
#define DRM_IOCTL_MARU_QUEUE_SET \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_QUEUE_SET, struct drm_maru_queue_set)
#define DRM_IOCTL_MARU_QUEUE_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_QUEUE_INFO, struct drm_maru_queue_info)
#define DRM_IOCTL_MARU_SUBMIT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_MARU_SUBMIT, struct drm_maru_submit)

#if defined(__cplusplus)
}
#endif

#endif
