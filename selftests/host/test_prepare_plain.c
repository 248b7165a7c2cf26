// SPDX-License-Identifier: GPL-2.0-only
/* The same on the lowest level: plain C. */
#define TEST_PROFILE	0u
#include "selftests/host/test_prepare.c"
