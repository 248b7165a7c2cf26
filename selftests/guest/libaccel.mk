# SPDX-License-Identifier: GPL-2.0-only
# libaccel through the driver.

GUEST_TESTS += test_libaccel
test_libaccel-src := selftests/guest/test_libaccel.c $(GUEST_LIB)
test_libaccel-libs = $(GUEST_LIBS) $(ACCEL_LIBS) -lm
test_libaccel-deps := $(B)/lib/libaccel.so
$(B)/obj/selftests/guest/test_libaccel.o: CFLAGS += $(ACCEL_CFLAGS)
