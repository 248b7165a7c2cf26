// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "firmware-emu/mem/dma.h"
#include "driver/maru_hw.h"

struct dma_file {
	_Atomic(uintptr_t) base;	/* 0: the slot is free */
	uint64_t bytes;			/* mapped, from offset on */
	uint64_t offset;
	uint64_t page;
	dev_t device;
	ino_t inode;
	int fd;
	bool is_writable;
	unsigned int refs;
	atomic_bool is_dead;
};

struct window {
	uint64_t iova;
	uint64_t bytes;
	uint64_t offset;
	struct dma_file *file;
	bool is_writable;
};

struct dma_removed {
	unsigned int count;
	struct dma_file *files[];
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;	/* protects table and files */
static struct window *table;
static unsigned int count, room;
static struct dma_file files[DMA_FILES_MAX];

static bool file_holds(const struct dma_file *file, uint64_t offset, uint64_t bytes)
{
	return offset >= file->offset && offset - file->offset <= file->bytes &&
	       bytes <= file->bytes - (offset - file->offset);
}

static struct dma_file *file_lookup(const struct stat *st, uint64_t offset, uint64_t bytes,
				       bool is_writable)
{
	for (unsigned int i = 0; i < DMA_FILES_MAX; i++) {
		struct dma_file *file = &files[i];

		if (file->refs && file->device == st->st_dev && file->inode == st->st_ino &&
		    file->is_writable >= is_writable && file_holds(file, offset, bytes) &&
		    !file->is_dead)
			return file;
	}
	return NULL;
}

static int file_map(struct dma_file *file, int fd, uint64_t offset, uint64_t bytes,
		    bool is_writable)
{
	int prot = PROT_READ | (is_writable ? PROT_WRITE : 0);
	void *base = mmap(NULL, bytes, prot, MAP_SHARED | MAP_NORESERVE, fd, (off_t)offset);

	if (base == MAP_FAILED)
		return -errno;
	madvise(base, bytes, MADV_HUGEPAGE);
	file->bytes = bytes;
	file->offset = offset;
	file->fd = fd;
	file->is_writable = is_writable;
	file->is_dead = false;
	file->base = (uintptr_t)base;
	return 0;
}

static int file_open(int fd, const struct stat *st, uint64_t offset, uint64_t bytes,
		     bool is_writable, struct dma_file **out)
{
	struct dma_file *file = NULL;
	struct statfs fs;
	int ret = -EINVAL;

	for (unsigned int i = 0; i < DMA_FILES_MAX && !file; i++)
		file = files[i].refs ? NULL : &files[i];
	if (!file)
		return -ENOSPC;
	file->page = MARU_PAGE_BYTES;
	if (!fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC)
		file->page = (uint64_t)fs.f_bsize;
	/* The whole file where that is possible, else the window alone. */
	if ((uint64_t)st->st_size >= offset && (uint64_t)st->st_size - offset >= bytes)
		ret = file_map(file, fd, 0, (uint64_t)st->st_size, is_writable);
	if (ret)
		ret = file_map(file, fd, offset, bytes, is_writable);
	if (ret)
		return ret;
	file->device = st->st_dev;
	file->inode = st->st_ino;
	*out = file;
	return 0;
}

static void file_put(struct dma_file *file)
{
	if (--file->refs)
		return;
	munmap((void *)file->base, file->bytes);
	file->base = 0;
	close(file->fd);
}

/* First window that ends behind @iova. */
static unsigned int dma_lower(uint64_t iova)
{
	unsigned int low = 0, high = count;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (table[mid].iova + (table[mid].bytes - 1) < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int dma_insert(unsigned int at, const struct window *window)
{
	if (count == room) {
		unsigned int more = room ? room * 2 : 64;
		struct window *grown;

		if (count >= DMA_WINDOWS_MAX)
			return -ENOSPC;
		grown = realloc(table, more * sizeof(*table));
		if (!grown)
			return -ENOMEM;
		table = grown;
		room = more;
	}
	memmove(&table[at + 1], &table[at], (count - at) * sizeof(*table));
	table[at] = *window;
	count++;
	return 0;
}

static int dma_add(const struct window *want, int fd, bool *is_fd_used)
{
	struct window window = *want;
	unsigned int at = dma_lower(window.iova);
	struct stat st;
	int ret;

	if (at < count && table[at].iova <= window.iova + (window.bytes - 1))
		return -EEXIST;
	if (fstat(fd, &st))
		return -errno;
	window.file = file_lookup(&st, window.offset, window.bytes, window.is_writable);
	if (!window.file) {
		ret = file_open(fd, &st, window.offset, window.bytes, window.is_writable,
				&window.file);
		if (ret)
			return ret;
		*is_fd_used = true;
	}
	window.file->refs++;
	ret = dma_insert(at, &window);
	if (ret)
		file_put(window.file);	/* closes the file, when it was opened for this */
	return ret;
}

int dma_map(uint64_t iova, uint64_t bytes, int fd, uint64_t offset, bool is_writable)
{
	const struct window window = { .iova = iova, .bytes = bytes, .offset = offset,
				       .is_writable = is_writable };
	bool is_fd_used = false;
	int ret = -EINVAL;

	if (bytes && !((iova | bytes | offset) % MARU_PAGE_BYTES) &&
	    bytes - 1 <= UINT64_MAX - iova && offset <= INT64_MAX && bytes <= INT64_MAX - offset) {
		pthread_rwlock_wrlock(&lock);
		ret = dma_add(&window, fd, &is_fd_used);
		pthread_rwlock_unlock(&lock);
	}
	if (!is_fd_used)
		close(fd);
	return ret;
}

/* Cuts window @at so that one begins at @iova. */
static bool dma_split(unsigned int at, uint64_t iova)
{
	struct window back = table[at];
	uint64_t front = iova - back.iova;

	back.iova = iova;
	back.bytes -= front;
	back.offset += front;
	if (dma_insert(at + 1, &back))
		return false;
	back.file->refs++;
	table[at].bytes = front;
	return true;
}

static struct dma_removed *dma_cut(uint64_t iova, uint64_t last)
{
	struct dma_removed *removed;
	unsigned int first = dma_lower(iova), end;

	if (first < count && table[first].iova < iova && dma_split(first, iova))
		first++;
	for (end = first; end < count && table[end].iova <= last; end++) {
		if (table[end].iova + (table[end].bytes - 1) > last)
			dma_split(end, last + 1);
	}
	if (end == first)
		return NULL;
	removed = malloc(sizeof(*removed) + (end - first) * sizeof(removed->files[0]));
	if (removed) {
		removed->count = end - first;
		for (unsigned int i = first; i < end; i++)
			removed->files[i - first] = table[i].file;
	}
	/* Without memory for the list the files stay mapped for good; the windows go anyway. */
	memmove(&table[first], &table[end], (count - end) * sizeof(*table));
	count -= end - first;
	return removed;
}

struct dma_removed *dma_unmap(uint64_t iova, uint64_t bytes)
{
	struct dma_removed *removed;

	if (!bytes || bytes - 1 > UINT64_MAX - iova)
		return NULL;
	pthread_rwlock_wrlock(&lock);
	removed = dma_cut(iova, iova + (bytes - 1));
	pthread_rwlock_unlock(&lock);
	return removed;
}

void dma_free(struct dma_removed *removed)
{
	if (!removed)
		return;
	pthread_rwlock_wrlock(&lock);
	for (unsigned int i = 0; i < removed->count; i++)
		file_put(removed->files[i]);
	pthread_rwlock_unlock(&lock);
	free(removed);
}

void dma_fini(void)
{
	dma_free(dma_unmap(0, UINT64_MAX));
	free(table);
	table = NULL;
	room = 0;
}

unsigned int dma_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

void dma_lock(void)
{
	pthread_rwlock_rdlock(&lock);
}

void dma_unlock(void)
{
	pthread_rwlock_unlock(&lock);
}

bool dma_find(uint64_t addr, uint64_t bytes, struct dma_run *run)
{
	unsigned int at = dma_lower(addr);
	const struct window *window = &table[at];
	uint64_t inside;

	if (at == count || window->iova > addr || window->file->is_dead)
		return false;
	inside = addr - window->iova;
	run->file = window->file;
	run->offset = window->offset + inside;
	run->host = (uint8_t *)window->file->base + (run->offset - window->file->offset);
	run->bytes = window->bytes - inside;
	run->is_writable = window->is_writable;
	for (at++; at < count && run->bytes < bytes; at++) {
		const struct window *next = &table[at];

		if (next->iova != addr + run->bytes || next->file != run->file ||
		    next->offset != run->offset + run->bytes ||
		    next->is_writable != run->is_writable)
			break;
		run->bytes += next->bytes;
	}
	if (run->bytes > bytes)
		run->bytes = bytes;
	return true;
}

int dma_file_fd(const struct dma_file *file)
{
	return file->fd;
}

uint64_t dma_file_page(const struct dma_file *file)
{
	return file->page;
}

bool dma_file_is_dead(const struct dma_file *file)
{
	return file->is_dead;
}

void dma_file_kill(struct dma_file *file)
{
	file->is_dead = true;
}

bool dma_sigbus(uintptr_t address)
{
	for (unsigned int i = 0; i < DMA_FILES_MAX; i++) {
		uintptr_t base = files[i].base;

		if (!base || address < base || address - base >= files[i].bytes)
			continue;
		dma_file_kill(&files[i]);
		return sigbus_patch(address, files[i].page);
	}
	return false;
}
