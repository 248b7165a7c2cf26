// SPDX-License-Identifier: MIT
/* Memory for tensors, and their elements to and from the program, by the CPU. */
#include <errno.h>
#include <string.h>

#include "internal.h"

static int create(struct accel_device *device, enum accel_tier tier, struct accel_tensor *tensor,
		  const char *call, struct accel_tensor *out)
{
	uint64_t bytes = accel_tensor_bytes(*tensor);
	int error;

	if (tensor->rank == ACCEL_RANK_INVALID)
		return -EINVAL;		/* with its text */
	if (!device || !out)
		return accel_refuse(-EINVAL, "%s: %s: NULL", call, device ? "tensor" : "device");
	error = accel_memory_create(device, tier, bytes ? bytes : 1, 0, &tensor->memory);
	if (!error)
		*out = *tensor;
	return error;
}

int accel_tensor_create(struct accel_device *device, enum accel_tier tier, enum accel_type type,
			unsigned int rank, const uint32_t *shape, struct accel_tensor *out)
{
	struct accel_tensor tensor = accel_tensor_make(NULL, 0, type, rank, shape);

	return create(device, tier, &tensor, "accel_tensor_create", out);
}

int accel_tensor_create_prepared(struct accel_device *device, enum accel_tier tier,
				 enum accel_type type, enum accel_layout layout,
				 unsigned int rank, const uint32_t *shape,
				 struct accel_tensor *out)
{
	struct accel_tensor tensor = accel_tensor_prepared(NULL, 0, type, layout, rank, shape);

	return create(device, tier, &tensor, "accel_tensor_create_prepared", out);
}

void accel_tensor_destroy(struct accel_tensor *tensor)
{
	if (!tensor)
		return;
	accel_memory_destroy(tensor->memory);
	tensor->memory = NULL;
}

/* What to check before bytes move; *base is where element 0 is. */
static int start(const struct accel_tensor *tensor, const void *host, uint64_t bytes,
		 const char *call, uint8_t **base)
{
	uint64_t size = accel_type_bytes((enum accel_type)tensor->type);
	uint64_t need = tensor->layout ? accel_tensor_bytes(*tensor) :
			accel_tensor_elements(*tensor) * size;
	void *pointer;
	const char *why;
	int error = accel_tensor_refusal(tensor, &why);

	if (!error && !tensor->memory) {
		error = -EINVAL;
		why = "it has no memory";
	}
	if (error)
		return accel_refuse(error, "%s: tensor: %s", call, why);
	if (bytes != need)
		return accel_refuse(-EINVAL, "%s: bytes: %llu, but its elements are %llu", call,
				    (unsigned long long)bytes, (unsigned long long)need);
	if (bytes && !host)
		return accel_refuse(-EINVAL, "%s: program's side: NULL", call);
	error = accel_memory_map(tensor->memory, &pointer);
	if (!error)
		*base = (uint8_t *)pointer + tensor->offset;
	return error;
}

/* Every row of the innermost dim, in C order. */
static void copy_rows(const struct accel_tensor *tensor, uint8_t *base, uint8_t *host,
		      bool is_upload)
{
	uint64_t size = accel_type_bytes((enum accel_type)tensor->type);
	uint64_t run = tensor->nb[0] == size ? tensor->ne[0] : 1, at[ACCEL_DIMS];
	uint8_t *element;

	for (at[3] = 0; at[3] < tensor->ne[3]; at[3]++)
	for (at[2] = 0; at[2] < tensor->ne[2]; at[2]++)
	for (at[1] = 0; at[1] < tensor->ne[1]; at[1]++)
	for (at[0] = 0; at[0] < tensor->ne[0]; at[0] += run) {
		element = base;
		for (int d = 0; d < ACCEL_DIMS; d++)
			element += at[d] * tensor->nb[d];
		if (is_upload)
			memcpy(element, host, run * size);
		else
			memcpy(host, element, run * size);
		host += run * size;
	}
}

static int move(const struct accel_tensor *tensor, void *host, uint64_t bytes, bool is_upload)
{
	const char *call = is_upload ? "accel_tensor_upload" : "accel_tensor_download";
	uint8_t *base = NULL;
	int error = start(tensor, host, bytes, call, &base);

	if (error || !bytes)
		return error;
	if (!tensor->layout && !accel_tensor_is_dense(*tensor))
		copy_rows(tensor, base, host, is_upload);
	else if (is_upload)
		memcpy(base, host, bytes);
	else
		memcpy(host, base, bytes);
	return 0;
}

int accel_tensor_upload(struct accel_tensor tensor, const void *source, uint64_t bytes)
{
	return move(&tensor, (void *)source, bytes, true);
}

int accel_tensor_download(struct accel_tensor tensor, void *target, uint64_t bytes)
{
	return move(&tensor, target, bytes, false);
}
