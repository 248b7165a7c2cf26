# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# Read (.) by the checks.

found=0

# files FOLDER… -- NAME… - files of the tree below the folders with these names (patterns).
files() {
	dirs='' names=''
	while [ "$1" != -- ]; do
		[ ! -e "$1" ] || dirs="$dirs $1"
		shift
	done
	shift
	[ -n "$dirs" ] || return 0
	for name; do
		names="$names${names:+ -o }-name $name"
	done
	set -f
	# shellcheck disable=SC2086
	find $dirs \( -name .git -o -path ./build -o -name __pycache__ \) -prune -o \
		-type f \( $names \) -print | sed 's,^\./,,' | sort
	set +f
}

# bad TEXT - a finding.
bad() {
	echo "$*"
	found=1
}

# ban PATTERN FILE… - a finding for each line that matches.
ban() {
	pattern=$1
	shift
	[ $# -gt 0 ] || return 0
	lines=$(grep -nHE -e "$pattern" "$@") || return 0
	bad "$lines"
}

# verdict FIX - the end of a check.
verdict() {
	[ $found = 0 ] || echo "fix: $*"
	exit $found
}

# skip REASON - the check can not run yet.
skip() {
	echo "$*"
	exit 4
}
