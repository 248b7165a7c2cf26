# SPDX-License-Identifier: MIT
"""Writes text and its ids as SentencePiece splits it with the vocabulary of a GGUF file.

    pieces.py FILE.gguf [TEXTS] >selftests/ref/pieces.tsv

Runs in the root file system of recipe. A line is ids, a tab and the text, with \\n for a new line:
the corpus cut at random places, and characters that it does not have.
"""
import random
import struct
import sys
from pathlib import Path

import sentencepiece

import corpus
import gguf_file as gguf

LINES, LONGEST = 150, 160
OTHERS = ["", " ", "  ", "   a", "a   ", "\n", "\n\n", " \n ", "é", "naïve café", "Ünïcödé ß",
          "한국어 문장", "中文，日本語", "Привет, мир", "😀 👩\u200d💻", "e\u0301", "\u00a0", "\u2581", "\u2581a b",
          "a\tb\r\n", "0123456789", "3.14159", "<s>", "</s>", "<unk>", "<0x41>", "<0xC3>",
          "~`|\\^{}[]@#", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "SHE WAS", "itwasafineevening",
          "eeeee ooooo lllll sssss ttttt", "---------", "........"]


def field(number, payload):
    """A protobuf field: bytes, an integer or a float."""
    if isinstance(payload, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", payload)
    tag = varint(number << 3 | (2 if isinstance(payload, bytes) else 0))
    if isinstance(payload, bytes):
        return tag + varint(len(payload)) + payload
    return tag + varint(payload)


def varint(n):
    out = b""
    while n >= 128:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def processor(keys):
    """SentencePiece's own form of the file's vocabulary: BPE, byte fallback, text as it is."""
    rows = zip(*(keys["tokenizer.ggml." + x] for x in ("tokens", "scores", "token_type")))
    proto = b"".join(field(1, field(1, piece.encode()) + field(2, score) + field(3, kind))
                     for piece, score, kind in rows)
    proto += field(2, field(3, 2) + field(35, 1))
    proto += field(3, field(1, b"identity") + field(3, int(keys["tokenizer.ggml.add_space_prefix"])) +
                   field(4, 0) + field(5, 1))
    return sentencepiece.SentencePieceProcessor(model_proto=proto)


def main():
    sp = processor(gguf.Reader(Path(sys.argv[1])).keys)
    draw = random.Random(1)
    texts = list(OTHERS)
    for part in corpus.corpus(*sys.argv[2:]):
        for _ in range(LINES // 2):
            at = draw.randrange(len(part) - LONGEST)
            texts.append(part[at:at + draw.randint(1, LONGEST)])
    print("# SPDX-License-Identifier: GPL-2.0-only")
    print("# Ids of SentencePiece for the vocabulary of samples/generate, by tools/model/pieces.py.")
    for text in texts:
        shown = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        print(*sp.encode(text), sep=" ", end="\t" + shown + "\n")


if __name__ == "__main__":
    main()
