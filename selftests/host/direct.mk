# SPDX-License-Identifier: GPL-2.0-only
# libaccel's direct way with a real card: the one of this build.

# Of these some compare with the references of engines.
TWIN_TESTS := test_direct_rows test_direct_data
DIRECT_TESTS := test_direct test_direct_cost test_direct_fail test_direct_ops \
	test_direct_recover $(TWIN_TESTS)
HOST_TESTS += $(DIRECT_TESTS)
define direct-test
$(1)-src := selftests/host/$(1).c selftests/host/direct_case.c
$(1)-libs = $$(B)/lib/libaccel-test.a $$(DRM_LIBS) -lm -pthread
$(1)-deps := $$(B)/lib/libaccel-test.a $$(B)/bin/maru-card
$$(B)/obj/selftests/host/$(1).o: CFLAGS += $$(ACCEL_CFLAGS) $$(DRM_CFLAGS)

endef
$(foreach t,$(DIRECT_TESTS),$(eval $(call direct-test,$(t))))
$(foreach t,$(TWIN_TESTS),$(eval $(t)-src += selftests/host/direct_twin.c \
	$(addprefix selftests/ref/ref_, value.c matmul.c attention.c norm.c softmax.c rope.c \
	elementwise.c order.c)))
$(B)/obj/selftests/host/direct_case.o $(B)/obj/selftests/host/direct_twin.o: CFLAGS += $(ACCEL_CFLAGS)
