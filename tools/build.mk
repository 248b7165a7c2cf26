# SPDX-License-Identifier: MIT
#
# What is built, and how. Runs inside the toolbox: tools/box/enter make -f tools/build.mk
#
# Each room lists its sources in a fragment of its own and adds to these:
#   all-y       targets to build
#   PROGRAMS    names of programs, built as $(B)/bin/NAME
#   HOST_TESTS  names of host tests, built as $(B)/bin/NAME
#   GUEST_TESTS names of guest tests, built as $(B)/bin/guest/NAME
#   ANALYZE_SRC sources of libraries, for lint
#   BENCHES     names of benches, built as $(B)/bin/bench/NAME
#   FUZZERS     names of fuzzers, built as $(B)/bin/fuzz/NAME
# For each NAME: NAME-src (C sources), NAME-libs (linker flags), NAME-deps (built first).
# SANITIZE=address,undefined or thread: with these sanitizers, for tools/sanitized.
# Flags for a folder: $(B)/obj/FOLDER/%.o: CFLAGS += …

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
SHELL := /bin/sh
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

B := build
CC := gcc
AR := ar
CFLAGS_COMMON := -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -I. -Iuapi
CFLAGS :=
LDFLAGS :=
ifdef SANITIZE
CC := gcc -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif
Q := $(if $(V),,@)
say = @printf '  %-6s %s\n' $(1) $(2)

all-y :=
PROGRAMS :=
HOST_TESTS :=
GUEST_TESTS :=
BENCHES :=
FUZZERS :=
ANALYZE_SRC :=

.PHONY: all programs host-tests guest-tests benches fuzzers module lists
all:

-include firmware-emu/build.mk
-include libaccel/build.mk
-include samples/build.mk
-include selftests/host/build.mk
-include selftests/guest/build.mk
-include selftests/bench/build.mk
-include selftests/fuzz/build.mk

# Objects and programs appear under their name only when complete, so that two builds of the
# same tree at once do not read halves of each other.
$(B)/obj/%.o: %.c tools/build.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_COMMON) $(CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@.$$$$ $< && \
		mv -f $@.$$$$ $@ || { rm -f $@.$$$$; exit 1; }

# program FILE NAME LIBS
define program
$(1): $$(patsubst %.c,$$(B)/obj/%.o,$$($(2)-src)) $$(filter %.a,$$($(2)-deps)) | \
		$$(filter-out %.a,$$($(2)-deps))
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LDFLAGS) $$($(2)-ldflags) -o $$@.$$$$$$$$ $$(filter %.o,$$^) $$($(2)-libs) $(3) && \
		mv -f $$@.$$$$$$$$ $$@ || { rm -f $$@.$$$$$$$$; exit 1; }

endef
$(foreach n,$(PROGRAMS),$(eval $(call program,$(B)/bin/$(n),$(n),)))
$(foreach n,$(HOST_TESTS),$(eval $(call program,$(B)/bin/$(n),$(n),-lcmocka)))
$(foreach n,$(GUEST_TESTS),$(eval $(call program,$(B)/bin/guest/$(n),$(n),)))
$(foreach n,$(BENCHES),$(eval $(call program,$(B)/bin/bench/$(n),$(n),)))
$(foreach n,$(FUZZERS),$(eval $(call program,$(B)/bin/fuzz/$(n),$(n),)))

# The lists say what a test run has to run.
lists:
	@mkdir -p $(B)
	@printf '%s\n' $(sort $(HOST_TESTS)) >$(B)/host-tests.list
	@printf '%s\n' $(sort $(GUEST_TESTS)) >$(B)/guest-tests.list
	@printf '%s\n' $(sort $(BENCHES)) >$(B)/benches.list
	@printf '%s\n' $(foreach n,$(sort $(FUZZERS)),'$(n) $($(n)-args)') >$(B)/fuzzers.list

# Objects of the product, for lint: no test, and no link.
.PHONY: analyze
analyze: $(patsubst %.c,$(B)/obj/%.o,$(filter firmware-emu/% libaccel/% samples/%,\
	$(sort $(foreach n,$(PROGRAMS),$($(n)-src)) $(ANALYZE_SRC))))

host-tests: $(HOST_TESTS:%=$(B)/bin/%) lists
guest-tests: $(GUEST_TESTS:%=$(B)/bin/guest/%) lists
benches: $(BENCHES:%=$(B)/bin/bench/%) lists
fuzzers: $(FUZZERS:%=$(B)/bin/fuzz/%) lists
programs: $(all-y) $(PROGRAMS:%=$(B)/bin/%)
all: programs host-tests guest-tests benches

# The module, out of tree, for one of the toolbox's kernels. The kernel's build writes beside
# its sources, so it gets a farm of links.
KERNEL ?= 6.12
MODULE := $(B)/driver-$(KERNEL)
KVER = $(notdir $(lastword $(sort $(wildcard /lib/modules/$(patsubst %.x,%.,$(KERNEL))*))))
KDIR = /lib/modules/$(KVER)/build
# Filled by lint: W=1 C=1 and a folder of its own.
MODULE_FLAGS :=
# The kernel of tools/debug: its reports name lines.
ifeq ($(KERNEL),debug)
KVER := $(shell tools/debug/kernel --path)
KDIR = $(KVER)/headers
MODULE_FLAGS := KCFLAGS=-g
endif

module:
ifeq ($(wildcard driver/maru_drv.c),)
	@echo "  SKIP   module: driver/maru_drv.c is not there"
else
	@test -n "$(KVER)" || { echo "build: the toolbox has no kernel $(KERNEL)"; exit 1; }
	@mkdir -p $(MODULE)/driver
	@ln -sfn $(CURDIR)/Kbuild $(MODULE)/Kbuild
	@ln -sfn $(CURDIR)/uapi $(MODULE)/uapi
	@ln -sf $(CURDIR)/driver/*.[ch] $(MODULE)/driver/
	@find $(MODULE)/driver -xtype l -delete
	$(Q)flock $(MODULE)/.lock $(MAKE) --no-print-directory -C $(KDIR) \
		M=$(CURDIR)/$(MODULE) $(MODULE_FLAGS) modules
endif

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
