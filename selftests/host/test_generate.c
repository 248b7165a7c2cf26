// SPDX-License-Identifier: GPL-2.0-only
/*
 * The language model on a card of this build, against a decoder in plain double precision that
 * shares no line with it. The files of random weights are made by tools/model/untrained.py.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "samples/generate/run.h"
#include "samples/generate/token.h"
#include "selftests/ref/llama.h"

#define SHIPPED		"samples/generate/model.gguf"
#define UNTRAINED	"build/tmp/test_generate.gguf"
#define SPEC		"direct,hbm=192M,cxl=0,threads=2"
#define NEAR		1e-3	/* two logits this close may change places */

struct model {
	struct gguf file;
	struct shape shape;
	struct vocab *vocab;
	struct weights weights;
	struct card card;
};

static void open_model_on(struct model *m, const char *path, const char *spec)
{
	memset(m, 0, sizeof(*m));
	if (gguf_open(&m->file, path) || shape_load(&m->shape, &m->file))
		fail_msg("%s: %s", path, m->file.error);
	m->vocab = vocab_load(&m->file);
	assert_non_null(m->vocab);
	OK(accel_device_open(spec, &m->card.device));
	OK(accel_queue_create(m->card.device, NULL, &m->card.queue));
	weights_load(&m->weights, &m->card, &m->shape);
}

static void open_model(struct model *m, const char *path)
{
	open_model_on(m, path, SPEC);
}

static void close_model(struct model *m)
{
	accel_device_close(m->card.device);
	free(m->weights.layer);
	vocab_free(m->vocab);
	shape_free(&m->shape);
	gguf_close(&m->file);
}

static const char *untrained(const char *options)
{
	char command[300];

	snprintf(command, sizeof(command), "mkdir -p build/tmp && python3 tools/model/untrained.py "
		 UNTRAINED " --preset tiny %s >/dev/null", options);
	assert_int_equal(system(command), 0);
	return UNTRAINED;
}

/* What a run hands out, and the reference that goes along with its first sequence. */
struct follow {
	struct ref_llama *ref, *exact;	/* the exact one keeps doubles as keys and values */
	const double *expected, *unrounded;
	float *logits;
	uint32_t vocab, step, sequences;
	uint32_t near;
	double worst;			/* difference of any logit */
	double rounding;		/* of any logit of the two references */
	uint64_t marks[RUN_SEQUENCES];	/* hash of each sequence's logits and tokens */
	uint32_t counts[RUN_SEQUENCES];
};

static uint64_t mix(uint64_t hash, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	while (count--)
		hash = (hash ^ *at++) * 0x100000001b3ull;
	return hash;
}

static void see_logits(void *context, struct accel_tensor logits)
{
	struct follow *f = context;
	uint64_t bytes = (uint64_t)f->sequences * f->vocab * sizeof(float);

	OK(accel_tensor_download(logits, f->logits, bytes));
	f->step++;
}

static void compare_logits(struct follow *f)
{
	for (uint32_t i = 0; i < f->vocab; i++) {
		f->worst = fmax(f->worst, fabs(f->logits[i] - f->expected[i]));
		if (f->exact)
			f->rounding = fmax(f->rounding, fabs(f->unrounded[i] - f->expected[i]));
	}
}

static void compare_token(struct follow *f, int32_t token)
{
	uint32_t best = 0, second;

	for (uint32_t i = 0; i < f->vocab; i++)
		best = f->expected[i] > f->expected[best] ? i : best;
	second = !best;
	for (uint32_t i = 0; i < f->vocab; i++)
		if (i != best && f->expected[i] > f->expected[second])
			second = i;
	if (f->expected[best] - f->expected[second] < NEAR) {
		print_message("# step %u: tokens %u and %u are %g apart\n", f->step, best, second,
			      f->expected[best] - f->expected[second]);
		f->near++;
		assert_true(f->expected[best] - f->expected[token] < NEAR);
	} else if ((uint32_t)token != best) {
		fail_msg("step %u: token %d, the reference says %u (%g against %g)", f->step,
			 token, best, f->expected[token], f->expected[best]);
	}
}

