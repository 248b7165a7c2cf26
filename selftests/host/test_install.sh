#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# `make install` into an empty folder, then what a program outside the tree finds there: headers,
# library, pkg-config file, symbols, man pages. Runs in the toolbox, in the top folder. TAP.
# shellcheck disable=SC2317 # functions are called by point()
set -u
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root
n=0 failed=0

# point NAME COMMAND… — one TAP line; the command's output only if it fails
point()
{
	title=$1
	shift
	n=$((n + 1))
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $n - $title"
	else
		sed 's/^/# /' "$tmp/out"
		echo "not ok $n - $title"
		failed=1
	fi
}

config()
{
	PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root/usr/lib/pkgconfig pkg-config "$@" libaccel
}

installs()
{
	make -f tools/build.mk install DESTDIR="$root" prefix=/usr
}

# The example of accel.7 is the program: what the page shows, compiles.
builds_app()
{
	sed -n '/^\.Bd -literal/,/^\.Ed/p' libaccel/man/man7/accel.7 | sed '/^\./d; s/\\en/\\n/' \
		>"$tmp/app.c" || return 1
	cat >>"$tmp/app.c" <<'END'

int main(void)
{
	float x[6] = { 2 }, w[6] = { 3 }, y[4] = { 9, 9, 9, 9 };

	if (product(x, w, y, 2, 3, 2))
		return 4;
	return y[0] == 6 && !y[1] && !y[2] && !y[3] ? 0 : 5;
}
END
	# shellcheck disable=SC2046
	cc -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$tmp/app" "$tmp/app.c" \
		$(config --cflags --libs)
}

# Without a card it says so, in words, and the library is found by its SONAME.
runs_app()
{
	readelf -d "$tmp/app" | grep -q 'NEEDED.*\[libaccel\.so\.0\]' || return 1
	mv "$root/usr/bin/maru-card" "$tmp/card"
	env -u ACCEL_CARD PATH=/usr/bin:/bin ACCEL_DEVICE=direct LD_LIBRARY_PATH="$root/usr/lib" \
		"$tmp/app" 2>"$tmp/err"
	mv "$tmp/card" "$root/usr/bin/maru-card"
	cat "$tmp/err"
	grep -q 'no maru-card in' "$tmp/err"
}

# And with the one that was installed it computes: the same binary. 0 is the app's "worked".
runs_on_card()
{
	env -u ACCEL_CARD PATH=/usr/bin:/bin ACCEL_DEVICE=direct LD_LIBRARY_PATH="$root/usr/lib" \
		"$tmp/app"
}

headers_alone()
{
	for header in "$root"/usr/include/accel/*.h; do
		name=accel/${header##*/}
		echo "#include <$name>" >"$tmp/h.c"
		cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$root/usr/include" -fsyntax-only \
			"$tmp/h.c" || return 1
		c++ -x c++ -std=c++11 -Wall -Wextra -Werror -I"$root/usr/include" -fsyntax-only \
			"$tmp/h.c" || return 1
	done
}

# Initialisers are used by C++ programs too.
macros_in_cxx()
{
	cat >"$tmp/m.cc" <<'END'
#include <accel/accel.h>
struct accel_device_info a = ACCEL_DEVICE_INFO_INIT;
struct accel_matmul_desc b = ACCEL_MATMUL_DESC_INIT;
struct accel_queue_desc c = ACCEL_QUEUE_DESC_INIT;
struct accel_queue_info d = ACCEL_QUEUE_INFO_INIT;
struct accel_submit e = ACCEL_SUBMIT_INIT;
struct accel_attention_desc f = ACCEL_ATTENTION_DESC_INIT;
struct accel_norm_desc g = ACCEL_NORM_DESC_INIT;
struct accel_rope_desc h = ACCEL_ROPE_DESC_INIT;
struct accel_softmax_desc i = ACCEL_SOFTMAX_DESC_INIT;
struct accel_elementwise_desc j = ACCEL_ELEMENTWISE_DESC_INIT;
END
	c++ -std=c++11 -Wall -Wextra -Werror -I"$root/usr/include" -fsyntax-only "$tmp/m.cc"
}

no_uapi_in_headers()
{
	! grep -rn 'drm/\|maru_' "$root/usr/include/accel"
}

