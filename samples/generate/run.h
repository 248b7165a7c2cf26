/* SPDX-License-Identifier: MIT */
/* Prompts in, tokens out. */
#ifndef GENERATE_RUN_H
#define GENERATE_RUN_H

#include "pick.h"
#include "step.h"

#define RUN_SEQUENCES	8u	/* prompts at once, at most */

struct sequence {
	const int32_t *prompt;
	uint32_t prompt_count;		/* ≥ 1 */
	int32_t *tokens;		/* what was written: room for struct run's @most */
	uint32_t count;
	uint32_t position;		/* tokens in the cache */
	int is_done;
	struct pick pick;		/* unless greedy */
};

/* Where the time went, in ns; of decoding, unless it says otherwise. */
struct run_times {
	uint64_t prompt;		/* all of reading the prompts */
	uint64_t prompt_submits;
	uint64_t total, submit, wait;
	uint64_t steps;
	uint64_t kinds[STEP_KINDS];	/* on the card, in @timed_steps of the steps */
	uint64_t timed_steps;
	uint64_t timed_span;		/* of them, submission and waiting */
};

struct run {
	struct engine *engine;
	struct sequence *sequences;	/* engine->sequences of them */
	uint32_t most;			/* tokens to write for each */
	int32_t eos;			/* ends a sequence; −1: none */
	int greedy;			/* the likeliest token, of equal ones the first */
	/* Called for each token as it comes; and for the logits of a step, if not NULL. */
	void (*token)(void *context, uint32_t sequence, int32_t token);
	void (*logits)(void *context, struct accel_tensor logits);
	void *context;
	struct run_times times;
};

/** run_all() - Write until every sequence has ended. One submit for a token of each. */
void run_all(struct run *run);

#endif
