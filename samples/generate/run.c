// SPDX-License-Identifier: MIT
/* See run.h. */
#include <string.h>

#include "run.h"

#define PROMPT_GROUPS	32u	/* of PROMPT_ROWS tokens, in one pass */
#define TIMED_EVERY	16u	/* steps: the clock is looked at in few, so that it costs nothing */

/* All but the last token of a prompt; that one is the first to be decoded. */
static uint32_t prompt_left(const struct sequence *s)
{
	return s->prompt_count - 1 - s->position;
}

static uint32_t prompt_groups(const struct run *run)
{
	uint32_t groups = 0;

	for (uint32_t i = 0; i < run->engine->sequences; i++)
		groups += (prompt_left(&run->sequences[i]) + PROMPT_ROWS - 1) / PROMPT_ROWS;
	return groups;
}

static void submit(struct run *run, struct accel_cmd *cmd, struct accel_fence *fence)
{
	OK(accel_queue_submit(run->engine->card->queue, cmd, fence));
}

static void put_row(struct step *step, uint32_t row, int32_t id, uint32_t position, int64_t slot)
{
	step->ids[row] = id;
	step->positions[row] = (int32_t)position;
	step->slots[row] = slot;
}

/*
 * The next tokens of a prompt to a group. Rows that fill it come after all real ones, so no real
 * query sees them, and they are not stored.
 */
static void put_group(struct run *run, struct step *step, uint32_t index, uint32_t group)
{
	struct sequence *s = &run->sequences[index];
	uint32_t count = prompt_left(s), row = group * PROMPT_ROWS;
	struct kv *kv = &run->engine->kv;

	if (count > PROMPT_ROWS)
		count = PROMPT_ROWS;
	if (kv_grow(kv, index, s->position + PROMPT_ROWS))
		die(0, "the cache has no block left");
	for (uint32_t i = 0; i < PROMPT_ROWS; i++) {
		if (i < count)
			put_row(step, row + i, s->prompt[s->position + i], s->position + i,
				kv_slot(kv, index, s->position + i));
		else
			put_row(step, row + i, 0, 0, -1);
	}
	memcpy(step->tables + (size_t)group * kv->row, kv->table + (size_t)index * kv->row,
	       kv->row * sizeof(*kv->table));
	step->lengths[group] = (int32_t)(s->position + PROMPT_ROWS);
	s->position += count;
}

/* As many groups as fit, of one prompt after the other. */
static void put_prompts(struct run *run, struct step *step)
{
	uint32_t group = 0;

	for (uint32_t i = 0; i < run->engine->sequences; i++)
		while (prompt_left(&run->sequences[i]) && group < step->groups)
			put_group(run, step, i, group++);
	for (; group < step->groups; group++) {
		for (uint32_t i = 0; i < PROMPT_ROWS; i++)
			put_row(step, group * PROMPT_ROWS + i, 0, 0, -1);
		step->lengths[group] = 0;
	}
}

static void read_prompts(struct run *run)
{
	uint32_t groups = prompt_groups(run);
	struct accel_fence fence;
	struct step step;

	if (!groups)
		return;
	step_prompt(&step, run->engine, groups < PROMPT_GROUPS ? groups : PROMPT_GROUPS);
	run->times.prompt = now();
	for (; groups; groups = prompt_groups(run)) {
		put_prompts(run, &step);
		submit(run, step.cmd, &fence);
		card_wait(fence);
		run->times.prompt_submits++;
	}
	run->times.prompt = now() - run->times.prompt;
	step_destroy(&step);
}

/* The token that a sequence has last: of its prompt, or written. */
static int32_t last_token(const struct sequence *s)
{
	return s->count ? s->tokens[s->count - 1] : s->prompt[s->prompt_count - 1];
}

/* Rows of this step. Return: sequences that still write. */
static uint32_t put_tokens(struct run *run, struct step *step)
{
	struct kv *kv = &run->engine->kv;
	uint32_t live = 0;

	for (uint32_t i = 0; i < run->engine->sequences; i++) {
		struct sequence *s = &run->sequences[i];

		if (s->is_done || s->count == run->most ||
		    s->position == run->engine->context || kv_grow(kv, i, s->position + 1)) {
			s->is_done = 1;
			kv_drop(kv, i);
			put_row(step, i, 0, 0, -1);
			step->lengths[i] = 0;
			continue;
		}
		put_row(step, i, last_token(s), s->position, kv_slot(kv, i, s->position));
		step->lengths[i] = (int32_t)++s->position;
		live++;
	}
	return live;
}

static void take_tokens(struct run *run, struct step *step)
{
	for (uint32_t i = 0; i < run->engine->sequences; i++) {
		const int32_t *best = step->best + i * step->choices;
		struct sequence *s = &run->sequences[i];
		uint32_t choice = 0;

		if (s->is_done)
			continue;
		if (!run->greedy)
			choice = pick_draw(&s->pick, step->best_logits + i * step->choices,
					   step->choices);
		s->tokens[s->count++] = best[choice];
		s->is_done = best[choice] == run->eos;
		if (!s->is_done)
			run->token(run->context, i, best[choice]);
	}
}

static void add_times(struct run *run, const struct step *step, uint64_t span)
{
	for (uint32_t i = 0; i < step->packets; i++)
		run->times.kinds[step->kinds[i]] += step->times[2 * (i + 1)] - step->times[2 * i];
	run->times.timed_steps++;
	run->times.timed_span += span;
}

static void write_tokens(struct run *run)
{
	struct run_times *t = &run->times;
	struct accel_fence fence;
	uint64_t before, after;
	struct step step;

	step_decode(&step, run->engine, run->greedy ? 1 : PICK_CHOICES);
	t->total = now();
	for (; put_tokens(run, &step); t->steps++) {
		int is_timed = t->steps % TIMED_EVERY == TIMED_EVERY / 2;

		before = now();
		submit(run, is_timed ? step.timed : step.cmd, &fence);
		after = now();
		card_wait(fence);
		t->submit += after - before;
		t->wait += now() - after;
		if (is_timed)
			add_times(run, &step, now() - before);
		if (run->logits)
			run->logits(run->context, step.logits);
		take_tokens(run, &step);
	}
	t->total = now() - t->total;
	step_destroy(&step);
}

void run_all(struct run *run)
{
	memset(&run->times, 0, sizeof(run->times));
	read_prompts(run);
	write_tokens(run);
}
