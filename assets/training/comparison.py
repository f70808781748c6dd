"""The comparison the paper is about, in miniature: `python comparison.py [--work DIR] [--split test]` prints its table.

Rows are the runs whose results `evaluate.py` has written. Retention of a run is the mean over families of (result - lower) / (upper - lower);
families whose upper and lower lie within ten points of each other are shown but left out of it. That rule was fixed before
any run was evaluated. Intervals of retention: 2,000 bootstrap draws over scenes, the same draw for all runs.
"""

import argparse
import collections
import json
import os

import numpy as np

from features import default_work
from questions import FAMILIES

NAMES = {"upper": "upper", "htc": "HTC", "voco": "VoCo", "star-without-anchors": "star without anchors", "discrete-only": "discrete only"}
LEAST_GAP = .10
PAPER = {"HTC": 87.2, "VoCo": 81.0}


def results(work, split):
    """{row name: result} of all evaluated runs: the comparison's variants with their seeds, and the lower bound."""
    found, folder = {}, os.path.join(work, "results")
    for variant, name in NAMES.items():
        for seed in range(1, 10):
            path = os.path.join(folder, f"{variant}-{seed}-{split}.json")
            if os.path.exists(path):
                found[f"{name}, seed {seed}"] = json.load(open(path)) | {"answers": path[:-5] + "-answers.jsonl"}
    path = os.path.join(folder, f"upper-1-as-lower-{split}.json")
    if os.path.exists(path):
        found["lower"] = json.load(open(path)) | {"answers": path[:-5] + "-answers.jsonl"}
    return found


def marks(work, split, result):
    """{family: {scene: 1 or 0}}: which questions a run answered right."""
    right = collections.defaultdict(dict)
    asked = {q["question_id"]: q for q in map(json.loads, open(os.path.join(work, "questions", split + ".jsonl")))}
    for line in map(json.loads, open(result["answers"])):
        question = asked[line["question_id"]]
        right[question["category"]][question["image"]] = float(question["answer"] == line["text"])
    return right


def retained(of, lower, upper, images=None):
    """Retention in percent over the families that count; `images` is a bootstrap draw."""
    def mean(run, family):
        return np.mean([run[family][i] for i in (images or run[family]) if i in run[family]])
    kept = [f for f in FAMILIES if abs(np.mean(list(upper[f].values())) - np.mean(list(lower[f].values()))) >= LEAST_GAP]
    parts = [(mean(of, f) - mean(lower, f)) / (mean(upper, f) - mean(lower, f)) for f in kept]
    return (100 * float(np.mean(parts)) if parts else None), kept


def table(work, split="test", draws=2000):
    """Markdown: accuracy per family, mean and retention of every run, and which families count."""
    found = results(work, split)
    head = "| run | steps | " + " | ".join(FAMILIES) + " | mean | retention |"
    lines = [head, "| --- " * (len(FAMILIES) + 4) + "|"]
    right = {name: marks(work, split, r) for name, r in found.items()}
    bounded = "lower" in found and "upper, seed 1" in found
    rng, kept = np.random.default_rng(0), []
    images = sorted({i for family in right[next(iter(right))].values() for i in family}) if right else []
    samples = [[images[j] for j in rng.integers(0, len(images), len(images))] for _ in range(draws)] if bounded else []
    for name, result in found.items():
        cells = [f"{result['families'][f]['accuracy']:.3f}" for f in FAMILIES]
        retention = ""
        if bounded and name not in ("lower", "upper, seed 1"):
            value, kept = retained(right[name], right["lower"], right["upper, seed 1"])
            if value is not None:
                low, high = np.percentile([retained(right[name], right["lower"], right["upper, seed 1"], s)[0] for s in samples], [2.5, 97.5])
                retention = f"{value:.1f} [{low:.1f}, {high:.1f}]"
        lines.append(f"| {name} | {result['step']} | " + " | ".join(cells) + f" | {result['mean']:.3f} | {retention} |")
    if bounded:
        left = [f for f in FAMILIES if f not in kept]
        lines.append("")
        lines.append(f"Left out of retention because upper and lower lie within ten points: {', '.join(left) or 'none'}.")
        lines.append("The paper's retention, of other tasks and sizes: " + ", ".join(f"{n} {v}" for n, v in PAPER.items()) + ".")
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
