// SPDX-License-Identifier: MIT
/* See split.h. The expressions are those that the vocabularies were made with. */
#include <string.h>

#include "classes.h"
#include "split.h"

#define ALL	SIZE_MAX

enum class { CLASS_END, CLASS_LETTER, CLASS_NUMBER, CLASS_SPACE, CLASS_OTHER };

struct text {
	const char *at;
	size_t bytes;
};

int split_parse(struct gguf_string pre)
{
	static const struct {
		const char *name;
		enum split way;
	} known[] = {
		{ "gpt-2", SPLIT_GPT2 }, { "llama3", SPLIT_LLAMA3 }, { "llama-v3", SPLIT_LLAMA3 },
		{ "llama-bpe", SPLIT_LLAMA3 }, { "smollm", SPLIT_SMOLLM },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (gguf_is(pre, known[i].name))
			return known[i].way;
	return -1;
}

/* Code point at @at; a byte that begins none counts as U+FFFD. */
static uint32_t code_at(const struct text *t, size_t at, size_t *bytes)
{
	const uint8_t *c = (const uint8_t *)t->at + at;
	size_t count = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 :
		       c[0] < 0xf5 ? 4 : 0;
	uint32_t code = count < 2 ? c[0] : c[0] & (0x7f >> count);

	*bytes = 1;
	if (!count || count > t->bytes - at)
		return 0xfffd;
	for (size_t i = 1; i < count; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0xfffd;
		code = code << 6 | (c[i] & 0x3f);
	}
	*bytes = count;
	return code;
}

/* @changes: where the class begins and ends, in turn, ascending. */
static int is_in(const uint32_t *changes, size_t count, uint32_t code)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (changes[middle] <= code)
			low = middle + 1;
		else
			high = middle;
	}
	return low % 2;
}

static int is_space(uint32_t code)
{
	return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xa0 ||
	       code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static enum class class_at(const struct text *t, size_t at, size_t *bytes)
{
	uint32_t code;

	*bytes = 0;
	if (at >= t->bytes)
		return CLASS_END;
	code = code_at(t, at, bytes);
	if (is_in(letters, sizeof(letters) / sizeof(*letters), code))
		return CLASS_LETTER;
	if (is_in(numbers, sizeof(numbers) / sizeof(*numbers), code))
		return CLASS_NUMBER;
	return is_space(code) ? CLASS_SPACE : CLASS_OTHER;
}

/* Where a run of up to @most characters of a class ends that begins at @at. */
static size_t skip(const struct text *t, size_t at, enum class class, size_t most)
{
	size_t bytes;

	for (; most-- && class_at(t, at, &bytes) == class; at += bytes)
		;
	return at;
}

/* 's|'t|'re|'ve|'m|'ll|'d */
static size_t contraction(const struct text *t, int folds)
{
	static const char *const ends[] = { "s", "t", "re", "ve", "m", "ll", "d" };

	for (size_t i = 0; t->at[0] == '\'' && i < sizeof(ends) / sizeof(*ends); i++) {
		size_t n = strlen(ends[i]);

		if (n < t->bytes && (folds ? !strncasecmp(t->at + 1, ends[i], n) :
				     !memcmp(t->at + 1, ends[i], n)))
			return n + 1;
	}
	return 0;
}

/* \s+(?!\S)|\s+: the last space before a word is left to it. */
static size_t spaces(const struct text *t)
{
	size_t end = skip(t, 0, CLASS_SPACE, ALL), at = 0, bytes;

	if (end == t->bytes)
		return end;
	while (class_at(t, at, &bytes) == CLASS_SPACE && at + bytes < end)
		at += bytes;
	return at ? at : end;
}

/* contraction| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|spaces */
static size_t gpt2(const struct text *t)
{
	size_t end = contraction(t, 0), at = t->at[0] == ' ', bytes;
	enum class class = class_at(t, at, &bytes);

	if (end)
		return end;
	return class == CLASS_SPACE || class == CLASS_END ? spaces(t) : skip(t, at, class, ALL);
}

static int is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/*
 * contraction|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|spaces
 */
static size_t llama3(const struct text *t)
{
	size_t end = contraction(t, 1), first, bytes;
	enum class class = class_at(t, 0, &first);

	if (end)
		return end;
	if (class == CLASS_NUMBER)
		return skip(t, 0, CLASS_NUMBER, 3);
	if (class == CLASS_LETTER)
		return skip(t, 0, CLASS_LETTER, ALL);
	if (!is_line_end(t->at[0]) && class_at(t, first, &bytes) == CLASS_LETTER)
		return skip(t, first, CLASS_LETTER, ALL);
	end = skip(t, t->at[0] == ' ', CLASS_OTHER, ALL);
	if (end > (t->at[0] == ' ')) {
		while (end < t->bytes && is_line_end(t->at[end]))
			end++;
		return end;
	}
	for (end = skip(t, 0, CLASS_SPACE, ALL); end; end--)
		if (is_line_end(t->at[end - 1]))
			return end;
	return spaces(t);
}

/* Each \p{N} alone, what lies between as GPT-2 does. */
static size_t smollm(struct text *t)
{
	size_t end = skip(t, 0, CLASS_NUMBER, 1), bytes;
	enum class class;

	if (end)
		return end;
	while ((class = class_at(t, end, &bytes)) != CLASS_END && class != CLASS_NUMBER)
		end += bytes;
	t->bytes = end;
	return gpt2(t);
}

size_t split_word(enum split way, const char *text, size_t bytes)
{
	struct text t = { text, bytes };

	return way == SPLIT_GPT2 ? gpt2(&t) : way == SPLIT_LLAMA3 ? llama3(&t) : smollm(&t);
}
