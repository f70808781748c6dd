"""Questions about scenes: eight families, each question with one right answer of one word.

`python questions.py --work DIR` writes DIR/questions/{val,test,pairs}.jsonl in LLaVA's format.
"""

import argparse
import collections
import json
import os

from features import COUNTS, default_work
from scenes import draw_scene, generator
from vocabulary import BACKGROUND_COLOURS, CLASS_NAMES, COLOUR_NAMES, COLUMNS, NUMBERS, ROWS, TEXTURES

FAMILIES = ["which", "count", "where", "exist", "colour", "background", "texture", "relation"]
#: How often training asks each family (where the scene allows it).
WEIGHTS = {"which": 2, "count": 1, "where": 1.5, "exist": 2, "colour": 1.5, "background": 1.5, "texture": .7, "relation": 1.5}
#: The same in the second stage: once <voco> names the objects, finding a named one is what is left to learn.
SECOND_WEIGHTS = {"which": 4, "count": .4, "where": 1.5, "exist": 3, "colour": 3, "background": .5, "texture": .3, "relation": 1.5}
#: The same while the anchors are aligned alone: of what the codes can tell, mostly what they tell best.
ANCHOR_WEIGHTS = dict.fromkeys(WEIGHTS, 0) | {"background": 4, "count": 1}
PLURAL = {"grapes", "cherries", "fries", "headphones", "scissors", "glasses"}
MASS = {"bacon", "popcorn", "broccoli", "corn", "milk", "coffee", "beer", "wine", "honey", "cheese", "fire", "candy", "tennis", "soccer", "basketball"}
TEMPLATE = "USER: {prompt} ASSISTANT:"


def be(name):
    """is or are."""
    return "are" if name in PLURAL else "is"


def some(name):
    """The name with its indefinite article, if it takes one."""
    if name in PLURAL | MASS:
        return name
    return ("an " if name[0] in "aeo" or name == "umbrella" else "a ") + name


def pick(rng, items):
    """A random item."""
    return items[int(rng.integers(len(items)))]


def which(scene, rng):
    """Asks for an object by its place, or by being the only one."""
    target = pick(rng, scene.objects)
    row, column = ROWS[target.row], COLUMNS[target.column]
    texts = [f"what object is at the {row} {column}?", f"what is at the {row} {column}?", f"which object is in the {row} {column}?"]
    if sum(o.column == target.column for o in scene.objects) == 1:
        side = "in the middle" if column == "middle" else f"on the {column}"
        texts += [f"what object is {side}?", f"what is {side}?", f"which object is {side}?"]
    if sum(o.row == target.row for o in scene.objects) == 1:
        texts += [f"what object is at the {row}?", f"what is at the {row}?"]
    if len(scene.objects) == 1:
        texts += ["what object is in the picture?", "what is this?", "what object is this?", "what do you see?"] * 2
    return pick(rng, texts), target.name


def count(scene, rng):
    """Asks for the number of objects."""
    texts = ["how many objects are there?", "how many objects are in the picture?", "how many objects do you see?"]
    return pick(rng, texts), NUMBERS[len(scene.objects)]


def where(scene, rng):
    """Asks for the column or the row of an object."""
    target = pick(rng, scene.objects)
    if rng.random() < .6:
        return f"where {be(target.name)} the {target.name}: left, middle or right?", COLUMNS[target.column]
    return f"where {be(target.name)} the {target.name}: top or bottom?", ROWS[target.row]


def exist(scene, rng):
    """Asks whether an object is there; yes and no are equally frequent."""
    present = [o.name for o in scene.objects]
    yes = rng.random() < .5
    name = pick(rng, present) if yes else pick(rng, [n for n in CLASS_NAMES if n not in present])
    verb = be(name)
    texts = [f"{verb} there {some(name)}?", f"{verb} there {some(name)} in the picture?", f"do you see {some(name)}?"]
    return pick(rng, texts), "yes" if yes else "no"


