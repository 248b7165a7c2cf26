// SPDX-License-Identifier: MIT
/* Interrupts are written by the core itself; the slot only hands the eventfds over. */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/core/irq.h"
#include "firmware-emu/mem/point.h"

#define IRQ_STORM_NS	500000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* protects fds */
static int fds[MARU_MSIX_VECTORS] = {
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
};

static void irq_replace(unsigned int vector, int fd)
{
	int old = fds[vector];

	fds[vector] = fd;
	if (old >= 0)
		close(old);
}

void irq_set(const struct ipc_irqs *irqs, const int *new_fds, unsigned int count)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < irqs->count || i < count; i++) {
		uint64_t vector = (uint64_t)irqs->start + i;
		int fd = irqs->armed && i < count ? new_fds[i] : -1;

		if (vector < MARU_MSIX_VECTORS)
			irq_replace((unsigned int)vector, fd);
		else if (i < count)
			close(new_fds[i]);
		if (vector < MARU_MSIX_VECTORS && !irqs->armed && i < count)
			close(new_fds[i]);
		if (vector >= MARU_MSIX_VECTORS && i >= count)
			break;
	}
	pthread_mutex_unlock(&lock);
}

/* A peer that does not read must block nobody. It can clear the flag, so it is set each time. */
static void irq_write(unsigned int vector)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&lock);
	if (vector < MARU_MSIX_VECTORS && fds[vector] >= 0 &&
	    !fcntl(fds[vector], F_SETFL, O_RDWR | O_NONBLOCK) &&
	    write(fds[vector], &one, sizeof(one)) < 0) {
		/* A full counter is a raised interrupt; a closed reader wants none. */
	}
	pthread_mutex_unlock(&lock);
}

static uint64_t irq_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void irq_raise(unsigned int vector)
{
	uint64_t begin;

	irq_write(vector);
	if (!point_hit(IPC_POINT_IRQ_RAISE))
		return;
	for (begin = irq_now(); irq_now() - begin < IRQ_STORM_NS;)
		irq_write(vector);
}
