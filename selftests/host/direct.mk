# SPDX-License-Identifier: GPL-2.0-only
# libaccel's direct way with a real card: the one of this build.

DIRECT_TESTS := test_direct test_direct_cost test_direct_fail test_direct_ops test_direct_recover
HOST_TESTS += $(DIRECT_TESTS)
define direct-test
$(1)-src := selftests/host/$(1).c selftests/host/direct_case.c
$(1)-libs = $$(B)/lib/libaccel-test.a $$(DRM_LIBS) -lm -pthread
$(1)-deps := $$(B)/lib/libaccel-test.a $$(B)/bin/maru-card
$$(B)/obj/selftests/host/$(1).o: CFLAGS += $$(ACCEL_CFLAGS) $$(DRM_CFLAGS)

endef
$(foreach t,$(DIRECT_TESTS),$(eval $(call direct-test,$(t))))
$(B)/obj/selftests/host/direct_case.o: CFLAGS += $(ACCEL_CFLAGS)
