// SPDX-License-Identifier: MIT
/* What the card says of itself, and how the firmware comes up and goes on and off duty. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/engine/engine.h"
#include "firmware-emu/engine/pool.h"
#include "firmware-emu/fw/admin.h"
#include "firmware-emu/fw/doorbell.h"
#include "firmware-emu/fw/event.h"
#include "firmware-emu/fw/fw.h"
#include "firmware-emu/fw/queue.h"
#include "firmware-emu/fw/rings.h"
#include "firmware-emu/fw/sched.h"
#include "firmware-emu/log.h"
#include "firmware-emu/mem/mmu.h"
#include "firmware-emu/mem/point.h"
#include "firmware-emu/mem/tier.h"

#ifndef MARU_BUILD
#define MARU_BUILD	"maru-card"
#endif

#define CARD_HZ		1000000000u
#define STOP_MS		1000
#define TIMEOUT_SCALE	1

struct fw fw = { .lock = PTHREAD_MUTEX_INITIALIZER, .kick_fd = -1, .call_fd = -1 };

static struct {
	_Alignas(8) uint8_t bytes[MARU_REG_CAPS_BYTES];
	uint32_t used;
} caps;

static void caps_add(uint16_t type, const void *payload, uint16_t bytes)
{
	const struct maru_cap_head head = { .type = type, .bytes = bytes };

	memcpy(caps.bytes + caps.used, &head, sizeof(head));
	memcpy(caps.bytes + caps.used + sizeof(head), payload, bytes);
	caps.used += (uint32_t)sizeof(head) + ((bytes + 7u) & ~7u);
}

static void caps_add_tiers(void)
{
	const struct maru_cap_tier hbm = { .tier = MARU_TIER_HBM,
					   .bytes = tier_bytes(MARU_TIER_HBM) };
	const struct maru_cap_tier cxl = { .tier = MARU_TIER_CXL,
					   .bytes = tier_bytes(MARU_TIER_CXL),
					   .bar_offset = tier_bytes(MARU_TIER_HBM) };

	caps_add(MARU_CAP_TIER, &hbm, sizeof(hbm));
	if (cxl.bytes)
		caps_add(MARU_CAP_TIER, &cxl, sizeof(cxl));
}

static void caps_fill(const struct ipc_hello *hello)
{
	const struct maru_cap_engines engines = {
		.classes = 1u << MARU_CLASS_COMPUTE | 1u << MARU_CLASS_COPY,
		.threads = pool_count(hello->threads),
		.units = 1u << MARU_UNIT_TENSOR,
	};
	const struct maru_cap_limits limits = {
		.vms = FW_VMS - 1, .queues = FW_QUEUES, .groups = FW_GROUPS,
		.ring_log2 = FW_RING_LOG2_MAX, .command_bytes = MARU_COMMAND_MAX_BYTES,
		.va_bits = MARU_VA_BITS, .timeout_scale = TIMEOUT_SCALE,
	};
	const struct maru_cap_clock clock = { .card_hz = CARD_HZ };
	struct maru_cap_firmware firmware = { .version = FW_VERSION };
	struct maru_cap_numerics numerics = { 0 };
	const char *library = "";

	numerics.profile = engine_profile(&library) | ENGINE_REVISION << 8;
	strncpy(numerics.library, library, sizeof(numerics.library) - 1);
	strncpy(firmware.build, MARU_BUILD, sizeof(firmware.build) - 1);
	caps.used = 0;
	memset(caps.bytes, 0, sizeof(caps.bytes));
	caps_add_tiers();
	caps_add(MARU_CAP_ENGINES, &engines, sizeof(engines));
	caps_add(MARU_CAP_LIMITS, &limits, sizeof(limits));
	caps_add(MARU_CAP_NUMERICS, &numerics, sizeof(numerics));
	caps_add(MARU_CAP_FIRMWARE, &firmware, sizeof(firmware));
	caps_add(MARU_CAP_CLOCK, &clock, sizeof(clock));
	caps_add(MARU_CAP_UUID, hello->uuid, sizeof(hello->uuid));
	caps.used += (uint32_t)sizeof(struct maru_cap_head);	/* MARU_CAP_END: zeroes */
}

uint32_t fw_caps(void *to, uint32_t bytes)
{
	memcpy(to, caps.bytes, bytes < caps.used ? bytes : caps.used);
	return caps.used;
}

static uint64_t regs_read64(unsigned int offset)
{
	uint64_t value;

	memcpy(&value, fw.shared->regs + offset, sizeof(value));
	return value;
}

static uint32_t regs_read32(unsigned int offset)
{
	uint32_t value;

	memcpy(&value, fw.shared->regs + offset, sizeof(value));
	return value;
}

