// SPDX-License-Identifier: MIT
/* See stream.h. */
#include <string.h>

#include "stream.h"

/*
 * Bytes of the character that begins with this one; 0: none does. A model's file must not steer
 * the terminal, so control characters count as none.
 */
static uint32_t length(uint8_t first)
{
	if (first < 0x20 || first == 0x7f)
		return first == '\n' || first == '\t';
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/*
 * May @next follow @count bytes from @first on? Rules out U+0080 to U+009F, which are control
 * characters too, surrogates, overlong forms, beyond U+10FFFF.
 */
static int continues(uint8_t first, uint32_t count, uint8_t next)
{
	uint8_t low = 0x80, high = 0xbf;

	if (count == 1) {
		low = first == 0xc2 || first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : low;
		high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : high;
	}
	return next >= low && next <= high;
}

static void replace(struct stream *s)
{
	fputs("\xef\xbf\xbd", s->out);
	s->count = 0;
}

void stream_write(struct stream *s, const char *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint8_t byte = (uint8_t)bytes[i];

		if (s->count && !continues((uint8_t)s->held[0], s->count, byte))
			replace(s);
		if (!s->count && !length(byte)) {
			replace(s);
			continue;
		}
		s->held[s->count++] = bytes[i];
		if (s->count == length((uint8_t)s->held[0])) {
			fwrite(s->held, 1, s->count, s->out);
			s->count = 0;
		}
	}
	fflush(s->out);
}

void stream_end(struct stream *s)
{
	if (s->count)
		replace(s);
	fflush(s->out);
}

void stream_clean(char *text)
{
	uint32_t count, n;
	uint8_t first;

	for (; *text; text += count) {
		first = (uint8_t)*text;
		count = first < 0x20 ? 0 : length(first);
		for (n = 1; n < count && continues(first, n, (uint8_t)text[n]); n++)
			;
		if (n == count)
			continue;
		*text = '?';
		count = 1;
	}
}
