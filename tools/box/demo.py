# SPDX-License-Identifier: MIT
"""Make the demo's matrices and check their product: demo.py make N | demo.py check."""

import sys

import numpy as np

FOLDER = "build/demo/"


def make(n):
    rng = np.random.default_rng(1)
    for name in "AB":
        np.save(FOLDER + name, rng.standard_normal((n, n), dtype=np.float32))


def check():
    a, b, c = (np.load(FOLDER + name + ".npy") for name in "ABC")
    exact = a.astype(np.float64) @ b.astype(np.float64)
    # What sums of this many f32 products may be off by, as a whole and at one place.
    error = np.abs(c - exact)
    bound = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
    worst = float((error / bound).max())
    limit = a.shape[1] * 2.0 ** -24
    print(f"  C is {c.shape[0]} x {c.shape[1]} {c.dtype}; largest relative error {worst:.2e} "
          f"(limit {limit:.2e}); C[0,:3] = {c[0, :3]}, double precision {exact[0, :3]}")
    if c.shape != exact.shape or not worst <= limit:
        sys.exit("demo: the product is wrong")


if sys.argv[1] == "make":
    make(int(sys.argv[2]))
else:
    check()
