// SPDX-License-Identifier: GPL-2.0-only
/* Vocabularies: text to ids and back, against Perl's expressions and known answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "samples/generate/split.h"
#include "samples/generate/token.h"
#include "selftests/host/gguf_case.h"

static void expect_ids(struct image *f, const char *text, const int32_t *ids, int64_t count)
{
	struct gguf file;
	struct vocab *vocab;
	int32_t got[64];
	char back[64];
	uint32_t n = 0;

	assert_int_equal(gguf_parse(&file, f->bytes, f->used), 0);
	vocab = vocab_load(&file);
	assert_string_equal(file.error, "");
	assert_non_null(vocab);
	assert_int_equal(vocab_encode(vocab, text, got, 64), count);
	assert_memory_equal(got, ids, count * sizeof(*ids));
	for (int64_t i = 0; i < count; i++)
		n += vocab_decode(vocab, got[i], back + n, sizeof(back) - n);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(back, text, n);
	assert_int_equal(vocab_encode(vocab, text, got, (uint32_t)count - 1), -1);
	vocab_free(vocab);
	free(file.keys);
	free(file.tensors);
}

static void pieces_by_score(void **state)
{
	struct image f;

	(void)state;
	image_begin(&f);
	image_llama_vocabulary(&f);
	image_end(&f, 0);
	/* "ab" before "▁ab": the better score joins first. é has no piece: two byte tokens. */
	expect_ids(&f, "ab ab", (int32_t[]){ 5, 7 }, 2);
	expect_ids(&f, "ba\xc3\xa9", (int32_t[]){ 4, 3, 8, 9 }, 4);
}

static void pieces_by_merges(void **state)
{
	static const char *const pieces[] = { "a", "b", "ab", "\xc4\xa0", "\xc4\xa0" "ab" };
	struct image f;

	(void)state;
	image_begin(&f);
	image_text(&f, "tokenizer.ggml.model", "gpt2");
	image_text(&f, "tokenizer.ggml.pre", "gpt-2");
	image_array(&f, "tokenizer.ggml.tokens", GGUF_STRING, 5);
	for (int i = 0; i < 5; i++)
		image_string(&f, pieces[i]);
	image_array(&f, "tokenizer.ggml.merges", GGUF_STRING, 2);
	image_string(&f, "a b");
	image_string(&f, "\xc4\xa0 ab");
	image_u32(&f, "tokenizer.ggml.eos_token_id", 0);
	image_u32(&f, "tokenizer.ggml.bos_token_id", 0);
	image_end(&f, 0);
	expect_ids(&f, "ab ab", (int32_t[]){ 2, 4 }, 2);
}

/* In place: \n, \r and \\ as tools/model/pieces.py writes them; the line's own end goes. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text && *text != '\n'; text++, to++) {
		*to = *text;
		if (*text == '\\' && *++text != '\\')
			*to = *text == 'n' ? '\n' : '\r';
	}
	*to = 0;
}

/* Real text, cut anywhere, and characters that the vocabulary does not have. */
static void pieces_as_sentencepiece_cuts_them(void **state)
{
	FILE *in = fopen("selftests/ref/pieces.tsv", "r");
	uint32_t lines = 0, ids = 0;
	struct gguf file;
	struct vocab *vocab;
	char *line = NULL;
	size_t room = 0;

	(void)state;
	assert_non_null(in);
	assert_int_equal(gguf_open(&file, "samples/generate/model.gguf"), 0);
	vocab = vocab_load(&file);
	assert_non_null(vocab);
	while (getline(&line, &room, in) > 0) {
		int32_t expected[512], got[512];
		int64_t count = 0;
		char *at = line;

		if (*line == '#')
			continue;
		while (*at != '\t')
			expected[count++] = (int32_t)strtol(at, &at, 10);
		unescape(++at);
		if (vocab_encode(vocab, at, got, 512) != count ||
		    memcmp(got, expected, (size_t)count * sizeof(*got)))
			fail_msg("'%s' has other ids: if the vocabulary is another, see "
				 "tools/model/pieces.py", at);
		lines++;
		ids += (uint32_t)count;
	}
	print_message("# %u texts, %u ids\n", lines, ids);
	assert_true(lines > 150 && ids > 4000);
	fclose(in);
	free(line);
	vocab_free(vocab);
	gguf_close(&file);
}

