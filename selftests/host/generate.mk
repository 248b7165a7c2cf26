# SPDX-License-Identifier: GPL-2.0-only
# GGUF files, vocabularies, and the double-precision decoder that tokens are compared with.

HOST_TESTS += test_gguf
test_gguf-src := selftests/host/test_gguf.c selftests/host/gguf_case.c selftests/ref/llama.c \
	selftests/ref/ref_value.c \
	$(addprefix samples/generate/,gguf.c shape.c token.c split.c table.c stream.c)
test_gguf-libs := -lggml-base -lm

HOST_TESTS += test_token
test_token-src := selftests/host/test_token.c selftests/host/gguf_case.c \
	$(addprefix samples/generate/,gguf.c token.c split.c table.c stream.c)
test_token-libs := -lm

# The sample on a card of this build, against the reference.
GENERATE_SRC := $(addprefix samples/generate/, \
	gguf.c token.c split.c table.c shape.c card.c weights.c kv.c step.c run.c pick.c stream.c)
HOST_TESTS += test_generate test_steady
test_generate-src := selftests/host/test_generate.c selftests/ref/llama.c \
	selftests/ref/ref_value.c $(GENERATE_SRC)
test_generate-libs = $(ACCEL_LIBS) -lm
test_generate-deps := $(B)/lib/libaccel.so $(B)/bin/maru-card
test_steady-src := selftests/host/test_steady.c $(GENERATE_SRC)
test_steady-libs = $(ACCEL_LIBS) -lm
test_steady-deps := $(B)/lib/libaccel.so $(B)/bin/maru-card
$(B)/obj/selftests/host/test_generate.o $(B)/obj/selftests/host/test_steady.o: \
	CFLAGS += $(ACCEL_CFLAGS)

# Broken files under sanitizers: make -f tools/build.mk fuzz-gguf
FUZZ_FILES ?= 100000
FUZZ_GGUF_SRC := selftests/fuzz/fuzz_gguf.c $(addprefix samples/generate/, \
	gguf.c token.c split.c table.c shape.c stream.c)
$(B)/bin/fuzz_gguf: $(FUZZ_GGUF_SRC) $(wildcard samples/generate/*.h)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_COMMON) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
		-o $@ $(FUZZ_GGUF_SRC) -lm

.PHONY: fuzz-gguf
fuzz-gguf: $(B)/bin/fuzz_gguf
	@mkdir -p $(B)/tmp
	$(Q)python3 tools/model/untrained.py $(B)/tmp/fuzz.gguf --preset tiny --d 64 --heads 1 \
		--ffn 64 --vocab 262
	$(Q)$(B)/bin/fuzz_gguf $(B)/tmp/fuzz.gguf $(FUZZ_FILES)
	$(Q)python3 tools/model/untrained.py $(B)/tmp/fuzz.gguf --preset tiny --d 64 --heads 1 \
		--ffn 64 --vocab 300 --factors --byte-level llama-bpe
	$(Q)$(B)/bin/fuzz_gguf $(B)/tmp/fuzz.gguf $(FUZZ_FILES)
	$(Q)[ ! -f samples/generate/model.gguf ] || \
		$(B)/bin/fuzz_gguf samples/generate/model.gguf $$(($(FUZZ_FILES) / 20))
