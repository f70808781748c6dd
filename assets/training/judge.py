"""What the program says of runs: `python judge.py verify|probe|lens RUN... --program vocoscope [--work DIR]`.

`verify` exports each run to DIR/export/<run> and asks `vocoscope verify` over the bundled slice; the verdicts without their rows go to
DIR/results/<run>-verify.json, the states to DIR/export/<run>-<family>.jsonl, so that an interrupted run goes on. `probe` asks `vocoscope probe` for
each family of questions whose answers several pictures share: DIR/results/<run>-probes.json. `lens` counts in how many of the six sample scenes a state
decodes to the right answer: DIR/results/<run>-lens.json.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

from features import default_work

PROMPTS = {"background": "what colour is the background?", "texture": "what texture is the background?", "count": "how many objects are there?",
           "which": "what object is in the picture?"}
#: Families of which a whole picture can be labelled with the answer; of an object's colour, the asked one's.
PROBED = ("background", "texture", "count", "colour", "which")
LEAST = 2


def asked(options, *command):
    """The JSON that the program prints."""
    done = subprocess.run([options.program, *command, "--format", "json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def written(options, run, kind, result):
    """Stores a result."""
    path = os.path.join(options.work, "results", f"{run}-{kind}.json")
    with open(path + ".new", "w") as out:
        json.dump(result, out, indent=1)
    os.replace(path + ".new", path)
    print(path)


def verify(options, run):
    """Exports and judges one run."""
    folder = os.path.join(options.work, "export", run)
    base = ["--base", options.base] if options.base else []
    subprocess.run([sys.executable, "export.py", "--run", run, "--out", folder, "--work", options.work, *base], check=True, cwd=os.path.dirname(os.path.abspath(__file__)))
    path, folder_of_pictures = os.path.join(options.work, "results", f"{run}-verify.json"), os.path.join(options.slice, "images")
    results = json.load(open(path)) if os.path.exists(path) else {}
    pictures = [os.path.join(folder_of_pictures, name) for name in sorted(os.listdir(folder_of_pictures))[:options.pictures]]
    for family in options.families:
        found = asked(options, "verify", *pictures, "--model", folder, "--out", f"{folder}-{family}.jsonl", "--prompt", PROMPTS[family], *options.more)
        results[family] = {k: v for k, v in found.items() if k != "rows"}
        written(options, run, "verify", results)


def probe(options, run):
    """Probes one exported run, or with --model a checkpoint."""
    with open(os.path.join(options.slice, "questions.jsonl")) as lines:
        questions = [q for q in map(json.loads, lines) if q["category"] in PROBED]
    results = {}
    for family in PROBED:
        of = [q for q in questions if q["category"] == family]
        often = collections.Counter(q["answer"] for q in of)
        kept = [q for q in of if often[q["answer"]] >= LEAST]
        results[family] = {"answers": len(often), "once": sum(n < LEAST for n in often.values()), "pictures": len(kept)}
        if 2 * len(kept) < len(of):
            continue
        with tempfile.TemporaryDirectory() as folder:
            for q in kept:
                os.makedirs(os.path.join(folder, q["answer"]), exist_ok=True)
                os.symlink(os.path.abspath(os.path.join(options.slice, q["image"])), os.path.join(folder, q["answer"], os.path.basename(q["image"])))
            model = options.model or os.path.join(options.work, "export", run)
            results[family] |= asked(options, "probe", folder, "--model", model, *options.more)
    written(options, run, "probes", results)


def lens(options, run):
    """Counts, for each kind of state and layer, the sample scenes in which it decodes to the right answer: {family: {n, kind: [of the layers]}}."""
    samples = os.path.join(options.slice, "..", "images")
    with open(os.path.join(samples, "questions.jsonl")) as lines:
        questions = [q for q in map(json.loads, lines) if q["category"] in options.families]
    results = {family: {"n": 0} for family in options.families}
    for q in questions:
        model = options.model or os.path.join(options.work, "export", run)
        counted = results[q["category"]]
        counted["n"] += 1
        held = {}
        for row in asked(options, "report", os.path.join(samples, q["image"]), "--model", model, "--prompt", q["text"], "--lens", *options.more)["lens"]["rows"]:
            first = [state["top"][0]["piece"].strip("▁") == q["answer"] for state in row["states"]]
            kind = row["place"]["kind"]
            if kind == "patches":  # among 576 of them some word is always right
                continue
            held[kind] = [a or b for a, b in zip(held.get(kind, first), first)]
        for kind, layers in held.items():
            counted[kind] = [a + b for a, b in zip(counted.get(kind, [0] * len(layers)), layers)]
    written(options, run, "lens", results)


def main():
    """Verifies, probes or decodes runs."""
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["verify", "probe", "lens"])
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--program", default="vocoscope")
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--slice", default=os.path.join(here, "..", "evaluation"))
    parser.add_argument("--families", nargs="+", choices=list(PROMPTS), default=["background"], help="what to ask")
    parser.add_argument("--pictures", type=int, help="verify: only the first so many pictures of the slice")
    parser.add_argument("--base", help="verify: export only what differs from this checkpoint, seen from DIR/export/<run>")
    parser.add_argument("--model", help="probe, lens: this checkpoint instead of the exported run")
    parser.add_argument("--more", nargs=argparse.REMAINDER, default=[], help="more options of the program, at the end")
    options = parser.parse_args()
    os.makedirs(os.path.join(options.work, "results"), exist_ok=True)
    for run in options.runs:
        {"verify": verify, "probe": probe, "lens": lens}[options.what](options, run)


if __name__ == "__main__":
    main()
