# SPDX-License-Identifier: MIT
"""Starts a training from a GGUF file: its vocabulary as a SentencePiece model, its weights."""
import struct

import torch

import gguf_file as gguf


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    """One field of a protocol buffer: bytes, a float or a whole number."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def pieces_model(keys):
    """What sentencepiece loads; the trainer and normaliser settings are those of train.py."""
    rows = zip(*(keys["tokenizer.ggml." + x] for x in ("tokens", "scores", "token_type")))
    out = b"".join(field(1, field(1, token.encode()) + field(2, score) + field(3, kind))
                   for token, score, kind in rows)
    trainer = field(3, 2) + field(4, len(keys["tokenizer.ggml.tokens"])) + field(35, 1)
    normalizer = field(1, b"identity") + field(3, 0) + field(4, 0) + field(5, 1)
    return out + field(2, trainer) + field(3, normalizer)


def weights(file, layers):
    t = {name: torch.from_numpy(array.copy()) for name, array in file.tensors.items()}
    state = {"embed.weight": t["token_embd.weight"], "norm.weight": t["output_norm.weight"]}
    for i in range(layers):
        s, d = f"layers.{i}.", f"blk.{i}."
        state[s + "norm1.weight"] = t[d + "attn_norm.weight"]
        state[s + "norm2.weight"] = t[d + "ffn_norm.weight"]
        for x, name in (("q", "q"), ("k", "k"), ("v", "v"), ("o", "output")):
            state[s + f"attention.{x}.weight"] = t[d + f"attn_{name}.weight"]
        for x in ("gate", "up", "down"):
            state[s + f"{x}.weight"] = t[d + f"ffn_{x}.weight"]
    return state


def read(path):
    """The file, and the sizes of its model as train.py names them."""
    file = gguf.Reader(path)
    k = {name.removeprefix("llama."): v for name, v in file.keys.items()}
    return file, dict(vocab=k["vocab_size"], d=k["embedding_length"], layers=k["block_count"],
                      heads=k["attention.head_count"], kv_heads=k["attention.head_count_kv"],
                      ffn=k["feed_forward_length"], context=k["context_length"])
