# SPDX-License-Identifier: MIT
# The core: process, firmware, memory.
FW_SRC := \
	firmware-emu/core/core.c \
	firmware-emu/core/irq.c \
	firmware-emu/engine/pool.c \
	firmware-emu/fw/admin.c \
	firmware-emu/fw/admin_queue.c \
	firmware-emu/fw/admin_telemetry.c \
	firmware-emu/fw/admin_vm.c \
	firmware-emu/fw/boot.c \
	firmware-emu/fw/doorbell.c \
	firmware-emu/fw/event.c \
	firmware-emu/fw/fault.c \
	firmware-emu/fw/job.c \
	firmware-emu/fw/queue.c \
	firmware-emu/fw/sched.c \
	firmware-emu/fw/slice.c \
	firmware-emu/fw/watchdog.c \
	firmware-emu/mem/dma.c \
	firmware-emu/mem/invalidate.c \
	firmware-emu/mem/mmu.c \
	firmware-emu/mem/point.c \
	firmware-emu/mem/sigbus.c \
	firmware-emu/mem/span.c \
	firmware-emu/mem/tier.c \
	firmware-emu/mem/tlb.c \
	firmware-emu/mem/view.c \
	firmware-emu/mem/walk.c
