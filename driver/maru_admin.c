// SPDX-License-Identifier: GPL-2.0-only
/*
 * The admin queue: commands to the firmware, and their completions.
 *
 * A request ends exactly once, and in bounded time: by its completion, or, when that does not
 * come, by the card reset that its time limit asks for. Only after the core is dead is it told
 * -ECANCELED, so whoever waits for INVALIDATE may then free what was mapped.
 */
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <linux/dma-mapping.h>

#include "maru_admin.h"
#include "maru_device.h"
#include "maru_fw.h"
#include "maru_mmio.h"
#include "maru_reset.h"

#define MARU_ADMIN_COUNT	BIT(MARU_ADMIN_LOG2)
#define MARU_ADMIN_LIMIT	(10 * HZ)
#define MARU_ADMIN_TICK		HZ
#define MARU_ADMIN_LOOK		(HZ / 10)
#define MARU_ADMIN_ATTEMPTS	3
#define MARU_ADMIN_BOGUS	64

enum maru_admin_state {
	MARU_ADMIN_OFF,		/* no core */
	MARU_ADMIN_BOOT,	/* a core that the boot or the reset worker is setting up */
	MARU_ADMIN_ON,
};

/**
 * struct maru_admin - The admin queue.
 * @mdev: device.
 * @sq: submission ring, coherent system memory.
 * @cq: completion ring, likewise.
 * @sq_dma: of @sq.
 * @cq_dma: of @cq.
 * @lock: all below; taken in hard interrupt; nothing is allocated, copied or waited for
 *	under it.
 * @tail: commands sent to this core.
 * @head: completions taken.
 * @slots: commands under way; slot n has an id that is n modulo their count.
 * @generation: upper bits of ids, so that a late or invented completion finds nobody.
 * @busy: used slots.
 * @waiting: requests without a slot, first come first served.
 * @state: who may send; the others wait.
 * @bogus: completions of this core that answer nothing.
 * @error: not 0: what every request gets from now on.
 * @watch: looks for requests that take too long.
 */
struct maru_admin {
	struct maru_device *mdev;
	struct maru_admin_sq *sq;
	struct maru_admin_cqe *cq;
	dma_addr_t sq_dma;
	dma_addr_t cq_dma;

	/* all below; → queue and fence locks are never taken under it */
	spinlock_t lock;
	u64 tail;
	u64 head;
	struct maru_admin_request *slots[MARU_ADMIN_COUNT];
	u16 generation;
	unsigned int busy;
	struct list_head waiting;
	enum maru_admin_state state;
	unsigned int bogus;
	int error;
	struct delayed_work watch;
};

static const u64 maru_admin_no_value[2];

