# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of the driver's life, with sysfs: probe, ioctl filter, query, reset, unplug, no memory.

LIFE_TESTS := test_fail_nth test_liar test_module test_prime test_probe test_ioctl_filter test_query test_reset test_trace test_unplug test_wait

$(foreach n,$(LIFE_TESTS),$(eval $(call guest-test,$(n))))
$(foreach n,$(LIFE_TESTS),$(eval $(n)-src += selftests/guest/lib_bus.c))
