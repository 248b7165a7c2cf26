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

.PHONY: card-install
install: card-install
card-install: $(B)/bin/maru-card
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(mandir)/man1
	install -m 755 $(B)/bin/maru-card $(DESTDIR)$(prefix)/bin/
	install -m 644 firmware-emu/man/maru-card.1 $(DESTDIR)$(mandir)/man1/
