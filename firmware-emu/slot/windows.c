// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/windows.h"

/**
 * windows_init() - Begin with no window.
 * @windows: the list
 */
void windows_init(struct windows *windows)
{
	memset(windows, 0, sizeof(*windows));
	for (unsigned int i = 0; i < WINDOWS_MAX_FILES; i++)
		windows->files[i].fd = -1;
}

static void file_put(struct windows *windows, uint16_t file)
{
	struct window_file *entry;

	if (file == WINDOWS_NO_FILE)
		return;
	entry = &windows->files[file];
	windows->with_file--;
	if (--entry->users)
		return;
	close(entry->fd);
	entry->fd = -1;
}

/* Takes fd over. Windows of one file share one descriptor, or guests with many would need many. */
static int file_get(struct windows *windows, const struct stat *st, int mode, int fd)
{
	struct window_file *entry, *spare = NULL;

	for (unsigned int i = 0; i < WINDOWS_MAX_FILES; i++) {
		entry = &windows->files[i];
		if (entry->fd < 0) {
			spare = spare ? spare : entry;
			continue;
		}
		if (entry->dev == st->st_dev && entry->ino == st->st_ino && entry->mode == mode) {
			close(fd);
			entry->users++;
			windows->with_file++;
			return (int)i;
		}
	}
	if (!spare) {
		close(fd);
		return -EMFILE;
	}
	*spare = (struct window_file){
		.dev = st->st_dev, .ino = st->st_ino, .mode = mode, .fd = fd, .users = 1,
	};
	windows->with_file++;
	return (int)(spare - windows->files);
}

static int file_check(const struct device_window *range, int fd, struct stat *st, int *mode)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, st))
		return -EBADF;
	if (!S_ISREG(st->st_mode) || (flags & O_PATH))
		return -EINVAL;
	*mode = flags & O_ACCMODE;
	if (*mode == O_WRONLY || (range->is_writable && *mode != O_RDWR))
		return -EACCES;
	if (st->st_size < 0 || range->offset + range->bytes > (uint64_t)st->st_size)
		return -EINVAL;
	return 0;
}

