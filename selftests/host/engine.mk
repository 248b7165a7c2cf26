# SPDX-License-Identifier: MIT
# Tests of the engines: real engine code over an address space that is the host's.

ENGINE_TEST_SRC := selftests/host/engine_case.c selftests/host/matmul_case.c \
	selftests/host/fake_span.c \
	selftests/ref/ref_value.c selftests/ref/ref_matmul.c $(ENGINE_SRC)
ENGINE_TESTS := test_decode test_convert test_onednn \
	$(foreach t,test_copy test_fill test_prepare,$(t) $(t)_plain $(t)_avx2) \
	test_matmul test_matmul_plain test_matmul_avx2 test_matmul_vnni test_matmul_bf16 \
	test_matmul_few test_matmul_few_plain test_matmul_few_avx2 test_matmul_few_vnni
HOST_TESTS += $(ENGINE_TESTS)
$(foreach t,$(ENGINE_TESTS),$(eval $(t)-src := selftests/host/$(t).c $(ENGINE_TEST_SRC)))
$(foreach t,$(ENGINE_TESTS),$(eval $(t)-libs := $(ENGINE_LIBS) -lpthread))

