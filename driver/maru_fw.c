// SPDX-License-Identifier: GPL-2.0-only
/*
 * The firmware: boot, capabilities, and signs of life.
 */
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>

#include "maru_admin.h"
#include "maru_device.h"
#include "maru_event.h"
#include "maru_fw.h"
#include "maru_irq.h"
#include "maru_mmio.h"
#include "maru_reset.h"

#define MARU_BOOT_POLL_MS	10
#define MARU_BOOT_LIMIT_MS	12000	/* the card itself gives up after 10 s */
#define MARU_BOOT_ATTEMPTS	3
#define MARU_OPS_BYTES		0x10000
#define MARU_WATCH_TICK		HZ
#define MARU_WATCH_STALE	3

/**
 * maru_fw_is_gone() - Tell whether the card has left the bus.
 * @mdev: device.
 *
 * All ones from a register alone can also mean that a reset has memory decoding off.
 *
 * Context: process.
 */
bool maru_fw_is_gone(struct maru_device *mdev)
{
	return maru_reg_read(mdev, MARU_REG_MAGIC) == ~0U && !pci_device_is_present(mdev->pdev);
}

/** maru_fw_is_alive() - Tell whether the core that was booted runs. Context: process. */
bool maru_fw_is_alive(struct maru_device *mdev)
{
	return (maru_reg_read(mdev, MARU_REG_STATUS) & 0xffff) == MARU_STATUS_READY &&
	       maru_reg_read(mdev, MARU_REG_BOOT_ID) == READ_ONCE(mdev->boot_id);
}

/**
 * maru_fw_wait_ready() - Wait until a core has booted.
 * @mdev: device.
 *
 * Context: process, sleeps.
 * Return: 0; -ENODEV gone or no MARU card; -EIO the core died or could not be started;
 * -ETIME it did not get ready.
 */
int maru_fw_wait_ready(struct maru_device *mdev)
{
	unsigned long end = jiffies + msecs_to_jiffies(MARU_BOOT_LIMIT_MS);
	u32 status, magic;

	for (;;) {
		bool last = time_after(jiffies, end);

		status = maru_reg_read(mdev, MARU_REG_STATUS);
		if (status == ~0U && maru_fw_is_gone(mdev))
			return -ENODEV;
		switch (status & 0xffff) {
		case MARU_STATUS_READY:
			magic = maru_reg_read(mdev, MARU_REG_MAGIC);
			return magic == MARU_MAGIC ? 0 : -ENODEV;
		case MARU_STATUS_CRASHED:
		case MARU_STATUS_FAILED:
			return -EIO;
		}
		if (last)
			return -ETIME;
		msleep(MARU_BOOT_POLL_MS);
	}
}

/**
 * maru_fw_restart() - Replace the core.
 * @mdev: device.
 *
 * CTRL.RESET does what a function-level reset does, without turning off memory decoding:
 * stores of programs and of the driver through the memory BAR are not lost meanwhile. When
 * this returns 0 or -EIO the old core is dead.
 *
 * Context: process, sleeps.
 * Return: as maru_fw_wait_ready().
 */
int maru_fw_restart(struct maru_device *mdev)
{
	unsigned long end = jiffies + HZ;
	u32 old = maru_reg_read(mdev, MARU_REG_BOOT_ID);

	maru_reg_write(mdev, MARU_REG_CTRL, MARU_CTRL_RESET);
	while (maru_reg_read(mdev, MARU_REG_BOOT_ID) == old && !time_after(jiffies, end))
		msleep(MARU_BOOT_POLL_MS);
	return maru_fw_wait_ready(mdev);
}

static int maru_fw_read_caps(struct maru_device *mdev, struct maru_caps *caps)
{
	u32 bytes = maru_reg_read(mdev, MARU_REG_CAPS_LEN);
	u32 *data = mdev->fw->caps_data;

	if (!bytes || bytes > MARU_REG_CAPS_BYTES)
		return -EPROTO;
	memset(data, 0, MARU_REG_CAPS_BYTES);
	for (u32 at = 0; at < bytes; at += sizeof(*data))
		data[at / sizeof(*data)] = maru_reg_read(mdev, MARU_REG_CAPS + at);
	return maru_caps_parse(data, bytes, mdev->memory_bytes, caps);
}

/* The first core tells what the card is; a later one must be the same card. */
static int maru_fw_check(struct maru_device *mdev)
{
	u32 contract = maru_reg_read(mdev, MARU_REG_CONTRACT);
	struct maru_caps *caps = &mdev->fw->caps;
	int ret;

	if (contract >> 16 != MARU_CONTRACT_MAJOR) {
		drm_err(&mdev->drm, "card speaks contract %u.%u, the driver %u\n", contract >> 16,
			contract & 0xffff, MARU_CONTRACT_MAJOR);
		return -ENODEV;
	}
	ret = maru_fw_read_caps(mdev, caps);
	if (!ret && mdev->caps.limits.vms &&
	    (memcmp(caps->tiers, mdev->caps.tiers, sizeof(caps->tiers)) ||
	     memcmp(&caps->limits, &mdev->caps.limits, sizeof(caps->limits))))
		ret = -EPROTO;
	if (!ret)
		mdev->caps = *caps;
	if (ret)
		drm_err(&mdev->drm, "card: bad capabilities: %pe\n", ERR_PTR(ret));
	return ret;
}

