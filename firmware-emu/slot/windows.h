/* SPDX-License-Identifier: MIT */
/*
 * DMA windows: ranges of the guest's memory, with the file behind each. The slot only keeps the
 * list and never touches what is in there; the core maps the files.
 */
#ifndef MARU_SLOT_WINDOWS_H
#define MARU_SLOT_WINDOWS_H

#include <sys/types.h>

#include "firmware-emu/transport/transport.h"

#define WINDOWS_MAX		65535u
#define WINDOWS_MAX_FILES	256u
#define WINDOWS_NO_FILE		0xffffu
#define WINDOWS_RAM_BYTES	(1ull << 20)	/* a window of this size is no ROM */

enum window_state {
	WINDOW_NEW,			/* the core does not know it */
	WINDOW_SENT,
	WINDOW_LEAVING,			/* the core must forget it, not told yet */
	WINDOW_LEAVING_SENT,		/* told, not acknowledged yet */
};

struct window {
	struct device_window range;
	uint16_t file;			/* of windows.files, or WINDOWS_NO_FILE */
	uint8_t state;			/* enum window_state */
};

struct window_file {
	dev_t dev;
	ino_t ino;
	int mode;			/* O_RDONLY or O_RDWR */
	int fd;				/* -1: free */
	unsigned int users;
};

struct windows {
	struct window *window;		/* sorted by iova, no two overlap */
	unsigned int count, room;
	struct window_file files[WINDOWS_MAX_FILES];
	unsigned int with_file;		/* windows that have one */
	bool is_told;			/* the missing memory option was named */
};

void windows_init(struct windows *windows);
void windows_clear(struct windows *windows);
int windows_map(struct windows *windows, const struct device_window *range, int fd);
int windows_leave(struct windows *windows, uint64_t iova, uint64_t bytes, unsigned int *sent);
void windows_drop_left(struct windows *windows);
void windows_core_gone(struct windows *windows);
int windows_fd(const struct windows *windows, const struct window *window);
unsigned int windows_files(const struct windows *windows);

#endif
