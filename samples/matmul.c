// SPDX-License-Identifier: MIT
/* C = A · B on the card: two .npy files in, one out, checked against double precision. */

#include <accel/accel.h>

#include "sample.h"

/* Bring a file to the card as @type. The file's bytes are uploaded as they are; if the type is
 * another one, the card converts them.
 */
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

int main(int argc, char **argv)
{
	struct options opt = parse_options(argc, argv);
	struct npy a_file = npy_load(opt.a), b_file = npy_load(opt.b), c_file;
	enum accel_type type = opt.type < 0 ? a_file.type : (enum accel_type)opt.type;
	struct accel_tensor a, b, c;
	struct accel_usage before, after;
	struct accel_device *card;
	struct accel_queue *queue;
	struct accel_cmd *prologue, *multiply;
	struct accel_fence fence;
	double start, seconds;

	c_file = npy_product(&a_file, &b_file, type);
	OK(accel_device_open(NULL, &card));
	OK(accel_queue_create(card, NULL, &queue));
	OK(accel_cmd_create(card, 0, &prologue));
	OK(accel_cmd_create(card, 0, &multiply));

	a = load(card, prologue, &a_file, type);
	b = load(card, prologue, &b_file, type);
	OK(accel_tensor_create(card, ACCEL_TIER_HBM, c_file.type, 2, c_file.shape, &c));

	/* dst = x · weightsᵀ is the card's order, so B goes in as a transposed view. */
	OK(accel_cmd_matmul(multiply, c, accel_tensor_transpose(b), a, NULL));

	OK(accel_queue_submit(queue, prologue, &fence));
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
	accel_device_usage(card, &before);
	start = now();
	for (int i = 0; i < opt.repeat; i++)	/* recorded once, submitted often */
		OK(accel_queue_submit(queue, multiply, &fence));
	OK(accel_fence_wait(fence, ACCEL_FOREVER));
	seconds = (now() - start) / opt.repeat;
	accel_device_usage(card, &after);

	OK(accel_tensor_download(c, c_file.data, c_file.bytes));
	show(card, &c_file, a_file.shape[1], seconds, &before, &after);
	if (opt.c)
		npy_save(opt.c, &c_file);
	accel_device_close(card);		/* and all that belongs to it */
	return check(&a_file, &b_file, &c_file, type);
}
