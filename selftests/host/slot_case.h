/* SPDX-License-Identifier: GPL-2.0-only */
/* What all tests of the slot share: a card in this process, and each case over both ways. */
#ifndef MARU_TEST_SLOT_CASE_H
#define MARU_TEST_SLOT_CASE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "selftests/host/check_list.h"
#include "selftests/host/vfu_client.h"

#define CASE_HBM_BYTES	(16ull << 20)
#define CASE_CXL_BYTES	(4ull << 20)
#define CASE_BAR2_BYTES	(32ull << 20)

extern struct slot case_card;
extern struct vfu case_vfu;

/* An open client of a fresh card; *state is the way. */
int case_setup(void **state);
/* The same without the agreement on a version. */
int case_setup_raw(void **state);
/* Fails the case when a descriptor or a child was left. */
int case_teardown(void **state);
int case_fds(void);
enum vfu_way case_way(void **state);
int case_memfd(uint64_t bytes);
/* Sends the log to a file, which is returned, and back to standard error. */
int case_log_begin(void);
void case_log_end(void);
/* Runs the tests and prints the list of checks. */
int case_main(int argc, char **argv, const char *group, const struct CMUnitTest *tests, size_t n,
	      const struct check *checks, size_t check_count);

#define CASE_WAY(text, fn, setup, way) \
	{ text, fn, setup, case_teardown, (void *)(uintptr_t)(way) }
#define CASE(text, fn) \
	CASE_WAY(text " (socket)", fn, case_setup, VFU_SOCKET), \
	CASE_WAY(text " (loopback)", fn, case_setup, VFU_LOOPBACK)
#define CASE_RAW(text, fn) \
	CASE_WAY(text " (socket)", fn, case_setup_raw, VFU_SOCKET), \
	CASE_WAY(text " (loopback)", fn, case_setup_raw, VFU_LOOPBACK)
#define CASE_SOCKET(text, fn)	CASE_WAY(text, fn, case_setup, VFU_SOCKET)

#define CASE_MAIN_WITH(group, tests, checks, check_count) \
	int main(int argc, char **argv) \
	{ \
		return case_main(argc, argv, group, tests, sizeof(tests) / sizeof(tests[0]), \
				 checks, check_count); \
	}
#define CASE_MAIN(group, tests)	CASE_MAIN_WITH(group, tests, NULL, 0)
#define CASE_MAIN_CHECKS(group, tests, checks) \
	CASE_MAIN_WITH(group, tests, checks, sizeof(checks) / sizeof(checks[0]))

#endif
