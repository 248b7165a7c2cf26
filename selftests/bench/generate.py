#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Decoding with a model of 200 M random weights, and what it is compared with, in turns.

    generate.py [--turns N] [--vm [--rounds N] [--tokens N]]

generate-200m: seconds that the machine's best read loop needs for the weights of a token, by
seconds of a token with the direct way. generate-200m-vm: seconds of a token with the direct way,
by seconds of one through the driver in a guest (--vm boots it). Medians of the rounds' ratios.

…-time-…: where the time of a token went, beside all of it: program, submission and waiting are the
whole, card-… and on-the-way are submission and waiting together. …-bytes-…: what the card counted
for a token, beside the bytes of its weights.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import connect, show, spawn  # pylint: disable=wrong-import-position

MODEL = "build/tmp/bench-200m.gguf"
SOCKET = "/tmp/bench-generate.socket"
DECODE = "build/bin/bench/decode"
GUEST = f""". tools/box/guest.sh
driver_load && ACCEL_DEVICE=kernel exec {DECODE} {MODEL} <>/dev/virtio-ports/maru.bench >&0"""


def start_direct():
    os.environ["ACCEL_DEVICE"] = "direct,hbm=1G,cxl=0"
    os.environ["OMP_WAIT_POLICY"] = "passive"  # threads of the read loop leave the card alone
    # The weight that tools/box/vm.py gives a card.
    lines = spawn(["nice", "-n", "-10", DECODE, MODEL], "= ")
    print("#", lines.read())
    return lines


def start_vm(log):
    command = ["python3", "tools/box/vm.py", "--log", "build/logs/bench-generate", "--timeout",
               "900", "--memory", "2G", "--card-args=--hbm 1G", "--port", f"maru.bench={SOCKET}",
               "--run", "sh", "-c", GUEST]
    with open(log, "w", encoding="utf-8") as out:
        vm = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    lines = connect(SOCKET)
    lines.read()
    return vm, lines


def row(name, way, ours, base, ratio, out):
    """ours, base: seconds of a token."""
    print(f"{name:36} {1 / ours:10.2f} {1 / base:10.2f} {ratio:6.2f}  tokens/s", flush=True)
    out.write(json.dumps(dict(name=name, ours=1 / ours, baseline=1 / base, ratio=ratio,
                              unit="tokens/s", way=way)) + "\n")


def bench_direct(direct, turns, out):
    direct.writer.write(f"turns {turns}\n")
    direct.writer.flush()
    ours, base, ratio = (float(x) for x in direct.read().split())
    row("generate-200m", "direct", ours, base, ratio, out)


def bench_vm(guest, direct, rounds, tokens, out):
    pairs = [(guest.ask(f"step {tokens}"), direct.ask(f"step {tokens}")) for _ in range(rounds)]
    ours, base = (statistics.median(x) for x in zip(*pairs))
    row("generate-200m-vm", "vm", ours, base, statistics.median(b / a for a, b in pairs), out)


def ask_parts(side, tokens):
    """[(name, number)]"""
    side.writer.write(f"times {tokens}\n")
    side.writer.flush()
    words = side.read().split()
    return list(zip(words[::2], map(float, words[1::2])))


def bench_parts(side, name, way, tokens, out):
    parts = ask_parts(side, tokens)
    whole = dict(parts)
    for part, number in parts:
        if part in ("total", "weights") or not number:
            continue
        if part in ("HBM", "CXL", "system", "storage"):
            kind, base, factor, unit = "bytes", whole["weights"], 1e-6, "MB"
        else:
            kind, base, factor, unit = "time", whole["total"], 1e6, "µs"
        show(dict(name=f"{name}-{kind}-{part}", ours=factor * number, baseline=factor * base,
                  ratio=number / base, unit=unit, way=way), out)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--tokens", type=int, default=8, help="of a round")
    p.add_argument("--turns", type=int, default=31)
    p.add_argument("--parts", type=int, default=64, help="tokens for where the time goes")
    p.add_argument("--vm", action="store_true")
    p.add_argument("--json", default="build/bench.jsonl")
    a = p.parse_args()
    os.makedirs("build/tmp", exist_ok=True)
    subprocess.run([sys.executable, "tools/model/untrained.py", MODEL, "--preset", "200m"],
                   check=True)
    direct = start_direct()
    vm = None
    try:
        with open(a.json, "a", encoding="utf-8") as out:
            bench_direct(direct, a.turns, out)
            bench_parts(direct, "generate-200m", "direct", a.parts, out)
            if a.vm:
                vm, guest = start_vm("build/logs/bench-generate.vm")
                bench_vm(guest, direct, a.rounds, a.tokens, out)
                bench_parts(guest, "generate-200m-vm", "vm", a.parts, out)
                guest.writer.write("quit\n")
                guest.writer.flush()
                vm.wait(60)
    finally:
        if vm and vm.poll() is None:
            vm.terminate()
        os.unlink(MODEL)


if __name__ == "__main__":
    main()
