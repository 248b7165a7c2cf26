// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding with a model: decode MODEL.gguf. Answers lines on stdin, each answer after "= ":
 *   step N   seconds of a token, over N tokens
 *   turns N  after each of N tokens as many bytes as its weights have are read from memory by the
 *            machine's best loop, on as many threads as the card has; medians of the seconds of
 *            a token, of the reading, and of reading / token
 *   times N  where the time of a token went, over N tokens: name and seconds, of all of it, of its
 *            parts, and of what of submission and waiting was on the card and on the way there;
 *            bytes of its weights, and those that the card counted, by tier
 *   quit
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples/generate/run.h"
#include "selftests/bench/limits.h"

#define CONTEXT		256u
#define LEAST_TIMED	16u	/* tokens, of which run.c looks closer at one */

struct bench {
	struct gguf file;
	struct shape shape;
	struct weights weights;
	struct card card;
	struct engine engine;
	uint8_t *memory;
	int threads;
	unsigned int loop;		/* the best one */
	struct run_times times;		/* of the last decode() */
	/* of turns */
	uint64_t begin;
	double steps[CONTEXT], reads[CONTEXT], ratios[CONTEXT];
	uint32_t count;
};

/* Seconds that all threads together need for the bytes of weights that a token reads. */
static double read_weights(struct bench *b, unsigned int loop)
{
	uint64_t begin = now();

#pragma omp parallel num_threads(b->threads)
	{
		size_t part = b->weights.step_bytes / (size_t)omp_get_num_threads() / 4096 * 4096;

		readloop_run(loop, b->memory + part * (size_t)omp_get_thread_num(), part);
	}
	return (double)(now() - begin) * 1e-9;
}

static void choose_loop(struct bench *b)
{
	double best = 1e9, seconds;

	for (unsigned int i = 0; i < 5 * READLOOPS; i++) {
		seconds = read_weights(b, i % READLOOPS);
		if (seconds >= best)
			continue;
		best = seconds;
		b->loop = i % READLOOPS;
	}
}

static void take_turn(void *context, uint32_t sequence, int32_t token)
{
	struct bench *b = context;
	uint32_t i = b->count++;

	(void)sequence, (void)token;
	b->steps[i] = (double)(now() - b->begin) * 1e-9;
	b->reads[i] = read_weights(b, b->loop);
	b->ratios[i] = b->reads[i] / b->steps[i];
	b->begin = now();
}

static void ignore(void *context, uint32_t sequence, int32_t token)
{
	(void)context, (void)sequence, (void)token;
}

static double decode(struct bench *b, uint32_t count, int in_turns)
{
	static const int32_t prompt = 70;
	static int32_t tokens[CONTEXT];
	struct sequence sequence = { .prompt = &prompt, .prompt_count = 1, .tokens = tokens };
	struct run run = { .engine = &b->engine, .sequences = &sequence, .most = count, .eos = -1,
			   .greedy = 1, .token = in_turns ? take_turn : ignore, .context = b };

	b->count = 0;
	b->begin = now();
	run_all(&run);
	b->times = run.times;
	return (double)run.times.total * 1e-9 / (double)run.times.steps;
}

/* As samples/generate/report.c shows it. */
static void show_times(const struct run_times *t)
{
	double steps = 1e9 * (double)t->steps, span = (double)(t->submit + t->wait) / steps;
	double rest = span, share;

	printf("= total %.9f program %.9f submission %.9f waiting %.9f",
	       (double)t->total / steps, (double)t->total / steps - span,
	       (double)t->submit / steps, (double)t->wait / steps);
	for (int i = 0; i < STEP_KINDS; i++) {
		share = (double)t->kinds[i] / (double)t->timed_span * span;
		printf(" card-%s %.9f", step_names[i], share);
		rest -= share;
	}
	printf(" on-the-way %.9f", rest);
}

static void times(struct bench *b, uint32_t count)
{
	static const char *const tiers[] = { "HBM", "CXL", "system", "storage" };
	struct accel_queue_info before = ACCEL_QUEUE_INFO_INIT, after = ACCEL_QUEUE_INFO_INIT;

	OK(accel_queue_info(b->card.queue, &before));
	decode(b, count, 0);
	OK(accel_queue_info(b->card.queue, &after));
	show_times(&b->times);
	printf(" weights %llu", (unsigned long long)b->weights.step_bytes);
	for (int i = 0; i < 4; i++)
		printf(" %s %.0f", tiers[i], (double)(after.bytes[i] - before.bytes[i]) / count);
	printf("\n");
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

/* Without the first, which pays for what is touched for the first time. */
static double median(double *values, uint32_t count)
{
	qsort(values + 1, count - 1, sizeof(*values), compare);
	return values[1 + (count - 1) / 2];
}

static void open_all(struct bench *b, const char *path)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;

	if (gguf_open(&b->file, path) || shape_load(&b->shape, &b->file))
		die(0, "%s: %s", path, b->file.error);
	OK(accel_device_open(NULL, &b->card.device));
	OK(accel_queue_create(b->card.device, NULL, &b->card.queue));
	OK(accel_device_info(b->card.device, &info));
	weights_load(&b->weights, &b->card, &b->shape);
	engine_create(&b->engine, &b->card, &b->shape, &b->weights, 1, CONTEXT, ACCEL_TYPE_F32);
	b->threads = (int)info.threads;
}

static void begin_turns(struct bench *b)
{
	if (b->memory)
		return;
	b->memory = aligned_alloc(4096, (b->weights.step_bytes + 4095) / 4096 * 4096);
	if (!b->memory)
		die(0, "not enough memory");
	memset(b->memory, 1, b->weights.step_bytes);
	choose_loop(b);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	unsigned int count;
	char line[64];

	if (argc != 2)
		return 2;
	open_all(&bench, argv[1]);
	decode(&bench, 2, 0);
	printf("= ready %llu bytes of weights a token\n",
	       (unsigned long long)bench.weights.step_bytes);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && strncmp(line, "quit", 4)) {
		if (sscanf(line, "step %u", &count) == 1 && count && count < CONTEXT) {
			printf("= %.9f\n", decode(&bench, count, 0));
		} else if (sscanf(line, "times %u", &count) == 1 && count >= LEAST_TIMED &&
			   count < CONTEXT) {
			times(&bench, count);
		} else if (sscanf(line, "turns %u", &count) == 1 && count > 1 && count < CONTEXT) {
			begin_turns(&bench);
			decode(&bench, count, 1);
			printf("= %.9f %.9f %.4f\n", median(bench.steps, count),
			       median(bench.reads, count), median(bench.ratios, count));
		} else {
			printf("= nan\n");
		}
		fflush(stdout);
	}
	accel_device_close(bench.card.device);
	return 0;
}
