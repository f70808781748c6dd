"""The comparison the paper is about, in miniature: `python comparison.py [--work DIR] [--split test]` prints its table.

Rows are the runs whose results `evaluate.py` has written. Two retentions are printed, since papers differ: the mean over families of
(result - lower) / (upper - lower), and of result / upper. Families whose upper and lower lie within ten points of each other are shown but left out
of the first. That rule was fixed before any run was evaluated. Intervals: 2,000 bootstrap draws over scenes, the same draws for all runs; where
a variant has several seeds, every draw takes a random one of them too.
"""

import argparse
import json
import os

import numpy as np

from features import default_work
from questions import FAMILIES

NAMES = {"upper": "upper", "htc": "HTC", "voco": "VoCo", "star-without-anchors": "star without anchors", "discrete-only": "discrete only"}
# One thing changed of HTC: how many anchors, what they are made of, where they stand, in which order the parts are trained.
ABLATIONS = {"htc-anchors-1": "HTC, 1 anchor", "htc-anchors-2": "HTC, 2 anchors", "htc-anchors-8": "HTC, 8 anchors", "anchors-last": "HTC, anchors last",
             "random-patches": "anchors of random patches", "top-k-patches": "anchors of top-k patches", "k-means-patches": "anchors of k-means patches",
             "htc-patches-first": "HTC, patches aligned first"}
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
        images = sorted({q["image"] for q in self.asked.values()})
        self.place = {image: i for i, image in enumerate(images)}
        rng = np.random.default_rng(0)
        self.draws = np.concatenate([np.ones((1, len(images))), rng.multinomial(len(images), np.full(len(images), 1 / len(images)), DRAWS)])
        self.families = {name: self.accuracies(run["answers"]) for name, run in found.items()}

    def accuracies(self, path):
        """[1 + draws, families]: accuracy on all scenes, then on each draw."""
        right, given = np.zeros((2, len(self.place), len(FAMILIES)))
        for line in map(json.loads, open(path)):
            question = self.asked[line["question_id"]]
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
    """What anchors and mask change: mean accuracy over families, averaged over seeds, between variants."""
    means = {}
    for name, run in found.items():
        means.setdefault(run["variant"], []).append(marks.families[name].mean(1))
    spread = max((float(np.ptp([m[0] for m in of])) for of in means.values()), default=0)
    pairs = [("HTC", "VoCo"), ("HTC", "star without anchors"), ("star without anchors", "VoCo"), ("upper", "HTC"), (LONG_HTC, LONG_VOCO)]
    pairs += [(name, "HTC") for name in ABLATIONS.values()]
    rng = np.random.default_rng(1)
    means |= {name: [marks.families[name].mean(1)] for name in found}
    lines = []
    for a, b in pairs:
        if a in means and b in means:
            gap = over_seeds(means[a], rng) - over_seeds(means[b], rng)
            low, high = interval(gap)
            word = "no difference shown" if low <= 0 <= high else "within the spread of seeds" if abs(gap[0]) <= spread else "better" if low > 0 else "worse"
            anecdote = "; an anecdote, since a variant with one seed does not tell what another would give" if min(len(means[a]), len(means[b])) < 3 else ""
            lines.append(f"* {a} − {b}: {written(gap, '{:+.1f}')}, {word} (seeds: {len(means[a])} and {len(means[b])}){anecdote}")
    if spread:
        lines += ["", f"Two seeds of one variant differ by up to {100 * spread:.1f} points."]
    return lines


def table(work, split="test"):
    """Markdown: accuracy per family, mean and retention of every run, which families count, and differences between variants."""
    found = results(work, split)
    marks = Marks(work, split, found)
    lines = ["| run | steps | " + " | ".join(FAMILIES) + " | mean | retention | of upper |", "| --- " * (len(FAMILIES) + 5) + "|"]
    bounded = "lower" in found and "upper, seed 1" in found
    kept = [i for i in range(len(FAMILIES)) if bounded and abs(marks.families["upper, seed 1"][0, i] - marks.families["lower"][0, i]) >= LEAST_GAP]
    for name, result in found.items():
        cells = [f"{result['families'][f]['accuracy']:.3f}" for f in FAMILIES]
        retention = written(retained(marks, name, kept)) if kept and name not in ("lower", "upper, seed 1") else ""
        of_upper = written(share(marks, name)) if bounded and name != "upper, seed 1" else ""
        lines.append(f"| {name} | {result['step']} | " + " | ".join(cells) + f" | {result['mean']:.3f} | {retention} | {of_upper} |")
    if bounded:
        left = [f for i, f in enumerate(FAMILIES) if i not in kept]
        lines += ["", f"Left out of retention because upper and lower lie within ten points: {', '.join(left) or 'none'}.",
                  "The paper's retention, of other tasks and sizes: " + ", ".join(f"{n} {v}" for n, v in PAPER.items()) + "."]
    gaps = differences(found, marks)
    if gaps:
        lines += ["", "Differences of the mean accuracy, in points, with 95 % intervals over scenes and seeds:", ""] + gaps
    return "\n".join(lines)


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--split", default="test", choices=["val", "test", "pairs"])
    options = parser.parse_args()
    print(table(options.work, options.split))


if __name__ == "__main__":
    main()
