// SPDX-License-Identifier: GPL-2.0-only
/* The same on level 2, with the library held to it too, on machines that have more. */
#define TEST_PROFILE	2u
#include "selftests/host/test_attention.c"
