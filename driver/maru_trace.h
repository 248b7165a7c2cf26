/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM maru

#if !defined(MARU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MARU_TRACE_H

#include <linux/tracepoint.h>

#include "maru_types.h"

/* queue, job and index look the same in all events and in the card's log: grep joins them */
DECLARE_EVENT_CLASS(maru_job,
	TP_PROTO(struct maru_job *job),
	TP_ARGS(job),
	TP_STRUCT__entry(
		__string(dev, dev_name(job->queue->mdev->drm.dev))
		__field(u32, queue)
		__field(u32, bytes)
		__field(u64, id)
		__field(u64, index)
		__field(u64, va)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->queue = job->queue->id;
		__entry->bytes = job->bytes;
		__entry->id = job->id;
		__entry->index = job->index;
		__entry->va = job->va;
	),
	TP_printk("%s queue %u job %llu index %llu va 0x%llx bytes %u", __get_str(dev),
		  __entry->queue, __entry->id, __entry->index, __entry->va, __entry->bytes)
);

DEFINE_EVENT(maru_job, maru_job_submit,
	TP_PROTO(struct maru_job *job),
	TP_ARGS(job)
);

DEFINE_EVENT(maru_job, maru_job_start,
	TP_PROTO(struct maru_job *job),
	TP_ARGS(job)
);

TRACE_EVENT(maru_job_done,
	TP_PROTO(struct maru_device *mdev, u32 queue, u64 id, u64 index, int error),
	TP_ARGS(mdev, queue, id, index, error),
	TP_STRUCT__entry(
		__string(dev, dev_name(mdev->drm.dev))
		__field(u32, queue)
		__field(int, error)
		__field(u64, id)
		__field(u64, index)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->queue = queue;
		__entry->error = error;
		__entry->id = id;
		__entry->index = index;
	),
	TP_printk("%s queue %u job %llu index %llu error %d", __get_str(dev), __entry->queue,
		  __entry->id, __entry->index, __entry->error)
);

TRACE_EVENT(maru_fault,
	TP_PROTO(struct maru_device *mdev, u32 queue, u32 vm, u32 kind, u64 va),
	TP_ARGS(mdev, queue, vm, kind, va),
	TP_STRUCT__entry(
		__string(dev, dev_name(mdev->drm.dev))
		__field(u32, queue)
		__field(u32, vm)
		__field(u32, kind)
		__field(u64, va)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->queue = queue;
		__entry->vm = vm;
		__entry->kind = kind;
		__entry->va = va;
	),
	TP_printk("%s queue %u vm %u: MMU %s fault at 0x%llx", __get_str(dev), __entry->queue,
		  __entry->vm,
		  __print_symbolic(__entry->kind, { MARU_FAULT_READ, "read" },
				   { MARU_FAULT_WRITE, "write" }, { MARU_FAULT_PTE, "entry" },
				   { MARU_FAULT_WINDOW, "window" }),
		  __entry->va)
);

TRACE_EVENT(maru_reset,
	TP_PROTO(struct maru_device *mdev, const char *why),
	TP_ARGS(mdev, why),
	TP_STRUCT__entry(
		__string(dev, dev_name(mdev->drm.dev))
		__field(u32, boot_id)
		__string(why, why)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->boot_id = mdev->boot_id;
		__assign_str(why);
	),
	TP_printk("%s boot %u: %s", __get_str(dev), __entry->boot_id, __get_str(why))
);

TRACE_EVENT(maru_bind,
	TP_PROTO(struct maru_vm *vm, u64 va, u64 bytes, bool map),
	TP_ARGS(vm, va, bytes, map),
	TP_STRUCT__entry(
		__string(dev, dev_name(vm->mdev->drm.dev))
		__field(u32, vm)
		__field(bool, map)
		__field(u64, va)
		__field(u64, bytes)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->vm = vm->id;
		__entry->map = map;
		__entry->va = va;
		__entry->bytes = bytes;
	),
	TP_printk("%s vm %u %s va 0x%llx bytes 0x%llx", __get_str(dev), __entry->vm,
		  __entry->map ? "map" : "unmap", __entry->va, __entry->bytes)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE maru_trace
#include <trace/define_trace.h>
