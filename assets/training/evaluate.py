"""Accuracy per question family with all 576 patches: `python evaluate.py RUN... --work DIR [--split test] [--as lower]`.

`--as` evaluates a run under another variant's rules: the upper model under the voco mask (`lower`), or HTC's with all tokens (`upper`); `--slice assets/evaluation`
takes the shipped JPEGs, whose compression costs some answers, instead of the scenes as they were drawn. Results go to
DIR/results/<run>[-<as>]-<split>.json, with the majority answer's accuracy beside the model's, and every answer to
-answers.jsonl beside it.
"""

import argparse
import collections
import json
import math
import os

import numpy as np
import torch
from PIL import Image

import codes
import vision
from data import Inputs, Split
from decoder import VARIANTS, Decoder, Shape
from features import LAYERS, default_work
from questions import FAMILIES, best_guess, fixed_questions, majority

#: What a result says of how its run was trained.
TOLD = ("split", "batch", "questions", "patches", "anchors", "align", "order", "steps", "second", "full", "muon", "rate", "mix", "uncompressed", "carry", "foreign", "lift")


class Slice:
    """The shipped pictures in the place of the first scenes of the test split; made as `samples.py --slice` does."""

    def __init__(self, work, folder):
        asked = [json.loads(line) for line in open(os.path.join(folder, "questions.jsonl"))]
        names = sorted({q["image"] for q in asked})
        self.name, self.size = "test", len(names)
        drawn = [(q["question_id"], q["text"], q["answer"]) for i in range(self.size) for q in fixed_questions("test", i)]
        assert drawn == [(q["question_id"], q["text"], q["answer"]) for q in asked], "the slice is of other scenes"
        images = np.stack([np.asarray(Image.open(os.path.join(folder, n)).convert("RGB")) for n in names])
        state, quantiser = vision.fold(LAYERS), codes.load(work)
        with torch.no_grad():
            features = [vision.forward(state, vision.normalised(images[i:i + 10]))[:, 1:].numpy() for i in range(0, self.size, 10)]
            pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
            chosen = [quantiser.quantise(quantiser.latent(x[None]))[0][0].numpy() for x in pixels]
        self.features, self.codes = np.concatenate(features).astype(np.float16), np.stack(chosen).astype(np.uint8)


def answers(model, variant, inputs, split, count=None, batch=10):
    """Yields (question, word answered): the most likely next piece, which must be followed by eos."""
    device = model.norm.weight.device
    with torch.no_grad():
        for begin in range(0, min(count or split.size, split.size), batch):
            indices = list(range(begin, min(begin + batch, count or split.size, split.size)))
            (features, quantised, chosen, text, wanted, _), asked = inputs.evaluation_batch(split, indices)
            given = (x.to(device) for x in (features, chosen, quantised, text, wanted))
            best = model(variant, *given)[0][:, :, 0].argmax(-1).cpu()
            for b, scene in enumerate(asked):
                for q, question in enumerate(scene):
                    yield question, inputs.tokenizer.decode(int(best[b, q])) if best[b, q] < inputs.pieces else "<voco>"


def accuracy(model, variant, inputs, split, count=None):
    """{family: (accuracy, n)} and their mean over families."""
    right, total = collections.Counter(), collections.Counter()
    for question, word in answers(model, variant, inputs, split, count):
        total[question["category"]] += 1
        right[question["category"]] += word == question["answer"]
    result = {f: (right[f] / total[f], total[f]) for f in FAMILIES if total[f]}
    result["mean"] = (sum(a for a, _ in result.values()) / len(result), sum(total.values()))
    return result


def interval(share, n):
    """Wilson's 95 % interval."""
    z = 1.959964
    centre, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return round((centre - spread) / (1 + z * z / n), 4), round((centre + spread) / (1 + z * z / n), 4)


def load(folder):
    """The model of a run and its saved state."""
    state = torch.load(os.path.join(folder, "last.pt"), weights_only=False, map_location="cpu")
    model = Decoder(Shape(**{"tied": False} | state["shape"]))
    model.load_state_dict(state["model"])
    return model.eval(), state


def main():
    """Evaluates runs and writes their results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--split", default="test", choices=["val", "test", "pairs"])
    parser.add_argument("--slice", help="evaluate on the pictures of this folder")
    parser.add_argument("--as", dest="rules", choices=sorted(VARIANTS))
    parser.add_argument("--limit", type=int, help="only the first so many scenes, written to the result's n")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    inputs = Inputs(options.work)
    split = Slice(options.work, options.slice) if options.slice else Split(options.work, options.split)
    label = "slice" if options.slice else options.split
    os.makedirs(os.path.join(options.work, "results"), exist_ok=True)
    for run in options.runs:
        model, state = load(os.path.join(options.work, "runs", run))
        torch.set_default_device(options.device)
        model.to(options.device)
        rules = options.rules or state["variant"]
        given = list(answers(model, VARIANTS[rules], inputs, split, options.limit))
        base, guess, families = majority([q for q, _ in given]), best_guess([q for q, _ in given]), {}
        for family in FAMILIES:
            marks = [q["answer"] == word for q, word in given if q["category"] == family]
            share = sum(marks) / len(marks)
            families[family] = {"accuracy": round(share, 4), "n": len(marks), "interval": interval(share, len(marks)), "majority": round(base[family][0], 4),
                                "guess": round(guess[family], 4)}
        mean = sum(f["accuracy"] for f in families.values()) / len(families)
        given_options = {k: state["options"].get(k) for k in TOLD} if "options" in state else {}
        result = {"run": run, "rules": rules, "split": label, "step": state["step"], "steps": state["steps"], "scenes": state["scenes"], "options": given_options,
                  "training_minutes": round(state["seconds"] / 60, 1), "families": families, "mean": round(mean, 4)}
        path = os.path.join(options.work, "results", run + (f"-as-{rules}" if options.rules else "") + f"-{label}")
        with open(path + ".json", "w") as out:
            json.dump(result, out, indent=1)
        with open(path + "-answers.jsonl", "w") as out:
            out.writelines(json.dumps({"question_id": q["question_id"], "text": word}) + "\n" for q, word in given)
        print(json.dumps(result))


if __name__ == "__main__":
    main()
