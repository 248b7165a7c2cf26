/* SPDX-License-Identifier: MIT */
/* Text that comes in pieces of bytes, written in whole UTF-8 characters. */
#ifndef GENERATE_STREAM_H
#define GENERATE_STREAM_H

#include <stdint.h>
#include <stdio.h>

struct stream {
	FILE *out;
	char held[4];		/* a character that has only begun */
	uint32_t count;
};

/** stream_write() - Write all whole characters; bytes that begin none come out as U+FFFD. */
void stream_write(struct stream *stream, const char *bytes, uint32_t count);

/** stream_end() - Write what is still held, as U+FFFD. */
void stream_end(struct stream *stream);

/** stream_clean() - Make @text one line in place: '?' for what begins no printable character. */
void stream_clean(char *text);

#endif
