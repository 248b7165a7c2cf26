/* SPDX-License-Identifier: MIT */
/*
 * vfio-user on the wire: every struct, number and limit of the protocol that the card speaks.
 * Little-endian, naturally aligned. Nothing outside transport/ (and the tests) includes this.
 */
#ifndef MARU_TRANSPORT_WIRE_H
#define MARU_TRANSPORT_WIRE_H

#include <stdint.h>

enum wire_command {
	WIRE_VERSION			= 1,
	WIRE_DMA_MAP			= 2,
	WIRE_DMA_UNMAP			= 3,
	WIRE_DEVICE_GET_INFO		= 4,
	WIRE_DEVICE_GET_REGION_INFO	= 5,
	WIRE_DEVICE_GET_REGION_IO_FDS	= 6,
	WIRE_DEVICE_GET_IRQ_INFO	= 7,
	WIRE_DEVICE_SET_IRQS		= 8,
	WIRE_REGION_READ		= 9,
	WIRE_REGION_WRITE		= 10,
	WIRE_DMA_READ			= 11,
	WIRE_DMA_WRITE			= 12,
	WIRE_DEVICE_RESET		= 13,
	WIRE_DIRTY_PAGES		= 14,
	WIRE_REGION_WRITE_MULTI		= 15,
	WIRE_COMMAND_COUNT		= 19,
};

#define WIRE_FLAG_TYPE_MASK	0xfu
#define WIRE_FLAG_COMMAND	0x0u
#define WIRE_FLAG_REPLY		0x1u
#define WIRE_FLAG_NO_REPLY	0x10u
#define WIRE_FLAG_ERROR		0x20u

#define WIRE_MAX_XFER		0x100000u	/* bytes of a region access */
#define WIRE_MAX_BODY		(WIRE_MAX_XFER + 64u)
#define WIRE_MAX_JSON		4096u		/* bytes of the VERSION text */
#define WIRE_MAX_WINDOWS	65535u		/* told as max_dma_maps */
#define WIRE_MAX_FDS		8u		/* told as max_msg_fds */
#define WIRE_MAX_MULTI		200u

struct wire_header {
	uint16_t id;
	uint16_t command;
	uint32_t bytes;			/* with this header */
	uint32_t flags;
	uint32_t error;			/* positive errno of an error reply */
};

struct wire_version {
	uint16_t major;
	uint16_t minor;
	char json[];
};

#define WIRE_DMA_READABLE	0x1u
#define WIRE_DMA_WRITABLE	0x2u

struct wire_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;		/* in the fd that came along */
	uint64_t iova;
	uint64_t bytes;
};

#define WIRE_UNMAP_ALL		0x2u

struct wire_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;
	uint64_t bytes;
};

#define WIRE_DEVICE_RESETS	0x1u
#define WIRE_DEVICE_PCI		0x2u

struct wire_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t regions;
	uint32_t irqs;
};

#define WIRE_REGION_READABLE	0x1u
#define WIRE_REGION_WRITABLE	0x2u
#define WIRE_REGION_MMAP	0x4u

struct wire_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	uint64_t bytes;
	uint64_t offset;
};

#define WIRE_IRQ_EVENTFD	0x1u

struct wire_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};

#define WIRE_IRQ_DATA_NONE	0x01u
#define WIRE_IRQ_DATA_BOOL	0x02u
#define WIRE_IRQ_DATA_EVENTFD	0x04u
#define WIRE_IRQ_DATA_MASK	0x07u
#define WIRE_IRQ_MASK		0x08u
#define WIRE_IRQ_UNMASK		0x10u
#define WIRE_IRQ_TRIGGER	0x20u
#define WIRE_IRQ_ACTION_MASK	0x38u

struct wire_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	uint8_t data[];
};

struct wire_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[];
};

struct wire_write_one {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[8];
};

struct wire_write_multi {
	uint64_t count;
	struct wire_write_one write[];
};

_Static_assert(sizeof(struct wire_header) == 16, "header");
_Static_assert(sizeof(struct wire_version) == 4, "version");
_Static_assert(sizeof(struct wire_dma_map) == 32, "dma map");
_Static_assert(sizeof(struct wire_dma_unmap) == 24, "dma unmap");
_Static_assert(sizeof(struct wire_device_info) == 16, "device info");
_Static_assert(sizeof(struct wire_region_info) == 32, "region info");
_Static_assert(sizeof(struct wire_irq_info) == 16, "irq info");
_Static_assert(sizeof(struct wire_irq_set) == 20, "irq set");
_Static_assert(sizeof(struct wire_region_access) == 16, "region access");
_Static_assert(sizeof(struct wire_write_one) == 24, "write one");
_Static_assert(sizeof(struct wire_write_multi) == 8, "write multi");

#endif
