// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making the card forget page-table entries. Whoever waits for a bind's fence may reuse the
 * memory: so it is signalled when the card said that no access through old entries is under
 * way, or when the core that could have made one is dead.
 */
#include "maru_fence.h"
#include "maru_reset.h"
#include "maru_tlb.h"

static void tlb_late(struct work_struct *work)
{
	struct maru_bind_job *job = container_of(work, struct maru_bind_job, late);

	maru_fence_signal(job->fence, READ_ONCE(job->vm->mdev->wedged) ? -EIO : 0);
}

static void tlb_done(struct maru_admin_request *request, int err, const u64 value[2])
{
	struct maru_bind_job *job = container_of(request, struct maru_bind_job, request);
	struct maru_device *mdev = job->vm->mdev;

	switch (err) {
	case 0:
	case -ECANCELED:			/* of a core that is dead */
		maru_fence_signal(job->fence, 0);
		break;
	case -ENODEV:
	case -EIO:
		maru_fence_signal(job->fence, err);
		break;
	default:
		/* timeout_wq is ordered: the reset comes first */
		maru_reset_card(mdev, "INVALIDATE failed");
		queue_work(mdev->timeout_wq, &job->late);
	}
}

/** maru_tlb_prepare() - Do all for maru_tlb_flush() that may be done only once. */
void maru_tlb_prepare(struct maru_bind_job *job)
{
	INIT_WORK(&job->late, tlb_late);
	job->request.done = tlb_done;
}

/**
 * maru_tlb_flush() - Make the card forget what @job->flush covers; then @job->fence is signalled.
 * @job: job that wrote its entries.
 *
 * Context: fence-signalling path; allocates nothing, does not sleep.
 */
void maru_tlb_flush(struct maru_bind_job *job)
{
	struct maru_admin_sqe *sqe = &job->request.sqe;

	sqe->op = MARU_ADMIN_INVALIDATE;
	sqe->invalidate.vm = job->vm->id;
	sqe->invalidate.va = job->flush.start;
	sqe->invalidate.bytes = job->flush.end - job->flush.start;
	maru_admin_send(job->vm->mdev, &job->request);
}
