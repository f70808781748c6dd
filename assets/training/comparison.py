"""The comparison the paper is about, in miniature: `python comparison.py [--work DIR] [--split test]` prints its table, with `--out` writes it
with what `health.py` and `judge.py verify` found of its HTC runs.

Rows are the runs whose results `evaluate.py` has written. Two retentions are printed, since papers differ: the mean over families of
(result - lower) / (upper - lower), and of result / upper. Families whose upper and lower lie within ten points of each other are shown but left out
of the first. That rule was fixed before any run was evaluated. No retention is printed where the upper bound, trained no longer than the others, does not
lie above all of them: then it bounds nothing. Intervals: 2,000 bootstrap draws over scenes, the same draws for all runs; where a variant has several seeds,
every draw draws seeds too.
"""

import argparse
import json
import os
import zlib

import numpy as np

from features import default_work
from questions import FAMILIES

NAMES = {"upper": "upper", "htc": "HTC", "voco": "VoCo", "star-without-anchors": "star without anchors", "discrete-only": "discrete only"}
# One thing changed of HTC: how many anchors, what they are made of, where they stand, in which order the parts are trained.
ABLATIONS = {"htc-anchors-1": "HTC, 1 anchor", "htc-anchors-2": "HTC, 2 anchors", "htc-anchors-8": "HTC, 8 anchors", "anchors-last": "HTC, anchors last",
             "anchors-parallel": "HTC, anchors at the patches' positions", "causal-mask": "HTC, causal mask",
             "random-patches": "anchors of random patches", "top-k-patches": "anchors of top-k patches", "k-means-patches": "anchors of k-means patches",
             "htc-patches-first": "HTC, patches aligned first", "htc-unaligned": "HTC, anchors never alone"}
NAMES |= ABLATIONS
# Runs beside the variants: the longer schedule.
LONG_HTC, LONG_VOCO = "HTC, long", "VoCo, long"
OTHERS = {"voco-1-long": LONG_VOCO, "htc-1-long": LONG_HTC}
LEAST_GAP = .10
DRAWS = 2000
PAPER = {"HTC": 87.2, "VoCo": 81.0}


def results(work, split):
    """{row name: result} of all evaluated runs: the comparison's variants with their seeds, the lower bound, and `OTHERS`."""
    found = {}

    def add(run, row, variant):
        path = os.path.join(work, "results", f"{run}-{split}")
        if os.path.exists(path + ".json"):
            found[row] = json.load(open(path + ".json")) | {"answers": path + "-answers.jsonl", "variant": variant}

    for variant, name in NAMES.items():
        for seed in range(1, 10):
            add(f"{variant}-{seed}", f"{name}, seed {seed}", name)
    add("upper-1-as-lower", "lower", "lower")
    for run, row in OTHERS.items():
        add(run, row, row)
    return found


class Marks:
    """Which questions each run answered right, and bootstrap draws over the scenes that are the same for all."""

    def __init__(self, work, split, found):
        self.asked = {q["question_id"]: q for q in map(json.loads, open(os.path.join(work, "questions", split + ".jsonl")))}
        answered = [{self.asked[json.loads(line)["question_id"]]["image"] for line in open(run["answers"])} for run in found.values()]
        images = sorted(set.intersection(*answered)) if answered else []
        self.place = {image: i for i, image in enumerate(images)}
        rng = np.random.default_rng(0)
        self.draws = np.concatenate([np.ones((1, len(images))), rng.multinomial(len(images), np.full(len(images), 1 / len(images)), DRAWS)])
        self.families = {name: self.accuracies(run["answers"]) for name, run in found.items()}

    def accuracies(self, path):
        """[1 + draws, families]: accuracy on all scenes, then on each draw."""
        right, given = np.zeros((2, len(self.place), len(FAMILIES)))
        for line in map(json.loads, open(path)):
            question = self.asked[line["question_id"]]
            if question["image"] not in self.place:
                continue
            at = self.place[question["image"]], FAMILIES.index(question["category"])
            right[at] += question["answer"] == line["text"]
            given[at] += 1
        return (self.draws @ right) / (self.draws @ given)


