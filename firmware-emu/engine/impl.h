/* SPDX-License-Identifier: MIT */
/* The operations of the engine. */
#ifndef MARU_IMPL_H
#define MARU_IMPL_H

#include "firmware-emu/engine/engine.h"

extern const struct engine_impl nop_impl;
extern const struct engine_impl timestamp_impl;
extern const struct engine_impl fill_impl;
extern const struct engine_impl copy_impl;
extern const struct engine_impl prepare_impl;
extern const struct engine_impl matmul_impl;
extern const struct engine_impl attention_impl;
extern const struct engine_impl norm_impl;
extern const struct engine_impl rope_impl;
extern const struct engine_impl softmax_impl;
extern const struct engine_impl gather_impl;
extern const struct engine_impl scatter_impl;
extern const struct engine_impl elementwise_impl;
extern const struct engine_impl reduce_impl;
extern const struct engine_impl sort_impl;

/* What an operation keeps between plan and tiles. */
#define IMPL_PLAN(type, op) \
	({ _Static_assert(sizeof(type) <= ENGINE_PLAN_BYTES, "plan too large"); \
	   (type *)(void *)(op)->plan; })

#endif