static void step_references(struct follow *f, int32_t token)
{
	f->expected = ref_llama_step(f->ref, token);
	if (f->exact)
		f->unrounded = ref_llama_step(f->exact, token);
}

static void see_token(void *context, uint32_t sequence, int32_t token)
{
	struct follow *f = context;

	if (f->ref && !sequence) {
		compare_logits(f);
		if (!f->exact)
			compare_token(f, token);
		step_references(f, token);
	}
	f->marks[sequence] = mix(f->marks[sequence], &token, sizeof(token));
	f->marks[sequence] = mix(f->marks[sequence], f->logits + (uint64_t)sequence * f->vocab,
				 f->vocab * sizeof(float));
	f->counts[sequence]++;
}

struct prompt {
	const int32_t *ids;
	uint32_t count;
};

/* A whole run. Return: its times, with the number of its submissions checked. */
static struct run_times write_all(struct model *m, const struct prompt *prompts, uint32_t count,
				  uint32_t most, uint32_t context, enum accel_type cache,
				  struct follow *f)
{
	struct accel_queue_info before = ACCEL_QUEUE_INFO_INIT, after = ACCEL_QUEUE_INFO_INIT;
	struct sequence sequences[RUN_SEQUENCES] = { 0 };
	struct engine engine;
	struct run run = { .engine = &engine, .sequences = sequences, .most = most, .eos = -1,
			   .greedy = 1, .token = see_token, .logits = see_logits, .context = f };

	f->vocab = m->shape.vocab;
	f->sequences = count;
	f->logits = malloc((size_t)count * f->vocab * sizeof(float));
	assert_non_null(f->logits);
	for (uint32_t i = 0; i < count; i++) {
		sequences[i].prompt = prompts[i].ids;
		sequences[i].prompt_count = prompts[i].count;
		sequences[i].tokens = calloc(most, sizeof(int32_t));
	}
	engine_create(&engine, &m->card, &m->shape, &m->weights, count, context, cache);
	OK(accel_queue_info(m->card.queue, &before));
	run_all(&run);
	OK(accel_queue_info(m->card.queue, &after));
	assert_int_equal(after.submitted - before.submitted,
			 run.times.prompt_submits + run.times.steps);
	engine_destroy(&engine);
	for (uint32_t i = 0; i < count; i++)
		free(sequences[i].tokens);
	free(f->logits);
	f->logits = NULL;
	return run.times;
}

static void follow_reference(struct model *m, const struct prompt *prompt, uint32_t most,
			     struct follow *f)
{
	uint32_t context = prompt->count + most;
	struct run_times times;

	memset(f, 0, sizeof(*f));
	f->ref = ref_llama_load(&m->file, context);
	assert_non_null(f->ref);
	for (uint32_t i = 0; i < prompt->count; i++)
		f->expected = ref_llama_step(f->ref, prompt->ids[i]);
	times = write_all(m, prompt, 1, most, context, ACCEL_TYPE_F32, f);
	ref_llama_free(f->ref);
	f->ref = NULL;
	assert_int_equal(f->counts[0], most);
	assert_int_equal(times.steps, most);		/* one submit a token */
}

static struct prompt encode(const struct model *m, const char *text)
{
	int32_t *ids = malloc(3 * (strlen(text) + 2) * sizeof(*ids));
	int64_t count = vocab_encode(m->vocab, text, ids, (uint32_t)(3 * (strlen(text) + 2)));

	assert_true(count > 0);
	return (struct prompt){ ids, (uint32_t)count };
}

static void shipped_model_writes_as_the_reference(void **state)
{
	static const char *const texts[] = {
		"It is a truth universally acknowledged, that", "\"My dear Emma,\" said he,",
	};
	struct follow f;
	struct model m;

	(void)state;
	open_model(&m, SHIPPED);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct prompt prompt = encode(&m, texts[i]);

		follow_reference(&m, &prompt, 220, &f);
		print_message("# 220 tokens, %u near ties, worst logit off by %.2e\n", f.near,
			      f.worst);
		assert_true(f.near < 20 && f.worst < NEAR);
		free((void *)prompt.ids);
	}
	close_model(&m);
}