static void fw_window_fault(uint64_t iova)
{
	uint64_t none = 0;

	/* Address 0 cannot be told from none; nothing but a page 0 without window is lost. */
	__atomic_compare_exchange_n((uint64_t *)(void *)(fw.shared->regs + MARU_REG_DMA_ERR),
				    &none, iova, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

uint32_t fw_boot(const struct ipc_hello *hello)
{
	struct vm *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return FW_ERROR_MEMORY;
	kernel->space = span_vm_create(0, 0);
	if (!kernel->space) {
		free(kernel);
		return FW_ERROR_MEMORY;
	}
	fw.vms[0] = kernel;
	fw.shared->queues = 0;
	fw.shared->vms = 0;
	fw.shared->running = 0;
	fw.shared->asleep = 1;
	memset(&fw.shared->telemetry, 0, sizeof(fw.shared->telemetry));
	span_set_window_fault(fw_window_fault);
	if (point_hit(IPC_POINT_BOOT_CAPS))
		return FW_ERROR_INJECTED;
	caps_fill(hello);
	memcpy(fw.shared->regs + MARU_REG_CAPS, caps.bytes, sizeof(caps.bytes));
	memcpy(fw.shared->regs + MARU_REG_CAPS_LEN, &caps.used, sizeof(caps.used));
	return 0;
}

static bool log2_is_ok(unsigned int log2)
{
	return log2 >= MARU_RING_LOG2_MIN && log2 <= MARU_RING_LOG2_MAX;
}

static bool base_is_ok(uint64_t entry, uint64_t bytes)
{
	struct span_fault fault;
	struct span span;

	if (!mmu_entry_is_ok(entry) ||
	    span_resolve(fw_kernel(), fw_entry_va(entry), bytes, SPAN_READ | SPAN_WRITE, &span,
			 &fault))
		return false;
	span_release(&span);
	return true;
}

/* fw.lock held. Return: false when the base registers make no sense. */
bool fw_start_rings(void)
{
	uint64_t sq = regs_read64(MARU_REG_ADMIN_SQ), cq = regs_read64(MARU_REG_ADMIN_CQ);
	uint64_t event = regs_read64(MARU_REG_EVENT), group = regs_read64(MARU_REG_GROUP0);
	uint32_t log2 = regs_read32(MARU_REG_RING_LOG2);
	unsigned int sq_log2 = log2 & 0xff, cq_log2 = log2 >> 8 & 0xff;
	unsigned int event_log2 = log2 >> 16 & 0xff;

	memset(fw.shared->regs + MARU_REG_DMA_ERR, 0, sizeof(uint64_t));
	if (!log2_is_ok(sq_log2) || !log2_is_ok(cq_log2) || !log2_is_ok(event_log2) ||
	    log2 >> 24 || cq_log2 < sq_log2)
		return false;
	if (!base_is_ok(sq, sizeof(struct maru_admin_sq) +
			(sizeof(struct maru_admin_sqe) << sq_log2)) ||
	    !base_is_ok(cq, sizeof(struct maru_admin_cqe) << cq_log2) ||
	    !base_is_ok(event, sizeof(struct maru_event_ring) +
			(sizeof(struct maru_event) << event_log2)) ||
	    !base_is_ok(group, sizeof(struct maru_group_page)))
		return false;
	event_start(fw_entry_va(event), event_log2);
	admin_start(fw_entry_va(sq), sq_log2, fw_entry_va(cq), cq_log2);
	if (!group_create(0, fw_entry_va(group)))
		return false;
	fw.is_enabled = true;
	return true;
}

static bool queues_are_dead(void)
{
	bool is_all = true;

	for (unsigned int id = 0; id < FW_QUEUES; id++) {
		struct queue *queue = queue_lookup(id);

		if (!queue)
			continue;
		if (sched_is_dead(queue))
			queue_free(queue);
		else
			is_all = false;
	}
	return is_all;
}

/* fw.lock held. What an engine is stuck in stays; the slot has a new core for that. */
void fw_stop_rings(void)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	fw.is_enabled = false;
	event_stop();
	admin_stop();
	for (unsigned int id = 0; id < FW_GROUPS; id++)
		group_destroy(id);
	for (unsigned int id = 0; id < FW_QUEUES; id++) {
		if (queue_lookup(id))
			sched_cancel(queue_lookup(id), CANCEL_DESTROY);
	}
	for (unsigned int ms = 0; !queues_are_dead() && ms < STOP_MS; ms++)
		nanosleep(&nap, NULL);
	for (unsigned int id = 1; id < FW_VMS; id++) {
		struct vm *vm = fw.vms[id];

		if (!vm || vm->queues)
			continue;
		span_vm_destroy(vm->space);
		free(vm);
		fw.vms[id] = NULL;
		__atomic_store_n(&fw.shared->vms, --fw.vm_count, __ATOMIC_RELAXED);
	}
}

void fw_quit(unsigned int ms)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	sched_pause(true);
	for (; sched_is_busy() && ms; ms--)
		nanosleep(&nap, NULL);
}

void fw_unmap_begin(uint64_t iova, uint64_t bytes)
{
	span_unmap_begin(iova, bytes);
	sched_suspend_wanted();
}
