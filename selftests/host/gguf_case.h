/* SPDX-License-Identifier: GPL-2.0-only */
/* GGUF files that tests make in memory, byte by byte, right or wrong. */
#ifndef GGUF_CASE_H
#define GGUF_CASE_H

#include "samples/generate/gguf.h"

struct image {
	uint8_t bytes[16384];
	size_t used;
	uint32_t keys, tensors;
	size_t counts;
};

void image_begin(struct image *image);
void image_put(struct image *image, const void *from, size_t bytes);
void image_number(struct image *image, uint64_t value, size_t bytes);
void image_string(struct image *image, const char *text);
void image_u32(struct image *image, const char *name, uint32_t value);
void image_text(struct image *image, const char *name, const char *value);

/** image_array() - The head of an array: its elements are put next. */
void image_array(struct image *image, const char *name, enum gguf_kind of, uint64_t count);

/** image_tensor() - Name a matrix of f32 whose bytes are @at. */
void image_tensor(struct image *image, const char *name, uint32_t columns, uint32_t rows,
		  uint64_t at);

/** image_end() - Write how many keys and tensors there are; @data bytes of zeros follow. */
void image_end(struct image *image, size_t data);

/** image_llama_vocabulary() - Keys of ten pieces with scores. */
void image_llama_vocabulary(struct image *image);

#endif
