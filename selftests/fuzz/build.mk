# SPDX-License-Identifier: GPL-2.0-only
# Fuzzers, run under sanitizers by `make stress`: with NAME-args, to the end, which is status 0.

FUZZERS += fuzz_decode
fuzz_decode-src := selftests/fuzz/fuzz_decode.c selftests/fuzz/packet.c $(ENGINE_SRC)
fuzz_decode-libs := $(ENGINE_LIBS) -lpthread
fuzz_decode-args := 3000000

FUZZERS += fuzz_gguf
fuzz_gguf-src := selftests/fuzz/fuzz_gguf.c $(addprefix samples/generate/, \
	gguf.c token.c split.c table.c shape.c stream.c)
fuzz_gguf-libs := -lm
fuzz_gguf-args := samples/generate/model.gguf 50000
