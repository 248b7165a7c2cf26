# SPDX-License-Identifier: MIT
# Host tests of the driver's pure parts.

HOST_TESTS += test_pt
test_pt-src := selftests/host/test_pt.c
$(B)/obj/selftests/host/test_pt.o: CFLAGS += -Idriver
