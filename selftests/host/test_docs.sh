#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test_docs.sh - compile the examples of docs/uapi.md: each fence "c example" by itself, behind
# the fence "c prelude"; ask whether they use each ioctl, and whether docs/ops.md is what the
# contract makes of it. TAP on stdout. Runs in the toolbox, from the top of the tree.
doc=${1:-docs/uapi.md}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

awk -v work="$work" '
	/^```c (prelude|example)$/ {
		name = $2 == "prelude" ? "prelude.h" : sprintf("%03d.c", ++n)
		file = work "/" name
		printf "#line %d \"%s\"\n", FNR + 1, FILENAME > file
		next
	}
	/^```c/ {
		print FILENAME ":" FNR ": a c fence without prelude or example" > "/dev/stderr"
		bad = 1
	}
	/^```/ { if (file) close(file); file = ""; next }
	file { print > file }
	END { exit bad }
' "$doc" || { echo "Bail out! $doc"; exit 1; }

set -- "$work"/[0-9]*.c
if [ ! -f "$1" ] || [ ! -f "$work/prelude.h" ]; then
	echo "Bail out! no examples in $doc"
	exit 1
fi
echo "TAP version 13"
echo "1..$(($# + 2))"
i=0
failed=0
for source; do
	i=$((i + 1))
	line=$(sed -n '1s/^#line \([0-9]*\).*/\1/p' "$source")
	if gcc -std=gnu11 -Wall -Wextra -Werror -Iuapi -include "$work/prelude.h" -c \
		-o "$work/out.o" "$source" 2>"$work/err"; then
		echo "ok $i $doc:$line"
	else
		failed=$((failed + 1))
		sed 's/^/# /' "$work/err"
		echo "not ok $i $doc:$line"
	fi
done
i=$((i + 1))
ioctls=$(sed -n 's/^#define \(DRM_IOCTL_MARU_[A-Z_]*\).*/\1/p' uapi/drm/maru_accel.h)
missing=
for name in $ioctls; do
	grep -qw "$name" "$@" || missing="$missing $name"
done
if [ -n "$ioctls" ] && [ -z "$missing" ]; then
	echo "ok $i each ioctl is in an example"
else
	failed=$((failed + 1))
	echo "# missing:${missing:- no ioctl found}"
	echo "not ok $i each ioctl is in an example"
fi
i=$((i + 1))
if make -s -f tools/build.mk build/bin/ops-page >"$work/err" 2>&1 &&
	build/bin/ops-page | diff -u docs/ops.md - >"$work/err" 2>&1; then
	echo "ok $i docs/ops.md"
else
	failed=$((failed + 1))
	sed 's/^/# /' "$work/err"
	echo "not ok $i docs/ops.md"
fi
[ "$failed" = 0 ]
