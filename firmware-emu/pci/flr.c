// SPDX-License-Identifier: MIT
/* Function level reset: one bit of one word, that reads 0. */
#include <string.h>

#include "firmware-emu/pci/config.h"

/**
 * flr_check() - Tell whether a write asks for a function level reset.
 * @config: the space
 * @offset: where the write begins
 * @buf: its bytes
 * @bytes: how many
 *
 * Return: PCI_WRITE_FLR or 0.
 */
unsigned int flr_check(const struct pci_config *config, unsigned int offset, const void *buf,
		       size_t bytes)
{
	unsigned int byte = config->flr + 1;	/* the bit is in the upper byte of the word */

	if (!config->flr || offset > byte || byte - offset >= bytes)
		return 0;
	return ((const uint8_t *)buf)[byte - offset] & (FLR_BIT >> 8) ? PCI_WRITE_FLR : 0;
}

/**
 * flr_apply() - Bring the registers to what they are after a function level reset.
 * @config: the space
 *
 * The BARs keep their addresses and MSI-X its enable bit: the bridge to the guest (QEMU) owns
 * both, does not forget them, and drivers restore all after a reset anyway.
 */
void flr_apply(struct pci_config *config)
{
	memcpy(config->data + PCI_COMMAND, config->initial + PCI_COMMAND, 2);
	memcpy(config->data + config->flr, config->initial + config->flr, 2);
}
