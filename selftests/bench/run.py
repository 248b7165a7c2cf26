#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs bench cases on the card and natively in turns and prints ratios.

    run.py --stack CMD… | --stack-socket PATH  [--native build/bin/bench/native]

Each case is taken ROUNDS times, ours and the baseline one after the other; the ratio is the
median of the rounds' ratios. Prints "name ours baseline ratio"; appends JSON lines. Cases named
engine-… are those of bench/rows and bench/elements, the engines alone against memcpy.
"""
import argparse
import json
import math
import os
import platform
import shlex
import socket
import statistics
import subprocess
import sys
import time

MATMULS = [("f32", 1024, 20), ("bf16", 1024, 20), ("i8", 1024, 40), ("f32", 512, 80),
           ("f32", 2048, 4), ("bf16", 2048, 8), ("i8", 2048, 8)]
# Types of weights and their bytes; i8f: with activations in F32.
MATVECS = [("bf16", 2), ("f16", 2), ("i8", 1), ("i8f", 1)]
VEC_BYTES = 128 << 20


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


def cases(limits, way):
    """(name, line for the card, line for the baseline, work of one repetition, unit); with the
    unit µs the baseline is the card's side too"""
    for kind, n, reps in MATMULS:
        for depth in (1, 4):
            yield (f"matmul-{kind}-{n}-depth{depth}", f"matmul {kind} {n} {n} {n} {depth} {reps}",
                   f"matmul {kind} {n} {n} {n} {reps}", 2 * n ** 3 / 1e9,
                   "GOP/s" if kind == "i8" else "GFLOP/s")
    for kind, size in MATVECS:
        n, k = VEC_BYTES // 4096 // size, 4096
        yield (f"matvec-{kind}", f"matvec {kind} {n} {k} 6", f"read {VEC_BYTES} 2",
               VEC_BYTES / 1e9, "GB/s")
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
    if way == "vm":
        yield ("noop", "noop 200", "doorbell", 1, "µs")


def turn(side):
    """Begins when the other side's threads, which spin for a while after their turn, sleep."""
    time.sleep(0.02)
    return side()


def run(name, ours, theirs, work, unit, rounds):
    pairs = [(turn(ours), turn(theirs)) for _ in range(rounds)]
    pairs = [p for p in pairs if p[0] > 0 and p[1] > 0 and not math.isnan(p[1])]
    if not pairs:
        return None
    ratio = statistics.median(b / a for a, b in pairs)
    a, b = (statistics.median(x) for x in zip(*pairs))
    if unit == "µs":
        return dict(name=name, ours=a * 1e6, baseline=b * 1e6, ratio=ratio, unit=unit)
    return dict(name=name, ours=work / a, baseline=work / b, ratio=ratio, unit=unit)


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
    print(f"{row['name']:32} {row['ours']:10.1f} {row['baseline']:10.1f} {row['ratio']:6.2f}"
          f"  {row['unit']}", flush=True)
    out.write(json.dumps(row) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--stack", help="command that serves the card's side on its stdin and stdout")
    p.add_argument("--stack-socket", help="UNIX socket of a running one")
    p.add_argument("--native", default="build/bin/bench/native")
    p.add_argument("--limits", default="build/bin/bench/limits",
                   help="prints 'name value unit' of the read loop and the FMA loop")
    p.add_argument("--way", default="vm")
    p.add_argument("--cases", default="", help="only those whose name has this in it")
    p.add_argument("--threads", type=int, default=os.cpu_count(), help="of the engines alone")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--only", default="", help="cases whose name begins so")
    p.add_argument("--json", default="build/bench.jsonl")
    a = p.parse_args()
    stack = spawn(shlex.split(a.stack), "= ") if a.stack else connect(a.stack_socket)
    stack.read()
    native = spawn([a.native])
    print(f"# {platform.processor() or platform.machine()}, way {a.way}, {a.rounds} rounds,"
          " ours and baseline in turns")
    for line in subprocess.run([a.limits], text=True, capture_output=True).stdout.splitlines():
        print(f"# {line}")
    print(f"{'name':32} {'ours':>10} {'baseline':>10} {'ratio':>6}")
    with open(a.json, "a", encoding="utf-8") as out:
        for name, ours, theirs, work, unit in cases([64], a.way):
            if a.cases not in name:
                continue
            if not name.startswith(a.only):
                continue
            other = stack if unit == "µs" else native
            row = run(name, lambda: stack.ask(ours), lambda: other.ask(theirs), work, unit,
                      a.rounds)
            if row is None:
                print(f"{name:32} failed", file=sys.stderr)
                continue
            row["way"] = a.way
            show(row, out)
        if not a.only or a.only.startswith("engine"):
            for row in engine_rows(os.path.dirname(a.native), a.threads):
                if a.cases in row["name"] and row["name"].startswith(a.only):
                    show(row, out)
    stack.writer.write("quit\n")
    stack.writer.flush()


if __name__ == "__main__":
    main()
