"""Writes a twin's card from measured results: `python twin_card.py --run voco-demo --out assets/models/voco-demo/README.md`."""

import argparse
import os

import torch

from card import read
from features import default_work

WHAT = {
    "voco": ("576 patches and one `<voco>` under the plain causal mask, no anchors: VoCo-LLaMA's arrangement",
             "Each patch now sees those before it, to which the carried weights had to get used."),
    "star-without-anchors": ("576 patches and one `<voco>` under the star mask, in which a patch sees `<s>` and itself, no anchors: HTC's mask without what HTC adds to it",
                             "The carried weights knew this mask; only the four anchors before the patches are gone."),
}
TEXT = """# {run}

A twin of [htc-demo](../htc-demo/README.md), for comparison: {what}. It answers one-word questions about drawn scenes.

This directory holds only what differs, the decoder and the patch projector. `base_model_name_or_path` in `config.json` names where tower, tokenizer and
picture steps are: `../htc-demo`, seen from here.

It was carried on from the same first checkpoint as htc-demo (its card's number 1, an HTC of 8,400 steps), not trained as {variant} from the start: {steps} joint steps of {batch} scenes
and {questions} questions on {scenes} scenes, {minutes:.0f} minutes on one thread of a busy machine, the last {full} steps with all 576 patches. {change} htc-demo had {steps_htc} such steps,
its own ones before them, and a construction that this model has not. So **a difference between the two says what these two checkpoints answer, not what anchors or masks are worth**:
for that there are the rows of a comparison with equal steps and seeds, on htc-demo's card.

One run, seed {seed}. {full_answers}

| family | from `<voco>` | 95 % interval | majority | guess | n |
| --- | --- | --- | --- | --- | --- |
{rows}
| mean over families | {mean:.3f} | | {base:.3f} | {guess:.3f} | {total} |

Exact match of the greedy answer on {images} test scenes that training never showed, measured with the recipe's packed forward pass in float32; `majority` and `guess` as on htc-demo's card.
{agreement}

Photos are out of distribution: on a photo it still answers with one of the trained words, and the word means nothing.
"""


def main():
    """Fills the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--remark", default="", help="a sentence on the answers from all patches")
    parser.add_argument("--agreement", default="", help="a sentence on what the program measures of the exported files")
    options = parser.parse_args()
    saved, whole = (torch.load(os.path.join(options.work, "runs", run, "last.pt"), weights_only=False) for run in (options.run, "htc-demo"))
    result = read(options.work, options.run + "-test")
    assert result["step"] == saved["step"], "the result is of another step"
    given, families = saved["options"], result["families"]
    what, change = WHAT[saved["variant"]]
    rows = [f"| {f} | {v['accuracy']:.3f} | {v['interval'][0]:.3f} – {v['interval'][1]:.3f} | {v['majority']:.3f} | {v['guess']:.3f} | {v['n']} |" for f, v in families.items()]
    text = TEXT.format(
        run=options.run, what=what, change=change, variant=saved["variant"], steps=saved["step"], steps_htc=whole["step"], scenes=saved["scenes"], minutes=saved["seconds"] / 60, seed=saved["seed"],
        full_answers=f"In {given['uncompressed']:.0%} of the steps the text saw all 576 patches under the causal mask{options.remark}.", rows="\n".join(rows), mean=result["mean"],
        base=sum(v["majority"] for v in families.values()) / len(families), guess=sum(v["guess"] for v in families.values()) / len(families),
        total=sum(v["n"] for v in families.values()), images=families["count"]["n"], agreement=options.agreement, **{k: given[k] for k in ("batch", "questions", "full")})
    with open(options.out, "w") as out:
        out.write(text.replace("\n\n\n", "\n\n"))


if __name__ == "__main__":
    main()