static void maru_fw_enable(struct maru_device *mdev)
{
	maru_admin_start(mdev);
	maru_event_start(mdev);
	maru_reg_write64(mdev, MARU_REG_ADMIN_SQ, maru_admin_sq_entry(mdev));
	maru_reg_write64(mdev, MARU_REG_ADMIN_CQ, maru_admin_cq_entry(mdev));
	maru_reg_write64(mdev, MARU_REG_EVENT, maru_event_entry(mdev));
	maru_reg_write64(mdev, MARU_REG_GROUP0, MARU_ENTRY(MARU_TIER_HOST, mdev->group_dma));
	maru_reg_write(mdev, MARU_REG_RING_LOG2, MARU_ADMIN_LOG2 | MARU_ADMIN_LOG2 << 8 |
		       MARU_EVENT_LOG2 << 16);
	maru_reg_write(mdev, MARU_REG_CTRL, MARU_CTRL_ENABLE);
	maru_irq_enable(mdev);
}

static int maru_fw_read_ops(struct maru_device *mdev)
{
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_IDENTIFY };
	dma_addr_t dma;
	u64 value[2];
	void *buffer;
	int ret;

	if (mdev->fw->ops)
		return 0;
	buffer = dma_alloc_coherent(mdev->drm.dev, MARU_OPS_BYTES, &dma, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	sqe.buffer.page = 1;
	sqe.buffer.bytes = MARU_OPS_BYTES;
	sqe.buffer.buffer = MARU_ENTRY(MARU_TIER_HOST, dma);
	ret = maru_admin_call(mdev, &sqe, value);
	if (!ret && (!value[0] || value[0] > MARU_OPS_BYTES))
		ret = -EPROTO;
	if (!ret) {
		mdev->fw->ops = drmm_kmalloc(&mdev->drm, value[0], GFP_KERNEL);
		if (mdev->fw->ops) {
			memcpy(mdev->fw->ops, buffer, value[0]);
			mdev->fw->ops_bytes = value[0];
		} else {
			ret = -ENOMEM;
		}
	}
	/* without an answer the core may still write: the buffer is left to it until it dies */
	if (ret == -ETIME)
		maru_fw_quiesce(mdev);
	dma_free_coherent(mdev->drm.dev, MARU_OPS_BYTES, buffer, dma);
	return ret;
}

static int maru_fw_start(struct maru_device *mdev)
{
	struct maru_admin_sqe nop = { .op = MARU_ADMIN_NOP };
	int ret;

	ret = maru_fw_check(mdev);
	if (ret)
		return ret;
	WRITE_ONCE(mdev->boot_id, maru_reg_read(mdev, MARU_REG_BOOT_ID));
	maru_fw_enable(mdev);
	ret = maru_admin_call(mdev, &nop, NULL);
	if (!ret)
		ret = maru_fw_read_ops(mdev);
	return ret;
}

static bool maru_fw_is_fatal(int err)
{
	return err == -ENODEV || err == -ENOMEM || err == -EPROTO;
}

/**
 * maru_fw_boot() - Bring a core up to where it takes commands.
 * @mdev: device.
 *
 * A core that dies on the way is replaced, a few times.
 *
 * Context: process, sleeps; probe, or the reset lock held. Commands of others wait until
 * maru_admin_open().
 * Return: 0; -ENODEV gone, no MARU card or another contract; -EPROTO it tells what can not be;
 * -EIO, -ETIME it does not boot; -ENOMEM.
 */
int maru_fw_boot(struct maru_device *mdev)
{
	int ret = 0;

	for (int attempt = 0; attempt < MARU_BOOT_ATTEMPTS; attempt++) {
		/* a core that serves somebody's rings already: of a kernel before this one */
		bool stale = maru_reg_read(mdev, MARU_REG_CTRL) & MARU_CTRL_ENABLE;

		ret = attempt || stale ? maru_fw_restart(mdev) : maru_fw_wait_ready(mdev);
		if (!ret)
			ret = maru_fw_start(mdev);
		if (!ret)
			return 0;
		maru_irq_disable(mdev);
		maru_event_stop(mdev);
		maru_admin_stop(mdev);
		if (maru_fw_is_gone(mdev))
			return -ENODEV;
		if (maru_fw_is_fatal(ret))
			return ret;
		drm_warn(&mdev->drm, "boot failed: %pe, status 0x%x\n", ERR_PTR(ret),
			 maru_reg_read(mdev, MARU_REG_STATUS));
		maru_admin_fail_all(mdev, -ECANCELED);
	}
	return ret;
}

