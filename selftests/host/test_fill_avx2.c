// SPDX-License-Identifier: GPL-2.0-only
/* The same on level 1, on machines that have more. */
#define TEST_PROFILE	1u
#include "selftests/host/test_fill.c"
