/* SPDX-License-Identifier: MIT */
/*
 * Configuration space: 4 KiB of bytes, each with a mask of bits that a write changes and of bits
 * that a written one clears. Everything else never changes.
 */
#ifndef MARU_PCI_CONFIG_H
#define MARU_PCI_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "firmware-emu/pci/bar.h"

#define PCI_CONFIG_BYTES	4096

#define PCI_VENDOR_ID		0x00
#define PCI_DEVICE_ID		0x02
#define PCI_COMMAND		0x04
#define PCI_STATUS		0x06
#define PCI_REVISION		0x08
#define PCI_CLASS		0x09
#define PCI_BAR0		0x10
#define PCI_SUBSYSTEM_VENDOR	0x2c
#define PCI_SUBSYSTEM		0x2e
#define PCI_CAPABILITIES	0x34
#define PCI_INTERRUPT_LINE	0x3c
#define PCI_INTERRUPT_PIN	0x3d

#define PCI_COMMAND_MASK	0x0547u	/* I/O, memory, master, parity, SERR, INTx disable */
#define PCI_STATUS_IMMEDIATE	0x0001u	/* Immediate Readiness: no wait after FLR */
#define PCI_STATUS_CAPS		0x0010u
#define PCI_STATUS_CLEAR	0xf900u

struct pci_config {
	uint8_t data[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES];
	uint8_t clear[PCI_CONFIG_BYTES];
	uint8_t initial[PCI_CONFIG_BYTES];
	unsigned int flr;		/* offset of the word with the FLR bit */
};

/* What a write asks of the device. */
#define PCI_WRITE_FLR		0x1u

void config_init(struct pci_config *config, const struct bar_plan *plan);
void config_reset(struct pci_config *config);
void config_read(const struct pci_config *config, unsigned int offset, void *buf, size_t bytes);
unsigned int config_write(struct pci_config *config, unsigned int offset, const void *buf,
			  size_t bytes);
void config_set16(struct pci_config *config, unsigned int offset, uint16_t value);
void config_set32(struct pci_config *config, unsigned int offset, uint32_t value);
void config_mask16(struct pci_config *config, unsigned int offset, uint16_t writable,
		   uint16_t clear);
void config_mask32(struct pci_config *config, unsigned int offset, uint32_t writable);

/* caps.c */
void caps_add_pm(struct pci_config *config, unsigned int offset, unsigned int next);
void caps_add_msix(struct pci_config *config, unsigned int offset, unsigned int next);
void caps_add_pcie(struct pci_config *config, unsigned int offset, unsigned int next);

/* flr.c */
#define FLR_BIT			0x8000u	/* Initiate Function Level Reset of Device Control */

unsigned int flr_check(const struct pci_config *config, unsigned int offset, const void *buf,
		       size_t bytes);
void flr_apply(struct pci_config *config);

#endif
