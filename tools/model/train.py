# SPDX-License-Identifier: MIT
"""Trains the small Llama-architecture model that MARU ships. Saves and resumes.

    train.py --out DIR [--minutes M] [--layers …]

Run it in the root that `recipe` makes, with OMP_WAIT_POLICY=passive. The log has a line for
each look at held-out text: tokens seen, bits per byte of training and of held-out text.
"""
import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F
from torch import nn

from corpus import corpus

BLOCK = 10_000  # every 50th block of this many bytes is held out


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv, self.size = c["heads"], c["kv_heads"], 64
        self.q = nn.Linear(c["d"], self.heads * self.size, bias=False)
        self.k = nn.Linear(c["d"], self.kv * self.size, bias=False)
        self.v = nn.Linear(c["d"], self.kv * self.size, bias=False)
        self.o = nn.Linear(self.heads * self.size, c["d"], bias=False)

    def forward(self, x, cos, sin, mask):
        b, t, _ = x.shape
        q = rope(self.q(x).view(b, t, self.heads, self.size), cos, sin).transpose(1, 2)
        k = rope(self.k(x).view(b, t, self.kv, self.size), cos, sin).transpose(1, 2)
        v = self.v(x).view(b, t, self.kv, self.size).transpose(1, 2)
        k = k.repeat_interleave(self.heads // self.kv, 1)
        v = v.repeat_interleave(self.heads // self.kv, 1)
        p = torch.softmax((q @ k.transpose(2, 3)).float() / 8 + mask, -1).to(v.dtype)
        return self.o((p @ v).transpose(1, 2).reshape(b, t, -1))


def rope(x, cos, sin):
    a, b = x[..., 0::2], x[..., 1::2]  # neighbouring pairs, as GGUF's llama wants
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1, self.norm2 = Norm(c["d"]), Norm(c["d"])
        self.attention = Attention(c)
        self.gate = nn.Linear(c["d"], c["ffn"], bias=False)
        self.up = nn.Linear(c["d"], c["ffn"], bias=False)
        self.down = nn.Linear(c["ffn"], c["d"], bias=False)

    def forward(self, x, cos, sin, mask, drop):
        x = x + F.dropout(self.attention(self.norm1(x), cos, sin, mask), drop, self.training)
        h = self.norm2(x)
        return x + F.dropout(self.down(F.silu(self.gate(h)) * self.up(h)), drop, self.training)


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed = nn.Embedding(c["vocab"], c["d"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["layers"]))
        self.norm = Norm(c["d"])
        for name, p in self.named_parameters():
            if p.dim() == 2:
                deep = name.endswith(("o.weight", "down.weight"))
                nn.init.normal_(p, 0, 0.02 / (math.sqrt(2 * c["layers"]) if deep else 1))
        angle = torch.arange(c["context"])[:, None] / 10000 ** (torch.arange(0, 64, 2) / 64)
        self.register_buffer("cos", angle.cos()[:, None], persistent=False)
        self.register_buffer("sin", angle.sin()[:, None], persistent=False)
        self.register_buffer("mask", torch.full((c["context"], c["context"]),
                                                float("-inf")).triu(1), persistent=False)

    def forward(self, ids):
        t, x = ids.shape[1], self.embed(ids)
        for layer in self.layers:
            x = layer(x, self.cos[:t], self.sin[:t], self.mask[:t, :t], self.c["dropout"])
        return self.norm(x) @ self.embed.weight.T


def split(text):
    blocks = [text[i:i + BLOCK] for i in range(0, len(text), BLOCK)]
    return ("".join(b for i, b in enumerate(blocks) if i % 50 != 25),
            "".join(b for i, b in enumerate(blocks) if i % 50 == 25))


def pieces(out, train, vocab):
    """The vocabulary is learnt from the training part alone."""
    if not (out / "pieces.model").exists():
        (out / "train.txt").write_text(train)
        sentencepiece.SentencePieceTrainer.train(
            input=str(out / "train.txt"), model_prefix=str(out / "pieces"), vocab_size=vocab,
            model_type="bpe", byte_fallback=True, character_coverage=1.0,
            normalization_rule_name="identity", remove_extra_whitespaces=False,
            add_dummy_prefix=False, split_digits=True, user_defined_symbols=["\n"],
            max_sentence_length=100_000)
    return sentencepiece.SentencePieceProcessor(model_file=str(out / "pieces.model"))


def encode(sp, text):
    return np.array(sp.encode(text), dtype=np.int32)


def batches(ids, c, seed):
    """Random windows; every epoch starts at another offset."""
    rng, t = np.random.default_rng(seed), c["context"]
    while True:
        starts = rng.integers(0, t) + np.arange(0, len(ids) - 2 * t, t)
        rng.shuffle(starts)
        for i in range(0, len(starts) - c["batch"] + 1, c["batch"]):
            rows = np.stack([ids[s:s + t + 1] for s in starts[i:i + c["batch"]]])
            yield torch.from_numpy(rows.astype(np.int64))


@torch.no_grad()
def held_out(model, ids, per_byte, t):
    model.eval()
    total = count = 0
    for s in range(0, len(ids) - t - 1, t):
        rows = torch.from_numpy(ids[None, s:s + t + 1].astype(np.int64))
        logits = model(rows[:, :-1])
        total += F.cross_entropy(logits[0], rows[0, 1:], reduction="sum").item()
        count += t
    model.train()
    return total / count / math.log(2) * per_byte


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--out", type=Path, required=True)
    a.add_argument("--minutes", type=float, default=60)
    a.add_argument("--steps", type=int, default=8000, help="length of the cosine")
    a.add_argument("--layers", type=int, default=6)
    a.add_argument("--d", type=int, default=256)
    a.add_argument("--ffn", type=int, default=768)
    a.add_argument("--vocab", type=int, default=2048)
    a.add_argument("--batch", type=int, default=16)
    a.add_argument("--dropout", type=float, default=0.05)
    a.add_argument("--lr", type=float, default=2e-3)
    a.add_argument("--threads", type=int, default=1)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    a.out.mkdir(parents=True, exist_ok=True)
    c = dict(vocab=a.vocab, d=a.d, heads=a.d // 64, kv_heads=a.d // 128, ffn=a.ffn,
             layers=a.layers, context=256, batch=a.batch, dropout=a.dropout, lr=a.lr,
             steps=a.steps, seed=1)
    train, held = split(corpus())
    sp = pieces(a.out, train, a.vocab)
    ids, held_ids = encode(sp, train), encode(sp, held)
    per_byte, held_per_byte = len(ids) / len(train), len(held_ids) / len(held)
    model = Model(c)
    decay = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1},
                             {"params": plain, "weight_decay": 0}], lr=a.lr, betas=(0.9, 0.95))
    step, best, state = 0, 9.0, a.out / "state.pt"
    if state.exists():
        saved = torch.load(state, weights_only=True)
        model.load_state_dict(saved["model"])
        opt.load_state_dict(saved["opt"])
        step, best = saved["step"], saved["best"]
    (a.out / "config.json").write_text(json.dumps(c, indent=1))
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(ids)} tokens, "
          f"{per_byte:.4f} tokens/byte, from step {step}", flush=True)
    log = open(a.out / "log.csv", "a")
    begin, cpu, run, n, source = time.time(), time.process_time(), 0.0, 0, batches(ids, c, step + 1)
    while step < a.steps and time.time() - begin < a.minutes * 60:
        warm = a.steps * 0.03
        rate = a.lr * min((step + 1) / warm,
                          0.1 + 0.45 * (1 + math.cos(math.pi * step / a.steps)))
        for group in opt.param_groups:
            group["lr"] = rate
        rows = next(source)
        logits = model(rows[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        step, run, n = step + 1, run + loss.item(), n + 1
        if step % 100 == 0 or step == a.steps:
            bits, seen = held_out(model, held_ids, held_per_byte, c["context"]), step * a.batch * 256
            print(f"{step},{seen},{time.process_time() - cpu:.0f},"
                  f"{run / n / math.log(2) * per_byte:.4f},{bits:.4f}", file=log, flush=True)
            run, n = 0.0, 0
            torch.save(dict(model=model.state_dict(), opt=opt.state_dict(), step=step,
                            best=min(best, bits)), a.out / "state.new")
            (a.out / "state.new").rename(state)
            if bits < best:
                best = bits
                torch.save(model.state_dict(), a.out / "best.new")
                (a.out / "best.new").rename(a.out / "best.pt")


if __name__ == "__main__":
    main()
