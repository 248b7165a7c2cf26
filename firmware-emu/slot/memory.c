// SPDX-License-Identifier: MIT
/* The memory of the card: sealed files that no peer can make shorter. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "firmware-emu/slot/slot.h"

#define MEMORY_SCRUB_STEP	(64ull << 20)

/**
 * memory_create() - Make a sealed file of zeroes.
 * @bytes: its size, for good
 *
 * Return: the descriptor or -errno.
 */
int memory_create(uint64_t bytes)
{
	int fd = memfd_create("maru-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING), ret;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/**
 * memory_shared_create() - Make the page that slot and core share.
 * @shared: where it is mapped
 *
 * Return: the descriptor or -errno.
 */
int memory_shared_create(struct ipc_shared **shared)
{
	int fd = memory_create(IPC_SHARED_BYTES), ret;
	void *at;

	if (fd < 0)
		return fd;
	at = mmap(NULL, IPC_SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		ret = -errno;
		close(fd);
		return ret;
	}
	*shared = at;
	return fd;
}

/**
 * memory_scrub() - Zero the next part of a memory file.
 * @fd: the file
 * @bytes: its size
 * @at: where to go on; moved
 *
 * One call is one bounded step, so that nobody waits for gigabytes.
 *
 * Return: true when all is zero.
 */
bool memory_scrub(int fd, uint64_t bytes, uint64_t *at)
{
	uint64_t step = bytes - *at;

	if (step > MEMORY_SCRUB_STEP)
		step = MEMORY_SCRUB_STEP;
	if (step && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)*at,
			      (off_t)step) && errno == EINTR)
		return false;
	*at += step;
	return *at >= bytes;
}
