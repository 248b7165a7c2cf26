#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs bench cases on the card and natively in turns and prints ratios.

    run.py [--stack-socket PATH] [--only CASE]

Each case is taken ROUNDS times, by the direct way, through the driver of the guest that serves
PATH, and natively, one after the other; the ratio is the median of the rounds' ratios. Prints
"name ours baseline ratio", the name with the way behind it; appends JSON lines. Cases named
engine-… are those of bench/rows and bench/elements, the engines alone against memcpy.
"""
import argparse
import json
import os
import platform
import shlex
import socket
import statistics
import subprocess
import sys
import time

MATMULS = [("f32", 1024, 20), ("bf16", 1024, 20), ("i8", 1024, 40), ("f32", 512, 80),
           ("f32", 2048, 8), ("bf16", 2048, 8), ("i8", 2048, 16)]
# Types of weights and their bytes; i8f: with activations in F32.
MATVECS = [("bf16", 2), ("f16", 2), ("i8", 1), ("i8f", 1)]
VEC_BYTES, VEC_MATRICES = 128 << 20, 3     # of each; in one command buffer
SECOND = {"ms": 1e3, "µs": 1e6}     # in units of time; others count work


class Lines:
    """A peer that answers a line with a line."""

    def __init__(self, reader, writer, mark=""):
        self.reader, self.writer, self.mark = reader, writer, mark

    def read(self):
        while True:
            line = self.reader.readline()
            if not line:
                raise SystemExit("bench: the other side ended")
            if line.startswith(self.mark):
                return line[len(self.mark):].strip()

    def ask(self, line):
        self.writer.write(line + "\n")
        self.writer.flush()
        return float(self.read())


def spawn(command, mark=""):
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return Lines(p.stdout, p.stdin, mark)


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    for _ in range(600):
        try:
            s.connect(path)
            break
        except OSError:
            time.sleep(0.1)
    else:
        raise SystemExit(f"bench: nobody listens at {path}")
    return Lines(s.makefile("r"), s.makefile("w"), "= ")


def cases(limits):
    """(name, line for the card, line for the baseline, work of one repetition, unit)"""
    for kind, n, reps in MATMULS:
        for depth, batch in ((1, 1), (4, 1), (8, 4)):
            yield (f"matmul-{kind}-{n}-depth{depth}" + (f"-by{batch}" if batch > 1 else ""),
                   f"matmul {kind} {n} {n} {n} {depth} {batch} {reps}",
                   f"matmul {kind} {n} {n} {n} {reps}", 2 * n ** 3 / 1e9,
                   "GOP/s" if kind == "i8" else "GFLOP/s")
    for kind, size in MATVECS:
        n, k = VEC_BYTES // 4096 // size, 4096
        yield (f"matvec-{kind}", f"matvec {kind} {n} {k} 4",
               f"read {VEC_MATRICES * VEC_BYTES} 4", VEC_MATRICES * VEC_BYTES / 1e9, "GB/s")
    for mib in limits:
        for depth in (1, 4):
            yield (f"copy-{mib}MiB-depth{depth}", f"copy {mib << 20} {depth} 10",
                   f"memcpy {mib << 20} 10", 2 * (mib << 20) / 1e9, "GB/s")
    for n in (2, 4):
        for d in (64, 128):     # 4 heads; the upper half of the square is not counted
            yield (f"attention-prefill-{n}k-{d}",
                   f"attention f32 4 4 1 {n << 10} {n << 10} {d} 1 3",
                   f"attention {n << 10} 4 {d} 3", 2 * (n << 10) ** 2 * 4 * d / 1e9, "GFLOP/s")
    for kind, size in (("f16", 2), ("bf16", 2), ("f32", 4)):
        seqs = 16 // size       # of 4,096 keys of 8 heads of 128: 128 MiB
        yield (f"attention-decode-4k-{kind}", f"attention {kind} 32 8 {seqs} 1 4096 128 0 4",
               f"read {128 << 20} 4", (128 << 20) / 1e9, "GB/s")


def start_card(card):
    """What starting a program of that size takes."""
    start = time.perf_counter()
    subprocess.run([card, "--version"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def delays(stacks, native, card):
    """(name, {way: what takes ours}, what takes the baseline, unit): times, not work. The
    baseline of a wake is one between two threads, in the guest the driver's own."""
    for way, stack in stacks.items():
        yield ("noop", {way: lambda: stack.ask("noop 200")},
               (lambda: stack.ask("doorbell")) if way == "vm" else
               lambda: native.ask("wake 200"), "µs")
        if way == "direct":
            yield ("first-job", {way: lambda: stack.ask("first")}, lambda: start_card(card), "ms")


