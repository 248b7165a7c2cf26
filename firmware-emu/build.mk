# SPDX-License-Identifier: MIT
# maru-card: slot, core and engines in one program.

include firmware-emu/slot.mk
-include firmware-emu/fw.mk
-include firmware-emu/engine.mk

ifneq ($(and $(FW_SRC),$(ENGINE_SRC)),)
PROGRAMS += maru-card
maru-card-src := firmware-emu/main.c $(SLOT_SRC) $(FW_SRC) $(ENGINE_SRC)
maru-card-libs := $(SLOT_LIBS) $(FW_LIBS) $(ENGINE_LIBS) -lm -lpthread
endif
