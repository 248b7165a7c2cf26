// SPDX-License-Identifier: MIT
#include <dnnl.h>
#include <errno.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/onednn.h"
#include "uapi/drm/maru_cmd.h"

#define ENTRIES	64	/* of a thread; the library's own cache is shared and bounded too */

struct entry {
	struct onednn_tile tile;
	dnnl_primitive_t primitive;	/* NULL with is_used: the library has none */
	dnnl_memory_t b, a, out, scratch;
	uint64_t used;
	bool is_used;
};

struct context {
	dnnl_stream_t stream;
	uint64_t clock;
	struct entry entries[ENTRIES];
};

static char version[32];
static dnnl_engine_t engine;
static pthread_key_t context_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void entry_drop(struct entry *entry)
{
	dnnl_memory_destroy(entry->b);
	dnnl_memory_destroy(entry->a);
	dnnl_memory_destroy(entry->out);
	dnnl_memory_destroy(entry->scratch);
	dnnl_primitive_destroy(entry->primitive);
	memset(entry, 0, sizeof(*entry));
}

static void context_free(void *argument)
{
	struct context *context = argument;
	unsigned int i;

	for (i = 0; i < ENTRIES; i++)
		entry_drop(&context->entries[i]);
	dnnl_stream_destroy(context->stream);
	free(context);
}

static void library_start(void)
{
	const dnnl_version_t *v = dnnl_version();

	snprintf(version, sizeof(version), "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
	if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success)
		engine = NULL;
	pthread_key_create(&context_key, context_free);
}

int onednn_init(uint32_t level)
{
	static const dnnl_cpu_isa_t limits[] = {
		[KERNELS_PLAIN] = dnnl_cpu_isa_sse41,
		[KERNELS_AVX2] = dnnl_cpu_isa_avx2,
		[KERNELS_VNNI] = dnnl_cpu_isa_avx512_core_vnni,
		[KERNELS_BF16] = dnnl_cpu_isa_avx512_core_bf16,
		[KERNELS_AMX] = dnnl_cpu_isa_avx512_core_bf16,	/* its layouts of AMX are others */
	};

	/* Refused once a primitive was made: then the first limit stays. */
	dnnl_set_max_cpu_isa(limits[level]);
	pthread_once(&once, library_start);
	return engine ? 0 : -ENOMEM;
}

const char *onednn_version(void)
{
	return version;
}

static struct context *context_get(void)
{
	struct context *context = pthread_getspecific(context_key);

	if (context)
		return context;
	context = calloc(1, sizeof(*context));
	if (!context)
		return NULL;
	omp_set_num_threads(1);		/* of this thread's regions only */
	if (dnnl_stream_create(&context->stream, engine, dnnl_stream_default_flags) !=
	    dnnl_success) {
		free(context);
		return NULL;
	}
	pthread_setspecific(context_key, context);
	return context;
}

static dnnl_data_type_t data_type(unsigned int type)
{
	switch (type) {
	case MARU_TYPE_F32:
		return dnnl_f32;
	case MARU_TYPE_F16:
		return dnnl_f16;
	case MARU_TYPE_BF16:
		return dnnl_bf16;
	case MARU_TYPE_U8:
		return dnnl_u8;
	case MARU_TYPE_I8:
		return dnnl_s8;
	}
	return dnnl_s32;
}

static dnnl_status_t make_descs(const struct onednn_tile *tile, dnnl_memory_desc_t desc[3])
{
	const dnnl_dims_t b_dims = { tile->m, tile->k }, a_dims = { tile->k, tile->n };
	const dnnl_dims_t out_dims = { tile->m, tile->n };
	const dnnl_dims_t b_steps = { (dnnl_dim_t)tile->b_step, 1 };
	const dnnl_dims_t out_steps = { (dnnl_dim_t)tile->out_step, 1 };
	const dnnl_dims_t a_steps = { (dnnl_dim_t)tile->a_k_step, (dnnl_dim_t)tile->a_n_step };
	static const dnnl_format_tag_t tags[] = {
		[MARU_LAYOUT_K16N64] = dnnl_BA16a64b,
		[MARU_LAYOUT_K16N64K2] = dnnl_BA16a64b2a,
		[MARU_LAYOUT_K16N64K4] = dnnl_BA16a64b4a,
	};
	dnnl_status_t status;

	status = dnnl_memory_desc_create_with_strides(&desc[0], 2, b_dims,
						      data_type(tile->b_type), b_steps);
	if (status == dnnl_success)
		status = dnnl_memory_desc_create_with_strides(&desc[2], 2, out_dims,
							      data_type(tile->out_type),
							      out_steps);
	if (status != dnnl_success)
		return status;
	if (tile->layout == MARU_LAYOUT_STRIDED)
		return dnnl_memory_desc_create_with_strides(&desc[1], 2, a_dims,
							    data_type(tile->a_type), a_steps);
	return dnnl_memory_desc_create_with_tag(&desc[1], 2, a_dims, data_type(tile->a_type),
						tags[tile->layout]);
}

