#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a GGUF file of the llama architecture with random weights, for benches and tests.

    untrained.py FILE.gguf [--preset 200m] [--type bf16|f16|f32] [--layers N] …
"""
import argparse

import numpy as np

import gguf_file as gguf

PRESETS = {
    "tiny": dict(d=128, heads=2, kv_heads=1, ffn=256, layers=2, vocab=320, context=1024),
    "200m": dict(d=1024, heads=16, kv_heads=4, ffn=2816, layers=16, vocab=32000, context=1024),
}
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def vocabulary(count):
    """Bytes, a space, and made-up words, so that any text can be split and shown."""
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + ["\u2581"]
    kinds = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL]
    words = count - len(tokens)
    if words < 0:
        raise SystemExit(f"untrained: a vocabulary of at least {len(tokens)} is needed")
    tokens += [f"\u2581w{i}" for i in range(words)]
    kinds += [NORMAL] * words
    return tokens, [-float(i) for i in range(count)], kinds


def byte_vocabulary(count, pre):
    """GPT-2's alphabet of bytes; a space and letters merge, the shortest words first."""
    tokens, merges, above = ["<unk>", "<s>", "</s>"], [], 256
    for b in range(256):
        shown = 0x21 <= b <= 0x7e or 0xa1 <= b != 0xad
        tokens.append(chr(b if shown else above))
        above += not shown
    words = ["\u0120"]
    while len(tokens) < count:
        word = words[len(merges) // 26]
        letter = chr(ord("a") + len(merges) % 26)
        merges.append(f"{word} {letter}")
        words.append(word + letter)
        tokens.append(word + letter)
    kinds = [UNKNOWN, CONTROL, CONTROL] + [NORMAL] * (count - 3)
    return tokens, None, kinds, pre, merges


def random_bytes(rng, count, kind, size):
    """Numbers of random sign around ±size, exact in bf16, f32 and, when not tiny, f16."""
    exponent = 127 + int(np.floor(np.log2(size)))
    bits = rng.integers(0, 1 << 16, count, dtype=np.uint16)
    bits = (bits & 0x807f) | np.uint16(exponent << 7)
    if kind == gguf.TYPES["bf16"][0]:
        return bits.tobytes()
    wide = (bits.astype(np.uint32) << 16).view(np.float32)
    return wide.astype(np.float16 if kind == 1 else np.float32).tobytes()


def tensors(c, kind, rng, tied, factors):
    """Matrices keep the size of what passes; norms are ones."""
    head = c["d"] // c["heads"]
    rows = []

    def matrix(name, columns, count, size):
        bytes_each = 4 if kind == 0 else 2
        rows.append((name, [columns, count], kind,
                     lambda: random_bytes(rng, columns * count, kind, size),
                     columns * count * bytes_each))

    def ones(name):
        rows.append((name, [c["d"]], 0, np.ones(c["d"], np.float32).tobytes(), 4 * c["d"]))

    matrix("token_embd.weight", c["d"], c["vocab"], 2 / np.sqrt(c["d"]))
    for i in range(c["layers"]):
        kv = c["kv_heads"] * head
        ones(f"blk.{i}.attn_norm.weight")
        for x, count in (("q", c["d"]), ("k", kv), ("v", kv), ("output", c["d"])):
            matrix(f"blk.{i}.attn_{x}.weight", c["d"], count, 1 / np.sqrt(c["d"]))
        ones(f"blk.{i}.ffn_norm.weight")
        for x in ("gate", "up"):
            matrix(f"blk.{i}.ffn_{x}.weight", c["d"], c["ffn"], 1 / np.sqrt(c["d"]))
        matrix(f"blk.{i}.ffn_down.weight", c["ffn"], c["d"], 1 / np.sqrt(c["ffn"]))
    ones("output_norm.weight")
    if factors:
        raw = rng.uniform(0.5, 8, head // 2).astype(np.float32).tobytes()
        rows.append(("rope_freqs.weight", [head // 2], 0, raw, len(raw)))
    if not tied:
        matrix("output.weight", c["d"], c["vocab"], 2 / np.sqrt(c["d"]))
    return rows


def main():
    a = argparse.ArgumentParser()
    a.add_argument("file")
    a.add_argument("--preset", choices=PRESETS, default="200m")
    a.add_argument("--type", choices=gguf.TYPES, default="bf16")
    a.add_argument("--untied", action="store_true", help="an output matrix of its own")
    a.add_argument("--factors", action="store_true", help="factors of ROPE")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--byte-level", metavar="PRE", help="a vocabulary like GPT-2's")
    for key in PRESETS["tiny"]:
        a.add_argument("--" + key.replace("_", "-"), type=int)
    a = a.parse_args()
    c = {k: getattr(a, k) or v for k, v in PRESETS[a.preset].items()}
    kind, file_type = gguf.TYPES[a.type]
    rows = tensors(c, kind, np.random.default_rng(a.seed), not a.untied, a.factors)
    words = byte_vocabulary(c["vocab"], a.byte_level) if a.byte_level else vocabulary(c["vocab"])
    keys = gguf.llama_header(c, file_type, "untrained", *words)
    size = gguf.write(a.file, keys, rows)
    count = sum(int(np.prod(dims)) for _, dims, *_ in rows)
    print(f"{a.file}: {size} bytes, {len(rows)} tensors, {count} parameters")


if __name__ == "__main__":
    main()
