// SPDX-License-Identifier: GPL-2.0-only
/* The same on level 2, on machines that have more. */
#define TEST_PROFILE	2u
#include "selftests/host/test_softmax.c"
