// SPDX-License-Identifier: MIT
/*
 * What the guest's accesses do: configuration space, the register page of BAR 0, the memory BAR
 * where it is trapped, the wake pages of BAR 4. Reads have no side effects.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "firmware-emu/slot/slot.h"

#define REGS_PAGE_BYTES		sizeof(((struct ipc_shared *)0)->regs)

enum reg_kind { REG_HOLE, REG_CTRL, REG_RW };

static const struct {
	uint16_t offset, bytes;
	enum reg_kind kind;
} reg_writes[] = {
	{ MARU_REG_CTRL, 4, REG_CTRL },
	{ MARU_REG_ADMIN_SQ, 8, REG_RW },
	{ MARU_REG_ADMIN_CQ, 8, REG_RW },
	{ MARU_REG_EVENT, 8, REG_RW },
	{ MARU_REG_RING_LOG2, 4, REG_RW },
	{ MARU_REG_GROUP0, 8, REG_RW },
};

/**
 * regs_get() - Read a 32-bit register as the guest would.
 * @slot: the slot
 * @reg: its offset
 *
 * Return: its value.
 */
uint32_t regs_get(const struct slot *slot, unsigned int reg)
{
	return __atomic_load_n((const uint32_t *)(slot->shared->regs + reg), __ATOMIC_ACQUIRE);
}

/**
 * regs_put() - Set a 32-bit register.
 * @slot: the slot
 * @reg: its offset
 * @value: what the guest reads from now on
 */
void regs_put(struct slot *slot, unsigned int reg, uint32_t value)
{
	__atomic_store_n((uint32_t *)(slot->shared->regs + reg), value, __ATOMIC_RELEASE);
}

/**
 * regs_power_on() - Set what is fixed for the life of the card.
 * @slot: the slot
 */
void regs_power_on(struct slot *slot)
{
	regs_put(slot, MARU_REG_MAGIC, MARU_MAGIC);
	regs_put(slot, MARU_REG_CONTRACT, MARU_CONTRACT_MAJOR << 16 | MARU_CONTRACT_MINOR);
	regs_put(slot, MARU_REG_STATUS, MARU_STATUS_OFF);
}

/**
 * regs_forget() - Clear what belongs to one core: bases, ENABLE, capabilities.
 * @slot: the slot
 */
void regs_forget(struct slot *slot)
{
	memset(slot->shared->regs + MARU_REG_CTRL, 0, MARU_REG_CAPS - MARU_REG_CTRL);
	memset(slot->shared->regs + MARU_REG_CAPS, 0, MARU_REG_CAPS_BYTES);
	memset(&slot->shared->telemetry, 0, sizeof(slot->shared->telemetry));
}

static void regs_read(const struct slot *slot, uint64_t offset, void *buf, size_t n)
{
	const uint8_t *at = slot->shared->regs + offset;
	uint64_t value;
	uint32_t half;

	memset(buf, 0, n);
	if ((n != 4 && n != 8) || offset % n || offset >= REGS_PAGE_BYTES)
		return;
	if (n == 8) {
		value = __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
		memcpy(buf, &value, n);
	} else {
		half = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		memcpy(buf, &half, n);
	}
}

static void regs_write_ctrl(struct slot *slot, uint32_t value)
{
	if (value & MARU_CTRL_RESET) {
		life_reset(slot, LIFE_RESET_CARD);
		return;
	}
	if (slot->life.state != LIFE_READY)
		return;
	regs_put(slot, MARU_REG_CTRL, value & MARU_CTRL_ENABLE);
	channel_flush(slot);
}

static void regs_write(struct slot *slot, uint64_t offset, const void *buf, size_t n)
{
	uint8_t *at = slot->shared->regs + offset;
	uint64_t value;
	uint32_t half;

	if ((n != 4 && n != 8) || offset % n)
		return;
	for (size_t i = 0; i < sizeof(reg_writes) / sizeof(reg_writes[0]); i++) {
		if (offset < reg_writes[i].offset ||
		    offset + n > (uint64_t)reg_writes[i].offset + reg_writes[i].bytes)
			continue;
		memcpy(&half, buf, sizeof(half));
		if (reg_writes[i].kind == REG_CTRL) {
			regs_write_ctrl(slot, half);
		} else if (n == 8) {
			memcpy(&value, buf, n);
			__atomic_store_n((uint64_t *)at, value, __ATOMIC_RELEASE);
		} else {
			__atomic_store_n((uint32_t *)at, half, __ATOMIC_RELEASE);
		}
		return;
	}
}

