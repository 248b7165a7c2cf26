# SPDX-License-Identifier: MIT
# Tests of the slot, its transport and its PCI side, with a fake core.

HOST_DIR := selftests/host
SLOT_TEST_SRC := $(HOST_DIR)/fake_core.c $(HOST_DIR)/vfu_client.c $(HOST_DIR)/slot_case.c \
	firmware-emu/transport/loopback.c $(SLOT_SRC)

# Run by tests, no test itself: the slot with the fake core as a program.
PROGRAMS += fake_card
fake_card-src := $(HOST_DIR)/fake_card.c $(HOST_DIR)/fake_core.c $(SLOT_SRC)
fake_card-libs := $(SLOT_LIBS)

# slot_test NAME: a host test of the slot in its own process
define slot_test
HOST_TESTS += $(1)
$(1)-src := $$(HOST_DIR)/$(1).c $$(SLOT_TEST_SRC)
$(1)-libs := $$(SLOT_LIBS)
endef

$(foreach t,test_slot_dma test_slot_irq test_slot_life test_slot_pci test_slot_region test_slot_wire,$(eval $(call slot_test,$(t))))
