"""One step beyond the paper: carries the trained MGVQ on until its codes also tell what the vision tower sees.

`python semantic.py --source WORK --work DIR [--steps 600]` takes pictures, features, tokenizer and MGVQ of WORK, and makes DIR a working folder of its own,
whose codes are the new quantizer's. Beside the reconstruction's loss, on a window of 7x7 codes, a linear head of the quantised vectors is to point where
the tower's features of the same place point (DINOv2's, standardised): 1 - cosine. The head is not kept. Resumes from DIR/mgvq/last.pt; DIR/mgvq/report.json holds
the reconstruction's figures and, of the quantizer before and after, how many objects of test scenes a ridge classifier names from the mean of their code vectors.
"""

import argparse
import json
import math
import os
import shutil
import time

import numpy as np
import torch
import torch.nn.functional as F

import codes
import features
import train_mgvq
from data import Inputs
from mgvq import MGVQ, demo_config
from scenes import draw_scene
from vocabulary import CLASS_NAMES

GRID, WINDOW, PIXELS = 21, 7, 16


def linked(source, work, splits):
    """DIR with WORK's pictures and features by link, and its tokenizer and statistics."""
    for split in splits:
        folder = os.path.join(work, "scenes", split)
        os.makedirs(folder, exist_ok=True)
        for name in ("images.npy", "labels.npy", "features.npy", "done"):
            if not os.path.lexists(os.path.join(folder, name)):
                os.symlink(os.path.abspath(os.path.join(source, "scenes", split, name)), os.path.join(folder, name))
    os.makedirs(os.path.join(work, "mgvq"), exist_ok=True)
    for name in ("tokenizer.model", "feature_statistics.pt"):
        shutil.copy(os.path.join(source, name), os.path.join(work, name))
    shutil.copytree(os.path.join(source, "questions"), os.path.join(work, "questions"), dirs_exist_ok=True)


def losses(model, head, images, wanted, rng, weight):
    """The loss, the window's squared error, the mean cosine, codes and latent of `images` [B, 3, 336, 336], whose features are `wanted` [B, 384, 24, 24]."""
    latent = model.latent(images)
    index, passed, terms = train_mgvq.quantised(model, latent)
    top, left = rng.integers(0, GRID - WINDOW + 1, 2)
    window = model.decode(passed[:, :, top:top + WINDOW, left:left + WINDOW])
    seen = images[:, :, PIXELS * top:PIXELS * (top + WINDOW), PIXELS * left:PIXELS * (left + WINDOW)]
    loss, error = train_mgvq.reconstruction(window, seen)
    told = F.cosine_similarity(head(F.interpolate(passed, size=wanted.shape[-2:], mode="bilinear")), wanted, dim=1).mean()
    return loss + terms + weight * (1 - told), error.item(), told.item(), index, latent


@torch.no_grad()
def named(model, work, train="more", count=600, rest="test", tested=200):
    """Share of a split's objects whose class a ridge classifier finds from the mean of the code vectors under them."""
    def rows(split, limit):
        store, x, y = features.arrays(work, split), [], []
        for i in range(min(limit, features.done(work, split))):
            pixels = torch.from_numpy(np.array(store["images"][i])).permute(2, 0, 1)[None].float() / 127.5 - 1
            vectors = model.quantise(model.latent(pixels))[1][0].flatten(1)
            at = np.clip(((np.arange(GRID) + .5) * 24 / GRID).astype(int), 0, 23)
            labels = store["labels"][i][np.ix_(at, at)].reshape(-1)
            for number, placed in enumerate(draw_scene(split, i).objects, 1):
                if (labels == number).any():
                    x.append(vectors[:, torch.from_numpy(labels == number)].mean(1))
                    y.append(CLASS_NAMES.index(placed.name))
        return torch.stack(x).double(), torch.tensor(y)
    x, y = rows(train, count)
    centre = x.mean(0)
    x = x - centre
    best = torch.linalg.solve(x.T @ x + 1e-2 * len(x) * torch.eye(x.shape[1]).double() * x.square().mean(), x.T @ F.one_hot(y, len(CLASS_NAMES)).double())
    x, y = rows(rest, tested)
    return round((((x - centre) @ best).argmax(-1) == y).double().mean().item(), 4), len(y)


def main():
    """Trains, saving every 50 steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="the working folder that the quantizer comes from")
    parser.add_argument("--work", default=features.default_work())
    parser.add_argument("--split", default="more")
    parser.add_argument("--splits", nargs="+", default=["more", "val", "test"])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--weight", type=float, default=2, help="weight of the distillation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    # First, since it makes the statistics that are copied.
    inputs, last = Inputs(options.source), os.path.join(options.work, "mgvq", "last.pt")
    linked(options.source, options.work, options.splits)
    model, head = MGVQ(demo_config()).to(memory_format=torch.channels_last), torch.nn.Conv2d(32, 384, 1)
    before = torch.load(os.path.join(options.source, "mgvq", "last.pt"), weights_only=False, map_location="cpu")["model"]
    model.load_state_dict(before)
    model.to(options.device)
    head.to(options.device)
    optimiser = torch.optim.AdamW(list(model.parameters()) + list(head.parameters()), 1e-3, betas=(.9, .98), weight_decay=0)
    idle, first, seconds = torch.zeros(8, 256, device=options.device), 0, 0.0
    if os.path.exists(last):
        state = torch.load(last, weights_only=False, map_location=options.device)
        model.load_state_dict(state["model"])
        head.load_state_dict(state["head"])
        optimiser.load_state_dict(state["optimiser"])
        idle, first, seconds = state["idle"], state["step"], state["seconds"]
    store, count, started = features.arrays(options.work, options.split), features.done(options.work, options.split), time.time()

    def save(step):
        torch.save({"model": model.state_dict(), "head": head.state_dict(), "optimiser": optimiser.state_dict(), "idle": idle, "step": step,
                    "seconds": seconds + time.time() - started, "config": demo_config()}, last + ".new")
        os.replace(last + ".new", last)

    errors, cosines = [], []
    for step in range(first, options.steps):
        rng = np.random.default_rng([options.seed, step, 3])
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * min(1, (step + 1) / 50) * (.02 + .98 * .5 * (1 + math.cos(math.pi * step / options.steps)))
        picked = np.sort(rng.choice(count, options.batch, replace=False))
        images = torch.from_numpy(store["images"][picked]).to(options.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        wanted = inputs.standardised(np.array(store["features"][picked])).to(options.device).transpose(1, 2).unflatten(2, (24, 24))
        loss, error, told, index, latent = losses(model, head, images, wanted, rng, options.weight)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step < .8 * options.steps:
            train_mgvq.restart_unused(model, idle, index, latent, rng)
        errors.append(error)
        cosines.append(told)
        if step % 25 == 24 or step + 1 == options.steps:
            print(json.dumps({"step": step + 1, "psnr": round(-10 * math.log10(np.mean(errors) / 4), 2), "cosine": round(float(np.mean(cosines)), 3), "seconds": round(seconds + time.time() - started)}), flush=True)
            errors, cosines = [], []
        if step % 50 == 49:
            save(step + 1)
    save(options.steps)
    after = codes.load(options.work)
    numbers = train_mgvq.report(after) | {"steps": options.steps, "training_minutes": round((seconds + time.time() - started) / 60, 1)}
    numbers["names_objects"] = {"before": named(codes.load(options.source), options.work, options.split), "after": named(after, options.work, options.split)}
    with open(os.path.join(options.work, "mgvq", "report.json"), "w") as out:
        json.dump(numbers, out, indent=1)
    print(numbers)


if __name__ == "__main__":
    main()