static dnnl_status_t make_attr(const struct onednn_tile *tile, dnnl_primitive_attr_t attr)
{
	dnnl_status_t status;
	dnnl_post_ops_t ops;

	status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
	if (status == dnnl_success && tile->b_type == MARU_TYPE_F32 &&
	    tile->a_type != MARU_TYPE_F32)
		status = dnnl_primitive_attr_set_fpmath_mode_v2(attr, dnnl_fpmath_mode_strict, 1);
	if (status != dnnl_success || !tile->add)
		return status;
	status = dnnl_post_ops_create(&ops);
	if (status != dnnl_success)
		return status;
	status = dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
	if (status == dnnl_success)
		status = dnnl_primitive_attr_set_post_ops(attr, ops);
	dnnl_post_ops_destroy(ops);
	return status;
}

/* Reference code is a hundred times slower than what the caller has itself. */
static bool is_usable(const struct onednn_tile *tile, const_dnnl_primitive_desc_t desc)
{
	const char *name = "";

	dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, (void *)&name);
	if (strncmp(name, "brg", 3) && strncmp(name, "gemm:jit", 8))
		return false;
	/* 3.7.2 takes rows of one column for contiguous on AVX-512. */
	if (tile->n == 1 && tile->m > 1 && tile->out_step != 1)
		return false;
	return dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(
		desc, dnnl_query_scratchpad_md, 0)) <= ONEDNN_SCRATCH_BYTES;
}

static dnnl_status_t make_memories(struct entry *entry, const_dnnl_primitive_desc_t desc,
				   dnnl_memory_desc_t descs[3])
{
	dnnl_status_t status;

	status = dnnl_memory_create(&entry->b, descs[0], engine, DNNL_MEMORY_NONE);
	if (status == dnnl_success)
		status = dnnl_memory_create(&entry->a, descs[1], engine, DNNL_MEMORY_NONE);
	if (status == dnnl_success)
		status = dnnl_memory_create(&entry->out, descs[2], engine, DNNL_MEMORY_NONE);
	if (status == dnnl_success)
		status = dnnl_memory_create(&entry->scratch,
					    dnnl_primitive_desc_query_md(
						    desc, dnnl_query_scratchpad_md, 0),
					    engine, DNNL_MEMORY_NONE);
	return status;
}

static void entry_make(struct entry *entry, const struct onednn_tile *tile)
{
	dnnl_memory_desc_t descs[3] = { NULL, NULL, NULL };
	dnnl_primitive_desc_t desc = NULL;
	dnnl_primitive_attr_t attr = NULL;
	dnnl_status_t status;

	entry->tile = *tile;
	entry->is_used = true;
	status = make_descs(tile, descs);
	if (status == dnnl_success)
		status = dnnl_primitive_attr_create(&attr);
	if (status == dnnl_success)
		status = make_attr(tile, attr);
	if (status == dnnl_success)
		status = dnnl_matmul_primitive_desc_create(&desc, engine, descs[0], descs[1], NULL,
							   descs[2], attr);
	if (status == dnnl_success && is_usable(tile, desc))
		status = make_memories(entry, desc, descs);
	else
		status = dnnl_unimplemented;
	if (status == dnnl_success &&
	    dnnl_primitive_create(&entry->primitive, desc) != dnnl_success)
		entry->primitive = NULL;
	dnnl_primitive_desc_destroy(desc);
	dnnl_primitive_attr_destroy(attr);
	for (unsigned int i = 0; i < 3; i++)
		dnnl_memory_desc_destroy(descs[i]);
}

static struct entry *entry_get(struct context *context, const struct onednn_tile *tile)
{
	struct entry *oldest = &context->entries[0];
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		struct entry *entry = &context->entries[i];

		if (entry->is_used && !memcmp(&entry->tile, tile, sizeof(*tile))) {
			oldest = entry;
			goto found;
		}
		if (entry->used < oldest->used)
			oldest = entry;
	}
	if (oldest->is_used)
		entry_drop(oldest);
	entry_make(oldest, tile);
found:
	oldest->used = ++context->clock;
	return oldest;
}

int onednn_run(const struct onednn_tile *tile, const void *b, const void *a, void *out,
	       void *scratch)
{
	struct context *context = context_get();
	struct entry *entry;

	if (!context)
		return -ENOTSUP;
	entry = entry_get(context, tile);
	if (!entry->primitive)
		return -ENOTSUP;
	dnnl_exec_arg_t arguments[] = {
		{ DNNL_ARG_SRC, entry->b }, { DNNL_ARG_WEIGHTS, entry->a },
		{ DNNL_ARG_DST, entry->out }, { DNNL_ARG_SCRATCHPAD, entry->scratch },
	};

	dnnl_memory_set_data_handle(entry->b, (void *)(uintptr_t)b);
	dnnl_memory_set_data_handle(entry->a, (void *)(uintptr_t)a);
	dnnl_memory_set_data_handle(entry->out, out);
	dnnl_memory_set_data_handle(entry->scratch, scratch);
	return dnnl_primitive_execute(entry->primitive, context->stream, 4, arguments) ==
	       dnnl_success ? 0 : -ENOTSUP;
}
