/* SPDX-License-Identifier: MIT */
/*
 * vfio-user as a client speaks it, written from the protocol's text: the card's own words for it
 * are the card's. Little-endian, naturally aligned.
 */
#ifndef ACCEL_DIRECT_WIRE_H
#define ACCEL_DIRECT_WIRE_H

#include <stdint.h>

enum vfu_command {
	VFU_VERSION		= 1,
	VFU_DMA_MAP		= 2,
	VFU_GET_INFO		= 4,
	VFU_GET_REGION_INFO	= 5,
	VFU_SET_IRQS		= 8,
	VFU_REGION_READ		= 9,
	VFU_REGION_WRITE	= 10,
};

#define VFU_TYPE_MASK		0xfu
#define VFU_REPLY		0x1u
#define VFU_NO_REPLY		0x10u
#define VFU_ERROR		0x20u

struct vfu_header {
	uint16_t id;
	uint16_t command;
	uint32_t bytes;			/* with this header */
	uint32_t flags;
	uint32_t error;			/* positive errno */
};

struct vfu_version {
	uint16_t major;
	uint16_t minor;
	char json[128];
};

#define VFU_DMA_READ		0x1u
#define VFU_DMA_WRITE		0x2u

struct vfu_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t iova;
	uint64_t bytes;
};

struct vfu_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t regions;
	uint32_t irqs;
};

#define VFU_REGION_MMAP		0x4u

struct vfu_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	uint64_t bytes;
	uint64_t offset;
};

#define VFU_IRQ_MSIX		2
#define VFU_IRQ_EVENTFD		0x04u
#define VFU_IRQ_TRIGGER		0x20u

struct vfu_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
};

#define VFU_REGION_CONFIG	7

struct vfu_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[8];
};

#define VFU_ACCESS_BYTES	16u	/* of it, without data */

_Static_assert(sizeof(struct vfu_header) == 16, "header");
_Static_assert(sizeof(struct vfu_dma_map) == 32, "dma map");
_Static_assert(sizeof(struct vfu_info) == 16, "info");
_Static_assert(sizeof(struct vfu_region_info) == 32, "region info");
_Static_assert(sizeof(struct vfu_irq_set) == 20, "irq set");
_Static_assert(sizeof(struct vfu_access) == VFU_ACCESS_BYTES + 8, "access");

#endif
