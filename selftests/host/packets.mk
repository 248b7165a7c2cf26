# SPDX-License-Identifier: MIT
# More sources of tests that engine.mk lists.

test_decode-src += selftests/host/decode_case.c
