"""Photographs of things that the scenes draw: `python photos.py htc-demo --stamps STAMPS --program vocoscope --model DIR` asks a checkpoint what they are.

STAMPS is the folder /usr/share/tuxpaint/stamps of Debian's package tuxpaint-stamps-default (2022.06.04; GPL-2). Nothing of it is shipped
or trained on. Each stamp is a photograph that was cut out. It stands alone, in the size and at a place that an object of a scene may have, on a drawn
background (`drawn`) or on a photo that was a background in training (`photo`); or two thirds of the picture large on such a photo (`large`).
"""

import argparse
import json
import os
import subprocess
import tempfile

import numpy as np
from PIL import Image

from features import default_work
from scenes import SIZE, generator, mix, pattern, photo_crop, shades
from vocabulary import BACKGROUND_COLOURS, TEXTURES

#: Class to stamps, without .png; drawn ones ("cartoon") are left out.
STAMPS = {
    "rabbit": ["animals/mammals/rodents/rabbit", "animals/mammals/rodents/rabbit-2", "animals/mammals/rabbit_little"],
    "fox": ["animals/mammals/dogs/fox"], "dog": ["animals/mammals/dogs/dog"], "koala": ["animals/marsupials/koala"],
    "kangaroo": ["animals/marsupials/kangaroo"], "tiger": ["animals/mammals/cats/tiger", "animals/mammals/cats/tiger_sumatran"],
    "lion": ["animals/mammals/cats/lion", "animals/mammals/cats/lion-2"],
    "cow": ["animals/mammals/bovines/cow", "animals/mammals/bovines/cow_white"], "pig": ["animals/mammals/pig", "animals/mammals/pig_golden"],
    "frog": ["animals/amphibians/frog", "animals/amphibians/frog-1"], "monkey": ["animals/mammals/apes/chimp"],
    "penguin": ["animals/birds/penguin", "animals/birds/little-penguin", "animals/birds/magellanic_penguin"],
    "duck": ["animals/birds/duck", "animals/birds/drake"], "owl": ["animals/birds/owl"], "horse": ["animals/mammals/equines/horse"],
    "zebra": ["animals/mammals/equines/zebra"], "bee": ["animals/insects/bee"], "lizard": ["animals/lizards/iguana"],
    "whale": ["animals/mammals/aquatic/whale"], "elephant": ["animals/mammals/elephant"],
    "camel": ["animals/mammals/camel/camel", "animals/mammals/camel/dromedary"], "giraffe": ["animals/mammals/giraffe"],
    "sheep": ["animals/mammals/bovines/sheep", "animals/mammals/bovines/sheep_lamb"],
    "deer": ["animals/mammals/deer/deer", "animals/mammals/deer/doe"],
    "parrot": ["animals/birds/rainbow-lorikeet", "animals/birds/adelaide-rosella"], "flamingo": ["animals/birds/pink_flamingo"],
    "hedgehog": ["animals/mammals/hedgehog"], "fish": ["animals/fish/stripedfish", "animals/fish/clownfish", "animals/fish/coraltrout"],
    "tree": ["plants/trees/birch", "plants/trees/holm_oak"], "palm": ["plants/trees/liberia-palm"], "rose": ["plants/flowers/rose"],
    "mushroom": ["food/vegetables/mushroom", "plants/mushrooms/cep", "plants/mushrooms/cep-1"],
    "apple": ["food/fruit/apple_red", "food/fruit/apple_fuji", "food/fruit/apple_green", "food/fruit/apple_granny_smith"],
    "pear": ["food/fruit/pear"], "lemon": ["food/fruit/lemon"], "banana": ["food/fruit/banana"], "grapes": ["food/fruit/grapes"],
    "strawberry": ["food/fruit/strawberry", "food/fruit/Strawberry2"], "cherries": ["food/fruit/Cherry_Stella"],
    "pineapple": ["food/fruit/pineapple"], "avocado": ["food/fruit/avocado"], "broccoli": ["food/vegetables/broccoli"],
    "corn": ["food/vegetables/corn"], "carrot": ["food/vegetables/carrot"], "pizza": ["food/pizza"],
    "pumpkin": ["food/vegetables/pumpkin_small"], "toilet": ["household/toilet"], "key": ["household/key"],
    "bulb": ["household/Lightbulb"], "hammer": ["household/tools/hammer"],
    "scissors": ["household/arttools/scissors_small_closed", "household/arttools/scissors_small_open"], "hat": ["clothes/hats/tophat"],
    "shirt": ["clothes/t_shirt", "clothes/t_tshirt"],
    "guitar": ["hobbies/music/string/guitar_classical", "hobbies/music/string/guitar_electric", "hobbies/music/string/guitar2"],
    "violin": ["hobbies/music/string/violin"], "trumpet": ["hobbies/music/brass/trumpet"], "camera": ["hobbies/camera_35mm"],
    "moon": ["space/moon/moon_crescent"], "fire": ["naturalforces/fire"], "basketball": ["sports/basketball"],
    "soccer": ["sports/soccer"], "tennis": ["sports/tennis_ball"], "trophy": ["sports/trophy_cup"],
    "car": ["vehicles/auto/sedan", "vehicles/auto/beetle", "vehicles/auto/sportscar2"],
}
#: How many pixels of 336 the longer side of a thing has.
SMALLEST, LARGEST, LARGE = 84, 106, 224


