#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The matmul sample as a user meets it: types, shapes, prepared weights, errors; C is compared
# with NumPy's product too. Runs in the toolbox, in the top folder. TAP.
# shellcheck disable=SC2317 # functions are called by point()
set -u
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export ACCEL_DEVICE=direct,hbm=64M,cxl=0
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

# files M K N TYPE - A.npy, B.npy
files()
{
	python3 - "$tmp" "$@" <<'END'
import sys
import numpy
folder, m, k, n, kind = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
rng = numpy.random.default_rng(m + k + n)
for name, shape in (("A", (m, k)), ("B", (k, n))):
    data = rng.integers(-127, 128, shape) if kind == "int8" else rng.standard_normal(shape)
    numpy.save(f"{folder}/{name}.npy", data.astype(kind))
END
}

# agrees TOLERANCE - C.npy is A · B
agrees()
{
	python3 - "$tmp" "$1" <<'END'
import sys
import numpy
a, b, c = (numpy.load(f"{sys.argv[1]}/{name}.npy").astype("f8") for name in "ABC")
size = numpy.abs(a) @ numpy.abs(b)
worst = numpy.max(numpy.abs(c - a @ b) - float(sys.argv[2]) * size, initial=-1)
print("worst", worst)
sys.exit(int(c.shape != (a.shape[0], b.shape[1]) or worst > 0))
END
}

# product M K N FILE-TYPE TYPE TOLERANCE
product()
{
	rm -f "$tmp/C.npy"
	files "$1" "$2" "$3" "$4" &&
		build/bin/matmul "$tmp/A.npy" "$tmp/B.npy" -o "$tmp/C.npy" --type "$5" --repeat 3 &&
		grep -q '3 packets' "$tmp/out" && grep -q 'checked .*: right' "$tmp/out" &&
		agrees "$6"
}

# refused STATUS WORDS COMMAND…
refused()
{
	status=$1 words=$2
	shift 2
	"$@"
	[ $? = "$status" ] && grep -qF "$words" "$tmp/out"
}

wrong_shapes()
{
	files 3 4 5 float32 && mv "$tmp/A.npy" "$tmp/D.npy" && files 3 6 5 float32 &&
		refused 1 "inner sizes differ" build/bin/matmul "$tmp/D.npy" "$tmp/B.npy"
}

echo "TAP version 13"
echo "1..10"
point "f32" product 33 100 70 float32 f32 1e-5
point "f32, one element" product 1 1 1 float32 f32 1e-6
point "f16 files" product 20 64 130 float16 f16 1e-5
point "f32 files as bf16" product 65 200 64 float32 bf16 1e-2
point "f32 files as f16" product 7 300 9 float32 f16 2e-3
point "i8, exact" product 40 129 67 int8 i8 0
point "nothing to sum" product 4 0 5 float32 f32 0
point "sizes that do not go together" wrong_shapes
point "a type that no product has" refused 1 "is not f32, bf16, f16 or i8" \
	build/bin/matmul "$tmp/A.npy" "$tmp/B.npy" --type i64
point "no such card" refused 1 "unknown key 'hmb'" \
	env ACCEL_DEVICE=direct,hmb=1G build/bin/matmul "$tmp/A.npy" "$tmp/B.npy"
exit $failed
