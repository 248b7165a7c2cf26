/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_FW_H
#define MARU_FW_H

#include "maru_admin.h"

/**
 * struct maru_fw - What the driver keeps of the firmware.
 * @mdev: device.
 * @suspect: looks at STATUS when something is odd.
 * @watch: heartbeat, while work is pending.
 * @nop: proof of life that @watch asks for.
 * @nop_busy: bit 0 while @nop is under way.
 * @tick: of the last look.
 * @stale: looks at which it had not moved.
 * @ops: the op table, for DRM_MARU_QUERY_OPS; it never changes after probe.
 * @ops_bytes: of it.
 * @caps: what a new core says of itself; kept, as a reset allocates nothing.
 * @caps_data: the same, as it stands in the registers.
 * @telemetry_lock: for @telemetry; held across an admin command.
 * @telemetry: filled by the card.
 * @telemetry_dma: of @telemetry.
 */
struct maru_fw {
	struct maru_device *mdev;
	struct work_struct suspect;
	struct delayed_work watch;
	struct maru_admin_request nop;
	unsigned long nop_busy;
	u32 tick;
	unsigned int stale;
	void *ops;
	u32 ops_bytes;
	struct maru_caps caps;
	u32 caps_data[MARU_REG_CAPS_BYTES / sizeof(u32)];
	struct mutex telemetry_lock;	/* held across an admin command, never in a reset */
	struct maru_telemetry *telemetry;
	dma_addr_t telemetry_dma;
};

int maru_fw_init(struct maru_device *mdev);
int maru_fw_boot(struct maru_device *mdev);
int maru_fw_restart(struct maru_device *mdev);
int maru_fw_wait_ready(struct maru_device *mdev);
void maru_fw_quiesce(struct maru_device *mdev);
bool maru_fw_is_alive(struct maru_device *mdev);
bool maru_fw_is_gone(struct maru_device *mdev);
void maru_fw_suspect(struct maru_device *mdev);
void maru_fw_watch(struct maru_device *mdev);

int maru_caps_parse(const void *data, u32 bytes, u64 memory_bytes, struct maru_caps *caps);

#endif