/* Each word of each text of the script, for each way. */
static void words_as_perl_cuts_them(void **state)
{
	FILE *in = popen("perl selftests/ref/split.pl", "r");
	char *line = NULL, *hex, *word;
	uint32_t lines = 0;
	size_t room = 0;

	(void)state;
	assert_non_null(in);
	while (getline(&line, &room, in) > 0) {
		const char *name = strtok(line, " ");
		int way = split_parse((struct gguf_string){ name, strlen(name) });
		size_t bytes = 0, at = 0;

		assert_true(way >= 0);
		hex = strtok(NULL, " ");
		for (unsigned int byte; sscanf(hex + 2 * bytes, "%2x", &byte) == 1; bytes++)
			line[bytes] = (char)byte;	/* ever behind what is read */
		for (; (word = strtok(NULL, " ")) != NULL; at += strtoul(word, NULL, 10)) {
			size_t n = split_word((enum split)way, line + at, bytes - at);

			if (n != strtoul(word, NULL, 10))
				fail_msg("%.*s: a word of %zu bytes at %zu, not %s", (int)bytes,
					 line, n, at, word);
		}
		assert_int_equal(at, bytes);
		lines++;
	}
	assert_int_equal(pclose(in), 0);
	assert_in_range(lines, 9000, 20000);
	free(line);
}

enum { THE = 256, SPACE_THE, AP_S, N12, N123, N1234, E_AP_S, XYZ, END, USER, BYTE_PIECES = 268 };

static const char *const merges[] = { "t h", "th e", "\xc4\xa0 the", "' s", "1 2", "12 3", "123 4",
				      "e 's" };

static void byte_vocabulary(struct image *f, const char *pre)
{
	static const char *const pieces[] = { "the", "\xc4\xa0the", "'s", "12", "123", "1234",
					      "e's", "xyz", "end", "<user>", "th", "xyz" };
	uint32_t next = 0x100;

	image_begin(f);
	image_text(f, "tokenizer.ggml.model", "gpt2");
	if (pre)
		image_text(f, "tokenizer.ggml.pre", pre);
	image_array(f, "tokenizer.ggml.tokens", GGUF_STRING, BYTE_PIECES);
	for (uint32_t b = 0; b < 256; b++) {
		int shown = (b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad);
		uint32_t code = shown ? b : next++;
		char text[3] = { (char)code };

		if (code >= 0x80) {
			text[0] = (char)(0xc0 | code >> 6);
			text[1] = (char)(0x80 | (code & 0x3f));
		}
		image_string(f, text);
	}
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		image_string(f, pieces[i]);
	image_array(f, "tokenizer.ggml.token_type", GGUF_I32, BYTE_PIECES);
	for (uint32_t i = 0; i < BYTE_PIECES; i++)
		image_number(f, i == END ? 3 : i == USER ? 4 : 1, 4);
	image_array(f, "tokenizer.ggml.merges", GGUF_STRING, sizeof(merges) / sizeof(*merges));
	for (size_t i = 0; i < sizeof(merges) / sizeof(*merges); i++)
		image_string(f, merges[i]);
	image_u32(f, "tokenizer.ggml.bos_token_id", END);
	image_u32(f, "tokenizer.ggml.eos_token_id", END);
}

#define EXPECT(f, text, ...) expect_ids(f, text, (int32_t[]){ __VA_ARGS__ }, \
					sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t))

/* Merges never join two words, and what a word is differs. */
static void words_by_their_way(void **state)
{
	static const char text[] = "the the's 1234";
	struct image f;

	(void)state;
	byte_vocabulary(&f, "gpt-2");
	image_end(&f, 0);
	EXPECT(&f, text, THE, SPACE_THE, AP_S, ' ', N1234);
	EXPECT(&f, "xyz", 'x', 'y', 'z');
	EXPECT(&f, "\xc3\xa9\n \xff", 0xc3, 0xa9, '\n', ' ', 0xff);
	byte_vocabulary(&f, "smollm");
	image_end(&f, 0);
	EXPECT(&f, text, THE, SPACE_THE, AP_S, ' ', '1', '2', '3', '4');
	/* This one begins with BOS unless it is told, and takes a word whole if it is a piece. */
	byte_vocabulary(&f, "llama-bpe");
	image_end(&f, 0);
	EXPECT(&f, text, END, THE, SPACE_THE, AP_S, ' ', N123, '4');
	EXPECT(&f, "xyz the", END, XYZ, SPACE_THE);
	byte_vocabulary(&f, "llama-bpe");
	image_u32(&f, "tokenizer.ggml.add_bos_token", 0);
	image_end(&f, 0);
	EXPECT(&f, "the", THE);
}

