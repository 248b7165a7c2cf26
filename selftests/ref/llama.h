/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A decoder of the llama architecture in plain double-precision loops: what the card's tokens
 * are compared with. Slow, obvious, and without a line of the card's.
 */
#ifndef REF_LLAMA_H
#define REF_LLAMA_H

#include "samples/generate/gguf.h"

struct ref_llama;

/** ref_llama_load() - Widen all weights. Return: NULL with file->error filled. */
struct ref_llama *ref_llama_load(struct gguf *file, uint32_t context);
void ref_llama_free(struct ref_llama *model);
uint32_t ref_llama_vocab(const struct ref_llama *model);

/** ref_llama_cache() - Keep keys and values as elements of a type, rounded once; not as doubles. */
void ref_llama_cache(struct ref_llama *model, unsigned int type);

/**
 * ref_llama_step() - Run one token at the next position.
 * Return: logits, valid until the next call; NULL: the context is full.
 */
const double *ref_llama_step(struct ref_llama *model, int32_t token);

#endif
