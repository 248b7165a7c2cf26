# SPDX-License-Identifier: MIT
#
# Thin: each target is a script of tools/ that can be run by itself. What is built, and how,
# stands in tools/build.mk.

KERNEL ?= 6.12
DESTDIR ?=
PREFIX ?= /usr/local
enter := tools/box/enter

.PHONY: help run quick test vm build lint host-test vm-test stress bench install clean distclean

help:
	@sed 's/^/  /' tools/help.txt

run:
	@exec tools/run

quick:
	@exec tools/quick

test:
	@exec tools/test all

vm: build
	@exec tools/box/vm --kernel $(KERNEL) --shell

build:
	@exec tools/test build

lint host-test bench:
	@exec tools/test $@

vm-test stress:
	@KERNEL=$(KERNEL) exec tools/test $@

install:
	rm -rf build/stage
	$(enter) make -f tools/build.mk install DESTDIR=build/stage prefix=$(PREFIX)
	mkdir -p $(DESTDIR)/
	tar -C build/stage -cf - . | tar -C $(DESTDIR)/ --no-overwrite-dir --no-same-owner -xf -

clean:
	rm -rf build

distclean: clean
	tools/box/box --remove
