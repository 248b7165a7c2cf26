// SPDX-License-Identifier: MIT
/*
 * A timeline is a word that the card and the program store to. Whoever promises a value stores
 * it after all values promised before, so that the word only rises: work waits for the word
 * first, the program puts its value off until then. A word that is used again goes on where it
 * was, so that what still waits for its old values is satisfied.
 */
#include <errno.h>
#include <stdlib.h>

#include "direct.h"

#ifndef STAILQ_FOREACH_SAFE
#define STAILQ_FOREACH_SAFE(at, head, entry, next) \
	for (at = STAILQ_FIRST(head); at && (next = STAILQ_NEXT(at, entry), 1); at = next)
#endif

#define BASE_MAX	(1ull << 62)	/* beyond: never used again */
#define SPIN_NS		30000

static uint64_t look(const struct direct *direct, uint32_t timeline)
{
	return atomic_load_explicit(direct_word(direct, timeline), memory_order_acquire);
}

int timeline_alloc(struct direct *direct, uint32_t *out)
{
	for (uint32_t i = 0; i < DIRECT_WORDS; i++) {
		uint32_t at = (direct->next_timeline + i) % DIRECT_WORDS;
		struct direct_timeline *timeline = &direct->timelines[at];
		uint64_t now = look(direct, at);

		if (timeline->is_used || now < timeline->promised || now > BASE_MAX)
			continue;
		*timeline = (struct direct_timeline){ .is_used = true, .base = now,
						      .promised = now };
		direct->next_timeline = at + 1;
		*out = at;
		return 0;
	}
	return -ENOSPC;
}

void timeline_free(struct direct *direct, uint32_t timeline)
{
	direct->timelines[timeline].is_used = false;
}

static void raise_word(struct direct *direct, uint32_t timeline, uint64_t value)
{
	if (look(direct, timeline) < value)
		atomic_store_explicit(direct_word(direct, timeline), value, memory_order_release);
}

void timeline_store(struct direct *direct, uint64_t va, uint64_t value)
{
	raise_word(direct, (uint32_t)((va - DIRECT_WORDS_VA) / DIRECT_WORD_BYTES), value);
}

/* @is_all: there is no card that could store what they are behind. */
void timeline_deferred(struct direct *direct, bool is_all)
{
	struct direct_deferred *at, *next;
	bool is_due;

	STAILQ_FOREACH_SAFE(at, &direct->deferred, entry, next) {
		is_due = is_all || look(direct, at->timeline) >= at->after;
		if (!is_due)
			continue;
		raise_word(direct, at->timeline, at->value);
		STAILQ_REMOVE(&direct->deferred, at, direct_deferred, entry);
		free(at);
	}
}

int direct_timeline_create(struct accel_timeline *timeline)
{
	struct direct *direct = direct_of(timeline->device);
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	pthread_mutex_lock(&direct->lock);
	error = direct->error ? direct->error : timeline_alloc(direct, &timeline->handle);
	pthread_mutex_unlock(&direct->lock);
	return error;
}

void direct_timeline_destroy(struct accel_timeline *timeline)
{
	struct direct *direct = direct_of(timeline->device);

	if (atomic_load(&direct->is_forked))
		return;
	pthread_mutex_lock(&direct->lock);
	timeline_free(direct, timeline->handle);
	pthread_mutex_unlock(&direct->lock);
}

static uint64_t base_of(const struct accel_timeline *timeline)
{
	return direct_of(timeline->device)->timelines[timeline->handle].base;
}

int direct_timeline_value(struct accel_timeline *timeline, uint64_t *value)
{
	struct direct *direct = direct_of(timeline->device);
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	pthread_mutex_lock(&direct->lock);
	if (!direct->has_leader)
		event_glance(direct);
	else
		done_look(direct);
	error = direct->error == -ENODEV ? -ENODEV : 0;
	*value = look(direct, timeline->handle) - base_of(timeline);
	pthread_mutex_unlock(&direct->lock);
	return error;
}

struct goal {
	uint32_t timeline;
	uint64_t value;
};

static bool is_reached(struct direct *direct, const void *what)
{
	const struct goal *goal = what;

	return look(direct, goal->timeline) >= goal->value;
}

static bool spin(struct direct *direct, const struct goal *goal, int64_t deadline_ns)
{
	int64_t now = direct_now_ns(), end = now + SPIN_NS;

	if (end > deadline_ns)
		end = deadline_ns;
	for (;;) {
		for (int i = 0; i < 16; i++) {
			if (is_reached(direct, goal))
				return true;
			__builtin_ia32_pause();
		}
		if (direct_now_ns() >= end)
			return false;
	}
}

int direct_timeline_wait(struct accel_timeline *timeline, uint64_t value, int64_t deadline_ns)
{
	struct direct *direct = direct_of(timeline->device);
	struct goal goal = { timeline->handle, value };
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	goal.value += base_of(timeline);
	if (spin(direct, &goal, deadline_ns))
		return 0;
	pthread_mutex_lock(&direct->lock);
	error = event_wait(direct, is_reached, &goal, deadline_ns);
	pthread_mutex_unlock(&direct->lock);
	return error;
}

/* Values of one timeline are put off in their order: the list is in order. */
static int put_off(struct direct *direct, uint32_t timeline, uint64_t after, uint64_t value)
{
	struct direct_deferred *deferred = malloc(sizeof(*deferred));

	if (!deferred)
		return -ENOMEM;
	*deferred = (struct direct_deferred){ .timeline = timeline, .after = after,
					      .value = value };
	STAILQ_INSERT_TAIL(&direct->deferred, deferred, entry);
	return 0;
}

int direct_timeline_signal(struct accel_timeline *out, uint64_t value)
{
	struct direct *direct = direct_of(out->device);
	struct direct_timeline *timeline = &direct->timelines[out->handle];
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	pthread_mutex_lock(&direct->lock);
	error = direct->error;
	value += timeline->base;
	if (!error && value > timeline->promised) {
		if (look(direct, out->handle) >= timeline->promised)
			raise_word(direct, out->handle, value);
		else
			error = put_off(direct, out->handle, timeline->promised, value);
		if (!error)
			timeline->promised = value;
		event_wake(direct);
	}
	pthread_mutex_unlock(&direct->lock);
	return error;
}
