/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REF_TEXT_H
#define REF_TEXT_H

#include <locale.h>
#include <stdlib.h>
#include <wchar.h>

/** ref_is_line() - Is @text UTF-8 without a control character? As the C library reads it. */
static inline int ref_is_line(const char *text)
{
	wchar_t wide[512];
	size_t n;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		abort();
	n = mbstowcs(wide, text, 512);
	if (n >= 512)
		return 0;
	while (n--)
		if (wide[n] < 0x20 || (wide[n] >= 0x7f && wide[n] < 0xa0))
			return 0;
	return 1;
}

#endif
