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

/* May @next follow what is held? Rules out surrogates, overlong forms, beyond U+10FFFF. */
static int continues(const struct stream *s, uint8_t next)
{
	uint8_t first = (uint8_t)s->held[0], low = 0x80, high = 0xbf;

	if (s->count == 1) {
		low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : low;
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

		if (s->count && !continues(s, byte))
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
