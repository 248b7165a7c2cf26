# SPDX-License-Identifier: MIT
"""Trains the small Llama-architecture model that MARU ships. Saves and resumes.

    train.py --out DIR [--init FILE.gguf] [--steps N] [--cool N] [--layers …]

Run it in the root that `recipe` makes, with OMP_WAIT_POLICY=passive. The log has a line for
each look at held-out text: steps, tokens seen, CPU seconds, bits per byte of training and of
each held-out part. The rate is constant and falls to zero over the last steps (--cool), so a
run that is stopped before that may be given another end.
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

import warm
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
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(rows[:, :-1])
        total += F.cross_entropy(logits[0].float(), rows[0, 1:], reduction="sum").item()
        count += t
    model.train()
    return total / count / math.log(2) * per_byte


class Average:
    """A running mean of the weights, which is what is judged and kept."""

    def __init__(self, model, keep):
        self.keep, self.mean = keep, {k: v.clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def add(self, model, step):
        keep = min(self.keep, (step + 1) / (step + 10))
        for name, v in model.state_dict().items():
            self.mean[name].lerp_(v, 1 - keep)


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--out", type=Path, required=True)
    a.add_argument("--init", type=Path, help="a GGUF file to start from, with its vocabulary")
    a.add_argument("--minutes", type=float, default=1e9)
    a.add_argument("--steps", type=int, default=8000)
    a.add_argument("--cool", type=int, default=2000, help="steps of falling rate at the end")
    a.add_argument("--look", type=int, default=100, help="steps between looks at held-out text")
    a.add_argument("--layers", type=int, default=6)
    a.add_argument("--d", type=int, default=256)
    a.add_argument("--ffn", type=int, default=768)
    a.add_argument("--vocab", type=int, default=2048)
    a.add_argument("--batch", type=int, default=16)
    a.add_argument("--dropout", type=float, default=0.1)
    a.add_argument("--decay", type=float, default=0.1)
    a.add_argument("--average", type=float, default=0.99)
    a.add_argument("--lr", type=float, default=2e-3)
    a.add_argument("--threads", type=int, default=2)
    return a.parse_args()


class Texts:
    """Training text as one row of tokens, held-out text by part of the corpus."""

    def __init__(self, out, vocab):
        parts = [split(text) for text in corpus()]
        train = "".join(t for t, _ in parts)
        sp = pieces(out, train, vocab)
        self.ids = encode(sp, train)
        self.per_byte = len(self.ids) / len(train)
        self.held = [(encode(sp, h), len(h)) for _, h in parts]

    def judge(self, model, context):
        return [held_out(model, ids, len(ids) / size, context) for ids, size in self.held]


def start(a):
    if not a.init:
        c = dict(vocab=a.vocab, d=a.d, heads=a.d // 64, kv_heads=a.d // 128, ffn=a.ffn,
                 layers=a.layers, context=256)
        file = None
    else:
        file, c = warm.read(a.init)
        (a.out / "pieces.model").write_bytes(warm.pieces_model(file.keys))
    c.update(batch=a.batch, dropout=a.dropout, decay=a.decay, lr=a.lr, steps=a.steps,
             cool=a.cool, average=a.average, seed=1)
    model = Model(c)
    if file:
        model.load_state_dict(warm.weights(file, c["layers"]))
    return c, model


def rate(c, step):
    return c["lr"] * min(1, (step + 1) / 50, (c["steps"] - step) / c["cool"])


def train_step(model, opt, rows):
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(rows[:, :-1])
    loss = F.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    return loss.item()


def save(path, what):
    torch.save(what, path.with_suffix(".new"))
    path.with_suffix(".new").rename(path)


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    a.out.mkdir(parents=True, exist_ok=True)
    c, model = start(a)
    texts, judge = Texts(a.out, c["vocab"]), Model(c)
    average = Average(model, a.average)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    opt = torch.optim.AdamW([{"params": matrices, "weight_decay": a.decay},
                             {"params": plain, "weight_decay": 0}], lr=a.lr, betas=(0.9, 0.95))
    step, best, state = 0, 9.0, a.out / "state.pt"
    if state.exists():
        saved = torch.load(state, weights_only=True)
        model.load_state_dict(saved["model"])
        opt.load_state_dict(saved["opt"])
        average.mean, step, best = saved["mean"], saved["step"], saved["best"]
    (a.out / "config.json").write_text(json.dumps(c, indent=1))
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(texts.ids)} tokens, "
          f"{texts.per_byte:.4f} tokens/byte, from step {step}, "
          f"held out {texts.judge(model, c['context'])}", flush=True)
    log = open(a.out / "log.csv", "a")
    begin, cpu, losses = time.time(), time.process_time(), []
    source = batches(texts.ids, c, step + 1)
    while step < a.steps and time.time() - begin < a.minutes * 60:
        for group in opt.param_groups:
            group["lr"] = rate(c, step)
        losses.append(train_step(model, opt, next(source)))
        average.add(model, step)
        step += 1
        if step % a.look and step != a.steps:
            continue
        judge.load_state_dict(average.mean)
        bits = texts.judge(judge, c["context"])
        run = sum(losses) / len(losses) / math.log(2) * texts.per_byte
        print(step, step * c["batch"] * c["context"], f"{time.process_time() - cpu:.0f}",
              *(f"{x:.4f}" for x in (run, *bits)), sep=",", file=log, flush=True)
        losses = []
        save(state, dict(model=model.state_dict(), opt=opt.state_dict(), mean=average.mean,
                         step=step, best=min(best, sum(bits))))
        if sum(bits) < best:
            best = sum(bits)
            save(a.out / "best.pt", average.mean)


if __name__ == "__main__":
    main()
