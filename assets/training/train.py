"""Trains one variant of the decoder: `python train.py --variant htc --seed 1 --work DIR`.

Every step draws its batch from a generator seeded by (seed, step), so a resumed run repeats what an uninterrupted
one does. State is in DIR/runs/<variant>-<seed>/last.pt, measurements in log.jsonl beside it.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from data import Inputs, Split
from decoder import CELL_CLASSES, CELL_COLOURS, CELLS, VARIANTS, Auxiliary, Decoder, Shape
from evaluate import accuracy
from features import default_work
from muon import Muon
from questions import SECOND_WEIGHTS, WEIGHTS


def auxiliary_loss(model, heads, batch, voco, patch_states, text_states, rng, word_ids):
    """The training-only terms: cells from <voco>; words (by the LM head's rows `word_ids`) and colours from patch states;
    the cell of each object that a question names."""
    cells, words, colours, places = batch[6:]
    scores = heads.cells(voco).unflatten(-1, (CELLS, -1))
    of_class, of_colour = scores.split([CELL_CLASSES, CELL_COLOURS], -1)
    loss = F.cross_entropy(of_class.flatten(0, 1), cells[..., 0].flatten()) + .5 * F.cross_entropy(of_colour.flatten(0, 1), cells[..., 1].flatten())
    located = heads.located(F.rms_norm(text_states, text_states.shape[-1:])).flatten(0, 2)
    loss = loss + F.cross_entropy(located, places.flatten(), ignore_index=-100, reduction="sum") / (places >= 0).sum().clamp_min(1)
    if patch_states.shape[1]:
        some = torch.from_numpy(rng.choice(patch_states.shape[1], min(48, patch_states.shape[1]), replace=False))
        states = patch_states[:, some]
        scores = F.linear(model.norm(states), model.lm_head.weight[word_ids])
        loss = loss + F.cross_entropy(scores.flatten(0, 1), words[:, some].flatten())
        colour = heads.patch_colour(F.rms_norm(states, states.shape[-1:]))
        loss = loss + .5 * F.cross_entropy(colour.flatten(0, 1), colours[:, some].flatten())
    return loss


def align(model, heads, inputs, split, seed, steps, note):
    """Stage one, as LLaVA's: the projector and the first blocks learn to name single patches, at a hundredth of a full step's cost."""
    parameters = list(model.mm_projector.parameters()) + list(model.layers[:-2].parameters()) + [model.norm.weight, model.lm_head.weight] + list(heads.patch_colour.parameters())
    optimiser = torch.optim.AdamW(parameters, 2e-3, betas=(.9, .98), weight_decay=.02, fused=True)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = schedule(step, step / steps, 2e-3)
        features, places, targets = inputs.alignment_batch(split, np.random.default_rng([seed, step, 1]))
        states = model.lone_patches(features, places)[0]
        words = F.linear(model.norm(states), model.lm_head.weight[inputs.word_ids])
        loss = F.cross_entropy(words, targets[:, 0])
        loss = loss + .5 * F.cross_entropy(heads.patch_colour(F.rms_norm(states, states.shape[-1:])), targets[:, 1])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if step % 50 == 0 or step + 1 == steps:
            note(alignment=step, loss=round(loss.item(), 3), named=round((words.argmax(-1) == targets[:, 0]).float().mean().item(), 3))


def schedule(step, progress, peak):
    """Warm-up over 100 steps; a cosine over `progress` in 0..1 down to 2 %."""
    return peak * min(1, (step + 1) / 100) * (.02 + .98 * .5 * (1 + math.cos(math.pi * min(1, progress))))


def optimisers_of(model, heads, options):
    """[(optimiser, its peak rate)]: Muon for the blocks' and the projector's matrices, AdamW for everything else."""
    matrices = [p for part in (model.layers, model.mm_projector) for p in part.parameters() if p.ndim > 1] if options.muon else []
    taken = {id(p) for p in matrices}
    others = [p for p in list(model.parameters()) + list(heads.parameters()) if id(p) not in taken]
    anchors = {id(p) for p in model.anchor_projector.parameters()} if options.anchor_rate != 1 else set()
    groups = [{"params": [p for p in others if p.ndim > 1 and id(p) not in anchors], "weight_decay": .02},
              {"params": [p for p in others if p.ndim < 2 and id(p) not in anchors], "weight_decay": 0}]
    if anchors:
        groups.append({"params": [p for p in others if id(p) in anchors], "weight_decay": .02, "scale": options.anchor_rate})
    adam = torch.optim.AdamW(groups, options.rate, betas=(.9, .98), fused=True)
    return [(adam, options.rate)] + ([(Muon(matrices, options.muon), options.muon)] if options.muon else [])


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=sorted(set(VARIANTS) - {"lower"}), default="htc")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--second", type=int, default=1100, help="steps of a second stage at half the rate, with questions that look for a named object")
    parser.add_argument("--scenes", type=int, help="use only the first so many training scenes")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--questions", type=int, default=8)
    parser.add_argument("--patches", type=int, default=96, help="patches a step, at their true positions")
    parser.add_argument("--full", type=int, default=60, help="last steps that see all patches")
    parser.add_argument("--mix", type=float, default=.8, help="share of the scenes that are put together from cells of several")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--muon", type=float, default=.02, help="rate of Muon, which takes the blocks' and the projector's matrices; 0: AdamW takes all")
    parser.add_argument("--auxiliary", type=float, default=1, help="weight of the auxiliary losses")
    parser.add_argument("--untied", action="store_true", help="an LM head of its own, instead of the embeddings' rows")
    parser.add_argument("--compile", action="store_true", help="torch.compile the decoder (needs a C++ compiler)")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--mlp", type=int, default=512)
    parser.add_argument("--anchor-hidden", type=int, default=128)
    parser.add_argument("--anchor-rate", type=float, default=1, help="factor of the rate for the anchor projector")
    parser.add_argument("--align", type=int, default=300, help="steps of the first stage")
    parser.add_argument("--name", help="folder of the run; default <variant>-<seed>")
    return parser.parse_args()


def main():
    """Trains, saves every 100 steps, evaluates on validation scenes now and then."""
    options = parse()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    torch.set_flush_denormal(True)
    folder = os.path.join(options.work, "runs", options.name or f"{options.variant}-{options.seed}")
    os.makedirs(folder, exist_ok=True)
    last = os.path.join(folder, "last.pt")
    variant, inputs = VARIANTS[options.variant], Inputs(options.work)
    train, val = Split(options.work, "train", options.scenes), Split(options.work, "val")
    torch.manual_seed(options.seed)
    shape = Shape(vocab=inputs.pieces + 1, layers=options.layers, mlp=options.mlp, anchor_hidden=options.anchor_hidden, tied=not options.untied)
    model, heads = Decoder(shape), Auxiliary(shape)
    parameters = list(model.parameters()) + list(heads.parameters())
    optimisers = optimisers_of(model, heads, options)
    first, seconds = 0, 0.0
    if os.path.exists(last):
        state = torch.load(last, weights_only=False)
        model.load_state_dict(state["model"])
        heads.load_state_dict(state["heads"])
        for (optimiser, _), saved in zip(optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        first, seconds = state["step"], state["seconds"]
    started = time.time()

    def save(step):
        state = {"model": model.state_dict(), "heads": heads.state_dict(), "optimisers": [o.state_dict() for o, _ in optimisers], "step": step,
                 "steps": options.steps + options.second, "seconds": seconds + time.time() - started, "shape": vars(shape), "variant": options.variant,
                 "seed": options.seed, "scenes": train.size, "options": vars(options)}
        torch.save(state, last + ".new")
        os.replace(last + ".new", last)

    def note(**values):
        line = json.dumps(values)
        print(line, flush=True)
        with open(os.path.join(folder, "log.jsonl"), "a") as out:
            out.write(line + "\n")

    if not first and options.align:
        align(model, heads, inputs, Split(options.work, "train", options.scenes, coded=False), options.seed, options.align, note)
        save(0)
    total = options.steps + options.second
    if first > total:
        print(f"{folder}: already at step {first}")
        return
    run = torch.compile(model, dynamic=False) if options.compile else model
    for step in range(first, total):
        rng = np.random.default_rng([options.seed, step])
        second = step >= options.steps
        progress = (step - options.steps) / options.second if second else step / options.steps
        full = step >= total - options.full
        for optimiser, rate in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group.get("scale", 1) * schedule(step, progress, rate * (.5 if second else 1))
        batch = inputs.training_batch(train, rng, options.batch, 576 if full else options.patches, options.questions, options.mix,
                                      SECOND_WEIGHTS if second else WEIGHTS)
        features, quantised, chosen, text, wanted, targets = batch[:6]
        logits, voco, patch_states, text_states = run(variant, features, chosen, quantised, text, wanted)
        answers = F.cross_entropy(logits[:, :, 0].flatten(0, 1), targets[..., 0].flatten())
        ends = F.cross_entropy(logits[:, :, 1].flatten(0, 1), targets[..., 1].flatten())
        extra = auxiliary_loss(model, heads, batch, voco, patch_states, text_states, rng, inputs.word_ids)
        model.zero_grad()
        heads.zero_grad()
        (answers + .1 * ends + options.auxiliary * extra).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimiser, _ in optimisers:
            optimiser.step()
        if step % 25 == 0:
            note(step=step, answers=round(answers.item(), 4), ends=round(ends.item(), 4), auxiliary=round(extra.item(), 4),
                 seconds=round(seconds + time.time() - started))
        if step % 100 == 99:
            save(step + 1)
        if step % 500 == 499:
            note(step=step + 1, val={k: round(v[0], 3) for k, v in accuracy(model, variant, inputs, val, 120).items()})
    save(total)
    note(step=total, val={k: round(v[0], 4) for k, v in accuracy(model, variant, inputs, val).items()})


if __name__ == "__main__":
    main()
