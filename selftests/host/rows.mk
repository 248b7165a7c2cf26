# SPDX-License-Identifier: GPL-2.0-only
# Tests of NORM, ROPE and SOFTMAX, on each level that this machine has.

ROWS_TESTS := $(foreach t,test_norm test_rope test_softmax,$(t) $(t)_plain $(t)_avx2 $(t)_avx512)
ROWS_SRC := selftests/host/rows_case.c selftests/host/engine_case.c selftests/host/fake_span.c \
	selftests/ref/ref_value.c selftests/ref/ref_norm.c selftests/ref/ref_rope.c \
	selftests/ref/ref_softmax.c $(ENGINE_SRC)
HOST_TESTS += $(ROWS_TESTS)
$(foreach t,$(ROWS_TESTS),$(eval $(t)-src := selftests/host/$(t).c $(ROWS_SRC)))
$(foreach t,$(ROWS_TESTS),$(eval $(t)-libs := $(ENGINE_LIBS) -lpthread))

# All of a layer, on a real card by the direct way.
LAYER_SRC := selftests/layer/layer.c selftests/layer/layer_ref.c selftests/ref/ref_value.c
HOST_TESTS += test_layer_direct
test_layer_direct-src := selftests/host/test_layer_direct.c $(LAYER_SRC)
test_layer_direct-libs = $(B)/lib/libaccel-test.a $(DRM_LIBS) -lm -pthread
test_layer_direct-deps := $(B)/lib/libaccel-test.a $(B)/bin/maru-card
$(B)/obj/selftests/layer/%.o: CFLAGS += $(ACCEL_CFLAGS)
