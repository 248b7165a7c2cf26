# SPDX-License-Identifier: GPL-2.0-only
# libaccel and the samples, on the host: tests see the library's inside and a way to no card.

LIB_TESTS := test_va test_tensor test_cmd test_cmd_ops test_check test_check_ops test_queue \
	test_error
HOST_TESTS += $(LIB_TESTS) test_npy

define lib-test
$(1)-src := selftests/host/$(1).c selftests/host/mock_way.c
$(1)-libs = $$(B)/lib/libaccel-test.a $$(DRM_LIBS) -pthread
$(1)-deps := $$(B)/lib/libaccel-test.a
$$(B)/obj/selftests/host/$(1).o: CFLAGS += $$(ACCEL_CFLAGS)

endef
$(foreach t,$(LIB_TESTS),$(eval $(call lib-test,$(t))))

test_npy-src := selftests/host/test_npy.c samples/npy.c
test_npy-libs = $(B)/lib/libaccel-test.a $(DRM_LIBS) -lm -pthread
test_npy-deps := $(B)/lib/libaccel-test.a

$(B)/obj/selftests/host/mock_way.o $(B)/obj/selftests/host/test_npy.o: CFLAGS += $(ACCEL_CFLAGS)

# The recorder's checks beside the card's own.
HOST_TESTS += test_check_card
test_check_card-src := $(addprefix selftests/host/, test_check_card.c check_make.c \
	check_make_ops.c) $(ENGINE_SRC)
test_check_card-libs = $(B)/lib/libaccel-test.a $(DRM_LIBS) $(ENGINE_LIBS) -pthread
test_check_card-deps := $(B)/lib/libaccel-test.a
$(B)/obj/selftests/host/test_check_card.o: CFLAGS += $(ACCEL_CFLAGS)

# Writes docs/ops.md; test_docs asks whether the page is this table's still.
PROGRAMS += ops-page
ops-page-src := tools/docs/ops_page.c
ops-page-libs = $(B)/lib/libaccel-test.a $(DRM_LIBS) -pthread
ops-page-deps := $(B)/lib/libaccel-test.a
$(B)/obj/tools/docs/ops_page.o: CFLAGS += $(ACCEL_CFLAGS)
