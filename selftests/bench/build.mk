# SPDX-License-Identifier: GPL-2.0-only
#
# Benches: the card's side as an application, and the native baseline it is compared with.
# selftests/bench/run.py takes both in turns.

BENCHES += stack native
stack-src := selftests/bench/stack.c selftests/bench/stack_attention.c
stack-libs = $(ACCEL_LIBS) -lm
stack-deps := $(B)/lib/libaccel.so
native-src := selftests/bench/native.c selftests/bench/composed.c selftests/bench/readloop.c
native-libs := -fopenmp -ldnnl -lm

$(B)/obj/selftests/bench/%.o: CFLAGS += $(ACCEL_CFLAGS) -fopenmp

# The engines alone on native threads, without card and driver.
BENCHES += engine
engine-src := selftests/bench/engine.c selftests/bench/readloop.c selftests/bench/fma.c \
	selftests/host/fake_span.c $(ENGINE_SRC)
engine-libs := -fopenmp $(ENGINE_LIBS) -lpthread

# The read loop and the FMA loops of the machine.
BENCHES += limits
limits-src := selftests/bench/limits.c selftests/bench/readloop.c selftests/bench/fma.c
limits-libs := -fopenmp

# ATTENTION of the engines alone.
BENCHES += attention
attention-src := selftests/bench/attention.c selftests/bench/composed.c \
	selftests/bench/readloop.c selftests/bench/fma.c selftests/host/fake_span.c $(ENGINE_SRC)
attention-libs := -fopenmp $(ENGINE_LIBS) -lpthread

# Operations over rows of the engines alone, against memcpy.
BENCHES += rows
rows-src := selftests/bench/rows.c selftests/bench/versus.c selftests/host/fake_span.c \
	$(ENGINE_SRC)
rows-libs := -fopenmp $(ENGINE_LIBS) -lpthread

# Decoding with a model of 200 M parameters: selftests/bench/generate.py makes it.
BENCHES += decode
decode-src := selftests/bench/decode.c selftests/bench/readloop.c $(addprefix samples/generate/, \
	gguf.c shape.c card.c weights.c kv.c step.c run.c pick.c stream.c)
decode-libs = $(ACCEL_LIBS) -fopenmp -lm
decode-deps := $(B)/lib/libaccel.so

# The engines alone on a few rows of activations, against the read loop.
BENCHES += matvec
matvec-src := selftests/bench/matvec.c selftests/bench/readloop.c selftests/host/fake_span.c \
	$(ENGINE_SRC)
matvec-libs := -fopenmp $(ENGINE_LIBS) -lpthread

# Operations on elements and by row numbers of the engines alone, against memcpy.
BENCHES += elements
elements-src := selftests/bench/elements.c selftests/bench/versus.c selftests/host/fake_span.c \
	$(ENGINE_SRC)
elements-libs := -fopenmp $(ENGINE_LIBS) -lpthread
