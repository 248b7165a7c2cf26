// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's side of the benches, an ordinary application of libaccel. Reads a case a line
 * from a file (a virtio port in the VM, or stdin), answers the seconds of one repetition:
 *
 *	matmul TYPE M N K DEPTH BATCH REPS	DEPTH jobs in flight, BATCH of them a submit
 *	matvec TYPE N K REPS		one row of activations meets MATRICES weights, one
 *					after the other, as a token does; i8: rounded to I8,
 *					with row scales; i8f: the same with F32 activations
 *	copy BYTES DEPTH REPS		COPY of U8 on a copy queue
 *	attention …			stack_attention.h
 *	noop REPS			an empty command buffer, submit to wake-up
 *	first			another card of the direct way, from its start to the end of
 *				a job
 *	doorbell			the kernel's own doorbell to interrupt to wake-up
 *
 * An answer starts with "= ". "quit" ends it.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <accel/accel.h>

#include "selftests/bench/stack_attention.h"

#define MAX_DEPTH 16
#define LINE_MAX_BYTES 200
#define MATRICES 3
#define LEVEL_BF16 3	/* of a numerics profile */
#define OK(call) ok((call), #call)

static struct accel_device *card;
static struct accel_queue *compute, *copy;

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

/*
 * Submits @cmd @reps times, @batch at once, never more than @depth unfinished, and waits for the
 * last.
 */
static double repeat(struct accel_queue *queue, struct accel_cmd *cmd, int depth, int batch,
		     int reps)
{
	struct accel_cmd *cmds[MAX_DEPTH];
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_fence fences[MAX_DEPTH];
	int calls = reps / batch, flying = depth / batch;
	double start = now();

	for (int i = 0; i < batch; i++)
		cmds[i] = cmd;
	submit.cmds = cmds;
	submit.cmd_count = (uint32_t)batch;
	for (int i = 0; i < calls; i++) {
		if (i >= flying)
			OK(accel_fence_wait(fences[i % flying], ACCEL_FOREVER));
		OK(accel_queue_submit_all(queue, &submit, &fences[i % flying]));
	}
	OK(accel_fence_wait(fences[(calls - 1) % flying], ACCEL_FOREVER));
	return (now() - start) / (calls * batch);
}

static enum accel_layout packed_layout(enum accel_type type)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;

	/* Only where bf16 is multiplied by bf16 are pairs worth it. */
	OK(accel_device_info(card, &info));
	if (type == ACCEL_TYPE_BF16 && (info.profile & 0xff) >= LEVEL_BF16)
		return ACCEL_LAYOUT_K16N64K2;
	return type == ACCEL_TYPE_I8 ? ACCEL_LAYOUT_K16N64K4 : ACCEL_LAYOUT_K16N64;
}

static struct accel_tensor filled(struct accel_cmd *cmd, enum accel_type type, uint32_t rows,
				  uint32_t columns)
{
	static const uint32_t ones[] = { 0x3f800000, 0x3c00, 0x3f80, 1 };
	const uint32_t *one = &ones[type == ACCEL_TYPE_F32 ? 0 : type == ACCEL_TYPE_F16 ? 1 :
				    type == ACCEL_TYPE_BF16 ? 2 : 3];
	struct accel_tensor t;

	OK(accel_tensor_create(card, ACCEL_TIER_HBM, type, 2, (uint32_t[]){ rows, columns }, &t));
	OK(accel_cmd_fill(cmd, t, one));
	return t;
}

static double run_matmul(const char *name, const uint32_t *mnk, int depth, int batch, int reps)
{
	int type = accel_type_parse(name);
	struct accel_tensor a, weights, packed, c;
	struct accel_cmd *prologue, *cmd;
	struct accel_fence fence;
	enum accel_type out = type == ACCEL_TYPE_I8 ? ACCEL_TYPE_I32 : ACCEL_TYPE_F32;
	double took;

	OK(accel_cmd_create(card, 0, &prologue));
	OK(accel_cmd_create(card, 0, &cmd));
	a = filled(prologue, type, mnk[0], mnk[2]);
	weights = filled(prologue, type, mnk[1], mnk[2]);
	OK(accel_tensor_create_prepared(card, ACCEL_TIER_HBM, type, packed_layout(type), 2,
					(uint32_t[]){ mnk[1], mnk[2] }, &packed));
	OK(accel_cmd_prepare(prologue, packed, weights));
	OK(accel_tensor_create(card, ACCEL_TIER_HBM, out, 2, mnk, &c));
	OK(accel_cmd_matmul(cmd, c, packed, a, NULL));
	OK(accel_queue_submit(compute, prologue, &fence));
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
	repeat(compute, cmd, depth, batch, batch);
	took = repeat(compute, cmd, depth, batch, reps);
	accel_cmd_destroy(cmd);
	accel_cmd_destroy(prologue);
	accel_tensor_destroy(&a);
	accel_tensor_destroy(&weights);
	accel_tensor_destroy(&packed);
	accel_tensor_destroy(&c);
	return took;
}

