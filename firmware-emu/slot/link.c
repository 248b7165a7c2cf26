// SPDX-License-Identifier: MIT
/* Loss of the link to the guest, and its return as after power-on. */
#include <errno.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/slot.h"

/**
 * link_down() - Lose the link: all reads are ones, writes are dropped, the core dies.
 * @slot: the slot
 *
 * Memory that the guest has mapped stays mapped; nobody can take it back.
 *
 * Return: 0, or -EALREADY.
 */
int link_down(struct slot *slot)
{
	if (slot->is_link_down)
		return -EALREADY;
	slot->is_link_down = true;
	log_info("slot", "link lost");
	life_stop(slot);
	return 0;
}

/**
 * link_up() - Bring the card back as after power-on.
 * @slot: the slot
 *
 * Return: 0; -EALREADY when the link is up; -EAGAIN when the old core has not ended yet.
 */
int link_up(struct slot *slot)
{
	if (!slot->is_link_down)
		return -EALREADY;
	if (slot->life.state != LIFE_OFF)
		return -EAGAIN;
	slot->is_link_down = false;
	config_reset(&slot->config);
	regs_power_on(slot);
	log_info("slot", "power on");
	if (slot->session.state != SESSION_OPEN && slot->session.state != SESSION_WAITING)
		return 0;
	slot->life.is_scrub = true;
	life_power_on(slot);
	return 0;
}
