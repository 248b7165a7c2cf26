// SPDX-License-Identifier: MIT
/*
 * The firmware thread. The engines look at doorbells themselves while they are awake; this
 * thread is for when they sleep or are stuck: it takes wakes, serves the admin queue, counts
 * time, and shows by the tick that the firmware lives. With nothing to do it sleeps for good.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <unistd.h>

#include "firmware-emu/engine/pool.h"
#include "firmware-emu/fw/admin.h"
#include "firmware-emu/fw/doorbell.h"
#include "firmware-emu/fw/event.h"
#include "firmware-emu/fw/rings.h"
#include "firmware-emu/fw/sched.h"
#include "firmware-emu/log.h"
#include "firmware-emu/mem/point.h"

#define TICK_NS			20000000	/* active_ns of what runs */
#define BEATS			5		/* ticks between two counts of the ring's tick */
#define BUSY_MS			2
#define PARKED_FIRST_US		100
#define PARKED_MAX_US		2000

enum fw_call {
	CALL_NONE,
	CALL_ENABLE,
	CALL_DISABLE,
};

static pthread_mutex_t call_lock = PTHREAD_MUTEX_INITIALIZER;	/* protects calls */
static enum fw_call calls[8];
static unsigned int call_count;

static void fw_call(enum fw_call call)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&call_lock);
	/* Two in a row that undo each other need not happen, but their end state has to. */
	if (call_count == sizeof(calls) / sizeof(calls[0]))
		call_count -= 2;
	calls[call_count++] = call;
	pthread_mutex_unlock(&call_lock);
	if (write(fw.call_fd, &one, sizeof(one)) < 0)
		log_warn("fw", "call: %d", errno);
}

void fw_enable(void)
{
	fw_call(CALL_ENABLE);
}

void fw_disable(void)
{
	fw_call(CALL_DISABLE);
}

static void fw_do_enable(void)
{
	bool is_started;

	if (point_hit(IPC_POINT_BOOT_ENABLE)) {
		fw.ops->failed(FW_ERROR_INJECTED, "ENABLE: failed by a fault point");
		return;
	}
	pthread_mutex_lock(&fw.lock);
	if (fw.is_enabled)
		fw_stop_rings();
	is_started = fw_start_rings();
	/* A kick from before need_wake was set has woken nobody. */
	fw_mb();
	doorbell_wake();
	pthread_mutex_unlock(&fw.lock);
	if (!is_started)
		fw.ops->failed(FW_ERROR_RINGS, "ENABLE: a base register is wrong");
}

static void fw_take_calls(void)
{
	enum fw_call call;
	uint64_t count;

	if (read(fw.call_fd, &count, sizeof(count)) < 0)
		return;
	for (;;) {
		pthread_mutex_lock(&call_lock);
		call = call_count ? calls[0] : CALL_NONE;
		for (unsigned int i = 1; i < call_count; i++)
			calls[i - 1] = calls[i];
		call_count -= call_count ? 1 : 0;
		pthread_mutex_unlock(&call_lock);
		if (call == CALL_NONE)
			return;
		if (call == CALL_ENABLE) {
			fw_do_enable();
			continue;
		}
		pthread_mutex_lock(&fw.lock);
		fw_stop_rings();
		pthread_mutex_unlock(&fw.lock);
	}
}

/* fw.lock held. */
static bool fw_look(bool is_wake)
{
	bool is_found = false;

	if (!fw.is_enabled)
		return false;
	if (is_wake)
		is_found = doorbell_wake();
	is_found = doorbell_poll() || is_found;
	is_found = admin_poll() || is_found;
	return is_found;
}

bool fw_poll(void)
{
	bool is_found;

	if (!doorbell_is_hot() && !admin_is_pending() && !sched_has_parked())
		return false;
	if (pthread_mutex_trylock(&fw.lock))
		return false;
	is_found = fw_look(false);
	pthread_mutex_unlock(&fw.lock);
	if (sched_has_parked())
		is_found = sched_poll_parked() || is_found;
	if (is_found && sched_has_ready() && !pool_is_looking())
		pool_wake(1);
	return is_found;
}

bool fw_rest(void)
{
	unsigned int count = 0;

	pthread_mutex_lock(&fw.lock);
	if (fw.is_enabled) {
		count = doorbell_rest();
		if (count)
			admin_poll();
	}
	pthread_mutex_unlock(&fw.lock);
	return count;
}

static bool is_pending(void)
{
	return admin_is_pending() || sched_has_parked() || sched_has_ready() || sched_is_busy();
}

static void fw_tick(uint64_t now)
{
	static uint64_t last_ns;
	static unsigned int beats;

	if (now - last_ns < TICK_NS)
		return;
	last_ns = now;
	sched_tick();
	fw.shared->telemetry.card_ns = now;
	if (is_pending() && ++beats >= BEATS) {
		beats = 0;
		event_tick();
	}
}

/* How long nothing here needs doing. Negative: for good. */
static int64_t fw_sleep_us(int64_t *parked_us)
{
	if (sched_has_parked() && !pool_is_looking()) {
		*parked_us = *parked_us * 2 < PARKED_MAX_US ? *parked_us * 2 : PARKED_MAX_US;
		return *parked_us;
	}
	*parked_us = PARKED_FIRST_US;
	return is_pending() || doorbell_is_hot() ? BUSY_MS * 1000 : -1;
}

static void *fw_main(void *arg)
{
	int64_t parked_us = PARKED_FIRST_US, sleep_us;
	struct pollfd fds[2] = { { .fd = fw.kick_fd, .events = POLLIN },
				 { .fd = fw.call_fd, .events = POLLIN } };

	(void)arg;
	for (;;) {
		struct timespec time;
		bool is_wake, is_found;
		uint64_t count;

		sleep_us = fw_sleep_us(&parked_us);
		if (sleep_us < 0)
			sched_tick();	/* the last for long: nothing runs */
		time.tv_sec = 0;
		time.tv_nsec = sleep_us * 1000;
		if (ppoll(fds, 2, sleep_us < 0 ? NULL : &time, NULL) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents & POLLIN)
			fw_take_calls();
		is_wake = (fds[0].revents & POLLIN) &&
			  read(fw.kick_fd, &count, sizeof(count)) == sizeof(count);
		log_set_level((enum log_level)__atomic_load_n(&fw.shared->log_level,
							      __ATOMIC_RELAXED));
		if (is_wake)
			fw_count(&fw.shared->telemetry.wakes, 1);
		pthread_mutex_lock(&fw.lock);
		is_found = fw_look(is_wake);
		pthread_mutex_unlock(&fw.lock);
		if (sched_has_parked() && sched_poll_parked())
			is_found = true;
		/* An engine thread looks on from here: it is the one that would do the work. */
		if (is_found)
			pool_wake(1);
		fw_tick(fw_now_ns());
	}
}

uint32_t fw_start(unsigned int threads)
{
	static const struct pool_client client = { .work = sched_work, .rest = fw_rest };
	pthread_t thread;

	if (pool_start(threads, &client) || pthread_create(&thread, NULL, fw_main, NULL))
		return FW_ERROR_THREADS;
	pthread_setname_np(thread, "firmware");
	pthread_detach(thread);
	return 0;
}