# The contracts are for programs without the library, in C and C++: this one asks the driver, and
# knows every packet by name.
builds_raw()
{
	cat >"$tmp/raw.c" <<'END'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <drm/maru_accel.h>
#include <drm/maru_cmd_ops.h>

#define NAME(op, ...) #op,
static const char *const names[] = { MARU_OPS_TABLE(NAME) };

int main(void)
{
	struct drm_maru_device device;
	struct drm_maru_query query = { DRM_MARU_QUERY_DEVICE, sizeof(device), (uintptr_t)&device };
	int fd = open("/dev/null", O_RDWR);

	if (ioctl(fd, DRM_IOCTL_MARU_QUERY, &query) != -1 || errno != ENOTTY)
		return 1;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		puts(names[i]);
	return sizeof(struct maru_params_matmul) + sizeof(struct maru_packet) > 64;
}
END
	cc -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Werror -I"$root/usr/include" 		-include stdint.h -o "$tmp/raw" "$tmp/raw.c" &&
	c++ -x c++ -Wall -Wextra -Werror -I"$root/usr/include" -include stdint.h -fsyntax-only 		"$tmp/raw.c" &&
	"$tmp/raw" | grep -x MATMUL
}

uapi_headers_all()
{
	for header in uapi/drm/*.h; do
		cmp "$header" "$root/usr/include/drm/${header##*/}" || return 1
	done
}

# Who may open the nodes: the rule names the driver, the group and the mode.
udev_rule()
{
	rule=$root/usr/lib/udev/rules.d/70-maru.rules
	grep -v '^#' "$rule" >"$tmp/rule" && test "$(wc -l <"$tmp/rule")" = 1 || return 1
	for word in 'SUBSYSTEM=="accel"' 'DRIVERS=="maru"' 'GROUP="render"' 'MODE="0660"'; do
		grep -F "$word" "$tmp/rule" || return 1
	done
}

# Functions of the headers, of the map and of the library are the same set.
symbols()
{
	grep -o 'accel_[a-z_]*;' libaccel/accel.map | tr -d ';' | sort >"$tmp/map"
	readelf --dyn-syms -W "$root/usr/lib/libaccel.so" |
		awk '$5 == "GLOBAL" && $7 != "UND" && $4 == "FUNC" { print $8 }' |
		sed 's/@@LIBACCEL_0\.1$//' | sort >"$tmp/library"
	cat "$root"/usr/include/accel/*.h | tr '\n' ' ' | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g' |
		grep -o 'ACCEL_API [a-z][^;]*;' | sed 's/(.*//; s/.*[ *]//' | sort >"$tmp/headers"
	test -s "$tmp/map" && diff "$tmp/map" "$tmp/library" && diff "$tmp/map" "$tmp/headers"
}

# Only libdrm, and libc with its loader.
needs()
{
	readelf -d "$root/usr/lib/libaccel.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$tmp/needs"
	cat "$tmp/needs"
	test -s "$tmp/needs" && ! grep -v '^libdrm\.so\.\|^libc\.so\.\|^ld-linux' "$tmp/needs"
}

man_pages()
{
	cp -r libaccel/man/man3 "$tmp/man3" &&
	make -f tools/build.mk libaccel-man-pages MAN3="$tmp/man3" &&
	diff -r libaccel/man/man3 "$tmp/man3" &&
	make -f tools/build.mk libaccel-man &&
	for page in man1/maru-card.1 man3/accel_queue.3 man7/accel.7; do
		test -f "$root/usr/share/man/$page" || return 1
	done
}

version()
{
	test "$(config --modversion)" = 0.1.0 &&
	readelf -d "$root/usr/lib/libaccel.so" | grep -q 'SONAME.*\[libaccel\.so\.0\]'
}

echo "TAP version 13"
echo "1..14"
point "make install into an empty folder" installs
point "a program outside the tree builds by pkg-config" builds_app
point "it runs, and says what is wrong without a card" runs_app
point "it runs on a card" runs_on_card
point "each header alone, as C11 and C++11" headers_alone
point "initialisers in C++" macros_in_cxx
point "no contract header is needed" no_uapi_in_headers
point "a program without the library asks the driver by the installed contracts" builds_raw
point "all contract headers are there" uapi_headers_all
point "the udev rule gives the nodes to group render" udev_rule
point "exported symbols are those of headers and map" symbols
point "it depends on libdrm and libc" needs
point "version and SONAME" version
point "man pages are the headers', and clean" man_pages
exit $failed
