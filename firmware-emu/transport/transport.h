/* SPDX-License-Identifier: MIT */
/*
 * Two seams of the transport.
 *
 * struct transport_ops carries bytes and file descriptors: a socket (sock.c), or the same bytes
 * inside one process (loopback.c). struct device_ops is what stands behind: a device that has
 * regions, interrupts and windows into its host's memory, and knows no protocol.
 *
 * Everything runs in the one thread of the slot. No call blocks.
 */
#ifndef MARU_TRANSPORT_H
#define MARU_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRANSPORT_MAX_FDS	64u	/* taken with one message; more end the connection */

/* struct fd_list - Owned file descriptors; what is not taken out is closed. */
struct fd_list {
	int fd[TRANSPORT_MAX_FDS];
	unsigned int count;
	bool is_over;			/* more came than there is room for */
};

void fd_list_close(struct fd_list *list);
int fd_list_take(struct fd_list *list, unsigned int idx);

struct transport;

struct transport_ops {
	/* Bytes read, 0 at the end of the stream, -EAGAIN, or another -errno. */
	ssize_t (*recv)(struct transport *transport, void *buf, size_t bytes, struct fd_list *fds);
	/* Bytes taken, -EAGAIN, or another -errno. The fd (or -1) rides on the first byte. */
	ssize_t (*send)(struct transport *transport, const void *buf, size_t bytes, int fd);
	/* Reads away what the peer sent, so that it sees an end and no reset; then closes. */
	void (*close)(struct transport *transport);
};

struct transport {
	const struct transport_ops *ops;
	int fd;				/* to poll; -1: none (loopback) */
};

struct transport *sock_create(int fd);
int sock_listen(const char *path);
int sock_accept(int listener);

enum device_region {
	DEVICE_BAR0			= 0,
	DEVICE_BAR5			= 5,
	DEVICE_ROM			= 6,
	DEVICE_CONFIG			= 7,
	DEVICE_VGA			= 8,
	DEVICE_REGION_COUNT		= 9,
};

enum device_irq {
	DEVICE_IRQ_INTX			= 0,
	DEVICE_IRQ_MSI			= 1,
	DEVICE_IRQ_MSIX			= 2,
	DEVICE_IRQ_ERR			= 3,
	DEVICE_IRQ_REQ			= 4,
	DEVICE_IRQ_COUNT		= 5,
};

struct device_region_info {
	uint64_t bytes;			/* 0: not there */
	int fd;				/* file to map at offset 0, or -1: trapped; not owned */
};

struct device_window {
	uint64_t iova;
	uint64_t bytes;
	uint64_t offset;		/* in the file */
	bool is_readable;
	bool is_writable;
};

/* Answers of an operation that may take time. */
#define DEVICE_DONE		0
#define DEVICE_LATER		1	/* session_complete() is called when it is done */

/*
 * Region accesses never fail: a range was checked against region_info before. Returns are 0 or
 * -errno where nothing else stands. fd arguments are owned by the callee.
 */
struct device_ops {
	void (*region_info)(void *dev, unsigned int region, struct device_region_info *info);
	void (*region_read)(void *dev, unsigned int region, uint64_t offset, void *buf, size_t n);
	void (*region_write)(void *dev, unsigned int region, uint64_t offset, const void *buf,
			     size_t n);
	unsigned int (*irq_count)(void *dev, unsigned int irq);
	/* fds: count of them, or NULL to disarm the range. DEVICE_DONE, DEVICE_LATER, -errno. */
	int (*irq_arm)(void *dev, unsigned int irq, unsigned int start, unsigned int count,
		       const int *fds);
	void (*irq_trigger)(void *dev, unsigned int irq, unsigned int vector);
	int (*window_map)(void *dev, const struct device_window *window, int fd);
	/* bytes 0: all windows. DEVICE_DONE, DEVICE_LATER, -errno. */
	int (*window_unmap)(void *dev, uint64_t iova, uint64_t bytes);
	void (*reset)(void *dev);
};

#endif
