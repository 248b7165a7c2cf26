// SPDX-License-Identifier: GPL-2.0-only
/* The same on level 3, with the library held to it too, on machines that have more. */
#define TEST_PROFILE	3u
#include "selftests/host/test_matmul.c"
