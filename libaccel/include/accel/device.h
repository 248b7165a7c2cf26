/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_DEVICE_H
#define ACCEL_DEVICE_H

#include <accel/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_device - open a card, ask what it is and what it counts
 *
 * A device handle is one address space on one card. All other handles are made from it.
 */

/**
 * accel_device_open() - Open a card.
 * @spec: way and place, or NULL: the environment variable ACCEL_DEVICE, or, if that is not set
 *	either, the first MARU card of this machine.
 * @device: set on success.
 *
 * @spec is ``kernel`` for the first card that the driver offers, or ``kernel:/dev/accel/accelN``
 * for that one. Each handle has its own address space: two opens of one card share nothing.
 *
 * ``direct`` starts a card for this handle alone and speaks to it without virtual machine and
 * driver. It takes options: ``direct,hbm=1G,cxl=0,threads=2``. ``direct:PATH`` takes the card
 * that listens at that socket, which serves one program at a time.
 *
 * Such a card ends with the handle or the process, whichever ends first, and however it does.
 * A process that is forked keeps no card: there, each call on a handle of its parent's is
 * -ENODEV.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL @device is NULL or @spec, or an option of it, is not understood; -ENODEV no
 * card, or the node is not a MARU's; -ENOENT no such socket, or no maru-card is found; -EBUSY the
 * socket's card has another client; -EIO it does not boot; -EACCES no right to open it; -EPROTO
 * the card speaks in a form that cannot be read; -ENOSPC no address space left on the card;
 * -ENOMEM.
 */
ACCEL_API int accel_device_open(const char *spec, struct accel_device **device);

/**
 * accel_device_close() - Close a card and end all that was made from it.
 * @device: from accel_device_open(), or NULL.
 *
 * Work that is still running is cancelled. Handles of memory, command buffers, queues and
 * timelines of @device are invalid afterwards.
 *
 * Context: One thread at a time for @device and everything made from it.
 */
ACCEL_API void accel_device_close(struct accel_device *device);

/**
 * struct accel_device_info - What a card is. Filled by accel_device_info().
 * @size: [IN] sizeof(struct accel_device_info).
 * @way: "kernel" or "direct".
 * @path: node, socket, or the program that was started.
 * @vendor: PCI vendor.
 * @device: PCI device.
 * @revision: PCI revision.
 * @contract: kernel ↔ card, major << 16 | minor.
 * @domain: PCI domain.
 * @bus: PCI bus.
 * @slot: PCI device number.
 * @function: PCI function.
 * @numa_node: −1 when unknown.
 * @boot_id: number of the running core; it rises with each card reset.
 * @uuid: of the card, as long as it runs.
 * @threads: engine threads.
 * @classes: bit = enum accel_class that exists.
 * @firmware: major << 16 | minor << 8 | patch.
 * @profile: numerics profile: results of equal profiles are equal bits.
 * @build: of the firmware.
 * @library: that does its maths.
 * @command_bytes: most that a command buffer holds.
 * @cmds_per_submit: most command buffers of one submission.
 * @waits_per_submit: most fences, waited for and signalled, of one submission.
 * @mbz: 0.
 */
struct accel_device_info {
	size_t size;
	char way[16];
	char path[104];
	uint32_t vendor, device, revision, contract;
	uint32_t domain, bus, slot, function;
	int32_t numa_node;
	uint32_t boot_id;
	uint8_t uuid[16];
	uint32_t threads;
	uint32_t classes;
	uint32_t firmware;
	uint32_t profile;
	char build[64];
	char library[64];
	uint32_t command_bytes;
	uint32_t cmds_per_submit;
	uint32_t waits_per_submit;
	uint32_t mbz;
};

#define ACCEL_DEVICE_INFO_INIT	{ sizeof(struct accel_device_info), "", "", 0, 0, 0, 0, \
				  0, 0, 0, 0, 0, 0, { 0 }, 0, 0, 0, 0, "", "", 0, 0, 0, 0 }

/**
 * accel_device_info() - Tell what a card is.
 * @device: of which.
 * @info: @info->size set; the rest is filled, as far as that size reaches.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL, or @info->size is too small to hold itself; -ENODEV the card is
 * gone.
 */
ACCEL_API int accel_device_info(struct accel_device *device, struct accel_device_info *info);

/**
 * struct accel_tier_info - A kind of memory of a card.
 * @bytes: capacity.
 * @used_bytes: allocated by all programs together.
 * @available: 1: accel_memory_create() takes this tier.
 * @mbz: 0.
 */
struct accel_tier_info {
	uint64_t bytes;
	uint64_t used_bytes;
	uint32_t available;
	uint32_t mbz;
};

/**
 * accel_device_tier() - Tell how large and how full a tier is.
 * @device: of which.
 * @tier: which.
 * @info: filled.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -ENOENT the card has no such tier; -ENODEV the card is gone.
 */
ACCEL_API int accel_device_tier(struct accel_device *device, enum accel_tier tier,
				struct accel_tier_info *info);

/**
 * struct accel_usage - Counters of a whole card since its core started, all programs together.
 * @card_ns: card time.
 * @model_ns: modelled time, 0 without a model.
 * @jobs: command buffers finished.
 * @packets: finished.
 * @faults: of address translation.
 * @errors: queues halted by one.
 * @queue_resets: queues that were reset.
 * @wakes: times that the card had to be woken.
 * @busy_ns: work on the card, by enum accel_class.
 * @read_bytes: by enum accel_tier, then storage.
 * @write_bytes: likewise.
 */
struct accel_usage {
	uint64_t card_ns;
	uint64_t model_ns;
	uint64_t jobs;
	uint64_t packets;
	uint64_t faults;
	uint64_t errors;
	uint64_t queue_resets;
	uint64_t wakes;
	uint64_t busy_ns[4];
	uint64_t read_bytes[4];
	uint64_t write_bytes[4];
};

/**
 * accel_device_usage() - Read a card's counters.
 * @device: of which.
 * @usage: filled.
 *
 * Context: Any thread. The card answers: microseconds to a millisecond.
 * Return: 0; -EINVAL a NULL; -ENODEV the card is gone; -EIO it does not answer.
 */
ACCEL_API int accel_device_usage(struct accel_device *device, struct accel_usage *usage);

/**
 * struct accel_clock - One moment on all clocks.
 * @card_ns: card time, that of accel_cmd_timestamp().
 * @model_ns: modelled, 0 without a model.
 * @monotonic_ns: CLOCK_MONOTONIC halfway through the look.
 * @uncertainty_ns: length of the look.
 */
struct accel_clock {
	uint64_t card_ns;
	uint64_t model_ns;
	uint64_t monotonic_ns;
	uint64_t uncertainty_ns;
};

/**
 * accel_device_clock() - Relate card time to host time.
 * @device: of which.
 * @clock: filled.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -ENODEV the card is gone; -EIO it does not answer.
 */
ACCEL_API int accel_device_clock(struct accel_device *device, struct accel_clock *clock);

/**
 * struct accel_resets - Recoveries since the card was attached.
 * @card_resets: the core was replaced.
 * @queue_resets: one queue was reset.
 * @wedged: 1: recovery failed for good.
 * @mbz: 0.
 */
struct accel_resets {
	uint32_t card_resets;
	uint32_t queue_resets;
	uint32_t wedged;
	uint32_t mbz;
};

/**
 * accel_device_resets() - Tell how often a card had to be recovered.
 * @device: of which.
 * @resets: filled.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -ENODEV the card is gone.
 */
ACCEL_API int accel_device_resets(struct accel_device *device, struct accel_resets *resets);

#ifdef __cplusplus
}
#endif

#endif
