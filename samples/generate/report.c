// SPDX-License-Identifier: MIT
/* See report.h. */
#include "report.h"

static void row(FILE *out, const char *name, double ns, double whole)
{
	fprintf(out, "  %-14s %10.1f us %5.1f %%\n", name, ns / 1e3,
		whole > 0 ? 100 * ns / whole : 0);
}

/* What the card told in the steps that were timed, as shares of all steps. */
static void show_card(FILE *out, const struct run_times *t, double span, double total)
{
	double rest = span, ns;

	fprintf(out, "of submission and waiting, on the card\n");
	for (int i = 0; i < STEP_KINDS; i++) {
		ns = (double)t->kinds[i] / (double)t->timed_span * span;
		rest -= ns;
		row(out, step_names[i], ns, total);
	}
	row(out, "on the way", rest, total);
}

static void show_times(FILE *out, const struct run_times *t)
{
	double steps = t->steps ? (double)t->steps : 1, total = (double)t->total / steps;
	double span = (double)(t->submit + t->wait) / steps;

	fprintf(out, "\nwhere the time of a step goes\n");
	row(out, "program", total - span, total);
	row(out, "submission", (double)t->submit / steps, total);
	row(out, "waiting", (double)t->wait / steps, total);
	if (t->timed_span)
		show_card(out, t, span, total);
}

static void show_bytes(FILE *out, const struct run *run, const struct accel_queue_info *before,
		       const struct accel_queue_info *after)
{
	static const char *const tiers[] = { "HBM", "CXL", "system", "storage" };
	uint64_t jobs = after->done - before->done;
	double bytes;

	fprintf(out, "\nbytes of a step, read and written, prompts included\n");
	for (int i = 0; i < 4; i++) {
		bytes = (double)(after->bytes[i] - before->bytes[i]) / (double)(jobs ? jobs : 1);
		if (bytes > 0)
			fprintf(out, "  %-14s %10.1f kB\n", tiers[i], bytes / 1e3);
	}
	fprintf(out, "  of HBM weights %10.1f kB, once for all texts\n",
		(double)run->engine->weights->step_bytes / 1e3);
}

void report(FILE *out, const struct run *run, const struct accel_queue_info *before,
	    const struct accel_queue_info *after)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	const struct engine *e = run->engine;
	const struct run_times *t = &run->times;
	uint64_t prompt = 0, written = 0;

	for (uint32_t i = 0; i < e->sequences; i++) {
		prompt += run->sequences[i].prompt_count;
		written += run->sequences[i].count;
	}
	OK(accel_device_info(e->card->device, &info));
	fprintf(out, "\ncard      %s %s, %u threads, %s\n", info.way, info.path, info.threads,
		info.library);
	fprintf(out, "model     width %u, %u layers, %u heads on %u of keys, vocabulary %u\n",
		e->shape->width, e->shape->layers, e->shape->heads, e->shape->kv_heads,
		e->shape->vocab);
	fprintf(out, "memory    weights %.1f MB, cache %.1f MB in %u blocks of %u tokens\n",
		(double)e->weights->bytes / 1e6, (double)e->pool_bytes / 1e6, e->kv.blocks,
		KV_BLOCK);
	fprintf(out, "prompt    %llu tokens, read in %.2f ms\n", (unsigned long long)prompt,
		(double)t->prompt / 1e6);
	fprintf(out, "written   %llu tokens of %u texts in %.3f s: %.1f tokens/s\n",
		(unsigned long long)written, e->sequences, (double)t->total / 1e9,
		t->total ? (double)written / (double)t->total * 1e9 : 0);
	fprintf(out, "submitted %llu times: %llu for the prompt, %llu steps\n",
		(unsigned long long)(after->submitted - before->submitted),
		(unsigned long long)t->prompt_submits, (unsigned long long)t->steps);
	show_times(out, t);
	show_bytes(out, run, before, after);
}