def colour(scene, rng):
    """Asks for the colour of a recoloured object."""
    painted = [o for o in scene.objects if o.colour]
    if not painted:
        return None
    target = pick(rng, painted)
    return f"what colour {be(target.name)} the {target.name}?", target.colour


def background(scene, rng):
    """Asks for the colour of the background."""
    if scene.background is None:
        return None
    return pick(rng, ["what colour is the background?", "which colour does the background have?"]), scene.background


def texture(scene, rng):
    """Asks for the texture of the background."""
    return pick(rng, ["what texture is the background?", "what pattern does the background have?"]), scene.texture


def relation(scene, rng):
    """Asks how two objects in different columns or rows lie to each other."""
    pairs = [(a, b, axis) for a in scene.objects for b in scene.objects for axis in ("column", "row")
             if getattr(a, axis) != getattr(b, axis)]
    if not pairs:
        return None
    a, b, axis = pick(rng, pairs)
    if axis == "column":
        return f"{be(a.name)} the {a.name} left or right of the {b.name}?", "left" if a.column < b.column else "right"
    return f"{be(a.name)} the {a.name} above or below the {b.name}?", "above" if a.row < b.row else "below"


ASK = {f: globals()[f] for f in FAMILIES}


def training_questions(scene, rng, number, weights=WEIGHTS):
    """`number` questions of random families, some of them starting with a capital letter."""
    asked = []
    weights = [weights[f] for f in FAMILIES]
    total = sum(weights)
    while len(asked) < number:
        point, family = rng.random() * total, 0
        while point > weights[family]:
            point -= weights[family]
            family += 1
        question = ASK[FAMILIES[family]](scene, rng)
        if question:
            text, answer = question
            asked.append((text[0].upper() + text[1:] if rng.random() < .3 else text, answer, family))
    return asked


def fixed_questions(split, index):
    """The evaluation questions of a scene: one of each family that it allows."""
    scene, rng = draw_scene(split, index), generator(split, index, "questions")
    asked = []
    for family in FAMILIES:
        question = ASK[family](scene, rng)
        if question:
            asked.append({"question_id": f"{split}-{index:04d}-{family}", "image": f"{split}-{index:04d}.png",
                          "text": question[0], "answer": question[1], "category": family})
    return asked


def majority(questions):
    """Accuracy per family of always giving the family's most frequent answer, and the numbers of questions."""
    answers = collections.defaultdict(collections.Counter)
    for q in questions:
        answers[q["category"]][q["answer"]] += 1
    return {f: (max(c.values()) / sum(c.values()), sum(c.values())) for f, c in answers.items()}


def offered(question):
    """The alternatives that a question itself names, if any."""
    forms = ("left, middle or right", "top or bottom", "left or right", "above or below")
    return question["category"], next((f for f in forms if f in question["text"]), "")


def best_guess(questions):
    """Like `majority`, but the guess may depend on the alternatives that the question names: what needs no picture."""
    answers = collections.defaultdict(collections.Counter)
    for q in questions:
        answers[offered(q)][q["answer"]] += 1
    right, total = collections.Counter(), collections.Counter()
    for (family, _), counts in answers.items():
        right[family] += max(counts.values())
        total[family] += sum(counts.values())
    return {f: right[f] / total[f] for f in total}


def every_answer():
    """All words that can be answers."""
    return sorted(set(CLASS_NAMES + TEXTURES + COLOUR_NAMES + BACKGROUND_COLOURS + COLUMNS + ROWS + NUMBERS + ["yes", "no", "above", "below"]))


def main():
    """Writes the question files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=default_work())
    options = parser.parse_args()
    os.makedirs(os.path.join(options.work, "questions"), exist_ok=True)
    for split in ("val", "test", "pairs"):
        questions = [q for i in range(COUNTS[split]) for q in fixed_questions(split, i)]
        with open(os.path.join(options.work, "questions", split + ".jsonl"), "w") as out:
            out.writelines(json.dumps(q) + "\n" for q in questions)
        print(split, {f: (round(a, 3), n) for f, (a, n) in majority(questions).items()})


if __name__ == "__main__":
    main()