/* Types, an output matrix of its own, groups of heads, odd sizes, factors of ROPE. */
static void untrained_models_write_as_the_reference(void **state)
{
	static const char *const options[] = {
		"--type f32", "--type f16 --untied", "--type bf16 --heads 2 --kv-heads 2",
		"--type bf16 --d 192 --heads 3 --ffn 200 --vocab 333 --layers 3 --untied",
		"--type f32 --factors", "--type bf16 --factors --heads 1",
	};
	static const int32_t ids[] = { 70, 80, 90, 100, 300 };
	struct prompt prompt = { ids, 5 };
	struct follow f;
	struct model m;

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		open_model(&m, untrained(options[i]));
		follow_reference(&m, &prompt, 40, &f);
		print_message("# %s: %u near ties, worst logit off by %.2e\n", options[i], f.near,
			      f.worst);
		assert_true(f.worst < NEAR);
		close_model(&m);
	}
}

/* From the text of a file that is byte-level: "Ġab" is the piece of the 28th merge. */
static void byte_level_file_writes_as_the_reference(void **state)
{
	static const int32_t ids[] = { 3 + 'I', 3 + '\'', 3 + 's', 3 + 256 + 27, 3 + 'c', 3 + ' ',
				       3 + 0xc3, 3 + 0xa9 };
	struct prompt prompt;
	struct follow f;
	struct model m;
	char text[4];

	(void)state;
	open_model(&m, untrained("--byte-level gpt-2"));
	prompt = encode(&m, "I's abc \xc3\xa9");
	assert_int_equal(prompt.count, 8);
	assert_memory_equal(prompt.ids, ids, sizeof(ids));
	assert_int_equal(vocab_decode(m.vocab, ids[3], text, sizeof(text)), 3);
	assert_memory_equal(text, " ab", 3);
	follow_reference(&m, &prompt, 40, &f);
	assert_true(f.worst < NEAR);
	free((void *)prompt.ids);
	close_model(&m);
}

static struct prompt random_prompt(uint32_t count, uint32_t vocab)
{
	int32_t *ids = malloc(count * sizeof(*ids));

	assert_non_null(ids);
	for (uint32_t i = 0; i < count; i++)
		ids[i] = (int32_t)(3 + (uint32_t)rand() % (vocab - 3));
	return (struct prompt){ ids, count };
}

/* More tokens than one pass takes: 32 groups of 8. */
static void long_prompts_pass_in_parts(void **state)
{
	struct prompt prompts[3];
	struct run_times times;
	struct follow f, all;
	struct model m;

	(void)state;
	srand(2);
	open_model(&m, untrained(""));
	for (int i = 0; i < 3; i++)
		prompts[i] = random_prompt((const uint32_t[]){ 600, 1, 257 }[i], m.shape.vocab);
	follow_reference(&m, &prompts[0], 10, &f);
	assert_true(f.worst < NEAR);
	memset(&all, 0, sizeof(all));
	times = write_all(&m, prompts, 3, 10, 700, ACCEL_TYPE_F32, &all);
	assert_int_equal(times.prompt_submits, 4);	/* 75 + 32 groups, 32 a pass */
	assert_int_equal(times.steps, 10);
	assert_true(all.marks[0] == f.marks[0]);
	for (int i = 0; i < 3; i++)
		free((void *)prompts[i].ids);
	close_model(&m);
}

/* [DET-4] Ragged lengths, and a context that some fill long before others: no bit may differ. */
static void eight_as_alone(const char *path, const char *spec)
{
	static const uint32_t counts[] = { 1, 2, 15, 16, 17, 33, 100, 119 };
	struct prompt prompts[8];
	struct follow all, alone;
	struct model m;

	open_model_on(&m, path, spec);
	for (int i = 0; i < 8; i++)
		prompts[i] = random_prompt(counts[i], m.shape.vocab);
	memset(&all, 0, sizeof(all));
	write_all(&m, prompts, 8, 60, 128, ACCEL_TYPE_F32, &all);
	for (int i = 0; i < 8; i++) {
		memset(&alone, 0, sizeof(alone));
		write_all(&m, &prompts[i], 1, 60, 128, ACCEL_TYPE_F32, &alone);
		assert_int_equal(alone.counts[0], all.counts[i]);
		assert_int_equal(alone.counts[0], counts[i] + 60 <= 129 ? 60 : 129 - counts[i]);
		assert_true(alone.marks[0] == all.marks[i]);
		free((void *)prompts[i].ids);
	}
	close_model(&m);
}

