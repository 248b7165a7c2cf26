/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of the slot in the same process. It drives the slot's loop while it waits, over a
 * socket pair or the loopback with the same bytes. It can be as wrong as a test wants.
 */
#ifndef MARU_TEST_VFU_CLIENT_H
#define MARU_TEST_VFU_CLIENT_H

#include "firmware-emu/slot/slot.h"
#include "firmware-emu/transport/loopback.h"
#include "firmware-emu/transport/wire.h"

enum vfu_way { VFU_SOCKET, VFU_LOOPBACK };

struct vfu {
	struct slot *slot;
	enum vfu_way way;
	int fd;
	struct loopback *loop;
	uint16_t id;
	struct fd_list fds;		/* of the last reply */
};

#define VFU_CLOSED	(-1000)		/* the slot hung up */
#define VFU_SILENT	(-1001)		/* nothing came in time */

int vfu_connect(struct vfu *vfu, struct slot *slot, enum vfu_way way);
int vfu_open(struct vfu *vfu, struct slot *slot, enum vfu_way way);
void vfu_close(struct vfu *vfu);
void vfu_pump(struct vfu *vfu, unsigned int ms);

int vfu_send_bytes(struct vfu *vfu, const void *buf, size_t bytes, const int *fds,
		   unsigned int count);
int vfu_send(struct vfu *vfu, unsigned int command, uint32_t flags, const void *body,
	     size_t bytes, const int *fds, unsigned int count);
int vfu_recv(struct vfu *vfu, struct wire_header *header, void *body, size_t room,
	     unsigned int ms);
int vfu_call(struct vfu *vfu, unsigned int command, const void *body, size_t bytes,
	     const int *fds, unsigned int count, void *reply, size_t room);

int vfu_negotiate(struct vfu *vfu, const char *json, size_t bytes);
int vfu_read(struct vfu *vfu, unsigned int region, uint64_t offset, void *buf, uint32_t n);
int vfu_write(struct vfu *vfu, unsigned int region, uint64_t offset, const void *buf, uint32_t n);
uint32_t vfu_read32(struct vfu *vfu, unsigned int region, uint64_t offset);
int vfu_write32(struct vfu *vfu, unsigned int region, uint64_t offset, uint32_t value);
int vfu_map(struct vfu *vfu, int fd, uint64_t offset, uint64_t iova, uint64_t bytes,
	    uint32_t flags);
int vfu_unmap(struct vfu *vfu, uint64_t iova, uint64_t bytes, uint32_t flags);
int vfu_irqs(struct vfu *vfu, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
	     const int *fds, unsigned int nfds);
int vfu_wait_status(struct vfu *vfu, uint32_t status, unsigned int ms);

#endif