/* Index of the first window that does not end before iova. */
static unsigned int windows_seek(const struct windows *windows, uint64_t iova)
{
	unsigned int low = 0, high = windows->count;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		const struct device_window *range = &windows->window[mid].range;

		if (range->iova + (range->bytes - 1) < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int windows_reserve(struct windows *windows)
{
	unsigned int room = windows->room ? windows->room * 2 : 64;
	struct window *window;

	if (windows->count == WINDOWS_MAX)
		return -ENOSPC;
	if (windows->count < windows->room)
		return 0;
	window = realloc(windows->window, room * sizeof(*window));
	if (!window)
		return -ENOMEM;
	windows->window = window;
	windows->room = room;
	return 0;
}

/* The card's own BARs come back as windows without a file too, but never before real memory. */
static void windows_explain(struct windows *windows, const struct device_window *range)
{
	if (windows->is_told || windows->with_file || !range->is_writable ||
	    range->bytes < WINDOWS_RAM_BYTES)
		return;
	windows->is_told = true;
	log_error("slot", "the VM's memory is not shared and the card can not reach it: "
		  "start QEMU with -object memory-backend-memfd,id=m,size=SIZE,share=on "
		  "-machine memory-backend=m");
}

static bool range_is_same(const struct device_window *a, const struct device_window *b)
{
	return a->iova == b->iova && a->bytes == b->bytes && a->offset == b->offset &&
	       a->is_readable == b->is_readable && a->is_writable == b->is_writable;
}

/**
 * windows_map() - Add a window.
 * @windows: the list
 * @range: where it is; checked for shape by the transport
 * @fd: the file behind it, owned by this call, or -1
 *
 * A window without a file is kept and never shown to the core. The same window again is fine.
 *
 * Return: 0; -EEXIST when another window overlaps; -ENOSPC or -EMFILE for too many windows or
 * files; -EINVAL for what is no file or too short; -EACCES when the file does not permit what
 * the window does; -ENOMEM.
 */
int windows_map(struct windows *windows, const struct device_window *range, int fd)
{
	unsigned int at = windows_seek(windows, range->iova);
	int mode = 0, file = WINDOWS_NO_FILE, ret = 0;
	struct stat st = { 0 };

	if (fd >= 0)
		ret = file_check(range, fd, &st, &mode);
	if (!ret && at < windows->count &&
	    windows->window[at].range.iova <= range->iova + (range->bytes - 1)) {
		const struct window *old = &windows->window[at];
		bool is_same = range_is_same(&old->range, range) &&
			       (fd >= 0) == (old->file != WINDOWS_NO_FILE);

		if (is_same && fd >= 0)
			is_same = windows->files[old->file].ino == st.st_ino &&
				  windows->files[old->file].dev == st.st_dev;
		if (fd >= 0)
			close(fd);
		return is_same ? 0 : -EEXIST;
	}
	if (!ret)
		ret = windows_reserve(windows);
	if (ret) {
		if (fd >= 0)
			close(fd);
		return ret;
	}
	if (fd >= 0) {
		file = file_get(windows, &st, mode, fd);
		if (file < 0)
			return file;
	} else {
		windows_explain(windows, range);
	}
	memmove(&windows->window[at + 1], &windows->window[at],
		(windows->count - at) * sizeof(windows->window[0]));
	windows->window[at] = (struct window){
		.range = *range, .file = (uint16_t)file, .state = WINDOW_NEW,
	};
	windows->count++;
	return 0;
}

static void window_mark(struct window *window, unsigned int *sent)
{
	if (window->state == WINDOW_SENT)
		(*sent)++;
	window->state = window->state == WINDOW_SENT ? WINDOW_LEAVING : WINDOW_LEAVING_SENT;
}

/**
 * windows_leave() - Mark windows to be taken away.
 * @windows: the list
 * @iova: begin of a window
 * @bytes: its length, exactly; 0: all windows
 * @sent: how many of them the core must be told of
 *
 * Return: 0, or -ENOENT when there is no such window.
 */
int windows_leave(struct windows *windows, uint64_t iova, uint64_t bytes, unsigned int *sent)
{
	unsigned int at;

	*sent = 0;
	if (!bytes) {
		for (unsigned int i = 0; i < windows->count; i++)
			window_mark(&windows->window[i], sent);
		return 0;
	}
	at = windows_seek(windows, iova);
	if (at == windows->count || windows->window[at].range.iova != iova ||
	    windows->window[at].range.bytes != bytes)
		return -ENOENT;
	window_mark(&windows->window[at], sent);
	return 0;
}

/**
 * windows_drop_left() - Forget the windows that were marked, their files too.
 * @windows: the list
 */
void windows_drop_left(struct windows *windows)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < windows->count; i++) {
		struct window *window = &windows->window[i];

		if (window->state >= WINDOW_LEAVING)
			file_put(windows, window->file);
		else
			windows->window[kept++] = *window;
	}
	windows->count = kept;
}

/**
 * windows_core_gone() - Note that no core knows any window.
 * @windows: the list
 */
void windows_core_gone(struct windows *windows)
{
	windows_drop_left(windows);
	for (unsigned int i = 0; i < windows->count; i++)
		windows->window[i].state = WINDOW_NEW;
}

/**
 * windows_clear() - Forget all windows and give their memory back.
 * @windows: the list
 */
void windows_clear(struct windows *windows)
{
	for (unsigned int i = 0; i < windows->count; i++)
		file_put(windows, windows->window[i].file);
	free(windows->window);
	windows->window = NULL;
	windows->count = 0;
	windows->room = 0;
	windows->is_told = false;
}

/**
 * windows_fd() - Tell the file behind a window.
 * @windows: the list
 * @window: one of it
 *
 * Return: the descriptor, still the list's, or -1.
 */
int windows_fd(const struct windows *windows, const struct window *window)
{
	return window->file == WINDOWS_NO_FILE ? -1 : windows->files[window->file].fd;
}

/**
 * windows_files() - Count the open files.
 * @windows: the list
 *
 * Return: how many.
 */
unsigned int windows_files(const struct windows *windows)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < WINDOWS_MAX_FILES; i++)
		n += windows->files[i].fd >= 0;
	return n;
}