def interval(values):
    """95 % of the draws of a value that was taken on all scenes, then on each draw."""
    return np.percentile(values[1:], [2.5, 97.5])


def written(values, form="{:.1f}"):
    """The value on all scenes with its interval behind it, in points."""
    low, high = 100 * interval(values)
    return form.format(100 * values[0]) + f" [{form.format(low)}, {form.format(high)}]"


def retained(marks, name, kept):
    """Retention over the families `kept`, on all scenes and each draw: of the span from lower to upper."""
    of, lower, upper = (marks.families[n][:, kept] for n in (name, "lower", "upper, seed 1"))
    return ((of - lower) / (upper - lower)).mean(1)


def share(marks, name):
    """Retention as result / upper, the mean over all families."""
    return (marks.families[name] / marks.families["upper, seed 1"]).mean(1)


def over_seeds(means, rng):
    """The mean over seeds on all scenes, then on each draw the mean of seeds that are drawn as well (with one seed, that seed)."""
    means = np.stack(means)
    drawn = rng.integers(0, len(means), means.shape)
    drawn[:, 0] = np.arange(len(means))
    return np.take_along_axis(means, drawn, 0).mean(0)


def differences(found, marks):
    """What anchors and mask change: mean accuracy over families, averaged over seeds, between variants; and the same without the family that the
    anchors' own steps teach."""
    means, others = {}, {}
    rest = [i for i, f in enumerate(FAMILIES) if f != "background"]
    for name, run in found.items():
        means.setdefault(run["variant"], []).append(marks.families[name].mean(1))
        others.setdefault(run["variant"], []).append(marks.families[name][:, rest].mean(1))
    spread = max((float(np.ptp([m[0] for m in of])) for of in means.values()), default=0)
    pairs = [("HTC", "VoCo"), ("HTC", "star without anchors"), ("star without anchors", "VoCo"), ("upper", "HTC"), (LONG_HTC, LONG_VOCO)]
    pairs += [(name, "HTC") for name in ABLATIONS.values()]
    lines = []
    for a, b in pairs:
        if a in means and b in means:
            # Each pair's own draws, so that a new row leaves the others' intervals as they were.
            rng = np.random.default_rng(zlib.crc32(f"{a} − {b}".encode()))
            gap, apart = (over_seeds(of[a], rng) - over_seeds(of[b], rng) for of in (means, others))
            low, high = interval(gap)
            word = "no difference shown" if low <= 0 <= high else "within the spread of seeds" if abs(gap[0]) <= spread else "better" if low > 0 else "worse"
            anecdote = "; an anecdote, since a variant with fewer than three seeds does not tell what others would give" if min(len(means[a]), len(means[b])) < 3 else ""
            lines.append(f"* {a} − {b}: {written(gap, '{:+.1f}')}, {word} (seeds: {len(means[a])} and {len(means[b])}); without *background* {written(apart, '{:+.1f}')}{anecdote}")
    if spread:
        lines += ["", f"Two seeds of one variant differ by up to {100 * spread:.1f} points."]
    return lines


def bounds(found):
    """Whether the upper row lies above every other row of as many steps, so that there is a span of which something can be retained."""
    if "lower" not in found or "upper, seed 1" not in found:
        return False
    upper = found["upper, seed 1"]
    return all(run["mean"] < upper["mean"] for name, run in found.items() if name != "upper, seed 1" and run["step"] == upper["step"])