/* Weights of ones, written as they lie in the prepared layout. */
static struct accel_tensor filled_image(struct accel_cmd *cmd, enum accel_type type,
					const uint32_t *nk)
{
	static const uint32_t ones[] = { 0x3c00, 0x3f80, 1 };
	const uint32_t *one = &ones[type == ACCEL_TYPE_F16 ? 0 : type == ACCEL_TYPE_BF16 ? 1 : 2];
	enum accel_layout layout = type == ACCEL_TYPE_I8 ? ACCEL_LAYOUT_K16N64K4 :
				   ACCEL_LAYOUT_K16N64;
	struct accel_tensor image;
	uint32_t count;

	OK(accel_tensor_create_prepared(card, ACCEL_TIER_HBM, type, layout, 2, nk, &image));
	count = (uint32_t)(accel_tensor_bytes(image) / (type == ACCEL_TYPE_I8 ? 1 : 2));
	OK(accel_cmd_fill(cmd, accel_tensor_make(image.memory, 0, type, 1, &count), one));
	return image;
}

static void prepare_matvec(struct stack_case *kept, const char *name, const uint32_t *nk)
{
	struct accel_matmul_desc desc = ACCEL_MATMUL_DESC_INIT;
	bool is_int = !strncmp(name, "i8", 2);
	enum accel_type type = is_int ? ACCEL_TYPE_I8 : (enum accel_type)accel_type_parse(name);
	struct accel_tensor a, c, scale;
	struct accel_cmd *prologue;
	struct accel_fence fence;

	OK(accel_cmd_create(card, 0, &prologue));
	OK(accel_cmd_create(card, 0, &kept->cmd));
	a = kept->tensors[kept->count++] = filled(prologue, ACCEL_TYPE_F32, 1, nk[1]);
	c = kept->tensors[kept->count++] = filled(prologue, ACCEL_TYPE_F32, 1, nk[0]);
	scale = kept->tensors[kept->count++] = filled(prologue, ACCEL_TYPE_F32, 1, nk[0]);
	scale = accel_tensor_reshape(scale, 1, nk);
	if (is_int)
		desc.a_scale = &scale;
	if (!strcmp(name, "i8"))
		desc.b_as = ACCEL_TYPE_I8;
	for (unsigned int i = 0; i < MATRICES; i++) {
		struct accel_tensor weights = filled_image(prologue, type, nk);

		kept->tensors[kept->count++] = weights;
		OK(accel_cmd_matmul(kept->cmd, c, weights, a, &desc));
	}
	OK(accel_queue_submit(compute, prologue, &fence));
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
	accel_cmd_destroy(prologue);
}

static double run_matvec(struct stack_case *kept, const char *name, const uint32_t *nk, int reps)
{
	if (!kept->cmd)
		prepare_matvec(kept, name, nk);
	repeat(compute, kept->cmd, 2, 1, 2);
	return repeat(compute, kept->cmd, 2, 1, reps);
}

static double run_copy(uint32_t bytes, int depth, int reps)
{
	struct accel_tensor from, to;
	struct accel_cmd *cmd;
	double took;

	OK(accel_cmd_create(card, 0, &cmd));
	OK(accel_tensor_create(card, ACCEL_TIER_HBM, ACCEL_TYPE_U8, 1, &bytes, &from));
	OK(accel_tensor_create(card, ACCEL_TIER_HBM, ACCEL_TYPE_U8, 1, &bytes, &to));
	OK(accel_cmd_copy(cmd, to, from));
	repeat(copy, cmd, depth, 1, 2);
	took = repeat(copy, cmd, depth, 1, reps);
	accel_cmd_destroy(cmd);
	accel_tensor_destroy(&from);
	accel_tensor_destroy(&to);
	return took;
}