/* A control piece is neither read from a text nor shown; a user-defined one stands for itself. */
static void pieces_of_other_kinds(void **state)
{
	struct gguf file;
	struct vocab *vocab;
	struct image f;
	char text[32];

	(void)state;
	byte_vocabulary(&f, "llama-bpe");
	image_end(&f, 0);
	EXPECT(&f, "end", END, 'e', 'n', 'd');
	byte_vocabulary(&f, "gpt-2");
	image_end(&f, 0);
	EXPECT(&f, "the<user> the", THE, USER, SPACE_THE);
	EXPECT(&f, "<user><user", USER, '<', 'u', 's', 'e', 'r');
	assert_int_equal(gguf_parse(&file, f.bytes, f.used), 0);
	vocab = vocab_load(&file);
	assert_non_null(vocab);
	assert_int_equal(vocab_decode(vocab, END, text, sizeof(text)), 0);
	assert_int_equal(vocab_decode(vocab, USER, text, sizeof(text)), 6);
	vocab_free(vocab);
	free(file.keys);
	free(file.tensors);
}

static void other_ways_are_refused(void **state)
{
	static const char *const ways[] = { NULL, "default", "qwen2", "llama-bpe2", "x\ny" };
	static const char *const shown[] = { "", "default", "qwen2", "llama-bpe2", "x?y" };
	char expected[120];
	struct gguf file;
	struct image f;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		byte_vocabulary(&f, ways[i]);
		image_end(&f, 0);
		assert_int_equal(gguf_parse(&file, f.bytes, f.used), 0);
		assert_null(vocab_load(&file));
		snprintf(expected, sizeof(expected), "tokenizer.ggml.pre is '%s': only gpt-2, "
			 "llama-bpe and smollm are known here", shown[i]);
		assert_string_equal(file.error, expected);
		free(file.keys);
		free(file.tensors);
	}
}

#define PIECES	60000u
#define LETTERS	8u	/* of a piece */

static uint64_t fnv(const char *text, size_t bytes)
{
	uint64_t h = 0xcbf29ce484222325ull;

	while (bytes--)
		h = (h ^ (uint8_t)*text++) * 0x100000001b3ull;
	return h;
}

enum pieces { PIECES_RANDOM, PIECES_ASCENDING, PIECES_EQUAL, PIECES_FNV };

static void make_piece(char *piece, uint32_t i, enum pieces kind)
{
	memset(piece, 'a', LETTERS);
	do {
		uint32_t value = kind == PIECES_ASCENDING ? i : (uint32_t)rand();

		for (uint32_t k = 0; k < LETTERS && kind != PIECES_EQUAL; k++, value /= 16)
			piece[LETTERS - 1 - k] = (char)('a' + value % 16);
	} while (kind == PIECES_FNV && (fnv(piece, LETTERS) & 0x1ffff) >= 1024);
}

/* CPU time to load a vocabulary of many pieces. */
static clock_t time_of(enum pieces kind)
{
	uint8_t *bytes, *at;
	struct vocab *vocab;
	struct gguf file;
	struct image f;
	size_t header;
	clock_t start;

	image_begin(&f);
	image_text(&f, "tokenizer.ggml.model", "gpt2");
	image_array(&f, "tokenizer.ggml.merges", GGUF_STRING, 0);
	image_array(&f, "tokenizer.ggml.tokens", GGUF_STRING, PIECES);
	header = f.used;
	image_end(&f, 0);
	bytes = malloc(header + PIECES * (8 + LETTERS));
	assert_non_null(bytes);
	at = bytes + header;
	memcpy(bytes, f.bytes, header);
	for (uint32_t i = 0; i < PIECES; i++, at += 8 + LETTERS) {
		memcpy(at, &(uint64_t){ LETTERS }, 8);
		make_piece((char *)at + 8, i, kind);
	}
	assert_int_equal(gguf_parse(&file, bytes, header + PIECES * (8 + LETTERS)), 0);
	start = clock();
	vocab = vocab_load(&file);
	start = clock() - start;
	assert_string_equal(file.error, "");
	vocab_free(vocab);
	free(file.keys);
	free(file.tensors);
	free(bytes);
	return start;
}

/* No choice of pieces makes a file much slower to load than random ones. */
static void no_pieces_are_slow(void **state)
{
	clock_t usual = time_of(PIECES_RANDOM);

	(void)state;
	for (enum pieces kind = PIECES_ASCENDING; kind <= PIECES_FNV; kind++) {
		clock_t crafted = time_of(kind);

		print_message("# %.1f times as long\n", (double)crafted / (double)usual);
		assert_true(crafted < 10 * usual);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_by_score),
		cmocka_unit_test(pieces_by_merges),
		cmocka_unit_test(pieces_as_sentencepiece_cuts_them),
		cmocka_unit_test(words_as_perl_cuts_them),
		cmocka_unit_test(words_by_their_way),
		cmocka_unit_test(pieces_of_other_kinds),
		cmocka_unit_test(other_ways_are_refused),
		cmocka_unit_test(no_pieces_are_slow),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
