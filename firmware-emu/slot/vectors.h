/* SPDX-License-Identifier: MIT */
/* Interrupt vectors: an eventfd each. The core raises them with copies of its own. */
#ifndef MARU_SLOT_VECTORS_H
#define MARU_SLOT_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/maru_hw.h"

struct vectors {
	int fd[MARU_MSIX_VECTORS];	/* or -1 */
	int retired[MARU_MSIX_VECTORS];	/* replaced, closed when the core has let go */
	int error_fd;			/* kept for the client, never raised */
	uint64_t raised;
};

void vectors_init(struct vectors *vectors);
int vectors_check(const int *fds, unsigned int count);
void vectors_set(struct vectors *vectors, unsigned int start, unsigned int count, const int *fds);
void vectors_set_error(struct vectors *vectors, int fd);
void vectors_close_retired(struct vectors *vectors);
void vectors_clear(struct vectors *vectors);
void vectors_raise(struct vectors *vectors, unsigned int vector);
unsigned int vectors_armed(const struct vectors *vectors);

#endif