static void eight_at_once_are_eight_alone(void **state)
{
	(void)state;
	srand(1);
	eight_as_alone(SHIPPED, SPEC);
	eight_as_alone(untrained("--type f16"), SPEC);
	eight_as_alone(untrained("--type f32 --untied"), SPEC);
	eight_as_alone(untrained(""), SPEC ",profile=0");
}

/*
 * The reference rounds its keys and values as the card does, so what is left is arithmetic, which
 * NEAR bounds as it does for f32, and elements so near the middle of two numbers that the card's
 * sums round them the other way. That moves an element by one unit in the last place, twice what
 * rounding does at most, but only one in hundreds: all of these together move logits by less than
 * rounding all elements does, and how much that is the exact reference tells.
 */
static void small_caches(void **state)
{
	static const enum accel_type types[] = { ACCEL_TYPE_F16, ACCEL_TYPE_BF16 };
	struct follow full, small;
	struct prompt prompt;
	struct model m;

	(void)state;
	open_model(&m, SHIPPED);
	prompt = encode(&m, "She was");
	memset(&full, 0, sizeof(full));
	write_all(&m, &prompt, 1, 60, 100, ACCEL_TYPE_F32, &full);
	for (int i = 0; i < 2; i++) {
		memset(&small, 0, sizeof(small));
		small.ref = ref_llama_load(&m.file, 100);
		small.exact = ref_llama_load(&m.file, 100);
		assert_true(small.ref && small.exact);
		ref_llama_cache(small.ref, types[i]);
		for (uint32_t k = 0; k < prompt.count; k++)
			step_references(&small, prompt.ids[k]);
		write_all(&m, &prompt, 1, 60, 100, types[i], &small);
		print_message("# rounding changes logits by %.2e, the card is off by %.2e\n",
			      small.rounding, small.worst);
		assert_int_equal(small.counts[0], 60);
		assert_true(small.worst < NEAR + small.rounding && small.rounding < 0.1);
		assert_true(small.marks[0] != full.marks[0]);
		ref_llama_free(small.ref);
		ref_llama_free(small.exact);
	}
	free((void *)prompt.ids);
	close_model(&m);
}

static void draws(void **state)
{
	static const float logits[] = { 5, 5, 1, 0, -INFINITY, NAN };
	struct pick a = { 0.7, 0.95, 7 }, b = a;
	uint32_t seen[6] = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint32_t choice = pick_draw(&a, logits, 6);

		assert_int_equal(choice, pick_draw(&b, logits, 6));
		seen[choice]++;
	}
	/* Both likely ones have more than 0.95 together, so no other is drawn. */
	assert_int_equal(seen[0] + seen[1], 10000);
	assert_in_range(seen[0], 4700, 5300);
	a = (struct pick){ 1e-6, 1, 7 };
	for (int i = 0; i < 100; i++)
		assert_in_range(pick_draw(&a, logits, 6), 0, 1);
	a = (struct pick){ 100, 1, 7 };
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 10000; i++)
		seen[pick_draw(&a, logits, 6)]++;
	assert_true(seen[2] > 2000 && seen[3] > 2000 && !seen[4] && !seen[5]);
	a = (struct pick){ 1, 0, 7 };
	assert_int_equal(pick_draw(&a, logits, 6), 0);
	assert_int_equal(pick_draw(&a, logits, 1), 0);
	assert_int_equal(pick_draw(&a, (const float[]){ NAN, NAN }, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws),
		cmocka_unit_test(untrained_models_write_as_the_reference),
		cmocka_unit_test(byte_level_file_writes_as_the_reference),
		cmocka_unit_test(long_prompts_pass_in_parts),
		cmocka_unit_test(shipped_model_writes_as_the_reference),
		cmocka_unit_test(eight_at_once_are_eight_alone),
		cmocka_unit_test(small_caches),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("generate", tests, NULL, NULL);
}
