/* SPDX-License-Identifier: MIT */
/* How a text is cut into words before pairs are merged: each byte-level vocabulary has its way. */
#ifndef GENERATE_SPLIT_H
#define GENERATE_SPLIT_H

#include "gguf.h"

enum split { SPLIT_GPT2, SPLIT_LLAMA3, SPLIT_SMOLLM };

/** split_parse() - Way of a value of tokenizer.ggml.pre. Return: -1: none that is known here. */
int split_parse(struct gguf_string pre);

/** split_word() - Return: bytes of the first word of @bytes of @text, at least 1. */
size_t split_word(enum split way, const char *text, size_t bytes);

#endif
