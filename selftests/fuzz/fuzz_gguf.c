// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broken GGUF files through everything that reads them before a card is asked for anything:
 * fuzz_gguf FILE.gguf [rounds] [seed].
 *
 * Half of the changes are at places where the file keeps a length, a count, a kind, a dimension
 * or an offset, with values that hurt; the rest is bytes anywhere in the directory, and cuts.
 * Built with address and undefined-behaviour sanitizers. A refusal has to be one line of
 * printable text, and what is accepted has to lie in the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples/generate/shape.h"
#include "samples/generate/token.h"
#include "selftests/ref/text.h"

#define MAX_PLACES	65536u
#define MAX_CHANGES	8u

static uint64_t seed = 1;
static uint32_t places[MAX_PLACES], place_count, directory;
static uint64_t parsed, loaded, shaped, refused;

static uint64_t next(void)
{
	uint64_t x = seed += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void stop(const char *what, const struct gguf *file)
{
	fprintf(stderr, "fuzz: %s (%s)\n", what, file->error);
	abort();
}

/* @what failed: the file has to say why, in one line. */
static void check_refusal(const char *what, const struct gguf *file)
{
	if (!file->error[0] || !ref_is_line(file->error))
		stop(what, file);
}

static void note(const struct gguf *file, const void *at)
{
	if (place_count < MAX_PLACES)
		places[place_count++] = (uint32_t)((const uint8_t *)at - file->map);
}

/* Where the directory of a right file keeps its numbers. */
static void find_places(const struct gguf *file)
{
	note(file, file->map + 4);
	note(file, file->map + 8);
	note(file, file->map + 16);
	for (uint32_t i = 0; i < file->key_count; i++) {
		const struct gguf_key *key = &file->keys[i];

		note(file, key->name.text - 8);
		note(file, key->name.text + key->name.bytes);
		note(file, key->name.text + key->name.bytes + 4);
		note(file, key->data);
		if (key->kind == GGUF_ARRAY)
			note(file, key->data - 8);
	}
	for (uint32_t i = 0; i < file->tensor_count; i++) {
		const struct gguf_tensor *t = &file->tensors[i];
		const char *at = t->name.text + t->name.bytes;

		note(file, t->name.text - 8);
		for (uint32_t d = 0; d <= t->rank; d++)
			note(file, d ? at + 4 + 8 * (d - 1) : at);
		note(file, at + 4 + 8 * t->rank);
		note(file, at + 8 + 8 * t->rank);
		directory = (uint32_t)(at + 16 + 8 * t->rank - (const char *)file->map);
	}
}

static void check_tensors(const struct gguf *file)
{
	volatile uint8_t sum = 0;

	for (uint32_t i = 0; i < file->tensor_count; i++) {
		const struct gguf_tensor *t = &file->tensors[i];

		if (t->bytes)
			sum ^= t->data[0] ^ t->data[t->bytes - 1];
	}
}

static void use_vocabulary(const struct vocab *vocab)
{
	static const char *const texts[] = { "It is a truth", "\xc3\xa9t\xe2\x82\xac \xff\xfe", " ",
					     "aaaaaaaaaaaaaaaa\n\n", "" };
	int32_t ids[256];
	char text[64];
	int64_t n;

	n = vocab_encode(vocab, texts[next() % 5], ids, (uint32_t)(next() % 257));
	for (int64_t i = 0; i < n; i++)
		vocab_decode(vocab, ids[i], text, (uint32_t)(next() % 65));
	vocab_decode(vocab, (int32_t)next(), text, sizeof(text));
	vocab_eos(vocab);
}

static void read_file(const uint8_t *bytes, size_t count)
{
	struct vocab *vocab;
	struct shape shape;
	struct gguf file;

	if (gguf_parse(&file, bytes, count)) {
		check_refusal("a file's refusal", &file);
		refused++;
		return;
	}
	parsed++;
	check_tensors(&file);
	if (!shape_load(&shape, &file)) {
		shaped++;
		shape_free(&shape);
	} else {
		check_refusal("a shape's refusal", &file);
	}
	file.error[0] = 0;
	vocab = vocab_load(&file);
	if (vocab) {
		loaded++;
		use_vocabulary(vocab);
		vocab_free(vocab);
	} else {
		check_refusal("a vocabulary's refusal", &file);
	}
	free(file.keys);
	free(file.tensors);
}

static uint64_t hurting(void)
{
	static const uint64_t values[] = { 0, 1, 2, 8, 9, 12, 31, 255, 65536, 0x7fffffff,
					   0x80000000, 0xffffffff, 0x100000000, 1ull << 40,
					   1ull << 61,
					   0x7fffffffffffffff, 0x8000000000000000,
					   0xfffffffffffffff8, 0xffffffffffffffff };
	uint64_t r = next();

	return r % 4 ? values[r / 4 % (sizeof(values) / sizeof(*values))] : next() >> r / 4 % 64;
}

struct change {
	size_t at;
	uint64_t was;
};

static struct change change_once(uint8_t *bytes)
{
	uint64_t value = hurting(), r = next();
	size_t width = r & 1 ? 8 : 4;
	struct change c = { r & 2 ? places[(r >> 8) % place_count] : (r >> 8) % directory, 0 };

	if (!(r & 2)) {
		width = 1;
		value = r & 4 ? next() : hurting();
	}
	memcpy(&c.was, bytes + c.at, sizeof(c.was));
	if (r & 8 && width > 1) {	/* a little more or less */
		memcpy(&value, bytes + c.at, width);
		value += (r >> 4 & 3) - 1;
	}
	memcpy(bytes + c.at, &value, width);
	return c;
}

static uint8_t *load(const char *path, size_t *count)
{
	FILE *in = fopen(path, "rb");
	uint8_t *bytes;
	long size;

	if (!in || fseek(in, 0, SEEK_END) || (size = ftell(in)) < 24 || fseek(in, 0, SEEK_SET)) {
		perror(path);
		exit(1);
	}
	bytes = malloc((size_t)size);
	if (!bytes || fread(bytes, 1, (size_t)size, in) != (size_t)size) {
		perror(path);
		exit(1);
	}
	fclose(in);
	*count = (size_t)size;
	return bytes;
}

int main(int argc, char **argv)
{
	uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 0) : 20000;
	struct change changes[MAX_CHANGES];
	struct gguf file;
	uint8_t *bytes, *cut;
	size_t count, left;

	if (argc < 2)
		return 2;
	seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	bytes = load(argv[1], &count);
	if (gguf_parse(&file, bytes, count))
		stop("the file is broken before it is changed", &file);
	find_places(&file);
	free(file.keys);
	free(file.tensors);
	for (uint64_t i = 0; i < rounds; i++) {
		uint32_t n = 1 + (uint32_t)next() % 3;

		for (uint32_t c = 0; c < n; c++)
			changes[c] = change_once(bytes);
		if (next() % 8) {
			read_file(bytes, count);
		} else {
			left = next() % 4 ? next() % directory : next() % count;
			cut = malloc(left ? left : 1);
			if (!cut)
				return 1;
			memcpy(cut, bytes, left);
			read_file(cut, left);
			free(cut);
		}
		while (n--)
			memcpy(bytes + changes[n].at, &changes[n].was, sizeof(changes[n].was));
	}
	printf("fuzz: %llu broken files: %llu refused, %llu parsed, %llu with a vocabulary, "
	       "%llu with a shape\n", (unsigned long long)rounds, (unsigned long long)refused,
	       (unsigned long long)parsed, (unsigned long long)loaded, (unsigned long long)shaped);
	free(bytes);
	return 0;
}