def table(found, marks):
    """Markdown: accuracy per family, mean and retention of every run, which families count, and differences between variants."""
    bounded = bounds(found)
    heads = ["run", "steps", *FAMILIES, "mean"] + ["retention", "of upper"] * bounded
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    kept = [i for i in range(len(FAMILIES)) if bounded and abs(marks.families["upper, seed 1"][0, i] - marks.families["lower"][0, i]) >= LEAST_GAP]
    for name, result in found.items():
        cells = [f"{result['families'][f]['accuracy']:.3f}" for f in FAMILIES] + [f"{result['mean']:.3f}"]
        if bounded:
            bounds_it = name == "lower" or result["step"] == found["upper, seed 1"]["step"]
            cells += [written(retained(marks, name, kept)) if kept and bounds_it and name not in ("lower", "upper, seed 1") else "", written(share(marks, name)) if bounds_it and name != "upper, seed 1" else ""]
        lines.append(f"| {name} | {result['step']} | " + " | ".join(cells) + " |")
    if bounded:
        left = [f for i, f in enumerate(FAMILIES) if i not in kept]
        lines += ["", f"Left out of retention because upper and lower lie within ten points: {', '.join(left) or 'none'}.",
                  "The paper's retention, of other tasks and sizes: " + ", ".join(f"{n} {v}" for n, v in PAPER.items()) + "."]
    elif "upper, seed 1" in found:
        best = max((n for n in found if n != "upper, seed 1"), key=lambda n: found[n]["mean"])
        lines += ["", f"No retention: upper ({found['upper, seed 1']['mean']:.3f}) does not lie above all other rows ({best} {found[best]['mean']:.3f}), so in so few steps it bounds nothing."]
    learnt = {f: [n for n, run in found.items() if n != "lower" and run["families"][f]["interval"][0] > run["families"][f]["guess"]] for f in FAMILIES}
    lines += ["", "Above guessing (interval clear of the most frequent answer that the question allows): " + "; ".join(
        f"*{f}* {'no row' if not rows else 'all rows' if len(rows) == len(found) - ('lower' in found) else ', '.join(rows)}" for f, rows in learnt.items()) + "."]
    gaps = differences(found, marks)
    if gaps:
        lines += ["", "Differences of the mean accuracy, in points, with 95 % intervals over scenes and seeds:", ""] + gaps
    return "\n".join(lines)


CLAIMS = ("attends", "contributes", "causes")


def stored(work, run, kind):
    """A result of `health.py` or `judge.py`, or None."""
    path = os.path.join(work, "results", f"{run}-{kind}.json")
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return json.load(file)


def shown(claim, value):
    """A verdict with its effect and interval, where there is one."""
    if value.get("effect") is None or value.get("interval") is None:
        return f"**{value['verdict']}**, not measured"
    form = (lambda x: f"×{x:.3g}") if claim != "causes" else (lambda x: f"{x:.3f}")
    # Without the control by models of permuted weights no lift is a yes.
    word = f"**{value['verdict']}** " if claim == "causes" or value.get("nulls") else ""
    return f"{word}{form(value['effect'])} [{', '.join(form(x) for x in value['interval'])}]"


def claims(found, family):
    """{claim: its verdict} of a `verify` result for the question of a family."""
    judged = found[family]["voco_tokens"][0]
    return {"attends": judged["attends"], "contributes": judged["contributes"], "causes": judged["causes"][0]}


