# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# Read (.) by scripts that run in the guest.

kernel_name() {
	case $(uname -r) in
	*-maru-debug) echo debug ;;
	6.12.*) echo 6.12 ;;
	*) echo 7.x ;;
	esac
}

driver_ko() { echo "/maru/build/driver-$(kernel_name)/maru.ko"; }

# The nodes get the rights that udev's rules give them elsewhere.
nodes_open() {
	for node in /dev/accel/accel*; do
		[ -c "$node" ] || continue
		chgrp render "$node" && chmod 0660 "$node"
	done
}

# driver_load [PARAMETER=VALUE…] - load maru.ko and wait for the card's node.
driver_load() {
	[ -f "$(driver_ko)" ] || { echo "no driver: $(driver_ko)"; return 1; }
	grep -q '^maru ' /proc/modules || insmod "$(driver_ko)" "$@" || return 1
	for _ in $(seq 100); do
		[ -c /dev/accel/accel0 ] && break
		sleep 0.1
	done
	nodes_open
	[ -c /dev/accel/accel0 ]
}

driver_unload() { rmmod maru; }

# card_bdf [N] - PCI address of the N-th card, from 0.
card_bdf() { lspci -D -d 1234:4d52 | sed -n "$((${1:-0} + 1))s/ .*//p"; }

# control JSON [N] - one line to the N-th card's control socket, its answer on stdout.
control() {
	port=/dev/virtio-ports/maru.control.${2:-0}
	(
		exec 3<>"$port" || exit 1
		printf '%s\n' "$1" >&3
		timeout 20 head -n 1 <&3
	)
}
