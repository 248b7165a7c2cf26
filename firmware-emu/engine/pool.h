/* SPDX-License-Identifier: MIT */
/*
 * The engine threads: pinned, each with its scratch, made once. What they do is asked of a
 * client; when that has nothing they look again for a short adaptive time, then sleep.
 */
#ifndef MARU_POOL_H
#define MARU_POOL_H

#include <stdbool.h>

#include "firmware-emu/engine/engine.h"

#define POOL_THREADS_MAX	64
#define POOL_SPIN_MIN_US	20
#define POOL_SPIN_MAX_US	50

struct pool_client {
	/* Does a piece of work. Return: true when there was some. */
	bool (*work)(struct engine_scratch *scratch);
	/*
	 * The last thread that looks for work is about to sleep.
	 * Return: true when work came up meanwhile.
	 */
	bool (*rest)(void);
};

/**
 * pool_start() - Start the threads.
 * @threads: how many, 0: one for each core that the process may use
 * @client: called from the threads; stays valid for good
 *
 * Back when all are ready, their scratch touched. Return: 0, or -errno and no more use of it.
 */
int pool_start(unsigned int threads, const struct pool_client *client);

/** pool_stop() - End and free them; waits for the work in hand. */
void pool_stop(void);

/** pool_threads() - How many there are. */
unsigned int pool_threads(void);

/** pool_count() - What pool_start(@threads, …) would start. */
unsigned int pool_count(unsigned int threads);

/** pool_wake() - New work: up to @threads sleepers look for it. From any thread. */
void pool_wake(unsigned int threads);

/** pool_is_looking() - Tell whether another thread without work is awake. */
bool pool_is_looking(void);

#endif
