# SPDX-License-Identifier: MIT
"""Writes a trained model as one GGUF v3 file that stock llama.cpp loads.

    export.py DIR FILE.gguf [--type bf16|f16|f32] [--weights best.pt]
"""
import argparse
import json
import struct
from pathlib import Path

import numpy as np
import sentencepiece
import torch

ALIGN = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TYPES = {"f32": (0, 0), "f16": (1, 1), "bf16": (30, 32)}  # tensor type, general.file_type
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6


def string(text):
    raw = text.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def value(kind, v):
    if kind == STRING:
        return string(v)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def entry(key, kind, v, of=None):
    if kind != ARRAY:
        return string(key) + struct.pack("<I", kind) + value(kind, v)
    return (string(key) + struct.pack("<IIQ", ARRAY, of, len(v)) +
            b"".join(value(of, x) for x in v))


def vocabulary(sp):
    tokens, scores, kinds = [], [], []
    for i in range(sp.get_piece_size()):
        tokens.append(sp.id_to_piece(i))
        scores.append(sp.get_score(i))
        kinds.append(UNKNOWN if sp.is_unknown(i) else CONTROL if sp.is_control(i) else
                     BYTE if sp.is_byte(i) else USER if tokens[-1] == "\n" else NORMAL)
    return tokens, scores, kinds


def header(c, sp, file_type, name):
    tokens, scores, kinds = vocabulary(sp)
    return [
        entry("general.architecture", STRING, "llama"),
        entry("general.name", STRING, name),
        entry("general.file_type", U32, file_type),
        entry("llama.vocab_size", U32, c["vocab"]),
        entry("llama.context_length", U32, c["context"]),
        entry("llama.embedding_length", U32, c["d"]),
        entry("llama.block_count", U32, c["layers"]),
        entry("llama.feed_forward_length", U32, c["ffn"]),
        entry("llama.attention.head_count", U32, c["heads"]),
        entry("llama.attention.head_count_kv", U32, c["kv_heads"]),
        entry("llama.attention.layer_norm_rms_epsilon", F32, 1e-5),
        entry("llama.rope.dimension_count", U32, 64),
        entry("llama.rope.freq_base", F32, 10000.0),
        entry("tokenizer.ggml.model", STRING, "llama"),
        entry("tokenizer.ggml.tokens", ARRAY, tokens, STRING),
        entry("tokenizer.ggml.scores", ARRAY, scores, F32),
        entry("tokenizer.ggml.token_type", ARRAY, kinds, I32),
        entry("tokenizer.ggml.bos_token_id", U32, 1),
        entry("tokenizer.ggml.eos_token_id", U32, 2),
        entry("tokenizer.ggml.unknown_token_id", U32, 0),
        entry("tokenizer.ggml.add_space_prefix", BOOL, False),
        entry("tokenizer.ggml.add_bos_token", BOOL, False),
    ]


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
    a.add_argument("--type", choices=TYPES, default="bf16")
    a.add_argument("--weights", default="best.pt")
    a.add_argument("--name", default="maru-austen")
    a = a.parse_args()
    c = json.loads((a.dir / "config.json").read_text())
    state = torch.load(a.dir / a.weights, weights_only=True)
    sp = sentencepiece.SentencePieceProcessor(model_file=str(a.dir / "pieces.model"))
    kind, file_type = TYPES[a.type]
    keys = header(c, sp, file_type, a.name)
    info, data = b"", b""
    rows = [(n, t, *payload(t, kind)) for n, t in tensors(state, c["layers"])]
    for name, t, ty, raw in rows:
        dims = list(reversed(t.shape))
        info += string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, ty, len(data))
        data += raw + bytes(-len(raw) % ALIGN)
    head = struct.pack("<IIQQ", 0x46554747, 3, len(rows), len(keys)) + b"".join(keys) + info
    a.file.write_bytes(head + bytes(-len(head) % ALIGN) + data)
    print(f"{a.file}: {a.file.stat().st_size} bytes, {len(rows)} tensors")


if __name__ == "__main__":
    main()
