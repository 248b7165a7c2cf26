# SPDX-License-Identifier: MIT
# Samples: what an application looks like. They see libaccel's public headers only.

PROGRAMS += matmul
matmul-src := samples/matmul.c samples/sample.c samples/npy.c
matmul-libs = $(ACCEL_LIBS) -lm
matmul-deps := $(B)/lib/libaccel.so

$(B)/obj/samples/%.o: CFLAGS += $(ACCEL_CFLAGS)
