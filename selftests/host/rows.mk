# SPDX-License-Identifier: GPL-2.0-only
# Tests of NORM, ROPE and SOFTMAX, on each level that this machine has.

ROWS_TESTS := test_norm test_norm_plain test_rope test_rope_plain \
	test_softmax test_softmax_plain
ROWS_SRC := selftests/host/rows_case.c selftests/host/engine_case.c selftests/host/fake_span.c \
	selftests/ref/ref_value.c selftests/ref/ref_norm.c selftests/ref/ref_rope.c \
	selftests/ref/ref_softmax.c $(ENGINE_SRC)
HOST_TESTS += $(ROWS_TESTS)
$(foreach t,$(ROWS_TESTS),$(eval $(t)-src := selftests/host/$(t).c $(ROWS_SRC)))
$(foreach t,$(ROWS_TESTS),$(eval $(t)-libs := $(ENGINE_LIBS) -lpthread))
