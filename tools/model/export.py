# SPDX-License-Identifier: MIT
"""Writes a trained model as one GGUF v3 file that stock llama.cpp loads.

    export.py DIR FILE.gguf [--type bf16|f16|f32] [--weights best.pt]
"""
import argparse
import json
from pathlib import Path

import numpy as np
import sentencepiece
import torch

import gguf_file as gguf

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6


def vocabulary(sp):
    tokens, scores, kinds = [], [], []
    for i in range(sp.get_piece_size()):
        tokens.append(sp.id_to_piece(i))
        scores.append(sp.get_score(i))
        kinds.append(UNKNOWN if sp.is_unknown(i) else CONTROL if sp.is_control(i) else
                     BYTE if sp.is_byte(i) else USER if tokens[-1] == "\n" else NORMAL)
    return tokens, scores, kinds


def tensors(state, layers):
    yield "token_embd.weight", state["embed.weight"]
    for i in range(layers):
        s, d = f"layers.{i}.", f"blk.{i}."
        yield d + "attn_norm.weight", state[s + "norm1.weight"]
        for x in "qkv":
            yield d + f"attn_{x}.weight", state[s + f"attention.{x}.weight"]
        yield d + "attn_output.weight", state[s + "attention.o.weight"]
        yield d + "ffn_norm.weight", state[s + "norm2.weight"]
        for x in ("gate", "up", "down"):
            yield d + f"ffn_{x}.weight", state[s + f"{x}.weight"]
    yield "output_norm.weight", state["norm.weight"]


def payload(t, kind):
    if t.dim() == 1 or kind == 0:
        return 0, t.float().numpy().tobytes()
    if kind == 1:
        return 1, t.half().numpy().tobytes()
    return 30, t.bfloat16().view(torch.int16).numpy().astype(np.int16).tobytes()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("dir", type=Path)
    a.add_argument("file", type=Path)
    a.add_argument("--type", choices=gguf.TYPES, default="bf16")
    a.add_argument("--weights", default="best.pt")
    a.add_argument("--name", default="maru-novels")
    a = a.parse_args()
    c = json.loads((a.dir / "config.json").read_text())
    state = torch.load(a.dir / a.weights, weights_only=True)
    sp = sentencepiece.SentencePieceProcessor(model_file=str(a.dir / "pieces.model"))
    kind, file_type = gguf.TYPES[a.type]
    keys = gguf.llama_header(c, file_type, a.name, *vocabulary(sp))
    rows = []
    for name, t in tensors(state, c["layers"]):
        ty, raw = payload(t, kind)
        rows.append((name, list(reversed(t.shape)), ty, raw, len(raw)))
    size = gguf.write(a.file, keys, rows)
    print(f"{a.file}: {size} bytes, {len(rows)} tensors")


if __name__ == "__main__":
    main()
