// SPDX-License-Identifier: MIT
/* ELEMENTWISE at level 0. */
#include "firmware-emu/engine/kernels/elementwise.h"
#include "firmware-emu/engine/kernels_elementwise.h"

KERNELS_ACTIVATE(plain_activate)
KERNELS_UNARY(plain_unary, plain_activate)
KERNELS_BINARY(plain_binary)
KERNELS_INTEGER(plain_integer)

static size_t plain_pass(const struct kernels_pass *pass, size_t n)
{
	(void)pass, (void)n;
	return 0;
}

static size_t plain_stream(unsigned int to_type, unsigned int from_type, void *to,
			   const void *from, size_t n, const void *next)
{
	(void)to_type, (void)from_type, (void)to, (void)from, (void)n, (void)next;
	return 0;
}

void kernels_elementwise_plain(struct kernels_elementwise *table)
{
	*table = (struct kernels_elementwise) {
		.unary = plain_unary, .binary = plain_binary, .integer = plain_integer,
		.pass = plain_pass, .stream = plain_stream,
	};
}
