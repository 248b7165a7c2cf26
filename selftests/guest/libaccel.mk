# SPDX-License-Identifier: GPL-2.0-only
# libaccel through the driver.

GUEST_TESTS += test_libaccel
test_libaccel-src := selftests/guest/test_libaccel.c $(GUEST_LIB)
test_libaccel-libs = $(GUEST_LIBS) $(ACCEL_LIBS) -lm
test_libaccel-deps := $(B)/lib/libaccel.so
$(B)/obj/selftests/guest/test_libaccel.o: CFLAGS += $(ACCEL_CFLAGS)

GUEST_TESTS += test_libaccel_lost
test_libaccel_lost-src := selftests/guest/test_libaccel_lost.c selftests/guest/lib_bus.c $(GUEST_LIB)
test_libaccel_lost-libs = $(test_libaccel-libs)
test_libaccel_lost-deps := $(B)/lib/libaccel.so
$(B)/obj/selftests/guest/test_libaccel_lost.o: CFLAGS += $(ACCEL_CFLAGS)

# A layer of a transformer, by both ways: the card of the direct way runs in the guest, too.
GUEST_TESTS += test_layer
test_layer-src := selftests/guest/test_layer.c $(LAYER_SRC)
test_layer-libs = $(ACCEL_LIBS) -lz -lm
test_layer-deps := $(B)/lib/libaccel.so
$(B)/obj/selftests/guest/test_layer.o: CFLAGS += $(ACCEL_CFLAGS)
