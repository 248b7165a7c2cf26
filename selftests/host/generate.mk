# SPDX-License-Identifier: GPL-2.0-only
# GGUF files, vocabularies, and the double-precision decoder that tokens are compared with.

HOST_TESTS += test_gguf
test_gguf-src := selftests/host/test_gguf.c selftests/ref/llama.c \
	samples/generate/gguf.c samples/generate/token.c
test_gguf-libs := -lm
