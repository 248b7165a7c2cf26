/* SPDX-License-Identifier: MIT */
/*
 * NumPy's .npy files: one array of at most two dimensions, little-endian, C order.
 *
 * Types: '<f4' '<f2' '|i1' '<i4', and bfloat16 as the '<V2' or '|V2' that ml_dtypes writes.
 * Files are not trusted: a header that lies about the size of the data is refused.
 */
#ifndef SAMPLES_NPY_H
#define SAMPLES_NPY_H

#include <stddef.h>
#include <stdint.h>

#include <accel/types.h>

/**
 * struct npy - An array in host memory.
 * @type: of its elements.
 * @rank: 0 … 2.
 * @shape: as NumPy prints it; dims beyond @rank are 1.
 * @bytes: of @data.
 * @data: elements, C order, from malloc().
 */
struct npy {
	enum accel_type type;
	unsigned int rank;
	uint32_t shape[2];
	size_t bytes;
	void *data;
};

/**
 * npy_parse() - Read the header of a .npy image.
 * @image: first bytes of the file.
 * @bytes: how many there are.
 * @npy: filled, without data.
 * @data_offset: where the elements start.
 * @why: on error, what is wrong.
 *
 * Return: 0; -EINVAL not such a file, or damaged; -EOPNOTSUPP a type, order or rank that is
 * not read; -E2BIG more elements than the card can address.
 */
int npy_parse(const void *image, size_t bytes, struct npy *npy, size_t *data_offset,
	      const char **why);

/**
 * npy_read() - Read a file.
 * @path: of the file.
 * @npy: filled; free(npy->data) ends it.
 * @why: on error, what is wrong.
 *
 * Return: 0; as npy_parse(); -EINVAL also when the file is not exactly as long as its header
 * says; -errno of the file system; -ENOMEM.
 */
int npy_read(const char *path, struct npy *npy, const char **why);

/**
 * npy_write() - Write a file, version 1.0.
 * @path: of the file, replaced if it exists.
 * @npy: what to write.
 *
 * Return: 0; -errno of the file system.
 */
int npy_write(const char *path, const struct npy *npy);

/** npy_get() - Element @index as a double. */
double npy_get(const struct npy *npy, size_t index);

#endif
