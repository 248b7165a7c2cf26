// SPDX-License-Identifier: MIT
/* Text by a language model whose every layer runs on the card. step.c records a layer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "options.h"
#include "report.h"
#include "stream.h"
#include "token.h"

/* Where tokens go: one text is shown as it comes, several are kept until all have ended. */
struct output {
	const struct options *options;
	const struct vocab *vocab;
	struct stream streams[RUN_SEQUENCES];
	char *texts[RUN_SEQUENCES];
	size_t sizes[RUN_SEQUENCES];
	float *logits;
	uint64_t logits_bytes;
	unsigned long crc;
};

static void show_token(void *context, uint32_t sequence, int32_t token)
{
	struct output *out = context;
	char text[4096];

	if (out->options->shows_ids) {
		fprintf(out->streams[sequence].out, " %d", token);
		fflush(out->streams[sequence].out);
		return;
	}
	stream_write(&out->streams[sequence], text,
		     vocab_decode(out->vocab, token, text, sizeof(text)));
}

static void add_logits(void *context, struct accel_tensor logits)
{
	struct output *out = context;

	OK(accel_tensor_download(logits, out->logits, out->logits_bytes));
	out->crc = crc32(out->crc, (const unsigned char *)out->logits,
			 (unsigned int)out->logits_bytes);
}

static int32_t *encode(const struct vocab *vocab, const char *prompt, uint32_t *count)
{
	size_t room = 3 * (strlen(prompt) + 2);
	int32_t *ids = room < UINT32_MAX ? malloc(room * sizeof(*ids)) : NULL;
	int64_t n = ids ? vocab_encode(vocab, prompt, ids, (uint32_t)room) : -1;

	if (n < 0)
		die(-ENOMEM, "not enough host memory for the prompt");
	if (!n)
		die(0, "the prompt is empty");
	*count = (uint32_t)n;
	return ids;
}

static void prepare_sequences(struct run *run, const struct options *o, const struct shape *shape,
			      const struct vocab *vocab, struct sequence *sequences)
{
	uint32_t longest = 0;

	for (uint32_t i = 0; i < o->prompt_count; i++) {
		struct sequence *s = &sequences[i];

		s->prompt = encode(vocab, o->prompts[i], &s->prompt_count);
		longest = s->prompt_count > longest ? s->prompt_count : longest;
	}
	if (longest >= shape->context)
		die(0, "a prompt of %u tokens: the model's context is %u", longest, shape->context);
	run->most = o->most;
	for (uint32_t i = 0; i < o->prompt_count; i++) {
		struct sequence *s = &sequences[i];

		s->tokens = malloc(run->most * sizeof(*s->tokens));
		s->pick = (struct pick){ o->temperature, o->top_p, o->seed };
		if (!s->tokens)
			die(-ENOMEM, "not enough host memory");
	}
	run->sequences = sequences;
	run->greedy = o->temperature == 0;
}

/* Tokens that the cache must hold for the longest text. */
static uint32_t cache_tokens(const struct run *run, const struct options *o,
			     const struct shape *shape)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < o->prompt_count; i++)
		if (run->sequences[i].prompt_count > most)
			most = run->sequences[i].prompt_count;
	most += run->most;
	return most < shape->context ? (uint32_t)most : shape->context;
}

static void open_output(struct output *out, const struct options *o, uint32_t vocab)
{
	for (uint32_t i = 0; i < o->prompt_count; i++) {
		out->streams[i].out = o->is_batch ? open_memstream(&out->texts[i],
								   &out->sizes[i]) : stdout;
		if (!out->streams[i].out)
			die(-ENOMEM, "not enough host memory");
		if (!o->shows_ids)
			stream_write(&out->streams[i], o->prompts[i],
				     (uint32_t)strlen(o->prompts[i]));
	}
	out->logits_bytes = (uint64_t)o->prompt_count * vocab * sizeof(float);
	out->logits = malloc(out->logits_bytes);
	if (!out->logits)
		die(-ENOMEM, "not enough host memory");
}

static void close_output(struct output *out, const struct options *o)
{
	for (uint32_t i = 0; i < o->prompt_count; i++) {
		stream_end(&out->streams[i]);
		if (!o->is_batch)
			continue;
		fclose(out->streams[i].out);
		printf("%s[%u]%s%s\n", i ? "\n" : "", i + 1, o->shows_ids ? "" : " ",
		       out->texts[i]);
	}
	if (!o->is_batch)
		printf("\n");
	if (o->checks)
		printf("logits %08lx\n", out->crc);
	if (fflush(stdout))
		die(0, "stdout: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct options o = options_parse(argc, argv);
	struct accel_queue_info before = ACCEL_QUEUE_INFO_INIT, after = ACCEL_QUEUE_INFO_INIT;
	struct output out = { .options = &o };
	struct sequence sequences[RUN_SEQUENCES] = { 0 };
	struct weights weights = { 0 };
	struct engine engine;
	struct shape shape;
	struct gguf file;
	struct card card;
	struct vocab *vocab;
	struct run run = { .engine = &engine, .token = show_token, .context = &out };

	if (gguf_open(&file, o.model) || shape_load(&shape, &file))
		die(0, "%s: %s", o.model, file.error);
	vocab = vocab_load(&file);
	if (!vocab)
		die(0, "%s: %s", o.model, file.error);
	prepare_sequences(&run, &o, &shape, vocab, sequences);
	run.eos = vocab_eos(vocab);
	run.logits = o.checks ? add_logits : NULL;
	out.vocab = vocab;

	OK(accel_device_open(NULL, &card.device));
	OK(accel_queue_create(card.device, NULL, &card.queue));
	weights_load(&weights, &card, &shape);
	engine_create(&engine, &card, &shape, &weights, o.prompt_count,
		      cache_tokens(&run, &o, &shape), o.cache);
	open_output(&out, &o, shape.vocab);
	OK(accel_queue_info(card.queue, &before));
	run_all(&run);
	OK(accel_queue_info(card.queue, &after));
	close_output(&out, &o);
	if (!o.is_quiet)
		report(stderr, &run, &before, &after);
	accel_device_close(card.device);	/* and all that belongs to it */
	return 0;
}
