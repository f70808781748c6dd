"""Asserts that oracle.py reproduces reference cases: `python check_oracle.py CASE...` (see check_mgvq.py)."""

import os
import sys

import torch
from safetensors.torch import load_file

from oracle import Oracle


def check(case):
    """Every tensor within 1e-4 of its largest magnitude, integers equal, the answer equal."""
    picture = next(os.path.join(case, f) for f in ("image.png", "image.jpg") if os.path.exists(os.path.join(case, f)))
    trace, answer = Oracle(case).run(picture, open(os.path.join(case, "prompt.txt")).read())
    worst = 0.0
    for name, expected in load_file(os.path.join(case, "expected.safetensors")).items():
        actual = trace[name]
        if expected.dtype in (torch.int32, torch.uint8):
            assert torch.equal(actual, expected), (name, actual, expected)
        else:
            error = ((actual - expected).abs().max() / expected.abs().max()).item()
            worst = max(worst, error)
            assert error < 1e-4, (name, error)
    print(f"{os.path.basename(case)}: largest error {worst:.1e}, answer {answer!r}, expected {open(os.path.join(case, 'answer.txt')).read()!r}")


if __name__ == "__main__":
    for path in sys.argv[1:]:
        check(path.rstrip("/"))
