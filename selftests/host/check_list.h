/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checks that stand against a hostile peer, and the cases that try each: printed as lines
 * "# check: …" at the end of a suite. A check without its case fails the suite.
 */
#ifndef CHECK_LIST_H
#define CHECK_LIST_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct check {
	const char *what;
	CMUnitTestFunction by[3];
};

static inline const char *check_name(const struct CMUnitTest *tests, size_t count,
				     CMUnitTestFunction function)
{
	for (size_t i = 0; i < count; i++) {
		if (tests[i].test_func == function)
			return tests[i].name;
	}
	return NULL;
}

/* Return: how many checks have no case, or one that is none of these tests. */
static inline int check_list(const struct check *checks, size_t count,
			     const struct CMUnitTest *tests, size_t test_count)
{
	int missing = 0;

	for (size_t i = 0; i < count; i++) {
		print_message("# check: %s", checks[i].what);
		for (size_t j = 0; j < 3 && (!j || checks[i].by[j]); j++) {
			const char *name = check_name(tests, test_count, checks[i].by[j]);
			const char *way = name ? strstr(name, " (") : NULL;

			missing += !name;
			print_message(" <- %.*s", way ? (int)(way - name) : INT_MAX,
				      name ? name : "no case");
		}
		print_message("\n");
	}
	return missing;
}

#endif
