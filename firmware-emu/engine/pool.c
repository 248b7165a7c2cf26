// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/engine/pool.h"
#include "firmware-emu/log.h"

struct pool_thread {
	pthread_t thread;
	struct engine_scratch scratch;
	int cpu;
};

static struct {
	const struct pool_client *client;
	struct pool_thread threads[POOL_THREADS_MAX];
	unsigned int count;
	atomic_uint news;		/* +1 with each wake; the futex */
	atomic_uint sleepers;
	atomic_uint lookers;		/* awake without work */
	atomic_bool is_stopping;
	pthread_barrier_t started;	/* all have touched their scratch */
} pool;

static __thread unsigned int is_looker;	/* this thread counts in pool.lookers */

static uint64_t pool_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pool_sleep(unsigned int news)
{
	atomic_fetch_add(&pool.sleepers, 1);
	if (atomic_load(&pool.news) == news && !pool.is_stopping)
		syscall(SYS_futex, &pool.news, FUTEX_WAIT_PRIVATE, news, NULL, NULL, 0);
	atomic_fetch_sub(&pool.sleepers, 1);
}

/* Looks for work until there was some (true) or the time is over. */
static bool pool_look(struct pool_thread *self, uint64_t *spin_ns)
{
	uint64_t end = pool_now_ns() + *spin_ns;

	while (!pool.is_stopping) {
		if (pool.client->work(&self->scratch)) {
			if (*spin_ns < POOL_SPIN_MAX_US * 1000u)
				*spin_ns += 5000;
			return true;
		}
		for (int i = 0; i < 16; i++)
			__builtin_ia32_pause();
		if (pool_now_ns() >= end)
			break;
	}
	if (*spin_ns > POOL_SPIN_MIN_US * 1000u)
		*spin_ns -= 5000;
	return false;
}

static void *pool_main(void *arg)
{
	struct pool_thread *self = arg;
	uint64_t spin_ns = POOL_SPIN_MAX_US * 1000u;
	bool has_worked;
	cpu_set_t set;
	int ret;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)self->cpu, &set);
	ret = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (ret)	/* slower, and right all the same */
		log_warn("engine", "thread %u is not kept on processor %d: %s",
			 self->scratch.thread, self->cpu, strerror(ret));
	memset(self->scratch.base, 0, self->scratch.bytes);
	pthread_barrier_wait(&pool.started);
	while (!pool.is_stopping) {
		unsigned int news;

		if (pool.client->work(&self->scratch))
			continue;
		atomic_fetch_add(&pool.lookers, 1);
		is_looker = 1;
		has_worked = pool_look(self, &spin_ns);
		news = atomic_load(&pool.news);
		is_looker = 0;
		if (atomic_fetch_sub(&pool.lookers, 1) == 1 && !has_worked)
			has_worked = pool.client->rest();
		if (!has_worked && !pool.client->work(&self->scratch))
			pool_sleep(news);
	}
	return NULL;
}

static int pool_cpu(unsigned int index)
{
	cpu_set_t set;
	int count;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	count = CPU_COUNT(&set);
	index %= (unsigned int)count;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET((unsigned int)cpu, &set) && !index--)
			return cpu;
	}
	return 0;
}

unsigned int pool_count(unsigned int threads)
{
	cpu_set_t set;

	if (!threads)
		threads = sched_getaffinity(0, sizeof(set), &set) ? 1 :
			  (unsigned int)CPU_COUNT(&set);
	return threads > POOL_THREADS_MAX ? POOL_THREADS_MAX : threads;
}

static int pool_start_thread(struct pool_thread *self, unsigned int index)
{
	char name[24];
	int ret;

	self->scratch.thread = index;
	self->scratch.bytes = ENGINE_SCRATCH_BYTES;
	self->scratch.base = mmap(NULL, ENGINE_SCRATCH_BYTES, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (self->scratch.base == MAP_FAILED)
		return -errno;
	madvise(self->scratch.base, ENGINE_SCRATCH_BYTES, MADV_HUGEPAGE);
	self->cpu = pool_cpu(index);
	ret = pthread_create(&self->thread, NULL, pool_main, self);
	if (ret)
		return -ret;
	snprintf(name, sizeof(name), "engine-%u", index);
	pthread_setname_np(self->thread, name);
	return 0;
}

int pool_start(unsigned int threads, const struct pool_client *client)
{
	int ret;

	pool.client = client;
	pool.is_stopping = false;
	threads = pool_count(threads);
	pthread_barrier_init(&pool.started, NULL, threads + 1);
	for (unsigned int i = 0; i < threads; i++) {
		ret = pool_start_thread(&pool.threads[i], i);
		if (ret)
			return ret;	/* the others wait for good; the process ends */
		pool.count++;
	}
	pthread_barrier_wait(&pool.started);
	return 0;
}

void pool_stop(void)
{
	pool.is_stopping = true;
	atomic_fetch_add(&pool.news, 1);
	syscall(SYS_futex, &pool.news, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	for (unsigned int i = 0; i < pool.count; i++) {
		pthread_join(pool.threads[i].thread, NULL);
		munmap(pool.threads[i].scratch.base, pool.threads[i].scratch.bytes);
	}
	pool.count = 0;
}

unsigned int pool_threads(void)
{
	return pool.count;
}

void pool_wake(unsigned int threads)
{
	if (!threads)
		return;
	atomic_fetch_add(&pool.news, 1);
	if (atomic_load(&pool.sleepers))
		syscall(SYS_futex, &pool.news, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

bool pool_is_looking(void)
{
	return atomic_load(&pool.lookers) > is_looker;
}
