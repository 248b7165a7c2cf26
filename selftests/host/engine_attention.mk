# SPDX-License-Identifier: GPL-2.0-only
ATTENTION_TESTS := test_attention test_attention_plain test_attention_avx2 test_attention_vnni
HOST_TESTS += $(ATTENTION_TESTS) test_attention_check
$(foreach t,$(ATTENTION_TESTS) test_attention_check,$(eval $(t)-src := selftests/host/$(t).c \
	selftests/host/attention_case.c selftests/ref/ref_attention.c $(ENGINE_TEST_SRC)))
$(foreach t,$(ATTENTION_TESTS) test_attention_check,$(eval $(t)-libs := $(ENGINE_LIBS) -lpthread))
