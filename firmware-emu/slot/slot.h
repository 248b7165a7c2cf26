/* SPDX-License-Identifier: MIT */
/*
 * The slot: what a guest sees of the card that must never stop. One thread, one poll loop, no
 * call that waits. Memory and descriptors are bounded; the core behind it may die at any time.
 */
#ifndef MARU_SLOT_H
#define MARU_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware-emu/ipc.h"
#include "firmware-emu/options.h"
#include "firmware-emu/pci/config.h"
#include "firmware-emu/slot/channel.h"
#include "firmware-emu/slot/control.h"
#include "firmware-emu/slot/life.h"
#include "firmware-emu/slot/spawn.h"
#include "firmware-emu/slot/vectors.h"
#include "firmware-emu/slot/windows.h"
#include "firmware-emu/transport/session.h"

struct slot {
	struct options options;
	struct bar_plan plan;
	struct pci_config config;
	uint8_t uuid[16];

	int memory_fd;			/* HBM and CXL, sealed, fresh for each client; or -1 */
	int shared_fd;
	struct ipc_shared *shared;
	int kick_fd;

	struct windows windows;
	struct vectors vectors;
	struct spawn spawn;
	struct channel channel;
	struct life life;
	struct session session;
	struct control control;

	int listener;			/* or -1 */
	bool is_link_down;
	bool is_leaving;		/* the client left, its core has not ended yet */
	bool is_done;			/* leave the loop */
};

int slot_init(struct slot *slot, const struct options *options);
void slot_fini(struct slot *slot);
int slot_step(struct slot *slot, int timeout_ms);
int slot_attach(struct slot *slot, struct transport *transport);
void slot_quiesced(struct slot *slot);
int slot_run(const struct options *options);

/* regs.c */
extern const struct device_ops regs_ops;
uint32_t regs_get(const struct slot *slot, unsigned int reg);
void regs_put(struct slot *slot, unsigned int reg, uint32_t value);
void regs_power_on(struct slot *slot);
void regs_forget(struct slot *slot);

/* link.c */
int link_down(struct slot *slot);
int link_up(struct slot *slot);

/* memory.c */
int memory_create(uint64_t bytes);
int memory_shared_create(struct ipc_shared **shared);
bool memory_scrub(int fd, uint64_t bytes, uint64_t *at);

/* sandbox.c */
int sandbox_limit(void);
int sandbox_enter(void);

uint64_t slot_now_ms(void);

#endif
