# SPDX-License-Identifier: GPL-2.0-only
# Tests of core, firmware and memory. CARD_CLIENT_SRC: a card in the test, see card_client.h;
# add the sources of engines.
CARD_CLIENT_SRC := selftests/host/card_client.c selftests/host/card_queue.c \
	firmware-emu/log.c $(FW_SRC)
FW_TEST_SRC := $(CARD_CLIENT_SRC) selftests/host/fake_engine.c

FW_TESTS := test_core
HOST_TESTS += $(FW_TESTS)
$(foreach t,$(FW_TESTS),$(eval $(t)-src := selftests/host/$(t).c $(FW_TEST_SRC)))
$(foreach t,$(FW_TESTS),$(eval $(t)-libs := -lpthread))
