# SPDX-License-Identifier: GPL-2.0-only
#
# Guest tests: kselftests for the driver, one program a subject, TAP on stdout. Each adds
#   GUEST_TESTS += test_NAME
#   test_NAME-src := selftests/guest/test_NAME.c $(GUEST_LIB)
#   test_NAME-libs := $(GUEST_LIBS)

GUEST_LIB := selftests/guest/lib.c selftests/guest/lib_packet.c selftests/guest/lib_card.c \
	selftests/guest/lib_slow.c
GUEST_LIBS := -ljansson -lpthread

# The harness comes from the kernel's source package, so its warnings are not ours.
$(B)/obj/selftests/guest/%.o: CFLAGS += -isystem /usr/src/linux-extract/tools/testing/selftests

# guest-test NAME
define guest-test
GUEST_TESTS += $(1)
$(1)-src := selftests/guest/$(1).c $$(GUEST_LIB)
$(1)-libs := $$(GUEST_LIBS)
endef

$(eval $(call guest-test,test_bo))
$(eval $(call guest-test,test_isolation))
$(eval $(call guest-test,test_mmap))
$(eval $(call guest-test,test_vm_bind))
$(eval $(call guest-test,test_submit))

include selftests/guest/libaccel.mk
$(eval $(call guest-test,test_sync))
$(eval $(call guest-test,test_queue_ioctl))
include selftests/guest/life.mk
$(eval $(call guest-test,test_timeout))
$(eval $(call guest-test,test_kill))
$(eval $(call guest-test,test_concurrent))
$(eval $(call guest-test,test_overcommit))
$(eval $(call guest-test,test_memory_races))
$(eval $(call guest-test,test_uapi_fields))
