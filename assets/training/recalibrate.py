"""Measures batch norms of MGVQ's decoder anew where their variance is no finite number: `python recalibrate.py CHECKPOINT PICTURE…`.

Half precision ends at 65,504; a variance beyond it is stored as infinity, and the norm then gives the same value for every picture. Mean and
variance of such norms are taken over the pictures' decoding, one norm after the other, and stored in float32. Prints PSNR before and after.
"""

import argparse
import json
import os

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mgvq import MGVQ

PREFIX = "model.mgvq."


def pictures(paths, size):
    """[n, 3, size, size] in [-1, 1]."""
    images = [np.asarray(Image.open(path).convert("RGB").resize((size, size), Image.BICUBIC), np.float32) for path in paths]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 127.5 - 1


def decoded(model, codes):
    with torch.no_grad():
        return torch.cat([model.decode(c) for c in codes.split(8)])


def decibels(model, images, codes):
    """Mean PSNR of the decoded pictures."""
    errors = ((decoded(model, codes).clamp(-1, 1) - images) / 2).square().flatten(1).mean(1)
    return float((-10 * errors.log10()).mean())


def moments(model, norm, codes):
    """Mean and variance of each channel that enters a norm."""
    sums = [torch.zeros(norm.num_features, dtype=torch.float64) for _ in range(2)]
    count = 0

    def add(_, inputs):
        nonlocal count
        x = inputs[0].double().transpose(0, 1).flatten(1)
        sums[0] += x.sum(1)
        sums[1] += x.square().sum(1)
        count += x.shape[1]

    handle = norm.register_forward_pre_hook(add)
    decoded(model, codes)
    handle.remove()
    mean = sums[0] / count
    return mean.float(), (sums[1] / count - mean.square()).float()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("pictures", nargs="+")
    options = parser.parse_args()
    path = os.path.join(options.checkpoint, "model.safetensors")
    weights = load_file(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    config = json.load(open(os.path.join(options.checkpoint, "config.json")))["mgvq_config"]
    model = MGVQ(config)
    model.load_state_dict({k.removeprefix(PREFIX): v.float() for k, v in weights.items() if k.startswith(PREFIX)}, strict=False)
    model.eval()
    images = pictures(options.pictures, config["image_size"])
    with torch.no_grad():
        codes = torch.cat([model.quantise(model.latent(x))[1] for x in images.split(8)])
    print(f"before: {decibels(model, images, codes):.2f} dB over {len(images)} pictures")
    for name, norm in model.named_modules():
        if not isinstance(norm, torch.nn.BatchNorm2d) or norm.running_var.isfinite().all():
            continue
        norm.running_mean[:], norm.running_var[:] = moments(model, norm, codes)
        for part in ("running_mean", "running_var"):
            weights[f"{PREFIX}{name}.{part}"] = getattr(norm, part).clone()
        print(f"{name}: variance {norm.running_var.min():.4g} to {norm.running_var.max():.4g}, after it {decibels(model, images, codes):.2f} dB")
    save_file(weights, path + ".partial", metadata)
    os.replace(path + ".partial", path)


if __name__ == "__main__":
    main()
