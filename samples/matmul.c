// SPDX-License-Identifier: MIT
/* C = A · B on the card: two .npy files in, one out, checked against double precision. */
#include <accel/accel.h>

#include "sample.h"

/* Bring a file to the card; if it is of another type, the card converts it. */
static struct accel_tensor load(struct accel_device *card, struct accel_cmd *cmd,
				const struct npy *file, enum accel_type type)
{
	struct accel_tensor raw, tensor;

	OK(accel_tensor_create(card, ACCEL_TIER_HBM, file->type, 2, file->shape, &raw));
	OK(accel_tensor_upload(raw, file->data, file->bytes));
	if (type == file->type)
		return raw;
	OK(accel_tensor_create(card, ACCEL_TIER_HBM, type, 2, file->shape, &tensor));
	OK(accel_cmd_copy(cmd, tensor, raw));
	accel_tensor_destroy(&raw);		/* freed when the copy no longer needs it */
	return tensor;
}

/* Weights in the card's own order, once: products then read them as fast as memory goes. */
static struct accel_tensor prepare(struct accel_device *card, struct accel_cmd *cmd,
				   struct accel_tensor plain)
{
	const uint32_t shape[] = { accel_tensor_dim(plain, 0), accel_tensor_dim(plain, 1) };
	struct accel_tensor weights;

	if (!accel_tensor_elements(plain))	/* nothing has no order */
		return plain;
	OK(accel_tensor_create_prepared(card, ACCEL_TIER_HBM, (enum accel_type)plain.type,
					plain.type == ACCEL_TYPE_I8 ? ACCEL_LAYOUT_K16N64K4 :
					ACCEL_LAYOUT_K16N64, 2, shape, &weights));
	OK(accel_cmd_prepare(cmd, weights, plain));
	return weights;
}

int main(int argc, char **argv)
{
	struct options opt = parse_options(argc, argv);
	struct npy a_file = npy_load(opt.a), b_file = npy_load(opt.b), c_file;
	enum accel_type type = opt.type < 0 ? a_file.type : (enum accel_type)opt.type;
	struct accel_tensor a, b, c, weights;
	struct accel_cmd *prologue, *multiply;
	struct accel_device *card;
	struct accel_queue *queue;
	struct accel_fence fence;

	c_file = npy_product(&a_file, &b_file, type);
	OK(accel_device_open(NULL, &card));
	OK(accel_queue_create(card, NULL, &queue));
	OK(accel_cmd_create(card, 0, &prologue));
	OK(accel_cmd_create(card, 0, &multiply));

	/* The card multiplies by rows of weights, as models keep them: those are columns of B. */
	a = load(card, prologue, &a_file, type);
	b = load(card, prologue, &b_file, type);
	weights = prepare(card, prologue, accel_tensor_transpose(b));
	OK(accel_tensor_create(card, ACCEL_TIER_HBM, c_file.type, 2, c_file.shape, &c));
	OK(accel_cmd_matmul(multiply, c, weights, a, NULL));

	OK(accel_queue_submit(queue, prologue, &fence));
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
	measure_begin(card);
	for (int i = 0; i < opt.repeat; i++)	/* recorded once, submitted often */
		OK(accel_queue_submit(queue, multiply, &fence));
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
	measure_end(card, &c_file, a_file.shape[1], opt.repeat);

	OK(accel_tensor_download(c, c_file.data, c_file.bytes));
	accel_device_close(card);		/* and all that belongs to it */
	if (opt.c)
		npy_save(opt.c, &c_file);
	return check(&a_file, &b_file, &c_file, type);
}
