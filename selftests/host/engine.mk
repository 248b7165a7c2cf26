# SPDX-License-Identifier: MIT
# Tests of the engines: real engine code over an address space that is the host's.

ENGINE_TEST_SRC := selftests/host/engine_case.c selftests/host/matmul_case.c \
	selftests/host/fake_span.c \
	selftests/ref/ref_value.c selftests/ref/ref_matmul.c $(ENGINE_SRC)
ENGINE_TESTS := test_decode test_convert test_copy test_fill test_prepare test_onednn \
	test_matmul test_matmul_plain test_matmul_avx2 \
	test_matmul_few test_matmul_few_plain test_matmul_few_avx2
HOST_TESTS += $(ENGINE_TESTS)
$(foreach t,$(ENGINE_TESTS),$(eval $(t)-src := selftests/host/$(t).c $(ENGINE_TEST_SRC)))
$(foreach t,$(ENGINE_TESTS),$(eval $(t)-libs := $(ENGINE_LIBS) -lpthread))

# Random packets under sanitizers: make -f tools/build.mk fuzz-decode
FUZZ_PACKETS ?= 1000000
$(B)/bin/fuzz_decode: selftests/fuzz/fuzz_decode.c $(ENGINE_SRC) $(wildcard firmware-emu/engine/*.h)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_COMMON) -O1 -mavx2 -mfma -mf16c -DENGINE_WITHOUT_AVX512 \
		-fsanitize=address,undefined -fno-sanitize-recover=all -o $@ \
		$(filter-out %/avx512_convert.c,$(filter %.c,$^)) $(ENGINE_LIBS)

.PHONY: fuzz-decode
fuzz-decode: $(B)/bin/fuzz_decode
	$(Q)$(B)/bin/fuzz_decode $(FUZZ_PACKETS)