def ground(kind, rng):
    """A background of a scene, or a crop of a photo that was one in training; RGB in 0..1."""
    if kind != "drawn":
        return photo_crop(rng, SIZE)
    light, dark = shades(BACKGROUND_COLOURS[rng.integers(len(BACKGROUND_COLOURS))], rng)
    return mix(pattern(TEXTURES[rng.integers(len(TEXTURES) - 1)], rng), light, dark)


def composed(stamp, kind, rng):
    """A picture of one stamp."""
    canvas = Image.fromarray((np.clip(ground(kind, rng), 0, 1) * 255).round().astype(np.uint8)).convert("RGBA")
    edge = LARGE if kind == "large" else rng.uniform(SMALLEST, LARGEST)
    scale = edge / max(stamp.size)
    stamp = stamp.resize((max(8, round(stamp.width * scale)), max(8, round(stamp.height * scale))), Image.LANCZOS)
    centre = (SIZE // 2, SIZE // 2) if kind == "large" else (int(rng.integers(3)) * 112 + 56, int(rng.integers(2)) * 168 + 84)
    canvas.alpha_composite(stamp, tuple(min(max(c - s // 2, 0), SIZE - s) for c, s in zip(centre, stamp.size)))
    return canvas.convert("RGB")


def drawn_set(stamps, kind, folder):
    """Pictures of all stamps and their questions; the file of the questions."""
    path = os.path.join(folder, kind + ".jsonl")
    with open(path, "w") as out:
        for number, (name, stamp) in enumerate((name, stamp) for name, all in STAMPS.items() for stamp in all):
            image = f"{kind}-{number:03}.png"
            picture = Image.open(os.path.join(stamps, stamp + ".png")).convert("RGBA")
            composed(picture, kind, generator(kind, number, "photos")).save(os.path.join(folder, image))
            question = {"question_id": f"{kind}-{number:03}", "image": image, "text": "what object is in the picture?", "answer": name, "category": "which"}
            out.write(json.dumps(question) + "\n")
    return path


def main():
    """Makes the three sets, asks the checkpoint and stores how often it is right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--work", default=default_work())
    parser.add_argument("--stamps", default="/usr/share/tuxpaint/stamps")
    parser.add_argument("--program", default="vocoscope")
    parser.add_argument("--model", required=True)
    options = parser.parse_args()
    results = {}
    for kind in ("drawn", "photo", "large"):
        with tempfile.TemporaryDirectory() as folder:
            questions = drawn_set(options.stamps, kind, folder)
            command = [options.program, "eval", questions, "--images", folder, "--model", options.model, "--format", "json"]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        results[kind] = {k: json.loads(done.stdout)["models"][0]["overall"][k] for k in ("n", "score", "interval")} | {"classes": len(STAMPS)}
        print(kind, results[kind])
    with open(os.path.join(options.work, "results", options.run + "-photos.json"), "w") as out:
        json.dump(results, out, indent=1)


if __name__ == "__main__":
    main()
