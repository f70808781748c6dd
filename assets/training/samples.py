"""Writes the sample pictures: `python samples.py --out assets/images`, and with `--slice DIR` the shipped test slice.

Photos come from scikit-image, scenes from the test split (never trained on).
"""

import argparse
import json
import os

import skimage
from PIL import Image

from questions import fixed_questions
from scenes import draw_scene, render

PHOTOS = {"cat.jpg": ("chelsea.png", None), "coffee.jpg": ("coffee.png", None), "astronaut.png": ("astronaut.png", (256, 256)), "rocket.jpg": ("rocket.jpg", None)}


def chosen_scenes():
    """The first test scenes with one, two, three and four objects whose backgrounds differ, six in all."""
    chosen, seen = [], set()
    for count in (1, 2, 3, 4, 2, 3):
        for index in range(200):
            scene = draw_scene("test", index)
            if len(scene.objects) == count and scene.texture not in seen and scene.texture not in ("noise", "plain"):
                seen.add(scene.texture)
                chosen.append(index)
                break
    return chosen


def write_questions(path, rows):
    """One JSON object a line."""
    with open(path, "w") as out:
        out.writelines(json.dumps(r) + "\n" for r in rows)


def main():
    """Writes pictures and questions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out")
    parser.add_argument("--slice", help="folder for pictures and questions of the first 80 test scenes, e.g. assets/evaluation")
    options = parser.parse_args()
    if options.out:
        os.makedirs(options.out, exist_ok=True)
        for name, (source, size) in PHOTOS.items():
            image = Image.open(os.path.join(os.path.dirname(skimage.__file__), "data", source)).convert("RGB")
            image = image.resize(size, Image.LANCZOS) if size else image
            image.save(os.path.join(options.out, name), **({"quality": 88} if name.endswith("jpg") else {"optimize": True}))
        rows = []
        for number, index in enumerate(chosen_scenes(), 1):
            name = f"scene-{number}.png"
            Image.fromarray(render("test", index)[1]).save(os.path.join(options.out, name), optimize=True)
            rows += [q | {"image": name} for q in fixed_questions("test", index)]
        write_questions(os.path.join(options.out, "questions.jsonl"), rows)
    if options.slice:
        os.makedirs(os.path.join(options.slice, "images"), exist_ok=True)
        rows = []
        for index in range(80):
            name = f"images/test-{index:04d}.jpg"
            Image.fromarray(render("test", index)[1]).save(os.path.join(options.slice, name), quality=92)
            rows += [q | {"image": name} for q in fixed_questions("test", index)]
        write_questions(os.path.join(options.slice, "questions.jsonl"), rows)
        print(len(rows), "questions")


if __name__ == "__main__":
    main()
