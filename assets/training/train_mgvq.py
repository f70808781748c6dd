"""Trains the demo's MGVQ from scratch on crops of training scenes and photos.

`python train_mgvq.py --work DIR [--steps 4000]`; resumes from DIR/mgvq/last.pt and writes DIR/mgvq/report.json at the end.
Loss: L1 + squared error + the codebook and commitment terms; straight-through gradients; codes unused for
200 steps are restarted at vectors of the current batch. Every eighth step shows larger crops (224 px).
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from features import default_work
from mgvq import MGVQ, RMSNorm2d, demo_config
from scenes import HELD_OUT_PHOTOS, PHOTOS, SURFACES, generator, photo_crop, render


class Crops:
    """Random crops: three quarters of scenes from a slowly changing pool, one quarter of photos."""

    def __init__(self, rng, pool=96):
        self.rng, self.limit, self.pool = rng, pool, []

    def batch(self, size, count):
        """[count, 3, size, size] in [-1, 1]."""
        fresh = render("train", int(self.rng.integers(4000)))[1]
        if len(self.pool) < self.limit:
            self.pool.append(fresh)
        else:
            self.pool[int(self.rng.integers(self.limit))] = fresh
        crops = []
        for _ in range(count):
            if self.rng.random() < .25:
                crops.append(photo_crop(self.rng, size, tuple(PHOTOS + SURFACES), smallest=size) * 2 - 1)
            else:
                image = self.pool[int(self.rng.integers(len(self.pool)))]
                top, left = self.rng.integers(0, 337 - size, 2)
                crops.append(image[top:top + size, left:left + size] / 127.5 - 1)
        return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()


def initialise(model):
    """Small residual branches and unit codes."""
    for name, module in model.named_modules():
        if isinstance(module, (RMSNorm2d, torch.nn.BatchNorm2d)) and "project_out" not in name:
            torch.nn.init.constant_(module.weight, .25)
    torch.nn.init.normal_(model.quantize.embedding.weight)
    model.quantize.embedding.weight.data = F.normalize(model.quantize.embedding.weight.data, dim=-1)


def quantised(model, latent):
    """Of a latent [B, C, h, w]: its codes, their vectors, which gradients pass as if they were its unit vectors, and the codebook and commitment terms."""
    codes, chosen = model.quantise(latent)
    unit = F.normalize(latent.unflatten(1, (model.groups, -1)), dim=2).reshape(latent.shape)
    terms = (chosen - unit.detach()).square().mean() + .25 * (chosen.detach() - unit).square().mean()
    return codes, unit + (chosen - unit).detach(), 4 * terms


def reconstruction(image, wanted):
    """L1 and squared error, and the latter alone."""
    difference = image - wanted
    return difference.abs().mean() + difference.square().mean(), difference.square().mean()


def losses(model, images):
    """The loss, the reconstruction's squared error, the codes and the latent."""
    latent = model.latent(images)
    codes, passed, terms = quantised(model, latent)
    loss, error = reconstruction(model.decode(passed), images)
    return loss + terms, error, codes, latent


def restart_unused(model, idle, codes, latent, rng, patience=200):
    """Moves codes that nobody chose for `patience` steps to vectors of this batch."""
    per_group = len(model.quantize.embedding.weight) // model.groups
    idle += 1
    for g in range(model.groups):
        idle[g, codes[:, g].reshape(-1).unique()] = 0
    vectors = model.vectors(latent.detach())
    for g, k in (idle > patience).nonzero().tolist():
        pick = int(rng.integers(vectors.shape[1]))
        model.quantize.embedding.weight.data[g * per_group + k] = vectors[g, pick] + .01 * torch.randn(vectors.shape[-1], device=vectors.device)
        idle[g, k] = 0


def psnr(model, images):
    """Mean PSNR in dB of uint8 images and their codes."""
    values, codes = [], []
    for image in images:
        x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.no_grad():
            code, chosen = model.quantise(model.latent(x))
            error = ((model.decode(chosen).clamp(-1, 1) - x) / 2).square().mean().item()
        values.append(-10 * math.log10(error))
        codes.append(code)
    return float(np.mean(values)), torch.cat(codes)


def report(model, scenes=60):
    """PSNR on held-out scenes and photos, usage and perplexity per group, of a model in eval mode, from its codes."""
    on_scenes, chosen = psnr(model, [render("test", i)[1] for i in range(scenes)])
    rng = generator("held-out", 0, "photo")
    crops = [(photo_crop(rng, 336, (n,), 250) * 255).round().astype(np.uint8) for n in HELD_OUT_PHOTOS for _ in range(6)]
    on_photos, _ = psnr(model, crops)
    size = len(model.quantize.embedding.weight) // model.groups
    usage, perplexity = [], []
    for g in range(model.groups):
        share = torch.bincount(chosen[:, g].reshape(-1), minlength=size).double()
        share /= share.sum()
        usage.append(round((share > 0).double().mean().item(), 4))
        perplexity.append(round(torch.exp(-(share * share.clamp_min(1e-12).log()).sum()).item(), 1))
    return {"psnr_scenes_db": round(on_scenes, 2), "scenes": scenes, "psnr_held_out_photo_crops_db": round(on_photos, 2),
            "photo_crops": len(crops), "usage_per_group": usage, "perplexity_per_group": perplexity}


def main():
    """Trains, saving every 100 steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    torch.set_flush_denormal(True)
    folder = os.path.join(options.work, "mgvq")
    os.makedirs(folder, exist_ok=True)
    last = os.path.join(folder, "last.pt")
    torch.manual_seed(options.seed)
    model = MGVQ(demo_config()).to(memory_format=torch.channels_last)
    initialise(model)
    model.to(options.device)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, betas=(.9, .98), weight_decay=0)
    idle, first, seconds = torch.zeros(8, 256, device=options.device), 0, 0.0
    if os.path.exists(last):
        state = torch.load(last, weights_only=False, map_location=options.device)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        idle, first, seconds = state["idle"], state["step"], state["seconds"]
    rng = np.random.default_rng([options.seed, first])
    crops, started, smooth = Crops(rng), time.time(), None

    def save(step):
        torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "idle": idle, "step": step,
                    "steps": options.steps, "seconds": seconds + time.time() - started, "config": demo_config()}, last + ".new")
        os.replace(last + ".new", last)

    for step in range(first, options.steps):
        progress = step / options.steps
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 100) * (.02 + .98 * .5 * (1 + math.cos(math.pi * progress)))
        loss, error, codes, latent = losses(model, crops.batch(*((224, 2) if step % 8 == 7 else (112, 8))).to(options.device))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if progress < .8:
            restart_unused(model, idle, codes, latent, rng)
        smooth = error.item() if smooth is None else .98 * smooth + .02 * error.item()
        if step % 50 == 0:
            print(f"step {step} psnr {-10 * math.log10(smooth / 4):.2f} loss {loss.item():.4f} {time.time() - started:.0f} s", flush=True)
        if step % 100 == 99:
            save(step + 1)
    save(options.steps)
    import codes  # here, because it needs this module's output

    numbers = report(codes.load(options.work)) | {"steps": options.steps, "training_minutes": round((seconds + time.time() - started) / 60, 1)}
    json.dump(numbers, open(os.path.join(folder, "report.json"), "w"), indent=1)
    print(numbers)


if __name__ == "__main__":
    main()
