"""What the anchors carry, in figures: `python health.py RUN... --work DIR [--split val]`.

* `norm`: mean norm of the anchors; `patches`: of the projected patches.
* `rank`: effective rank (exponential of the entropy of the squared singular values' shares) of the unit anchors' deviations from their mean
  over pictures; 1.3 in the first shipped checkpoint, whose projector had degenerated.
* `saturated`: share of pre-activations of either layer beyond -2 on the side where GELU is flat, and `dead`: units that are there in every picture.
* `swap`: another picture's anchors, whose answer differs, in place of the own ones, everything else kept: geometric mean of KL(own -> swapped),
  accuracy before and after, and how often the answer becomes the donor's.
"""

import argparse
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

from data import Inputs, Split
from decoder import VARIANTS
from features import default_work

FLAT, FLOOR = -2.0, 1e-6


def effective_rank(rows):
    """Effective rank of rows [N, D] about their mean."""
    values = torch.linalg.svdvals(rows - rows.mean(0)).square()
    shares = values / values.sum()
    return torch.exp(-(shares * shares.clamp_min(1e-30).log()).sum()).item()


@torch.no_grad()
def health(model, inputs, split, count=200):
    """The projector's figures over the first scenes of a split."""
    quantised = inputs.quantised(np.array(split.codes[:min(count, split.size)])).to(model.norm.weight.device)
    first, second = model.anchor_projector.layers(quantised)
    anchors = F.gelu(second).unflatten(-1, (-1, model.shape.width))
    features = inputs.standardised(np.array(split.features[:8])).to(quantised.device)
    flat = [layer < FLAT for layer in (first, second)]
    return {"norm": round(anchors.norm(dim=-1).mean().item(), 2), "patches": round(model.mm_projector(features).norm(dim=-1).mean().item(), 2),
            "rank": round(effective_rank(F.normalize(anchors, dim=-1).flatten(1)), 2),
            "saturated": [round(f.float().mean().item(), 3) for f in flat], "dead": [round(f.all(0).float().mean().item(), 3) for f in flat]}


def donors(rows):
    """For each (scene, answer) the scene of the next one whose answer differs, cyclically; none where all answers agree."""
    for place, (scene, answer) in enumerate(rows):
        for other, given in rows[place + 1:] + rows[:place]:
            if given != answer:
                yield scene, other
                break


@torch.no_grad()
def swap(model, variant, inputs, split, family="background", count=60, batch=10):
    """The effect of another picture's anchors on the questions of one family."""
    device = model.norm.weight.device
    asked = []
    for i in range(min(count, split.size)):
        asked += [(i, q) for q in inputs.fixed(split.name, i) if q["category"] == family]
    pairs = dict(donors([(i, q["answer"]) for i, q in asked]))
    asked = [(i, q) for i, q in asked if i in pairs]
    divergence, own, after, flipped = [], 0, 0, 0
    for begin in range(0, len(asked), batch):
        part = asked[begin:begin + batch]
        text, wanted, targets = (x.to(device) for x in inputs.packed([[(q["text"], q["answer"])] for _, q in part]))
        sources = [np.full(6, i) for i, _ in part]
        logits = []
        for coded in (sources, [np.full(6, pairs[i]) for i, _ in part]):
            features, quantised = inputs.visual(split, sources, np.arange(576), coded)
            logits.append(model(variant, features.to(device), torch.arange(576, device=device), quantised.to(device), text, wanted)[0][:, 0, 0])
        before, swapped = (F.log_softmax(x, -1) for x in logits)
        divergence.append((before.exp() * (before - swapped)).sum(-1))
        donated = torch.tensor([dict((j, inputs.ids(p["text"], p["answer"])[-1]) for j, p in asked)[pairs[i]] for i, _ in part], device=device)
        own += (before.argmax(-1) == targets[:, 0, 0]).sum().item()
        after += (swapped.argmax(-1) == targets[:, 0, 0]).sum().item()
        flipped += (swapped.argmax(-1) == donated).sum().item()
    n = len(asked)
    return {"kl": float(f"{torch.cat(divergence).clamp_min(FLOOR).log().mean().exp().item():.3g}"), "own": round(own / n, 3), "swapped": round(after / n, 3),
            "donor": round(flipped / n, 3), "n": n}


def main():
    """Prints the figures of finished runs."""
    from evaluate import load
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--split", default="val", choices=["val", "test"])
    parser.add_argument("--limit", type=int, help="only the first so many scenes")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    inputs, split = Inputs(options.work), Split(options.work, options.split)
    for run in options.runs:
        model, state = load(os.path.join(options.work, "runs", run))
        count = min(options.limit or split.size, split.size)
        figures = health(model, inputs, split, count)
        for family in ("background", "count", "which"):
            figures[family] = swap(model, VARIANTS[state["variant"]], inputs, split, family, count)
        os.makedirs(os.path.join(options.work, "results"), exist_ok=True)
        with open(os.path.join(options.work, "results", f"{run}-health-{options.split}.json"), "w") as out:
            json.dump({"step": state["step"]} | figures, out, indent=1)
        print(run, json.dumps(figures))


if __name__ == "__main__":
    main()