/**
 * maru_fw_quiesce() - Make sure that the card touches no memory of the driver any more.
 * @mdev: device, perhaps unplugged already; bound in any case.
 *
 * The core is replaced by one that was told of nothing.
 *
 * Context: process, sleeps; probe, remove, or the reset lock held.
 */
void maru_fw_quiesce(struct maru_device *mdev)
{
	unsigned long end = jiffies + HZ;
	u32 old = readl(mdev->regs + MARU_REG_BOOT_ID);

	maru_irq_disable(mdev);
	maru_event_stop(mdev);
	maru_admin_stop(mdev);
	if (old == ~0U)
		return;
	writel(MARU_CTRL_RESET, mdev->regs + MARU_REG_CTRL);
	while (readl(mdev->regs + MARU_REG_BOOT_ID) == old && !time_after(jiffies, end))
		msleep(MARU_BOOT_POLL_MS);
}

/* ---- signs of life ---- */

static void maru_fw_suspect_work(struct work_struct *work)
{
	struct maru_device *mdev = container_of(work, struct maru_fw, suspect)->mdev;

	/* whoever replaces the core looks when he is done */
	if (maru_reset_pending(mdev) || maru_fw_is_alive(mdev))
		return;
	if (maru_reg_read(mdev, MARU_REG_STATUS) != ~0U)
		maru_reset_card(mdev, "the firmware crashed");
	else if (maru_fw_is_gone(mdev))
		maru_device_lost(mdev);
}

/**
 * maru_fw_suspect() - Something is odd: have a look at the card's registers.
 * @mdev: device.
 *
 * Context: any.
 */
void maru_fw_suspect(struct maru_device *mdev)
{
	queue_work(mdev->timeout_wq, &mdev->fw->suspect);
}

static void maru_fw_nop_done(struct maru_admin_request *request, int err, const u64 value[2])
{
	struct maru_fw *fw = container_of(request, struct maru_fw, nop);

	clear_bit_unlock(0, &fw->nop_busy);
}

/*
 * While jobs are pending the tick moves, unless all of them wait for something else. A tick
 * that stands still is no more than a reason to ask: the registers, and a NOP whose time
 * limit resets the card.
 */
static void maru_fw_watch_work(struct work_struct *work)
{
	struct maru_fw *fw = container_of(to_delayed_work(work), struct maru_fw, watch);
	struct maru_device *mdev = fw->mdev;
	u32 tick = maru_event_tick(mdev);

	/* an event whose interrupt was lost costs a second */
	maru_event_process(mdev);
	if (!atomic_read(&mdev->counters.jobs)) {
		/* so does a crash whose interrupt found an event, and was taken for that one's */
		maru_fw_suspect(mdev);
		return;
	}
	fw->stale = tick == fw->tick ? fw->stale + 1 : 0;
	fw->tick = tick;
	if (fw->stale >= MARU_WATCH_STALE) {
		fw->stale = 0;
		maru_fw_suspect(mdev);
		if (!test_and_set_bit_lock(0, &fw->nop_busy)) {
			fw->nop.sqe = (struct maru_admin_sqe){ .op = MARU_ADMIN_NOP };
			maru_admin_send(mdev, &fw->nop);
		}
	}
	queue_delayed_work(system_percpu_wq, &fw->watch, MARU_WATCH_TICK);
}

/**
 * maru_fw_watch() - Watch the card as long as jobs are pending.
 * @mdev: device.
 *
 * Context: any; called with each job, costs nothing when it watches already.
 */
void maru_fw_watch(struct maru_device *mdev)
{
	if (!delayed_work_pending(&mdev->fw->watch))
		queue_delayed_work(system_percpu_wq, &mdev->fw->watch, MARU_WATCH_TICK);
}

static void maru_fw_release(void *data)
{
	struct maru_device *mdev = data;

	maru_reset_fini(mdev);
	cancel_delayed_work_sync(&mdev->fw->watch);
	cancel_work_sync(&mdev->fw->suspect);
	maru_fw_quiesce(mdev);
}

/**
 * maru_fw_init() - Prepare what boot and watch need.
 * @mdev: device.
 *
 * Return: 0 or -ENOMEM.
 */
int maru_fw_init(struct maru_device *mdev)
{
	struct maru_fw *fw = drmm_kzalloc(&mdev->drm, sizeof(*fw), GFP_KERNEL);
	int ret;

	if (!fw)
		return -ENOMEM;
	ret = drmm_mutex_init(&mdev->drm, &fw->telemetry_lock);
	if (ret)
		return ret;
	fw->mdev = mdev;
	fw->nop.done = maru_fw_nop_done;
	INIT_WORK(&fw->suspect, maru_fw_suspect_work);
	INIT_DELAYED_WORK(&fw->watch, maru_fw_watch_work);
	fw->telemetry = dmam_alloc_coherent(mdev->drm.dev, sizeof(*fw->telemetry),
					    &fw->telemetry_dma, GFP_KERNEL);
	if (!fw->telemetry)
		return -ENOMEM;
	mdev->fw = fw;
	return devm_add_action_or_reset(mdev->drm.dev, maru_fw_release, mdev);
}
