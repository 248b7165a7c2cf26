// SPDX-License-Identifier: MIT
#include <string.h>

#include "driver/maru_hw.h"
#include "firmware-emu/pci/config.h"

#define CAP_PM			0x40
#define CAP_MSIX		0x50
#define CAP_PCIE		0x60

_Static_assert(MARU_PCI_CLASS >> 16 == 0x12, "a processing accelerator");

/**
 * config_set16() - Set an initial 16-bit value.
 * @config: the space
 * @offset: where
 * @value: what
 */
void config_set16(struct pci_config *config, unsigned int offset, uint16_t value)
{
	config->data[offset] = (uint8_t)value;
	config->data[offset + 1] = (uint8_t)(value >> 8);
}

/**
 * config_set32() - Set an initial 32-bit value.
 * @config: the space
 * @offset: where
 * @value: what
 */
void config_set32(struct pci_config *config, unsigned int offset, uint32_t value)
{
	config_set16(config, offset, (uint16_t)value);
	config_set16(config, offset + 2, (uint16_t)(value >> 16));
}

/**
 * config_mask16() - Say which bits of a word a write changes.
 * @config: the space
 * @offset: where
 * @writable: bits that take the written value
 * @clear: bits that a written one clears
 */
void config_mask16(struct pci_config *config, unsigned int offset, uint16_t writable,
		   uint16_t clear)
{
	config->writable[offset] = (uint8_t)writable;
	config->writable[offset + 1] = (uint8_t)(writable >> 8);
	config->clear[offset] = (uint8_t)clear;
	config->clear[offset + 1] = (uint8_t)(clear >> 8);
}

/**
 * config_mask32() - Say which bits of a double word take the written value.
 * @config: the space
 * @offset: where
 * @writable: the bits
 */
void config_mask32(struct pci_config *config, unsigned int offset, uint32_t writable)
{
	config_mask16(config, offset, (uint16_t)writable, 0);
	config_mask16(config, offset + 2, (uint16_t)(writable >> 16), 0);
}

static void config_add_bar(struct pci_config *config, unsigned int idx, const struct bar *bar)
{
	unsigned int offset = PCI_BAR0 + 4 * idx;
	uint64_t mask = ~(bar->bytes - 1);

	if (!bar->bytes)
		return;
	config_set32(config, offset, (bar->is_64 ? 0x4 : 0) | (bar->is_prefetchable ? 0x8 : 0));
	config_mask32(config, offset, (uint32_t)mask & ~0xfu);
	if (bar->is_64)
		config_mask32(config, offset + 4, (uint32_t)(mask >> 32));
}

/**
 * config_init() - Make the configuration space of the card.
 * @config: the space
 * @plan: its BARs
 *
 * There is no interrupt pin (MSI-X only) and no expansion ROM.
 */
void config_init(struct pci_config *config, const struct bar_plan *plan)
{
	memset(config, 0, sizeof(*config));
	config_set16(config, PCI_VENDOR_ID, MARU_PCI_VENDOR);
	config_set16(config, PCI_DEVICE_ID, MARU_PCI_DEVICE);
	config_mask16(config, PCI_COMMAND, PCI_COMMAND_MASK, 0);
	config_set16(config, PCI_STATUS, PCI_STATUS_IMMEDIATE | PCI_STATUS_CAPS);
	config_mask16(config, PCI_STATUS, 0, PCI_STATUS_CLEAR);
	config_set32(config, PCI_REVISION, (uint32_t)MARU_PCI_CLASS << 8 | MARU_CONTRACT_MAJOR);
	config_mask16(config, 0x0c, 0x00ff, 0);		/* cache line size */
	config_set16(config, PCI_SUBSYSTEM_VENDOR, MARU_PCI_VENDOR);
	config_set16(config, PCI_SUBSYSTEM, MARU_PCI_DEVICE);
	config->data[PCI_CAPABILITIES] = CAP_PM;
	config->writable[PCI_INTERRUPT_LINE] = 0xff;
	for (unsigned int i = 0; i < BAR_COUNT; i++)
		config_add_bar(config, i, &plan->bar[i]);
	caps_add_pm(config, CAP_PM, CAP_MSIX);
	caps_add_msix(config, CAP_MSIX, CAP_PCIE);
	caps_add_pcie(config, CAP_PCIE, 0);
	memcpy(config->initial, config->data, sizeof(config->data));
}

/**
 * config_reset() - Bring all registers to their values after power-on.
 * @config: the space
 */
void config_reset(struct pci_config *config)
{
	memcpy(config->data, config->initial, sizeof(config->data));
}

/**
 * config_read() - Read bytes.
 * @config: the space
 * @offset: where from
 * @buf: where to
 * @bytes: how many; what lies behind the space reads 0
 */
void config_read(const struct pci_config *config, unsigned int offset, void *buf, size_t bytes)
{
	size_t n = offset < PCI_CONFIG_BYTES ? PCI_CONFIG_BYTES - offset : 0;

	if (n > bytes)
		n = bytes;
	memcpy(buf, config->data + (n ? offset : 0), n);
	memset((uint8_t *)buf + n, 0, bytes - n);
}

/**
 * config_write() - Write bytes through the masks.
 * @config: the space
 * @offset: where to
 * @buf: where from
 * @bytes: how many; what lies behind the space is dropped
 *
 * Return: PCI_WRITE_FLR when the write asks for a function level reset, else 0.
 */
unsigned int config_write(struct pci_config *config, unsigned int offset, const void *buf,
			  size_t bytes)
{
	const uint8_t *from = buf;
	unsigned int asked = flr_check(config, offset, buf, bytes);

	for (size_t i = 0; i < bytes && offset + i < PCI_CONFIG_BYTES; i++) {
		uint8_t *byte = &config->data[offset + i];
		uint8_t writable = config->writable[offset + i];

		*byte = (uint8_t)((*byte & ~writable) | (from[i] & writable));
		*byte &= (uint8_t)~(from[i] & config->clear[offset + i]);
	}
	return asked;
}
