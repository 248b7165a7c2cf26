// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "selftests/bench/stack_attention.h"

#define OK(call) ok((call), #call)

struct shape {
	char type[16];
	uint32_t heads, key_heads, seqs, n, keys, d, causal;
	int reps;
};

static void ok(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "stack: %s: %s\n", what, accel_error_text());
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Full of ones: speed must not depend on denormals. */
static struct accel_tensor tensor(struct accel_device *card, struct stack_case *kept,
				  struct accel_cmd *cmd, enum accel_type type,
				  const uint32_t dims[4])
{
	const uint32_t one = type == ACCEL_TYPE_F32 ? 0x3f800000 :
			     type == ACCEL_TYPE_F16 ? 0x3c00 : 0x3f80;
	struct accel_tensor *t = &kept->tensors[kept->count++];

	OK(accel_tensor_create(card, ACCEL_TIER_HBM, type, 4, dims, t));
	OK(accel_cmd_fill(cmd, *t, &one));
	return *t;
}

static void submit(struct accel_queue *queue, struct accel_cmd *cmd)
{
	struct accel_fence fence;

	OK(accel_queue_submit(queue, cmd, &fence));
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
}

static void prepare(struct accel_device *card, struct accel_queue *queue, struct stack_case *kept,
		    const struct shape *s)
{
	const uint32_t q_dims[] = { s->seqs, s->heads, s->n, s->d };
	const uint32_t k_dims[] = { s->seqs, s->key_heads, s->keys, s->d };
	const uint32_t dst_dims[] = { s->seqs, s->n, s->heads, s->d };
	struct accel_attention_desc desc = ACCEL_ATTENTION_DESC_INIT;
	enum accel_type type = (enum accel_type)accel_type_parse(s->type);
	struct accel_tensor q, k, v, dst;
	struct accel_cmd *prologue;

	desc.scale = 1 / sqrtf((float)s->d);
	desc.causal = s->causal;
	OK(accel_cmd_create(card, 0, &prologue));
	OK(accel_cmd_create(card, 0, &kept->cmd));
	q = tensor(card, kept, prologue, ACCEL_TYPE_F32, q_dims);
	k = tensor(card, kept, prologue, type, k_dims);
	v = tensor(card, kept, prologue, type, k_dims);
	dst = tensor(card, kept, prologue, ACCEL_TYPE_F32, dst_dims);
	OK(accel_cmd_attention(kept->cmd, dst, q, k, v, &desc));
	submit(queue, prologue);
	accel_cmd_destroy(prologue);
}

double stack_attention(struct accel_device *card, struct accel_queue *queue,
		       struct stack_case *kept, const char *line)
{
	struct shape s;
	double start;

	if (sscanf(line, "attention %15s %u %u %u %u %u %u %u %d", s.type, &s.heads, &s.key_heads,
		   &s.seqs, &s.n, &s.keys, &s.d, &s.causal, &s.reps) != 9 || s.reps < 1)
		return -1;
	if (!kept->cmd)
		prepare(card, queue, kept, &s);
	submit(queue, kept->cmd);
	submit(queue, kept->cmd);
	start = now();
	for (int i = 0; i < s.reps; i++)
		submit(queue, kept->cmd);
	return (now() - start) / s.reps;
}
