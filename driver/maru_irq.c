// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt vectors, and what becomes of one that the card raises without end.
 */
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <linux/interrupt.h>

#include "maru_admin.h"
#include "maru_event.h"
#include "maru_fw.h"
#include "maru_irq.h"

/*
 * More empty interrupts than this in a row and in a window: the vector is masked and polled. In
 * order a card raises one that is empty now and then, when another look came before it.
 */
#define MARU_STORM_EMPTY	100
#define MARU_STORM_WINDOW	HZ
#define MARU_STORM_POLL		(HZ / 10)

struct maru_vector {
	struct maru_device *mdev;
	int irq;
	bool (*process)(struct maru_device *mdev);
	unsigned int empty;
	unsigned long window;
	/** @storming: masked by the handler. Written by it, cleared while the line is off. */
	bool storming;
};

/**
 * struct maru_irqs - All vectors of a card.
 * @vectors: by MARU_VECTOR_*.
 * @poll: looks in place of the vectors that storm.
 * @enabled: changes under the reset lock, or before and after there is anybody.
 */
struct maru_irqs {
	struct maru_vector vectors[2];
	struct delayed_work poll;
	bool enabled;
};

static void maru_irq_handle_empty(struct maru_vector *vector)
{
	struct maru_device *mdev = vector->mdev;

	if (!vector->empty || time_after(jiffies, vector->window + MARU_STORM_WINDOW)) {
		vector->window = jiffies;
		vector->empty = 0;
	}
	if (++vector->empty <= MARU_STORM_EMPTY || vector->storming)
		return;

	vector->storming = true;
	disable_irq_nosync(vector->irq);
	drm_err_ratelimited(&mdev->drm, "vector %ld storms, polling instead\n",
			    (long)(vector - mdev->irqs->vectors));
	queue_delayed_work(system_percpu_wq, &mdev->irqs->poll, MARU_STORM_POLL);
}

static irqreturn_t maru_irq_handler(int irq, void *data)
{
	struct maru_vector *vector = data;

	if (vector->process(vector->mdev)) {
		vector->empty = 0;
		return IRQ_HANDLED;
	}
	maru_irq_handle_empty(vector);
	/* STATUS changes raise the event vector too: look, but not from here */
	if (vector->process == maru_event_process)
		maru_fw_suspect(vector->mdev);
	return IRQ_HANDLED;
}

static void maru_irq_poll_work(struct work_struct *work)
{
	struct maru_irqs *irqs = container_of(to_delayed_work(work), struct maru_irqs, poll);
	bool again = false;

	for (int i = 0; i < ARRAY_SIZE(irqs->vectors); i++) {
		struct maru_vector *vector = &irqs->vectors[i];

		if (READ_ONCE(vector->storming)) {
			vector->process(vector->mdev);
			again = true;
		}
	}
	if (again)
		queue_delayed_work(system_percpu_wq, &irqs->poll, MARU_STORM_POLL);
}

/**
 * maru_irq_enable() - Let the card interrupt.
 * @mdev: device.
 *
 * A vector that stormed before gets another chance.
 *
 * Context: process; probe, or the reset lock held.
 */
void maru_irq_enable(struct maru_device *mdev)
{
	struct maru_irqs *irqs = mdev->irqs;

	if (irqs->enabled)
		return;
	irqs->enabled = true;
	for (int i = 0; i < ARRAY_SIZE(irqs->vectors); i++)
		enable_irq(irqs->vectors[i].irq);
}

/**
 * maru_irq_disable() - Keep the card from interrupting.
 * @mdev: device.
 *
 * Context: process; probe, remove, or the reset lock held. No handler runs after it.
 */
void maru_irq_disable(struct maru_device *mdev)
{
	struct maru_irqs *irqs = mdev->irqs;

	if (!irqs->enabled)
		return;
	irqs->enabled = false;
	for (int i = 0; i < ARRAY_SIZE(irqs->vectors); i++)
		disable_irq(irqs->vectors[i].irq);
	cancel_delayed_work_sync(&irqs->poll);
	for (int i = 0; i < ARRAY_SIZE(irqs->vectors); i++) {
		struct maru_vector *vector = &irqs->vectors[i];

		/* undo the mask of a storm; the line stays off by the one above */
		if (vector->storming)
			enable_irq(vector->irq);
		vector->storming = false;
		vector->empty = 0;
	}
}

static void maru_irq_release(void *data)
{
	maru_irq_disable(data);
}

static int maru_irq_init_vector(struct maru_device *mdev, unsigned int nr, const char *name,
				bool (*process)(struct maru_device *))
{
	struct maru_vector *vector = &mdev->irqs->vectors[nr];

	vector->mdev = mdev;
	vector->process = process;
	vector->irq = pci_irq_vector(mdev->pdev, nr);
	if (vector->irq < 0)
		return vector->irq;
	return devm_request_irq(mdev->drm.dev, vector->irq, maru_irq_handler, IRQF_NO_AUTOEN, name,
				vector);
}

/**
 * maru_irq_init() - Take the card's vectors; they are off until maru_irq_enable().
 * @mdev: device.
 *
 * Return: 0, or the errno of what could not be had.
 */
int maru_irq_init(struct maru_device *mdev)
{
	int ret;

	mdev->irqs = drmm_kzalloc(&mdev->drm, sizeof(*mdev->irqs), GFP_KERNEL);
	if (!mdev->irqs)
		return -ENOMEM;
	INIT_DELAYED_WORK(&mdev->irqs->poll, maru_irq_poll_work);

	ret = pci_alloc_irq_vectors(mdev->pdev, ARRAY_SIZE(mdev->irqs->vectors),
				    ARRAY_SIZE(mdev->irqs->vectors), PCI_IRQ_MSIX);
	if (ret < 0)
		return ret;
	ret = maru_irq_init_vector(mdev, MARU_VECTOR_EVENT, "maru-event", maru_event_process);
	if (ret)
		return ret;
	ret = maru_irq_init_vector(mdev, MARU_VECTOR_ADMIN, "maru-admin", maru_admin_process);
	if (ret)
		return ret;
	return devm_add_action_or_reset(mdev->drm.dev, maru_irq_release, mdev);
}
