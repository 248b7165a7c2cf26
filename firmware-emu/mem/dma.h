/* SPDX-License-Identifier: MIT */
/*
 * DMA windows: which bytes of the guest's memory lie where in which file. Each file is mapped
 * whole once, however many windows it has, so that neighbours merge by themselves.
 */
#ifndef MARU_DMA_H
#define MARU_DMA_H

#include <stdbool.h>
#include <stdint.h>

#define DMA_WINDOWS_MAX		131072
#define DMA_FILES_MAX	1024

struct dma_file;

/* Bytes that follow each other in guest-physical space, in one file and in our mapping. */
struct dma_run {
	uint8_t *host;
	uint64_t bytes;
	struct dma_file *file;
	uint64_t offset;	/* in the file */
	bool is_writable;
};

/**
 * dma_map() - Add a window.
 * @fd: its file; taken in any case
 *
 * Return: 0, -EINVAL for a range that wraps or is not of whole pages, -EEXIST when it overlaps,
 * -ENOSPC at a limit, or the error of mmap.
 */
int dma_map(uint64_t iova, uint64_t bytes, int fd, uint64_t offset, bool is_writable);

struct dma_removed;

/**
 * dma_unmap() - Take what lies in a range out of the table; its files stay mapped.
 * Return: what dma_free() lets go once nobody uses it, NULL: nothing was there.
 */
struct dma_removed *dma_unmap(uint64_t iova, uint64_t bytes);

/** dma_free() - Let go of the files of removed windows. */
void dma_free(struct dma_removed *removed);

/** dma_fini() - Remove all. */
void dma_fini(void);

/** dma_count() - Windows in the table. */
unsigned int dma_count(void);

/*
 * Look-ups happen between these two, and a pointer from one is used there or under a hold
 * that DMA_UNMAP looks for (span.c).
 */
void dma_lock(void);
void dma_unlock(void);

/** dma_find() - Find the longest run from @addr on, not more than @bytes. */
bool dma_find(uint64_t addr, uint64_t bytes, struct dma_run *run);

/** dma_file_fd() - The file of a run. */
int dma_file_fd(const struct dma_file *file);

/** dma_file_is_dead() - Tell whether the file was found to be shorter than its windows. */
bool dma_file_is_dead(const struct dma_file *file);

/** dma_file_kill() - Remember that it is. Async-signal-safe. */
void dma_file_kill(struct dma_file *file);

/** dma_sigbus() - Contain a fault in a mapping of a file. Async-signal-safe. */
bool dma_sigbus(uintptr_t address);

/** sigbus_patch() - Put zeroes under a faulting address. Async-signal-safe. */
bool sigbus_patch(uintptr_t address, uintptr_t page_bytes);

/** dma_file_page() - Granule of the file's mappings. */
uint64_t dma_file_page(const struct dma_file *file);

#endif