def anchors(work, variant, split):
    """Markdown: what the anchors of each seed hold and do, and what `verify` says of it; and the verdicts [{claim: verdict}] for the background."""
    seeds = [n for n in range(1, 10) if stored(work, f"{variant}-{n}", f"health-{split}")]
    lines = ["| run | effective rank | saturated | swapped: KL | right before | right after | donor's answer | count, swapped: KL |", "| --- " * 8 + "|"]
    for n in seeds:
        figures = stored(work, f"{variant}-{n}", f"health-{split}")
        swap = figures["background"]
        lines.append(f"| {NAMES[variant]}, seed {n} | {figures['rank']} | {figures['saturated'][0]:.1%}, {figures['saturated'][1]:.1%} | {swap['kl']:.2g} | {swap['own']:.3f} | {swap['swapped']:.3f} | {swap['donor']:.3f} | {figures['count']['kl']:.2g} |")
    judged = [(n, stored(work, f"{variant}-{n}", "verify")) for n in range(1, 10)]
    judged = [(n, v) for n, v in judged if v]
    notes = []
    if judged:
        lines += ["", "| run | asked for | attends | contributes | causes | donor's answer | permuted weights reach |", "| --- " * 7 + "|"]
    for n, found in judged:
        for family in found:
            said = claims(found, family)
            flips, null = said["causes"].get("flips"), [f"×{max(said[c]['nulls']):.3g}" for c in CLAIMS[:2] if said[c].get("nulls")] or ["not run"]
            lines.append(f"| {NAMES[variant]}, seed {n} | {family} | " + " | ".join(shown(c, said[c]) for c in CLAIMS)
                         + (f" | {flips['donor']} of {said['causes']['donors']['pairs']}" if flips else " | ") + f" | {', '.join(null)} |")
            if said["causes"].get("effect") is None:
                notes.append(f"Seed {n}, asked for {family}: {said['causes']['sentence']}")
    lines += [""] * bool(notes) + notes
    return ("\n".join(lines) if seeds else ""), [{c: v["verdict"] for c, v in claims(found, "background").items()} for _, found in judged if "background" in found]


def least_share(n):
    """The lower end of Clopper and Pearson's 95 % interval of n of n."""
    return .025 ** (1 / n)


def conclusions(verdicts):
    """One line a claim: in how many seeds, and what as many say of seeds to come."""
    lines = []
    for claim in CLAIMS:
        said = [v[claim] for v in verdicts]
        counts = ", ".join(f"{word} {said.count(word)}" for word in ("yes", "no", "undecided") if word in said)
        alike = f": of models trained so, at least {least_share(len(said)):.0%} would get the same word (95 %)" if len(set(said)) == 1 else ": seeds disagree, so no word holds of the recipe"
        lines.append(f"* *{claim}*, of {len(said)} seeds: {counts}{alike if len(said) > 1 else ''}.")
    return lines


def budget(found):
    """How the rows were trained, from the results themselves."""
    same = [run for name, run in found.items() if run.get("options") and name not in ("lower", LONG_HTC, LONG_VOCO) and run["variant"] not in ABLATIONS.values()]
    values = {k: sorted({str(run["options"].get(k)) for run in same}) for k in ("batch", "questions", "patches", "anchors", "align", "second", "full", "muon", "rate", "split")}
    values |= {"step": sorted({str(run["step"]) for run in same}), "scenes": sorted({str(run["scenes"]) for run in same})}
    v = {k: " or ".join(x) for k, x in values.items()}
    minutes = sum(run["training_minutes"] for name, run in found.items() if name != "lower")
    return (f"Each row: random weights, {v['step']} joint steps of {v['batch']} scenes and {v['questions']} questions on {v['scenes']} scenes (split `{v['split']}`, four in five of a batch put together from several), "
            f"{v['second']} of them in the second stage, the last {v['full']} with all 576 patches, the others with {v['patches']}. Before them {v['align']} steps that name single patches where there are patches, and {v['anchors']} "
            f"steps of the anchors alone where there are anchors made of codes: **steps that rows without anchors do not get**. Blocks and projector by Muon at {v['muon']}, the rest by AdamW at {v['rate']}. "
            f"{minutes:.0f} minutes by the clock in all, on two cores that did other things too.")


def deciding(work, split):
    """A sentence on what decides whether anchors matter: steps of their own, or that these come first."""
    without, last = stored(work, "htc-unaligned-1", f"health-{split}"), stored(work, "htc-patches-first-1", f"health-{split}")
    if not without or not last:
        return ""
    a, b = without["background"], last["background"]
    return (f"**What decides** is that the anchors have steps of their own before the joint ones, not that these come before the patches': without any (one seed) another picture's anchors bring its background in {a['donor']:.3f} of {a['n']} scenes "
            f"(KL {a['kl']:.2g}, {a['own']:.3f} right), with them after the patches' in {b['donor']:.3f} (KL {b['kl']:.2g}, {b['own']:.3f} right).")


