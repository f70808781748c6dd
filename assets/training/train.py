"""Trains one variant of the decoder: `python train.py --variant htc --seed 1 --work DIR`.

First the anchors alone, until they answer for the background's colour; then single patches (LLaVA's first stage); then everything jointly.
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

import carry
import features
from data import Inputs, Split
from decoder import CELL_CLASSES, CELL_COLOURS, CELLS, PATCHES, UNCOMPRESSED, VARIANTS, Auxiliary, Decoder, Shape
from evaluate import accuracy
from health import health, swap
from muon import Muon
from questions import ANCHOR_WEIGHTS, SECOND_WEIGHTS, WEIGHTS


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
        some = torch.from_numpy(rng.choice(patch_states.shape[1], min(48, patch_states.shape[1]), replace=False)).to(voco.device)
        states = patch_states[:, some]
        scores = F.linear(model.norm(states), model.lm_head.weight[word_ids])
        loss = loss + F.cross_entropy(scores.flatten(0, 1), words[:, some].flatten())
        colour, known = heads.patch_colour(F.rms_norm(states, states.shape[-1:])), colours[:, some].flatten()
        loss = loss + .5 * F.cross_entropy(colour.flatten(0, 1), known, reduction="sum") / (known >= 0).sum().clamp_min(1)
    return loss


def anchors_over_patches(reads, anchors, patches=PATCHES):
    """What `verify` calls lift, of <voco>'s attention and of its contributions: [B] each, an anchor's part over a patch's.

    From the rows that `Decoder.forward` left in `reads`; patches that the step left out count as those it saw. A contribution is
    alpha * |(v - v') W_o|, v' the value at the same place in the next picture of the batch.
    """
    shares, parts = [], []
    for block, q, k, v in reads:
        scores = torch.einsum("bhd,bnhd->bhn", q[:, 0].float(), k.float()) * q.shape[-1] ** -.5
        seen = scores.shape[-1] - anchors - 2
        scores = scores + torch.cat([torch.zeros(1 + anchors), torch.full((seen,), math.log(patches / seen)), torch.zeros(1)]).to(scores.device)
        weights = torch.softmax(scores, -1)
        output = block.self_attn["o_proj"].weight.float().unflatten(1, (k.shape[2], -1))
        change = (v - v.roll(1, 0)).float()
        gram = torch.einsum("ohd,ohe->hde", output, output)
        norms = (torch.einsum("bnhd,hde->bnhe", change, gram) * change).sum(-1).clamp_min(1e-12).sqrt().transpose(1, 2)
        shares.append(weights.mean(1))
        parts.append((weights * norms).sum(1))
    return [(x[:, 1:1 + anchors].sum(-1) / anchors) / (x[:, 1 + anchors:-1].sum(-1) / patches) for x in (sum(shares), sum(parts))]


def moved(batch, device):
    """A batch on the device."""
    return tuple(x if x is None else x.to(device) for x in batch)


def align_anchors(model, inputs, split, options, note):
    """Stage one: the anchors alone, patches masked and every position as it will be, learn what the codes can tell.

    From scratch all weights learn; under a carried decoder only the anchor projector does, since the decoder knows other things already.
    """
    parameters = list(model.anchor_projector.parameters()) if options.carry else [p for n, p in model.named_parameters() if "mm_projector" not in n]
    optimiser, variant = torch.optim.AdamW(parameters, options.rate, betas=(.9, .98), weight_decay=.02, fused=True), VARIANTS["anchors-alone"]
    for step in range(options.anchors):
        optimiser.param_groups[0]["lr"] = schedule(step, step / options.anchors, options.rate)
        batch = moved(inputs.training_batch(split, np.random.default_rng([options.seed, step, 2]), options.batch, 0, 3, options.mix, ANCHOR_WEIGHTS | {"which": options.anchor_which}), options.device)
        _, quantised, chosen, text, wanted, targets = batch[:6]
        logits = model(variant, None, chosen, quantised, text, wanted)[0][:, :, 0].flatten(0, 1)
        targets = targets[..., 0].flatten()
        loss = F.cross_entropy(logits, targets)
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if step % 50 == 0 or step + 1 == options.anchors:
            note(anchors=step, loss=round(loss.item(), 3), right=round((logits.argmax(-1) == targets).float().mean().item(), 3))


def align_patches(model, heads, inputs, split, options, note):
    """Stage two, as LLaVA's: the projector and the first blocks learn to name single patches, at a hundredth of a full step's cost."""
    parameters = list(model.mm_projector.parameters()) + list(model.layers[:-2].parameters()) + [model.norm.weight, model.lm_head.weight] + list(heads.patch_colour.parameters())
    optimiser = torch.optim.AdamW(parameters, 2e-3, betas=(.9, .98), weight_decay=.02, fused=True)
    for step in range(options.align):
        optimiser.param_groups[0]["lr"] = schedule(step, step / options.align, 2e-3)
        states, places, targets = moved(inputs.alignment_batch(split, np.random.default_rng([options.seed, step, 1])), options.device)
        states = model.lone_patches(states, places)[0]
        words = F.linear(model.norm(states), model.lm_head.weight[inputs.word_ids])
        loss, known = F.cross_entropy(words, targets[:, 0]), targets[:, 1] >= 0
        loss = loss + .5 * F.cross_entropy(heads.patch_colour(F.rms_norm(states, states.shape[-1:]))[known], targets[known, 1])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if step % 50 == 0 or step + 1 == options.align:
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
    parser.add_argument("--variant", choices=sorted(set(VARIANTS) - {"lower", "anchors-alone"}), default="htc")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", default=features.default_work())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--carry", help="start from the decoder of this checkpoint, with a fresh anchor projector")
    parser.add_argument("--carry-average", nargs="+", default=[], metavar="DIR=SHARE", help="average the carried decoder's weights with those of these checkpoints, its relatives")
    parser.add_argument("--carry-heads", help="start with the auxiliary heads of this run")
    parser.add_argument("--carry-anchors", action="store_true", help="take the anchor projector over as well")
    parser.add_argument("--split", default="train", choices=features.TRAINING, help="where the training scenes are from")
    parser.add_argument("--anchors", type=int, default=400, help="steps of the first stage, which aligns the anchors alone")
    parser.add_argument("--anchor-which", type=float, default=0, help="weight of the questions for an object in the first stage; the codes of the paper's quantizer cannot answer them")
    parser.add_argument("--align", type=int, default=300, help="steps of the second stage, which aligns single patches")
    parser.add_argument("--order", choices=["anchors-first", "patches-first"], default="anchors-first")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--second", type=int, default=1100, help="last steps, at half the rate, with questions that look for a named object")
    parser.add_argument("--foreign", type=float, default=0, help="share of the scenes whose codes are another scene's, whose background is asked for")
    parser.add_argument("--foreign-steps", type=int, default=0, help="steps for which --foreign holds")
    parser.add_argument("--foreign-weight", type=float, default=5, help="weight of the questions for the background while --foreign holds")
    parser.add_argument("--colour-weight", type=float, default=SECOND_WEIGHTS["colour"], help="weight of the questions for an object's colour in the second stage")
    parser.add_argument("--lift", type=float, default=0, help="raise <voco>'s attention to an anchor, and what it takes from it, to so many times a patch's")
    parser.add_argument("--lift-weight", type=float, default=.5)
    parser.add_argument("--uncompressed", type=float, default=.2, help="share of the steps in which the text sees every token under the plain causal mask")
    parser.add_argument("--scenes", type=int, help="use only the first so many training scenes")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--questions", type=int, default=8)
    parser.add_argument("--patches", type=int, default=96, help="patches a step, at their true positions")
    parser.add_argument("--full", type=int, default=60, help="last steps that see all patches")
    parser.add_argument("--mix", type=float, default=.8, help="share of the scenes that are put together from cells of several")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--muon", type=float, default=.02, help="rate of Muon, which takes the blocks' and the projector's matrices; 0: AdamW takes all")
    parser.add_argument("--auxiliary", type=float, default=1, help="weight of the auxiliary losses")
    parser.add_argument("--half", action="store_true", help="products in bfloat16: a third faster where the device multiplies it natively")
    parser.add_argument("--untied", action="store_true", help="an LM head of its own, instead of the embeddings' rows")
    parser.add_argument("--compile", action="store_true", help="torch.compile the decoder (needs a C++ compiler)")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--mlp", type=int, default=512)
    parser.add_argument("--anchor-hidden", type=int, default=128)
    parser.add_argument("--anchor-count", type=int, default=4, help="number of anchors")
    parser.add_argument("--anchor-rate", type=float, default=1, help="factor of the rate for the anchor projector in the joint stage")
    parser.add_argument("--every", type=int, default=500, help="steps between measurements on validation scenes")
    parser.add_argument("--name", help="folder of the run; default <variant>-<seed>")
    return parser.parse_args()


class Run:
    """One training run: model, heads, optimisers, and what is saved of them."""

    def __init__(self, options):
        self.options, self.variant = options, VARIANTS[options.variant]
        self.folder = os.path.join(options.work, "runs", options.name or f"{options.variant}-{options.seed}")
        os.makedirs(self.folder, exist_ok=True)
        self.last, self.inputs = os.path.join(self.folder, "last.pt"), Inputs(options.work)
        self.train, self.val = Split(options.work, options.split, options.scenes), Split(options.work, "val")
        torch.manual_seed(options.seed)
        self.shape = Shape(vocab=self.inputs.pieces + 1, layers=options.layers, mlp=options.mlp, anchor_hidden=options.anchor_hidden,
                           anchors=options.anchor_count, tied=not options.untied)
        self.model, self.heads = Decoder(self.shape), Auxiliary(self.shape)
        if options.carry:
            self.model.load_state_dict(carry.decoder(options.carry, self.inputs, [(d, float(s)) for d, s in (x.rsplit("=", 1) for x in options.carry_average)]), strict=False)
        if options.carry_heads:
            self.heads.load_state_dict(torch.load(os.path.join(options.work, "runs", options.carry_heads, "last.pt"), weights_only=False, map_location="cpu")["heads"])
        statistics = self.inputs.code_statistics(self.train)
        self.model.anchor_projector.start(**statistics)
        if options.carry_anchors:
            self.model.anchor_projector.load_state_dict(carry.anchor_projector(options.carry, **statistics))
        self.model.to(options.device)
        self.heads.to(options.device)
        self.parameters = list(self.model.parameters()) + list(self.heads.parameters())
        self.optimisers = optimisers_of(self.model, self.heads, options)
        self.first, self.seconds, self.started = 0, 0.0, time.time()
        if os.path.exists(self.last):
            self.resume()

    def resume(self):
        """Takes up the saved state."""
        state = torch.load(self.last, weights_only=False, map_location=self.options.device)
        self.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        for (optimiser, _), saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.first, self.seconds = state["step"], state["seconds"]

    def elapsed(self):
        """Seconds of training, earlier calls' included."""
        return self.seconds + time.time() - self.started

    def save(self, step):
        """Writes everything that `resume` needs, in one rename."""
        options = self.options
        state = {"model": self.model.state_dict(), "heads": self.heads.state_dict(), "optimisers": [o.state_dict() for o, _ in self.optimisers], "step": step,
                 "steps": options.steps + options.second, "seconds": self.elapsed(), "shape": vars(self.shape), "variant": options.variant,
                 "seed": options.seed, "scenes": self.train.size, "options": vars(options)}
        torch.save(state, self.last + ".new")
        os.replace(self.last + ".new", self.last)

    def note(self, **values):
        """One line of the log."""
        line = json.dumps(values)
        print(line, flush=True)
        with open(os.path.join(self.folder, "log.jsonl"), "a") as out:
            out.write(line + "\n")

    def measure(self, step, count):
        """Accuracy on validation scenes, the anchor projector's health, and what another picture's anchors change."""
        values = {"val": {k: round(v[0], 3) for k, v in accuracy(self.model, self.variant, self.inputs, self.val, count).items()}}
        if self.options.variant in UNCOMPRESSED and self.options.uncompressed:
            values["uncompressed"] = round(accuracy(self.model, UNCOMPRESSED[self.options.variant], self.inputs, self.val, count and count // 2)["mean"][0], 3)
        if self.variant.anchors and self.variant.source == "codes":
            values["health"] = health(self.model, self.inputs, self.val)
        if "health" in values and self.variant.patches:
            values["swap"] = {f: swap(self.model, self.variant, self.inputs, self.val, f, count or self.val.size) for f in ("background", "count")}
        self.note(step=step, **values)

    def align(self):
        """The two stages before the joint one, for what the variant has."""
        anchors = [lambda: align_anchors(self.model, self.inputs, self.train, self.options, self.note)] * (self.variant.anchors and self.variant.source == "codes" and self.options.anchors > 0)
        everything = Split(self.options.work, self.options.split, self.options.scenes, coded=False)
        patches = [lambda: align_patches(self.model, self.heads, self.inputs, everything, self.options, self.note)] * (self.variant.patches and self.options.align > 0)
        for stage in anchors + patches if self.options.order == "anchors-first" else patches + anchors:
            stage()

    def rates(self, step):
        """Sets the optimisers' rates for a step; returns whether it is of the second half."""
        options, second = self.options, step >= self.options.steps
        progress = (step - options.steps) / options.second if second else step / options.steps
        for optimiser, rate in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group.get("scale", 1) * schedule(step, progress, rate * (.5 if second else 1))
        return second

    def step(self, run, step):
        """One joint step; returns its losses."""
        options, rng = self.options, np.random.default_rng([self.options.seed, step])
        weights = SECOND_WEIGHTS | {"colour": options.colour_weight} if self.rates(step) else WEIGHTS
        full = step >= options.steps + options.second - options.full
        foreign = options.foreign if step < options.foreign_steps else 0
        weights = weights | {"background": options.foreign_weight} if foreign else weights
        variant = UNCOMPRESSED.get(options.variant, self.variant) if rng.random() < options.uncompressed else self.variant
        batch = moved(self.inputs.training_batch(self.train, rng, options.batch, 576 if full else options.patches, options.questions, options.mix, weights, foreign), options.device)
        seen, quantised, chosen, text, wanted, targets = batch[:6]
        with torch.autocast(torch.device(options.device).type, torch.bfloat16, enabled=options.half):
            reads = [] if options.lift and variant is self.variant else None
            exchange = torch.from_numpy(rng.choice(len(chosen), self.shape.anchors, replace=False)).to(options.device) if reads is not None and rng.random() < .3 else None
            logits, voco, patch_states, text_states = run(variant, seen, chosen, quantised, text, wanted, reads, exchange)
        answers = F.cross_entropy(logits[:, :, 0].flatten(0, 1).float(), targets[..., 0].flatten())
        ends = F.cross_entropy(logits[:, :, 1].flatten(0, 1).float(), targets[..., 1].flatten())
        extra = auxiliary_loss(self.model, self.heads, batch, voco, patch_states, text_states, rng, self.inputs.word_ids)
        lifts = anchors_over_patches(reads, self.shape.anchors) if reads else []
        missing = sum(F.relu(math.log(options.lift) - x.log()).mean() for x in lifts)
        self.model.zero_grad()
        self.heads.zero_grad()
        (answers + .1 * ends + options.auxiliary * extra + options.lift_weight * missing).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for optimiser, _ in self.optimisers:
            optimiser.step()
        return {"answers": round(answers.item(), 4), "ends": round(ends.item(), 4), "auxiliary": round(extra.item(), 4)} | (
            {"lift": [round(x.log().mean().exp().item(), 1) for x in lifts], "exchanged": exchange is not None} if lifts else {})

    def go(self):
        """Trains to the end, saves every 50 steps, measures now and then."""
        options, total = self.options, self.options.steps + self.options.second
        if not self.first:
            self.align()
            self.save(0)
        if self.first > total:
            print(f"{self.folder}: already at step {self.first}")
            return
        run = torch.compile(self.model, dynamic=False) if options.compile else self.model
        for step in range(self.first, total):
            losses = self.step(run, step)
            if step % 25 == 0:
                self.note(step=step, **losses, seconds=round(self.elapsed()))
            if step % 50 == 49:
                self.save(step + 1)
            if step % options.every == options.every - 1:
                self.measure(step + 1, 40)
        self.save(total)
        self.measure(total, 80)


def main():
    """Trains one run."""
    options = parse()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    torch.set_flush_denormal(True)
    torch.set_default_device(options.device)
    Run(options).go()


if __name__ == "__main__":
    main()
