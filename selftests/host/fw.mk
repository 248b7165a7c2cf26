# SPDX-License-Identifier: GPL-2.0-only
# Tests of core, firmware and memory. CARD_CLIENT_SRC: a card in the test, see card_client.h;
# add the sources of engines.
CARD_CLIENT_SRC := selftests/host/card_client.c selftests/host/card_queue.c \
	firmware-emu/log.c $(FW_SRC)
FW_TEST_SRC := $(CARD_CLIENT_SRC) selftests/host/fake_engine.c
QUEUE_TESTS := test_fw_queue test_cancel test_fetch

FW_TESTS := test_core test_admin test_fw_queue test_cancel test_fetch test_doorbell test_sched
HOST_TESTS += $(FW_TESTS) test_mmu test_span
test_mmu-src := selftests/host/test_mmu.c firmware-emu/mem/mmu.c
test_span-src := selftests/host/test_span.c firmware-emu/log.c \
	$(filter firmware-emu/mem/%,$(FW_SRC))
test_span-libs := -lpthread
$(foreach t,$(FW_TESTS),$(eval $(t)-src := selftests/host/$(t).c $(FW_TEST_SRC)))
$(foreach t,$(QUEUE_TESTS),$(eval $(t)-src += selftests/host/queue_case.c))
$(foreach t,$(FW_TESTS),$(eval $(t)-libs := -lpthread))

# The core with the real engines.
CORE_ENGINE_TESTS := test_core_engine test_tenants
HOST_TESTS += $(CORE_ENGINE_TESTS)
$(foreach t,$(CORE_ENGINE_TESTS),$(eval $(t)-src := selftests/host/$(t).c \
	selftests/host/queue_case.c $(CARD_CLIENT_SRC) $(ENGINE_SRC)))
$(foreach t,$(CORE_ENGINE_TESTS),$(eval $(t)-libs := $(ENGINE_LIBS) -lpthread))
