// SPDX-License-Identifier: MIT
/* Capabilities: power management, MSI-X, PCI Express endpoint. */
#include "driver/maru_hw.h"
#include "firmware-emu/pci/config.h"

#define CAP_ID_PM		0x01
#define CAP_ID_MSIX		0x11
#define CAP_ID_PCIE		0x10

#define PM_VERSION		0x0003
#define PM_STATE_MASK		0x0003
#define PM_NO_SOFT_RESET	0x0008

#define MSIX_CONTROL_MASK	0xc000	/* enable, function mask */

#define PCIE_ENDPOINT_V2	0x0002
#define PCIE_DEVCAP_ROLE	0x00008000u	/* role-based error reporting */
#define PCIE_DEVCAP_EXT_TAG	0x00000020u
#define PCIE_DEVCAP_FLR		0x10000000u
#define PCIE_DEVCTL_RESET	0x2810u		/* read request 512, relaxed order, no snoop */
#define PCIE_DEVCTL_MASK	0x79ffu
#define PCIE_DEVSTA_CLEAR	0x000fu
#define PCIE_LINKCAP		0x00400104u	/* x16, 16 GT/s, ASPM optional */
#define PCIE_LINKCTL_MASK	0x01fbu
#define PCIE_LINKSTA		0x0104u
#define PCIE_DEVCAP2		0x00000012u	/* completion time-out ranges, and disable */
#define PCIE_DEVCTL2_MASK	0x001fu
#define PCIE_LINKCAP2		0x0000001eu	/* 2.5 … 16 GT/s */
#define PCIE_LINKCTL2		0x0004u

_Static_assert(MARU_MSIX_TABLE + 16 * MARU_MSIX_VECTORS <= MARU_MSIX_PBA, "table before PBA");
_Static_assert(MARU_MSIX_PBA + 8 <= MARU_REGS_BYTES, "PBA inside");

static void cap_begin(struct pci_config *config, unsigned int offset, uint8_t id,
		      unsigned int next)
{
	config->data[offset] = id;
	config->data[offset + 1] = (uint8_t)next;
}

/**
 * caps_add_pm() - Add power management: D0 and D3hot, whose end is no reset.
 * @config: the space
 * @offset: where, 8 bytes
 * @next: the capability after it
 */
void caps_add_pm(struct pci_config *config, unsigned int offset, unsigned int next)
{
	cap_begin(config, offset, CAP_ID_PM, next);
	config_set16(config, offset + 2, PM_VERSION);
	config_set16(config, offset + 4, PM_NO_SOFT_RESET);
	config_mask16(config, offset + 4, PM_STATE_MASK, 0);
}

/**
 * caps_add_msix() - Add MSI-X with table and pending bits in the register BAR.
 * @config: the space
 * @offset: where, 12 bytes
 * @next: the capability after it
 */
void caps_add_msix(struct pci_config *config, unsigned int offset, unsigned int next)
{
	cap_begin(config, offset, CAP_ID_MSIX, next);
	config_set16(config, offset + 2, MARU_MSIX_VECTORS - 1);
	config_mask16(config, offset + 2, MSIX_CONTROL_MASK, 0);
	config_set32(config, offset + 4, MARU_MSIX_TABLE | MARU_BAR_REGS);
	config_set32(config, offset + 8, MARU_MSIX_PBA | MARU_BAR_REGS);
}

/**
 * caps_add_pcie() - Add an endpoint that knows function level reset.
 * @config: the space
 * @offset: where, 60 bytes
 * @next: the capability after it
 */
void caps_add_pcie(struct pci_config *config, unsigned int offset, unsigned int next)
{
	cap_begin(config, offset, CAP_ID_PCIE, next);
	config_set16(config, offset + 0x02, PCIE_ENDPOINT_V2);
	config_set32(config, offset + 0x04,
		     PCIE_DEVCAP_FLR | PCIE_DEVCAP_ROLE | PCIE_DEVCAP_EXT_TAG);
	config_set16(config, offset + 0x08, PCIE_DEVCTL_RESET);
	config_mask16(config, offset + 0x08, PCIE_DEVCTL_MASK, 0);
	config_mask16(config, offset + 0x0a, 0, PCIE_DEVSTA_CLEAR);
	config_set32(config, offset + 0x0c, PCIE_LINKCAP);
	config_mask16(config, offset + 0x10, PCIE_LINKCTL_MASK, 0);
	config_set16(config, offset + 0x12, PCIE_LINKSTA);
	config_set32(config, offset + 0x24, PCIE_DEVCAP2);
	config_mask16(config, offset + 0x28, PCIE_DEVCTL2_MASK, 0);
	config_set32(config, offset + 0x2c, PCIE_LINKCAP2);
	config_set16(config, offset + 0x30, PCIE_LINKCTL2);
	config->flr = offset + 0x08;
}
