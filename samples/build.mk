# SPDX-License-Identifier: MIT
# Samples: what an application looks like. They see libaccel's public headers only.

PROGRAMS += matmul
matmul-src := samples/matmul.c samples/sample.c samples/npy.c
matmul-libs = $(ACCEL_LIBS) -lm
matmul-deps := $(B)/lib/libaccel.so

PROGRAMS += generate
generate-src := $(addprefix samples/generate/, \
	main.c options.c gguf.c token.c split.c table.c shape.c card.c weights.c kv.c step.c run.c \
	pick.c stream.c report.c)
generate-libs = $(ACCEL_LIBS) -lz -lm
generate-deps := $(B)/lib/libaccel.so

$(B)/obj/samples/%.o: CFLAGS += $(ACCEL_CFLAGS)
