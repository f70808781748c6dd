"""Asserts that mgvq.py computes a reference case: `python check_mgvq.py CASE...`.

A case is a checkpoint directory with an `expected.safetensors` in the layout of `vocoscope trace`.
"""

import json
import os
import sys

import torch
from safetensors.torch import load_file

from mgvq import MGVQ


def check(case):
    """Compares latent, codes, quantised vectors and reconstruction."""
    config = json.load(open(os.path.join(case, "config.json")))["mgvq_config"]
    weights = {}
    for name in os.listdir(case):
        if name.startswith("model") and name.endswith(".safetensors"):
            weights |= {k.removeprefix("model.mgvq."): v.float() for k, v in load_file(os.path.join(case, name)).items() if k.startswith("model.mgvq.")}
    expected = load_file(os.path.join(case, "expected.safetensors"))
    model = MGVQ(config).eval()
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert all("num_batches_tracked" in k for k in missing), missing
    assert all(k in ("quantize.embed_prob", "quantize.codebook_used") for k in unexpected), unexpected
    with torch.no_grad():
        latent = model.latent(expected["mgvq.pixel_values"][None])
        codes, quantised = model.quantise(latent)
        image = model.decode(quantised)
    for name, value in {"mgvq.latent": latent, "mgvq.quantized": quantised, "mgvq.reconstruction": image}.items():
        error = (value[0] - expected[name]).abs().max().item()
        print(f"{os.path.basename(case)} {name}: largest difference {error:.1e}")
        assert error < 5e-6, name
    assert torch.equal(codes[0].int(), expected["mgvq.codes"]), "codes differ"


if __name__ == "__main__":
    for path in sys.argv[1:]:
        check(path.rstrip("/"))
