# SPDX-License-Identifier: MIT
# libaccel: the shared library, a static one for host tests, `install` and `libaccel-man`.

ACCEL_SRC := $(addprefix libaccel/src/, \
	caps.c check.c check_overlap.c check_shape.c check_shape_attention.c \
	check_shape_elements.c check_shape_rows.c cmd.c cmd_copy.c cmd_maths.c cmd_matmul.c \
	cmd_rows.c device.c \
	error.c fence.c idempotent.c ioctl.c memory.c ops.c pending.c query.c queue.c share.c \
	submit.c tensor.c tensor_copy.c types.c va.c \
	kernel/kernel.c kernel/memory.c kernel/queue.c kernel/sync.c \
	$(addprefix direct/, admin.c boot.c caps_read.c client.c direct.c done.c event.c heap.c \
	memory.c pt.c query.c queue.c recover.c spawn.c spec.c submit.c timeline.c))
ACCEL_OBJ := $(ACCEL_SRC:%.c=$(B)/obj/%.o)
ACCEL_HEADERS := $(addprefix libaccel/include/accel/, \
	accel.h cmd.h device.h error.h fence.h memory.h ops.h queue.h tensor.h types.h)
UAPI_HEADERS := $(addprefix uapi/drm/, maru_accel.h maru_cmd.h maru_cmd_ops.h maru_cmd_params.h)
ACCEL_MAN := $(wildcard libaccel/man/man3/*.3 libaccel/man/man7/*.7)
ACCEL_SONAME := libaccel.so.0
ACCEL_VERSION := 0.1.0
ACCEL_CFLAGS := -Ilibaccel/include
ACCEL_LIBS := -L$(B)/lib -laccel -Wl,-rpath,'$$ORIGIN/../lib:$$ORIGIN/../../lib'

# Lazily, and inside the toolbox, where libdrm is.
DRM_CFLAGS = $(shell pkg-config --cflags libdrm)
DRM_LIBS = $(shell pkg-config --libs libdrm)

$(B)/obj/libaccel/%.o: CFLAGS += $(ACCEL_CFLAGS) $(DRM_CFLAGS) -fPIC -fvisibility=hidden

$(B)/lib/libaccel.so.$(ACCEL_VERSION): $(ACCEL_OBJ) libaccel/accel.map
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared -Wl,-soname,$(ACCEL_SONAME) -Wl,--version-script=libaccel/accel.map \
		-Wl,-z,defs -Wl,-z,now -o $@.$$$$ $(ACCEL_OBJ) $(DRM_LIBS) -pthread && \
		mv -f $@.$$$$ $@ || { rm -f $@.$$$$; exit 1; }

$(B)/lib/libaccel.so: $(B)/lib/libaccel.so.$(ACCEL_VERSION)
	@ln -sf libaccel.so.$(ACCEL_VERSION) $(@D)/$(ACCEL_SONAME)
	@ln -sf $(ACCEL_SONAME) $@

# For tests, which look inside. Never installed.
$(B)/lib/libaccel-test.a: $(ACCEL_OBJ)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@.$$$$ && $(AR) rcs $@.$$$$ $^ && mv -f $@.$$$$ $@

all-y += $(B)/lib/libaccel.so

prefix ?= /usr/local
libdir ?= $(prefix)/lib
includedir ?= $(prefix)/include
mandir ?= $(prefix)/share/man

.PHONY: install libaccel-install uapi-install libaccel-man
install: libaccel-install uapi-install

libaccel-install: $(B)/lib/libaccel.so
	install -d $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir)/accel \
		$(DESTDIR)$(mandir)/man3 $(DESTDIR)$(mandir)/man7
	install -m 755 $(B)/lib/libaccel.so.$(ACCEL_VERSION) $(DESTDIR)$(libdir)/
	ln -sf libaccel.so.$(ACCEL_VERSION) $(DESTDIR)$(libdir)/$(ACCEL_SONAME)
	ln -sf $(ACCEL_SONAME) $(DESTDIR)$(libdir)/libaccel.so
	install -m 644 $(ACCEL_HEADERS) $(DESTDIR)$(includedir)/accel/
	install -m 644 $(filter %.3,$(ACCEL_MAN)) $(DESTDIR)$(mandir)/man3/
	install -m 644 $(filter %.7,$(ACCEL_MAN)) $(DESTDIR)$(mandir)/man7/
	sed -e 's|@PREFIX@|$(prefix)|' -e 's|@LIBDIR@|$(libdir)|' \
		-e 's|@INCLUDEDIR@|$(includedir)|' -e 's|@VERSION@|$(ACCEL_VERSION)|' \
		libaccel/libaccel.pc.in >$(DESTDIR)$(libdir)/pkgconfig/libaccel.pc

# The contracts, for programs that speak to the driver themselves, and who may open its nodes.
uapi-install:
	install -d $(DESTDIR)$(includedir)/drm $(DESTDIR)$(prefix)/lib/udev/rules.d
	install -m 644 $(UAPI_HEADERS) $(DESTDIR)$(includedir)/drm/
	install -m 644 driver/70-maru.rules $(DESTDIR)$(prefix)/lib/udev/rules.d/

libaccel-man:
	mandoc -T lint -W warning $(ACCEL_MAN)

# Pages of section 3 are made from the headers and kept in the tree; the test of `install` asks
# whether they are the headers' still.
.PHONY: libaccel-man-pages
libaccel-man-pages:
	@for header in $(filter-out %/accel.h,$(ACCEL_HEADERS)); do \
		name=$$(sed -n 's/^ \* DOC: \([a-z_]*\) - .*/\1/p' $$header); \
		python3 tools/man/from-header $$header >$(MAN3)/$$name.3 || exit 1; \
	done
MAN3 ?= libaccel/man/man3