def verdict_table(verified):
    """Markdown: a run's verdicts for each question."""
    lines = ["| asked for | attends | contributes | causes |", "| --- " * 4 + "|"]
    for family in verified:
        said = claims(verified, family)
        lines.append(f"| {family} | " + " | ".join(shown(c, said[c]) for c in CLAIMS) + " |")
    return lines


def lasting(work, found):
    """Markdown: what another picture's anchors did to validation scenes along the long run, so that one sees whether the anchors' part lasts."""
    path = os.path.join(work, "runs", "htc-1-long", "log.jsonl")
    if LONG_HTC not in found or not os.path.exists(path):
        return ""
    with open(path) as lines:
        # Of one step the last: over more scenes.
        measured = list({m["step"]: m for m in map(json.loads, lines) if "swap" in m}.values())
    last = found[LONG_HTC]
    rows = ["| step | mean | background | swapped: KL | right after | donor's answer | of scenes |", "| --- " * 7 + "|"]
    for m in measured:
        swap = m["swap"]["background"]
        rows.append(f"| {m['step']} | {m['val']['mean']:.3f} | {swap['own']:.3f} | {swap['kl']:.2g} | {swap['swapped']:.3f} | {swap['donor']:.3f} | {swap['n']} |")
    options = last["options"]
    rival = found.get(LONG_VOCO)
    text = (f"## Longer: {last['step']} joint steps\n\nOne seed, so an anecdote: the same recipe with {options['steps']} and {options['second']} steps, the last {options['full']} with all patches. "
            "Another picture's anchors, whose answer differs, on validation scenes as training went on:")
    if rival:
        text += f" VoCo with as many steps: mean {rival['mean']:.3f}, background {rival['families']['background']['accuracy']:.3f} on the test scenes, so that patches alone {'learn it too' if rival['families']['background']['interval'][0] > rival['families']['background']['guess'] else 'still do not tell it'}."
    verified = stored(work, "htc-1-long", "verify")
    return "\n".join([text, "", *rows] + (["", "`verify` over the bundled slice, at the end:", "", *verdict_table(verified)] if verified else []))


def semantic(work, split):
    """Markdown: the quantizer of `semantic.py`, which no paper has, and what `verify` says of HTC on its codes; of the folder beside `work`."""
    folder = work + "-semantic"
    verified, health = stored(folder, "htc-semantic", "verify"), stored(folder, "htc-semantic", f"health-{split}")
    if not verified or not health:
        return ""
    with open(os.path.join(folder, "mgvq", "report.json")) as file:
        report = json.load(file)
    run = stored(folder, "htc-semantic", split)
    (before, n), (after, _) = report["names_objects"]["before"], report["names_objects"]["after"]
    lines = [
        "## One step beyond the paper: a quantizer that is taught what the tower sees", "",
        f"Declared as such: the shipped MGVQ carried on for {report['steps']} steps of `semantic.py` with a loss that a linear head of its code vectors points where DINOv2's features of the same place point. "
        f"{report['psnr_scenes_db']} dB on scenes afterwards. From the mean code vector under an object a ridge classifier names {after:.1%} of {n} objects of test scenes, {before:.1%} before. "
        f"HTC as above on its codes, one seed, {run['options']['anchors']} steps of the anchors alone, which ask for objects as well: mean accuracy {run['mean']:.3f}, *which* {run['families']['which']['accuracy']:.3f}, "
        f"background {run['families']['background']['accuracy']:.3f}; effective rank of the anchors {health['rank']}. Another picture's anchors bring its answer for the background in {health['background']['donor']:.3f} of {health['background']['n']} scenes, "
        f"for *which* in {health['which']['donor']:.3f} of {health['which']['n']}.", "",
        *verdict_table(verified)]
    notes = [f"Asked for {family}: {said['causes']['sentence']}" for family, said in ((f, claims(verified, f)) for f in verified) if said["causes"].get("effect") is None]
    if claims(verified, "which")["causes"]["verdict"] == "yes" and run["families"]["which"]["interval"][0] <= run["families"]["which"]["guess"]:
        notes.append("The answers to *which* are hardly ever right, and follow the anchors all the same: a verdict says whose the answer is, not whether it is true.")
    return "\n".join(lines + [""] * bool(notes) + notes)