static void wake(struct slot *slot)
{
	static const uint64_t one = 1;

	/* A full counter is a kick already. */
	if (write(slot->kick_fd, &one, sizeof(one)) < 0)
		return;
}

static void device_region_info(void *dev, unsigned int region, struct device_region_info *info)
{
	struct slot *slot = dev;

	info->bytes = 0;
	info->fd = -1;
	if (region == DEVICE_CONFIG)
		info->bytes = PCI_CONFIG_BYTES;
	else if (region < BAR_COUNT)
		info->bytes = slot->plan.bar[region].bytes;
	if (region == MARU_BAR_MEMORY)
		info->fd = slot->memory_fd;
}

static void device_region_read(void *dev, unsigned int region, uint64_t offset, void *buf,
			       size_t n)
{
	struct slot *slot = dev;
	ssize_t got = 0;

	if (slot->is_link_down) {
		memset(buf, 0xff, n);
	} else if (region == DEVICE_CONFIG) {
		config_read(&slot->config, (unsigned int)offset, buf, n);
	} else if (region == MARU_BAR_REGS) {
		regs_read(slot, offset, buf, n);
	} else {
		if (region == MARU_BAR_MEMORY)
			got = pread(slot->memory_fd, buf, n, (off_t)offset);
		got = got < 0 ? 0 : got;
		memset((uint8_t *)buf + got, 0, n - (size_t)got);
	}
}

static void device_region_write(void *dev, unsigned int region, uint64_t offset, const void *buf,
				size_t n)
{
	struct slot *slot = dev;

	if (slot->is_link_down)
		return;
	if (region == DEVICE_CONFIG) {
		if (config_write(&slot->config, (unsigned int)offset, buf, n) & PCI_WRITE_FLR) {
			flr_apply(&slot->config);
			life_reset(slot, LIFE_RESET_CARD);
		}
	} else if (region == MARU_BAR_REGS) {
		regs_write(slot, offset, buf, n);
	} else if (region == MARU_BAR_WAKE) {
		if (n == 4 && !(offset % 4))
			wake(slot);
	} else if (region == MARU_BAR_MEMORY) {
		/* A file system without space drops the write, as a bus error would. */
		if (pwrite(slot->memory_fd, buf, n, (off_t)offset) < 0)
			return;
	}
}

static unsigned int device_irq_count(void *dev, unsigned int irq)
{
	(void)dev;
	if (irq == DEVICE_IRQ_MSIX)
		return MARU_MSIX_VECTORS;
	return irq == DEVICE_IRQ_ERR ? 1 : 0;
}

static int device_irq_arm(void *dev, unsigned int irq, unsigned int start, unsigned int count,
			  const int *fds)
{
	struct slot *slot = dev;

	if (fds && vectors_check(fds, count)) {
		for (unsigned int i = 0; i < count; i++)
			close(fds[i]);
		return -EINVAL;
	}
	if (irq == DEVICE_IRQ_ERR) {
		vectors_set_error(&slot->vectors, fds ? fds[0] : -1);
		return DEVICE_DONE;
	}
	return channel_vectors(slot, start, count, fds);
}

static void device_irq_trigger(void *dev, unsigned int irq, unsigned int vector)
{
	struct slot *slot = dev;

	if (irq == DEVICE_IRQ_MSIX)
		vectors_raise(&slot->vectors, vector);
}

static int device_window_map(void *dev, const struct device_window *window, int fd)
{
	struct slot *slot = dev;
	int ret = windows_map(&slot->windows, window, fd);

	if (!ret)
		channel_flush(slot);
	return ret;
}

static int device_window_unmap(void *dev, uint64_t iova, uint64_t bytes)
{
	return channel_unmap(dev, iova, bytes);
}

static void device_reset(void *dev)
{
	struct slot *slot = dev;

	if (slot->is_link_down)
		return;
	config_reset(&slot->config);
	life_reset(slot, LIFE_RESET_POWER);
}

const struct device_ops regs_ops = {
	.region_info = device_region_info,
	.region_read = device_region_read,
	.region_write = device_region_write,
	.irq_count = device_irq_count,
	.irq_arm = device_irq_arm,
	.irq_trigger = device_irq_trigger,
	.window_map = device_window_map,
	.window_unmap = device_window_unmap,
	.reset = device_reset,
};
