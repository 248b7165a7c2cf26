# SPDX-License-Identifier: MIT
"""Public-domain prose out of Debian packages, as plain paragraphs.

Some are R data: Rdata.rdb is a row of chunks, each a big-endian length and a zlib stream;
inside, a character string is a flag word (ASCII or UTF-8), a length and its bytes. The others
are plain text files of source packages, each between a first and a last line of the story.
"""
import re
import struct
import sys
import zlib
from pathlib import Path

STRING = re.compile(rb"\x00(?:\x04\x00\x09|\x00\x80\x09)")
ASCII = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2014": "--",
         "\u2013": "-", "\u2026": "...", "\xe6": "ae", "\u0153": "oe", "\xa3": "L"}


def chunks(path):
    """Decompressed chunks of an Rdata.rdb."""
    raw, at = path.read_bytes(), 0
    while at + 4 <= len(raw):
        size = struct.unpack_from(">I", raw, at)[0]
        body = raw[at + 4:]
        for skip in (0, 1):  # some versions put a type byte before the stream
            try:
                inflate = zlib.decompressobj()
                out = inflate.decompress(body[skip:])
                yield out
                at += 4 + len(body) - len(inflate.unused_data)
                break
            except zlib.error:
                continue
        else:
            raise SystemExit(f"{path}: no zlib stream at {at}, size {size}")


def strings(data):
    """Character strings of a serialised object, in order."""
    at = 0
    while True:
        hit = STRING.search(data, at)
        if not hit:
            return
        start = hit.end() + 4
        if start > len(data):
            return
        size = struct.unpack_from(">i", data, hit.end())[0]
        if size < 0 or start + size > len(data):
            at = hit.end()
            continue
        text = data[start:start + size]
        try:
            yield text.decode("utf-8")
        except UnicodeDecodeError:
            at = hit.end()
            continue
        at = start + size


def paragraphs(lines):
    """Joins hard-wrapped lines at blank ones and maps everything to ASCII."""
    block = []
    for line in list(lines) + [""]:
        line = "".join(ASCII.get(c, c) for c in line).strip()
        line = line.encode("ascii", "ignore").decode().replace("_", "")
        if line:
            block.append(line)
        elif block:
            yield re.sub(r"\s+", " ", " ".join(block))
            block = []


def book(path, longer_than):
    out = []
    for data in chunks(path):
        found = list(strings(data))
        if sum(map(len, found)) > longer_than:
            if len(found) < 50:  # one string a chapter or book
                found = [line for text in found for line in text.split("\n")]
            out.append("\n".join(paragraphs(found)))
    return "\n".join(out)


STORIES = (("dorian.txt", "\nCHAPTER 1", "End of the Project Gutenberg"),
           ("sawyer.txt", "\nCHAPTER I\n", "END"),
           ("holmes.txt", "\nADVENTURE I. A", "End of the Project Gutenberg"),
           ("alice.txt", "CHAPTER I", "THE END"))


def story(path, first, last):
    text = path.read_text("utf-8-sig").replace("\r\n", "\n")
    start, stop = text.index(first), text.rfind(last)
    lines = text[start:stop if stop > start else len(text)].replace("*", "").split("\n")
    out = "\n".join(paragraphs(lines))
    if "`" in out:  # quotes as `so' become "so"
        out = re.sub(r"(?<=[,.!?;:)-])'(?=\s|$)", '"', out.replace("`", '"'), flags=re.M)
    return out


def corpus(root="/texts"):
    """Two parts: each is split into training and held-out blocks on its own."""
    austen = book(next(Path(root).rglob("janeaustenr/data/Rdata.rdb")), 100_000)
    moby = book(next(Path(root).rglob("tokenizers/data/Rdata.rdb")), 500_000)
    start = moby.find("Call me Ishmael")
    stop = moby.rfind("End of Project Gutenberg")
    moby = moby[max(start, 0):stop if stop > 0 else len(moby)]
    stories = [story(Path(root) / "books" / name, *ends) for name, *ends in STORIES]
    return austen + "\n" + moby + "\n", "\n".join(stories) + "\n"


if __name__ == "__main__":
    for text in corpus(*sys.argv[1:]):
        print(len(text), len(set(text)), file=sys.stderr)
        sys.stdout.write(text)
