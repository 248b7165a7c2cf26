#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The same program with the same model by the driver and by the direct way: the same tokens, the
# same bits. Runs in the guest, in the top folder. TAP.
# shellcheck disable=SC2317 # functions are called by point()
set -u
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
generate=build/bin/generate
model=samples/generate/model.gguf
expected=build/tmp/generate.direct
n=0 failed=0

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

by_driver() { ACCEL_DEVICE=kernel "$generate" -q "$@"; }

writes()
{
	ACCEL_DEVICE=kernel "$generate" -n 40 >"$tmp/stdout" 2>"$tmp/stderr" || return
	cat "$tmp/stderr"
	grep -q '^It was a fine evening, and' "$tmp/stdout" &&
		grep -q '^card      kernel /dev/accel/' "$tmp/stderr" &&
		grep -q 'submitted 41 times: 1 for the prompt, 40 steps' "$tmp/stderr"
}

# What the direct way of the machine around this guest gave, if it ran this model.
same_as_outside()
{
	by_driver --ids --check --temp 0 -n 64 >"$tmp/driver" || return
	{ cksum <"$model"; cat "$tmp/driver"; } >"$tmp/with-sum"
	diff "$expected" "$tmp/with-sum"
}

# The card's program in the guest itself, on an emulated CPU: few tokens.
same_as_inside()
{
	by_driver --ids --temp 0 -n 8 -p She >"$tmp/driver" || return
	ACCEL_DEVICE=direct,hbm=64M,cxl=0,threads=1 "$generate" -q --ids --temp 0 -n 8 -p She \
		>"$tmp/direct" || return
	diff "$tmp/direct" "$tmp/driver"
}

batch_is_singles()
{
	printf 'She was\nI\nOn the following morning, when they had all sat down,\n' >"$tmp/prompts"
	by_driver -n 30 --batch "$tmp/prompts" >"$tmp/batch" || return
	i=0
	while read -r line; do
		i=$((i + 1))
		[ "$i" = 1 ] || echo
		printf '[%d] %s\n' "$i" "$(by_driver -n 30 -p "$line")"
	done <"$tmp/prompts" >"$tmp/singles"
	diff "$tmp/singles" "$tmp/batch"
}

echo "TAP version 13"
echo "1..4"
point "text by the driver, one submit a token" writes
if [ -f "$expected" ] && [ "$(cksum <"$model")" = "$(head -n 1 "$expected")" ]; then
	point "same bits as the direct way outside" same_as_outside
else
	n=$((n + 1))
	echo "ok $n - same bits as the direct way outside # SKIP test_generate_cli did not run outside"
fi
point "same tokens as the direct way inside" same_as_inside
point "prompts at once write what each writes alone" batch_is_singles
exit $failed
