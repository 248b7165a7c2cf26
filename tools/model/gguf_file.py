# SPDX-License-Identifier: MIT
"""Writes GGUF v3 files: keys, then tensors, each at a multiple of ALIGN. Reads them back."""
import struct

import numpy as np

ALIGN = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TYPES = {"f32": (0, 0), "f16": (1, 1), "bf16": (30, 32)}  # tensor type, general.file_type


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


def llama_header(c, file_type, name, tokens, scores, kinds, pre=None, merges=()):
    """Keys of the llama architecture; c names its sizes, tokens … are the vocabulary: byte-level
    if pre says how it cuts words."""
    if pre:
        pieces = [entry("tokenizer.ggml.model", STRING, "gpt2"),
                  entry("tokenizer.ggml.pre", STRING, pre),
                  entry("tokenizer.ggml.merges", ARRAY, merges, STRING)]
    else:
        pieces = [entry("tokenizer.ggml.model", STRING, "llama"),
                  entry("tokenizer.ggml.scores", ARRAY, scores, F32)]
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
        entry("llama.rope.dimension_count", U32, c["d"] // c["heads"]),
        entry("llama.rope.freq_base", F32, 10000.0),
        *pieces,
        entry("tokenizer.ggml.tokens", ARRAY, tokens, STRING),
        entry("tokenizer.ggml.token_type", ARRAY, kinds, I32),
        entry("tokenizer.ggml.bos_token_id", U32, 1),
        entry("tokenizer.ggml.eos_token_id", U32, 2),
        entry("tokenizer.ggml.unknown_token_id", U32, 0),
        entry("tokenizer.ggml.add_space_prefix", BOOL, False),
        entry("tokenizer.ggml.add_bos_token", BOOL, False),
    ]


def write(path, keys, tensors):
    """tensors: (name, dims with the innermost first, type, bytes or a function that makes
    them, size). Bytes are made one tensor at a time."""
    info, at = b"", 0
    for name, dims, kind, _, size in tensors:
        info += string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, at)
        at += size + -size % ALIGN
    head = struct.pack("<IIQQ", 0x46554747, 3, len(tensors), len(keys)) + b"".join(keys) + info
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % ALIGN))
        for _, _, _, raw, size in tensors:
            f.write((raw() if callable(raw) else raw) + bytes(-size % ALIGN))
        return f.tell()


class Reader:
    """Keys and tensors (as f32 arrays) of a file that write() made."""
    SIMPLE = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}

    def __init__(self, path):
        self.raw, self.at = path.read_bytes(), 8
        count, keys = self.take("<Q"), self.take("<Q")
        self.keys = {self.text(): self.value(self.take("<I")) for _ in range(keys)}
        rows = [self.row() for _ in range(count)]
        base = self.at + -self.at % ALIGN
        self.tensors = {name: self.array(dims, kind, base + at) for name, dims, kind, at in rows}

    def take(self, form):
        self.at += struct.calcsize(form)
        return struct.unpack_from(form, self.raw, self.at - struct.calcsize(form))[0]

    def text(self):
        size = self.take("<Q")
        self.at += size
        return self.raw[self.at - size:self.at].decode("utf-8")

    def value(self, kind):
        if kind == STRING:
            return self.text()
        if kind != ARRAY:
            return self.take(self.SIMPLE[kind])
        of, count = self.take("<I"), self.take("<Q")
        return [self.value(of) for _ in range(count)]

    def row(self):
        name = self.text()
        dims = [self.take("<Q") for _ in range(self.take("<I"))]
        return name, dims, self.take("<I"), self.take("<Q")

    def array(self, dims, kind, at):
        dtype = {0: np.float32, 1: np.float16, 30: np.uint16}[kind]
        flat = np.frombuffer(self.raw, dtype, int(np.prod(dims)), at)
        if kind == 30:
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        return flat.astype(np.float32).reshape(dims[::-1])
