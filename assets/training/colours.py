"""Why `colour` is answered wrongly: `python colours.py RUN... [--work DIR]` breaks its answers on the test scenes down.

By the number of coloured objects in the picture, by the asked colour, and what the wrong answers are: another object's colour (a fault of
binding), and how often that would come about if a wrong answer were any of the seven other colours.
"""

import argparse
import json
import os

from features import default_work
from scenes import draw_scene
from vocabulary import COLOUR_NAMES


def rows(work, run):
    """[(question, answer given, scene, the asked object)] of a run's colour questions on the test scenes."""
    with open(os.path.join(work, "questions", "test.jsonl")) as lines:
        asked = {q["question_id"]: q for q in map(json.loads, lines) if q["category"] == "colour"}
    found = []
    with open(os.path.join(work, "results", run + "-test-answers.jsonl")) as lines:
        for given in map(json.loads, lines):
            question = asked.get(given["question_id"])
            if question:
                scene = draw_scene("test", int(question["image"][5:9]))
                target = next(o for o in scene.objects if question["text"].rstrip("?").endswith("the " + o.name))
                found.append((question, given["text"], scene, target))
    return found


def painted(scene):
    """How many of a scene's objects are recoloured, so that a question could be about them."""
    return sum(o.colour is not None for o in scene.objects)


def breakdown(found):
    """(right, n) by number of coloured objects, of objects, and by colour; how many wrong answers, how many of them another object's colour and how
    many of those by chance; `blind`, how many would be right if a coloured object were drawn at random; confusions, the most frequent first."""
    def by(key):
        groups = {}
        for row in found:
            right, n = groups.get(key(row), (0, 0))
            groups[key(row)] = right + (row[0]["answer"] == row[1]), n + 1
        return dict(sorted(groups.items()))

    wrong, other, chance, blind, pairs = 0, 0, 0.0, 0.0, {}
    for question, word, scene, target in found:
        blind += sum(o.colour == question["answer"] for o in scene.objects) / painted(scene)
        if word == question["answer"]:
            continue
        others = {o.colour for o in scene.objects if o is not target and o.colour and o.colour != question["answer"]}
        wrong, other, chance = wrong + 1, other + (word in others), chance + len(others) / (len(COLOUR_NAMES) - 1)
        pairs[question["answer"], word] = pairs.get((question["answer"], word), 0) + 1
    return {"painted": by(lambda row: painted(row[2])), "objects": by(lambda row: len(row[2].objects)), "colours": by(lambda row: row[0]["answer"]),
            "wrong": wrong, "other": other, "chance": chance, "blind": blind, "pairs": sorted(((n, *p) for p, n in pairs.items()), reverse=True)}


def sentence(found):
    """The breakdown in words, for a card."""
    said = breakdown(found)
    total, right = sum(n for _, n in said["painted"].values()), sum(r for r, _ in said["painted"].values())
    return (f"By how many coloured objects the picture has, *colour* is right in {share(found)}. Who named the colour of a coloured object drawn at random would have {said['blind']:.0f} of {total}, this model has {right}; "
            f"of its {said['wrong']} wrong answers {said['other']} are the colour of another object in the picture (any other colour at random: {said['chance']:.0f})")


def share(found):
    """How many of how many are right, by the number of coloured objects."""
    return ", ".join(f"{right} of {n} with {count}" for count, (right, n) in breakdown(found)["painted"].items())


def main():
    """Prints it for runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--work", default=default_work())
    options = parser.parse_args()
    for run in options.runs:
        found = rows(options.work, run)
        print(run, sentence(found))
        print(json.dumps({k: v for k, v in breakdown(found).items() if k != "pairs"}), breakdown(found)["pairs"][:8])


if __name__ == "__main__":
    main()