static double run_noop(int reps)
{
	struct accel_cmd *cmd;
	double took;

	OK(accel_cmd_create(card, 0, &cmd));
	OK(accel_cmd_nop(cmd));
	repeat(compute, cmd, 1, 1, 10);
	took = repeat(compute, cmd, 1, 1, reps);
	accel_cmd_destroy(cmd);
	return took;
}

static double run_first(void)
{
	struct accel_queue *queue;
	struct accel_device *own;
	struct accel_fence fence;
	struct accel_cmd *cmd;
	double start = now();

	OK(accel_device_open("direct", &own));
	OK(accel_queue_create(own, NULL, &queue));
	OK(accel_cmd_create(own, 0, &cmd));
	OK(accel_cmd_nop(cmd));
	OK(accel_queue_submit(queue, cmd, &fence));
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
	start = now() - start;
	accel_device_close(own);
	return start;
}

/* The driver measures it; a negative number when there is no driver or no right to ask. */
static double run_doorbell(void)
{
	double took = -1, ns;
	char line[100];
	glob_t found;
	FILE *file;

	if (glob("/sys/kernel/debug/accel/*:*/doorbell", 0, NULL, &found))
		return took;
	file = fopen(found.gl_pathv[0], "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "mean_ns %lf", &ns) == 1)
			took = ns * 1e-9;
	}
	if (file)
		fclose(file);
	globfree(&found);
	return took;
}

/* Keeps what the last line worked on when @line is the same. */
static void keep_for(struct stack_case *kept, const char *line)
{
	static char last[LINE_MAX_BYTES];

	if (!strcmp(line, last))
		return;
	strcpy(last, line);
	accel_cmd_destroy(kept->cmd);
	for (unsigned int i = 0; i < kept->count; i++)
		accel_tensor_destroy(&kept->tensors[i]);
	*kept = (struct stack_case){ 0 };
}

static void serve(FILE *in, FILE *out)
{
	char line[LINE_MAX_BYTES], type[16];
	struct stack_case kept = { 0 };
	uint32_t mnk[3], bytes;
	int depth, batch, reps;

	fprintf(out, "= ready\n");
	fflush(out);
	while (fgets(line, sizeof(line), in) && strncmp(line, "quit", 4)) {
		double took = -1;

		keep_for(&kept, line);
		if (sscanf(line, "matmul %15s %u %u %u %d %d %d", type, &mnk[0], &mnk[1], &mnk[2],
			   &depth, &batch, &reps) == 7 && depth <= MAX_DEPTH &&
		    batch >= 1 && depth >= batch && reps >= batch)
			took = run_matmul(type, mnk, depth, batch, reps);
		else if (sscanf(line, "matvec %15s %u %u %d", type, &mnk[0], &mnk[1], &reps) == 4)
			took = run_matvec(&kept, type, mnk, reps);
		else if (sscanf(line, "copy %u %d %d", &bytes, &depth, &reps) == 3 &&
			 depth >= 1 && depth <= MAX_DEPTH)
			took = run_copy(bytes, depth, reps);
		else if (sscanf(line, "noop %d", &reps) == 1)
			took = run_noop(reps);
		else if (!strncmp(line, "attention ", 10))
			took = stack_attention(card, compute, &kept, line);
		else if (!strcmp(line, "first\n"))
			took = run_first();
		else if (!strcmp(line, "doorbell\n"))
			took = run_doorbell();
		fprintf(out, "= %.9g\n", took);
		fflush(out);
	}
	keep_for(&kept, "");
}

int main(int argc, char **argv)
{
	struct accel_queue_desc desc = ACCEL_QUEUE_DESC_INIT;
	FILE *in = stdin, *out = stdout;

	if (argc == 2) {
		in = fopen(argv[1], "r");
		out = fopen(argv[1], "w");
		if (!in || !out) {
			perror(argv[1]);
			return 1;
		}
	}
	OK(accel_device_open(NULL, &card));
	OK(accel_queue_create(card, NULL, &compute));
	desc.cls = ACCEL_CLASS_COPY;
	OK(accel_queue_create(card, &desc, &copy));
	serve(in, out);
	accel_device_close(card);
	return 0;
}
