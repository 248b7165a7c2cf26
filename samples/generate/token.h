/* SPDX-License-Identifier: MIT */
/* Vocabulary of a GGUF file: text to token ids and back. */
#ifndef GENERATE_TOKEN_H
#define GENERATE_TOKEN_H

#include "gguf.h"

struct vocab;

/**
 * vocab_load() - Take the vocabulary from the header of @file, which must stay open.
 * Knows the models "llama" (SentencePiece-style pieces with scores and byte fallback) and
 * "gpt2" (byte-level pieces with merges, in words by a way of split.h).
 * Return: NULL with file->error filled.
 */
struct vocab *vocab_load(struct gguf *file);
void vocab_free(struct vocab *vocab);

uint32_t vocab_size(const struct vocab *vocab);
int32_t vocab_eos(const struct vocab *vocab);

/**
 * vocab_encode() - Ids of @text.
 * @ids: room for @limit; strlen(text) + 2 is always enough for "gpt2", 3 times that for
 *	"llama", whose pieces may need several byte tokens a character.
 * Return: number of ids, or -1: they do not fit, or memory ran out.
 */
int64_t vocab_encode(const struct vocab *vocab, const char *text, int32_t *ids, uint32_t limit);

/** vocab_decode() - Bytes of one id, at most @limit; not terminated. Return: how many. */
uint32_t vocab_decode(const struct vocab *vocab, int32_t id, char *out, uint32_t limit);

#endif