def rivals(found):
    """A sentence on whether patches alone had learnt the background's colour in as many steps, so that something rivalled the anchors."""
    alone = [run["families"]["background"] for run in found.values() if run["variant"] == "VoCo"]
    if not alone:
        return ""
    reached = ", ".join(f"{f['accuracy']:.3f}" for f in alone)
    if all(f["interval"][0] <= f["guess"] for f in alone):
        return (f"**In as many steps patches alone had not learnt the background's colour** (VoCo: {reached}; guessing {alone[0]['guess']:.3f}), so nothing rivalled the anchors yet: "
                "that is what *anchors first* means, and less than a preference for them over patches that know it too. ")
    return f"Patches alone had learnt it as well (VoCo: {reached}), so the anchors had a rival. "


def document(work, split):
    """The whole file."""
    found = results(work, split)
    marks = Marks(work, split, found)
    there = {run["variant"] for run in found.values()}
    missing = [name for variant, name in NAMES.items() if name not in there and variant not in ABLATIONS] + ["lower"] * ("lower" not in there)
    parts = ["# The comparison, anchors first", "Written by `comparison.py` from what `evaluate.py`, `health.py` and `judge.py` measured; `sh assets/training/run.sh` with `comparison`, `ablations` and `semantic` repeats it.",
             budget(found), f"No run was chosen among others, and each run read the {len(marks.place)} test scenes once, when it was finished."
             + (" *lower* is the upper model, its text confined to a `<voco>` that no text was trained to read." if "lower" in there else "")
             + (f" **Rows that were not trained: {', '.join(missing)}**." if missing else "")
             + (" So there is no retention." if {"upper", "lower"} & set(missing) else "") + (" Star mask and anchors are not told apart." if NAMES["star-without-anchors"] in missing else "")
             + ("" if NAMES["htc-patches-first"] in there else " Nor was HTC with its patches aligned first, so nothing here shows that the order decides."),
             table(found, marks)]
    for variant, title in (("htc", "## What the anchors do in HTC runs that nobody constructed"), ("htc-patches-first", "## The same with the patches aligned first")):
        lines, verdicts = anchors(work, variant, split)
        if lines:
            parts += [title, f"*Swapped*: another picture's anchors, whose answer differs, on the {len(marks.place)} test scenes. `vocoscope verify` over the bundled slice.", lines]
        if verdicts:
            steps = " or ".join(sorted({str(run["step"]) for run in found.values() if run["variant"] == NAMES[variant]}))
            parts.append("\n".join(["Of the background's colour, which the anchors' own steps teach:", "", *conclusions(verdicts), "",
                                    f"All of it after {steps} joint steps. {rivals(found)}" + ("" if LONG_HTC in found else "Whether it lasts through longer training these runs do not tell.")]))
    parts += [part for part in (deciding(work, split), lasting(work, found), semantic(work, split)) if part]
    return "\n\n".join(parts) + "\n"


def main():
    """Prints the table, or writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--split", default="test", choices=["val", "test", "pairs"])
    parser.add_argument("--out", help="write table, anchors and verdicts into this file")
    options = parser.parse_args()
    if options.out:
        with open(options.out, "w") as out:
            out.write(document(options.work, options.split))
        return
    found = results(options.work, options.split)
    print(table(found, Marks(options.work, options.split, found)))


if __name__ == "__main__":
    main()
