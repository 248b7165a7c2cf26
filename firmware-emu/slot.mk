# SPDX-License-Identifier: MIT
# The slot and what it stands on.

TRANSPORT_SRC := \
	firmware-emu/transport/msg_dma.c \
	firmware-emu/transport/msg_info.c \
	firmware-emu/transport/msg_irq.c \
	firmware-emu/transport/msg_region.c \
	firmware-emu/transport/msg_version.c \
	firmware-emu/transport/session.c \
	firmware-emu/transport/sock.c

PCI_SRC := \
	firmware-emu/pci/bar.c \
	firmware-emu/pci/caps.c \
	firmware-emu/pci/config.c \
	firmware-emu/pci/flr.c

SLOT_SRC := \
	firmware-emu/log.c \
	firmware-emu/options.c \
	firmware-emu/slot/channel.c \
	firmware-emu/slot/command.c \
	firmware-emu/slot/control.c \
	firmware-emu/slot/inject.c \
	firmware-emu/slot/life.c \
	firmware-emu/slot/link.c \
	firmware-emu/slot/memory.c \
	firmware-emu/slot/regs.c \
	firmware-emu/slot/sandbox.c \
	firmware-emu/slot/slot.c \
	firmware-emu/slot/spawn.c \
	firmware-emu/slot/vectors.c \
	firmware-emu/slot/windows.c \
	$(TRANSPORT_SRC) $(PCI_SRC)

SLOT_LIBS := -ljansson -lseccomp
