# SPDX-License-Identifier: MIT
# Host tests: each room lists its own in a fragment.

include $(filter-out %/build.mk,$(sort $(wildcard selftests/host/*.mk)))