def turn(side):
    """Begins when the other side's threads, which spin for a while after their turn, sleep."""
    time.sleep(0.02)
    return side()


def run(name, ours, theirs, work, unit, rounds):
    """ours: {way: what takes one turn}. A row for each way that gave numbers."""
    taken = {way: [] for way in ours}
    for _ in range(rounds):
        seconds = {way: turn(side) for way, side in ours.items()}
        base = turn(theirs)
        for way, took in seconds.items():
            if took > 0 and base > 0:
                taken[way].append((took, base))
    for way, pairs in taken.items():
        if not pairs:
            print(f"{name}-{way} failed", file=sys.stderr)
            continue
        ratio = statistics.median(b / a for a, b in pairs)
        a, b = (statistics.median(x) for x in zip(*pairs))
        a, b = (SECOND[unit] * x if unit in SECOND else work / x for x in (a, b))
        yield dict(name=f"{name}-{way}", ours=a, baseline=b, ratio=ratio, unit=unit, way=way)


def engine_rows(directory, threads):
    """What the programs of the engines alone print, which take their rounds themselves."""
    for program in ("rows", "elements"):
        done = subprocess.run([f"{directory}/{program}", str(threads)], text=True,
                              capture_output=True, check=True)
        for line in done.stdout.splitlines():
            if not line.startswith("#"):
                name, ours, baseline, ratio = line.split()[:4]
                yield dict(name=f"engine-{name}", ours=float(ours), baseline=float(baseline),
                           ratio=float(ratio), unit="GB/s", way="engine")


def show(row, out):
    print(f"{row['name']:36} {row['ours']:10.1f} {row['baseline']:10.1f} {row['ratio']:6.2f}"
          f"  {row['unit']}", flush=True)
    out.write(json.dumps(row) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--stack", default="build/bin/bench/stack",
                   help="command that serves the card's side on its stdin and stdout")
    p.add_argument("--stack-socket", help="UNIX socket of one that runs in a guest")
    p.add_argument("--native", default="build/bin/bench/native")
    p.add_argument("--limits", default="build/bin/bench/limits",
                   help="prints 'name value unit' of the read loop and the FMA loop")
    p.add_argument("--card", default="build/bin/maru-card")
    p.add_argument("--cases", default="", help="only those whose name has this in it")
    p.add_argument("--threads", type=int, default=os.cpu_count(), help="of the engines alone")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--only", default="", help="cases whose name begins so")
    p.add_argument("--json", default="build/bench.jsonl")
    a = p.parse_args()
    os.environ["ACCEL_DEVICE"] = "direct"
    stacks = {"direct": spawn(shlex.split(a.stack), "= ")}
    if a.stack_socket:
        stacks["vm"] = connect(a.stack_socket)
    for stack in stacks.values():
        stack.read()
    native = spawn([a.native])
    print(f"# {platform.processor() or platform.machine()}, ways {', '.join(stacks)},"
          f" {a.rounds} rounds, ours and baseline in turns")
    for line in subprocess.run([a.limits], text=True, capture_output=True).stdout.splitlines():
        print(f"# {line}")
    print(f"{'name':36} {'ours':>10} {'baseline':>10} {'ratio':>6}")

    def is_wanted(name):
        return a.cases in name and name.startswith(a.only)

    with open(a.json, "a", encoding="utf-8") as out:
        for name, ours, theirs, work, unit in cases([64]):
            if is_wanted(name):
                sides = {way: lambda s=stack: s.ask(ours) for way, stack in stacks.items()}
                for row in run(name, sides, lambda: native.ask(theirs), work, unit, a.rounds):
                    show(row, out)
        for name, ours, theirs, unit in delays(stacks, native, a.card):
            if is_wanted(name):
                for row in run(name, ours, theirs, 1, unit, a.rounds):
                    show(row, out)
        if not a.only or a.only.startswith("engine"):
            for row in engine_rows(os.path.dirname(a.native), a.threads):
                if is_wanted(row["name"]):
                    show(row, out)
    for stack in stacks.values():
        stack.writer.write("quit\n")
        stack.writer.flush()


if __name__ == "__main__":
    main()