#define MARU_ADMIN_ERRNO_ROW(status, error) \
	[MARU_ADMIN_##status] = -(error),
static const int maru_admin_errnos[] = { MARU_ADMIN_ERRNOS(MARU_ADMIN_ERRNO_ROW) };

static int maru_admin_errno(u16 status)
{
	return status < ARRAY_SIZE(maru_admin_errnos) ? maru_admin_errnos[status] : -EIO;
}

static unsigned long maru_admin_limit(struct maru_device *mdev)
{
	return MARU_ADMIN_LIMIT * max(mdev->caps.limits.timeout_scale, 1U);
}

/* Store the command where the core will fetch it; the doorbell is the caller's. */
static void maru_admin_emit_locked(struct maru_device *mdev, struct maru_admin_request *request,
				   unsigned int slot)
{
	struct maru_admin *admin = mdev->admin;
	struct maru_admin_sqe *sqe = &admin->sq->sqe[admin->tail % MARU_ADMIN_COUNT];

	lockdep_assert_held(&admin->lock);
	admin->generation++;
	request->id = admin->generation << MARU_ADMIN_LOG2 | slot;
	request->sqe.id = request->id;
	request->deadline = jiffies + maru_admin_limit(mdev);
	admin->slots[slot] = request;
	admin->busy++;

	memcpy(sqe, &request->sqe, sizeof(*sqe));
	admin->tail++;
	/* the command before the tail; the core reads tail, then fetches */
	wmb();
	WRITE_ONCE(admin->sq->tail, admin->tail);
}

/* Move requests from the waiting list to free slots. */
static bool maru_admin_push_locked(struct maru_device *mdev)
{
	struct maru_admin *admin = mdev->admin;
	bool pushed = false;

	lockdep_assert_held(&admin->lock);
	if (admin->state != MARU_ADMIN_ON)
		return false;
	for (int slot = 0; slot < MARU_ADMIN_COUNT && !list_empty(&admin->waiting); slot++) {
		struct maru_admin_request *request;

		if (admin->slots[slot])
			continue;
		request = list_first_entry(&admin->waiting, struct maru_admin_request, link);
		list_del_init(&request->link);
		maru_admin_emit_locked(mdev, request, slot);
		pushed = true;
	}
	return pushed;
}

/* The boot's own commands pass those that wait for its end. */
static int maru_admin_emit_first_locked(struct maru_device *mdev,
					struct maru_admin_request *request)
{
	struct maru_admin *admin = mdev->admin;

	lockdep_assert_held(&admin->lock);
	if (admin->state == MARU_ADMIN_OFF)
		return -ECANCELED;
	for (int slot = 0; slot < MARU_ADMIN_COUNT; slot++) {
		if (!admin->slots[slot]) {
			maru_admin_emit_locked(mdev, request, slot);
			return 0;
		}
	}
	return -EBUSY;
}

/**
 * maru_admin_send() - Send a command, and be called when it is done.
 * @mdev: device.
 * @request: with @sqe and @done set; kept by the caller until done is called.
 *
 * Commands of one object are done in the order of these calls.
 *
 * Context: any, the fence-signalling path included. Allocates nothing, does not sleep, may
 * call done before it returns.
 */
void maru_admin_send(struct maru_device *mdev, struct maru_admin_request *request)
{
	struct maru_admin *admin = mdev->admin;
	bool mine = maru_reset_is_mine(mdev);
	bool pushed = false;
	unsigned long flags;
	int error;

	spin_lock_irqsave(&admin->lock, flags);
	INIT_LIST_HEAD(&request->link);
	error = admin->error;
	if (!error && mine && admin->state != MARU_ADMIN_ON)
		error = maru_admin_emit_first_locked(mdev, request);
	else if (!error)
		list_add_tail(&request->link, &admin->waiting);
	if (!error) {
		pushed = maru_admin_push_locked(mdev) || mine;
		/* under the lock: closing sets the error first and then cancels this */
		queue_delayed_work(system_percpu_wq, &admin->watch, MARU_ADMIN_TICK);
	}
	spin_unlock_irqrestore(&admin->lock, flags);

	if (error) {
		request->done(request, error, maru_admin_no_value);
		return;
	}
	if (pushed)
		maru_doorbell_kick(mdev, MARU_SLOT_ADMIN);
}

/* Take a completion; NULL when it answers nothing that was asked. */
static struct maru_admin_request *maru_admin_take_locked(struct maru_admin *admin,
							 const struct maru_admin_cqe *cqe)
{
	unsigned int slot = cqe->id % MARU_ADMIN_COUNT;
	struct maru_admin_request *request = admin->slots[slot];

	lockdep_assert_held(&admin->lock);
	if (!request || request->id != cqe->id) {
		admin->bogus++;
		return NULL;
	}
	admin->slots[slot] = NULL;
	admin->busy--;
	return request;
}

static bool maru_admin_fetch_locked(struct maru_admin *admin, struct maru_admin_cqe *cqe)
{
	struct maru_admin_cqe *slot = &admin->cq[admin->head % MARU_ADMIN_COUNT];
	u32 phase = !((admin->head >> MARU_ADMIN_LOG2) & 1);

	lockdep_assert_held(&admin->lock);
	if (admin->state == MARU_ADMIN_OFF || READ_ONCE(slot->phase) != phase)
		return false;
	/* phase before payload; the core stores phase last */
	rmb();
	memcpy(cqe, slot, sizeof(*cqe));
	admin->head++;
	return true;
}

/**
 * maru_admin_process() - Take completions, and send what waited for room.
 * @mdev: device.
 *
 * Context: any, hard interrupt included.
 * Return: true when there was a completion.
 */
bool maru_admin_process(struct maru_device *mdev)
{
	struct maru_admin *admin = mdev->admin;
	struct maru_admin_request *request;
	struct maru_admin_cqe cqe;
	unsigned int count;
	unsigned long flags;
	int idx;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return false;
	/* bounded: completions that never end are the watch's business */
	for (count = 0; count < 2 * MARU_ADMIN_COUNT; count++) {
		bool pushed;

		spin_lock_irqsave(&admin->lock, flags);
		if (!maru_admin_fetch_locked(admin, &cqe)) {
			spin_unlock_irqrestore(&admin->lock, flags);
			break;
		}
		request = maru_admin_take_locked(admin, &cqe);
		pushed = maru_admin_push_locked(mdev);
		spin_unlock_irqrestore(&admin->lock, flags);

		if (pushed)
			maru_doorbell_kick(mdev, MARU_SLOT_ADMIN);
		if (request)
			request->done(request, maru_admin_errno(cqe.status), cqe.value);
		else
			drm_err_ratelimited(&mdev->drm, "card: completion %u for no command\n",
					    cqe.id);
	}
	if (READ_ONCE(admin->bogus) > MARU_ADMIN_BOGUS)
		queue_delayed_work(system_percpu_wq, &admin->watch, 0);
	drm_dev_exit(idx);
	return count;
}

/* A lost interrupt costs a second; a command without answer costs a card reset. */
static void maru_admin_watch_work(struct work_struct *work)
{
	struct maru_admin *admin = container_of(to_delayed_work(work), struct maru_admin, watch);
	struct maru_device *mdev = admin->mdev;
	unsigned long limit = maru_admin_limit(mdev);
	bool slow = false, late = false, lies, again;

	maru_admin_process(mdev);
	scoped_guard(spinlock_irqsave, &admin->lock) {
		lies = admin->bogus > MARU_ADMIN_BOGUS;
		for (int slot = 0; slot < MARU_ADMIN_COUNT; slot++) {
			struct maru_admin_request *request = admin->slots[slot];

			if (!request)
				continue;
			if (time_after(jiffies, request->deadline))
				late = true;
			if (time_after(jiffies, request->deadline - limit + MARU_ADMIN_TICK))
				slow = true;
		}
		again = admin->busy || !list_empty(&admin->waiting);
	}
	if (lies)
		maru_reset_card(mdev, "completions answer no command");
	else if (late)
		maru_reset_card(mdev, "an admin command was not answered");
	else if (slow)
		maru_fw_suspect(mdev);
	if (again)
		queue_delayed_work(system_percpu_wq, &admin->watch, MARU_ADMIN_TICK);
}

/* ---- calls that wait ---- */

struct maru_admin_waiter {
	struct maru_admin_request request;
	struct completion completion;
	u64 value[2];
	int err;
};

static void maru_admin_wake(struct maru_admin_request *request, int err, const u64 value[2])
{
	struct maru_admin_waiter *waiter =
		container_of(request, struct maru_admin_waiter, request);

	waiter->err = err;
	waiter->value[0] = value[0];
	waiter->value[1] = value[1];
	complete(&waiter->completion);
}

/* Take a request back; false when its done was called or is about to be. */
static bool maru_admin_recall(struct maru_admin *admin, struct maru_admin_request *request)
{
	unsigned int slot = request->id % MARU_ADMIN_COUNT;
	bool found = false;

	spin_lock_irq(&admin->lock);
	if (!list_empty(&request->link)) {
		list_del_init(&request->link);
		found = true;
	} else if (admin->slots[slot] == request) {
		admin->slots[slot] = NULL;
		admin->busy--;
		found = true;
	}
	spin_unlock_irq(&admin->lock);
	return found;
}

/* Who would reset the card waits here: it looks itself whether the core still lives. */
static int maru_admin_wait_alone(struct maru_device *mdev, struct maru_admin_waiter *waiter)
{
	unsigned long end = jiffies + maru_admin_limit(mdev);

	while (!wait_for_completion_timeout(&waiter->completion, MARU_ADMIN_LOOK)) {
		bool is_dead = !maru_fw_is_alive(mdev);

		if (!is_dead && time_before(jiffies, end))
			continue;
		if (maru_admin_recall(mdev->admin, &waiter->request))
			return is_dead ? -EIO : -ETIME;
		wait_for_completion(&waiter->completion);
		break;
	}
	return 0;
}

static int maru_admin_call_once(struct maru_device *mdev, const struct maru_admin_sqe *sqe,
				u64 value[2])
{
	struct maru_admin_waiter waiter = {
		.request.sqe = *sqe,
		.request.done = maru_admin_wake,
		.completion = COMPLETION_INITIALIZER_ONSTACK(waiter.completion),
	};

	maru_admin_send(mdev, &waiter.request);
	if (maru_reset_is_mine(mdev)) {
		int ret = maru_admin_wait_alone(mdev, &waiter);

		if (ret)
			return ret;
	} else {
		wait_for_completion(&waiter.completion);
	}
	if (value)
		memcpy(value, waiter.value, sizeof(waiter.value));
	return waiter.err;
}

/* After a reset its worker makes and unmakes objects, perhaps this one too. */
static int maru_admin_settle(u16 op, int err)
{
	switch (op) {
	case MARU_ADMIN_VM_CREATE:
	case MARU_ADMIN_QUEUE_CREATE:
		return err == -EEXIST ? 0 : err;
	case MARU_ADMIN_VM_DESTROY:
	case MARU_ADMIN_QUEUE_DESTROY:
	case MARU_ADMIN_INVALIDATE:
		return err == -ENOENT ? 0 : err;
	default:
		return err;
	}
}

/**
 * maru_admin_call() - Send a command and wait for its end.
 * @mdev: device.
 * @sqe: command; id is filled in.
 * @value: two values of the completion, or NULL.
 *
 * A card reset in between is waited for and the command sent again, but for QUEUE_RESET, which
 * has then lost its object.
 *
 * Context: process, sleeps; no lock that the signalling path or a reset takes may be held.
 * Return: 0, the errno of the status, -ECANCELED reset, -ETIME no answer, -EIO wedged,
 * -ENODEV gone.
 */
int maru_admin_call(struct maru_device *mdev, struct maru_admin_sqe *sqe, u64 value[2])
{
	u32 sequence = maru_reset_sequence(mdev);
	int err;

	for (int attempt = 1; ; attempt++) {
		err = maru_admin_call_once(mdev, sqe, value);
		if (err != -ECANCELED || attempt == MARU_ADMIN_ATTEMPTS ||
		    sqe->op == MARU_ADMIN_QUEUE_RESET || maru_reset_is_mine(mdev))
			break;
	}
	/* odd: a reset was on when this began */
	if (sequence & 1 || sequence != maru_reset_sequence(mdev))
		err = maru_admin_settle(sqe->op, err);
	return err;
}

/* ---- life ---- */

/**
 * maru_admin_start() - Empty the rings; the boot's own commands may be sent.
 * @mdev: device.
 *
 * Context: process; before CTRL.ENABLE, with no command under way.
 */
void maru_admin_start(struct maru_device *mdev)
{
	struct maru_admin *admin = mdev->admin;

	spin_lock_irq(&admin->lock);
	memset(admin->sq, 0, struct_size(admin->sq, sqe, MARU_ADMIN_COUNT));
	memset(admin->cq, 0, sizeof(*admin->cq) * MARU_ADMIN_COUNT);
	memset(mdev->group, 0, sizeof(*mdev->group));
	admin->tail = 0;
	admin->head = 0;
	admin->state = MARU_ADMIN_BOOT;
	spin_unlock_irq(&admin->lock);
}

/**
 * maru_admin_open() - Send what waited for the boot to end, and all that follows.
 * @mdev: device.
 *
 * Context: process.
 */
void maru_admin_open(struct maru_device *mdev)
{
	bool pushed = false;

	scoped_guard(spinlock_irqsave, &mdev->admin->lock) {
		if (mdev->admin->state == MARU_ADMIN_BOOT) {
			mdev->admin->state = MARU_ADMIN_ON;
			pushed = maru_admin_push_locked(mdev);
		}
	}
	if (pushed)
		maru_doorbell_kick(mdev, MARU_SLOT_ADMIN);
}

/**
 * maru_admin_stop() - Take nothing of this core any more; new requests wait for the next.
 * @mdev: device.
 *
 * Context: process.
 */
void maru_admin_stop(struct maru_device *mdev)
{
	spin_lock_irq(&mdev->admin->lock);
	mdev->admin->state = MARU_ADMIN_OFF;
	mdev->admin->bogus = 0;
	spin_unlock_irq(&mdev->admin->lock);
}

/**
 * maru_admin_fail_all() - End the commands that were under way.
 * @mdev: device.
 * @err: what they are told.
 *
 * Context: process; stopped, and the core is dead.
 */
void maru_admin_fail_all(struct maru_device *mdev, int err)
{
	struct maru_admin *admin = mdev->admin;

	for (int slot = 0; slot < MARU_ADMIN_COUNT; slot++) {
		struct maru_admin_request *request;

		scoped_guard(spinlock_irqsave, &admin->lock) {
			request = admin->slots[slot];
			admin->slots[slot] = NULL;
			if (request)
				admin->busy--;
		}
		if (request)
			request->done(request, err, maru_admin_no_value);
	}
}

/**
 * maru_admin_close() - Refuse all commands from now on, those that wait included.
 * @mdev: device.
 * @err: what they are told.
 *
 * Context: process.
 */
void maru_admin_close(struct maru_device *mdev, int err)
{
	struct maru_admin *admin = mdev->admin;
	struct maru_admin_request *request, *next;
	LIST_HEAD(refused);

	scoped_guard(spinlock_irqsave, &admin->lock) {
		admin->state = MARU_ADMIN_OFF;
		admin->error = err;
		list_splice_init(&admin->waiting, &refused);
	}
	list_for_each_entry_safe(request, next, &refused, link) {
		list_del_init(&request->link);
		request->done(request, err, maru_admin_no_value);
	}
	maru_admin_fail_all(mdev, err);
}

/** maru_admin_is_busy() - Tell whether the core owes an answer. */
bool maru_admin_is_busy(struct maru_device *mdev)
{
	return READ_ONCE(mdev->admin->busy);
}

/** maru_admin_sq_entry() - The ring as the ADMIN_SQ register carries it. */
u64 maru_admin_sq_entry(struct maru_device *mdev)
{
	return MARU_ENTRY(MARU_TIER_HOST, mdev->admin->sq_dma);
}

/** maru_admin_cq_entry() - The ring as the ADMIN_CQ register carries it. */
u64 maru_admin_cq_entry(struct maru_device *mdev)
{
	return MARU_ENTRY(MARU_TIER_HOST, mdev->admin->cq_dma);
}

static void maru_admin_release(void *data)
{
	struct maru_device *mdev = data;

	maru_admin_close(mdev, -ENODEV);
	cancel_delayed_work_sync(&mdev->admin->watch);
}

/**
 * maru_admin_init() - Allocate the rings and group 0.
 * @mdev: device.
 *
 * Return: 0 or -ENOMEM.
 */
int maru_admin_init(struct maru_device *mdev)
{
	struct maru_admin *admin = drmm_kzalloc(&mdev->drm, sizeof(*admin), GFP_KERNEL);
	struct device *dev = mdev->drm.dev;

	if (!admin)
		return -ENOMEM;
	spin_lock_init(&admin->lock);
	INIT_LIST_HEAD(&admin->waiting);
	INIT_DELAYED_WORK(&admin->watch, maru_admin_watch_work);
	admin->mdev = mdev;
	mdev->admin = admin;

	admin->sq = dmam_alloc_coherent(dev, struct_size(admin->sq, sqe, MARU_ADMIN_COUNT),
					&admin->sq_dma, GFP_KERNEL);
	admin->cq = dmam_alloc_coherent(dev, sizeof(*admin->cq) * MARU_ADMIN_COUNT,
					&admin->cq_dma, GFP_KERNEL);
	mdev->group = dmam_alloc_coherent(dev, sizeof(*mdev->group), &mdev->group_dma, GFP_KERNEL);
	if (!admin->sq || !admin->cq || !mdev->group)
		return -ENOMEM;
	return devm_add_action_or_reset(dev, maru_admin_release, mdev);
}
