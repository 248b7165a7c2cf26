# SPDX-License-Identifier: MIT
# Tests of the operations that move, choose, fold and map elements.

DATA_TEST_SRC := selftests/host/data_case.c selftests/host/index_case.c \
	selftests/ref/ref_elementwise.c selftests/ref/ref_order.c
DATA_TESTS := test_gather test_scatter test_elementwise test_elementwise_plain \
	test_elementwise_avx2 test_elementwise_avx512 test_reduce test_sort \
	test_levels
HOST_TESTS += $(DATA_TESTS)
$(foreach t,$(DATA_TESTS),$(eval $(t)-src = selftests/host/$(t).c $(DATA_TEST_SRC) \
	$$(ENGINE_TEST_SRC)))
$(foreach t,$(DATA_TESTS),$(eval $(t)-libs = $$(ENGINE_LIBS) -lpthread))
