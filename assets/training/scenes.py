"""Renders the demo's scenes: emoji objects in a 3x2 grid of places on a textured background.

A scene is a pure function of (split, index), so nothing rendered needs to be stored.
Semantics (which object, where) and appearance (colour, texture) are drawn independently, except for
the held-out pairs: an (object, texture) pair with `is_unseen_pair` occurs in the split `pairs` only.
"""

import colorsys
import functools
import os
import zlib
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vocabulary import BACKGROUND_COLOURS, CLASS_NAMES, CLASSES, COLOUR_NAMES, COLOURS, TEXTURES

SIZE = 336
PATCH = 14
EMOJI_FONT = os.environ.get("NOTO_EMOJI", "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
#: Photos with no rights reserved that come with scikit-image; HELD_OUT ones are used by no training.
PHOTOS = ["astronaut.png", "coffee.png", "camera.png", "hubble_deep_field.jpg", "clock_motion.png", "moon.png", "retina.jpg"]
#: Photos of surfaces: only for training MGVQ, since as backgrounds they look like the drawn textures.
SURFACES = ["brick.png", "grass.png", "gravel.png"]
HELD_OUT_PHOTOS = ["chelsea.png", "rocket.jpg"]


@dataclass
class Placed:
    """One object of a scene; `colour` is None where the emoji keeps its own colours."""

    name: str
    column: int
    row: int
    colour: str | None
    box: tuple = ()


@dataclass
class Scene:
    """What is in a picture, and where: enough to ask any question about it."""

    split: str
    index: int
    texture: str
    background: str | None
    objects: list = field(default_factory=list)


def is_unseen_pair(name, texture):
    """True for the one pair in eleven that training never shows."""
    return (CLASS_NAMES.index(name) * 5 + TEXTURES.index(texture) * 3) % 11 == 0


def generator(split, index, purpose="scene"):
    """A random generator fixed by split, index and purpose."""
    return np.random.default_rng([zlib.crc32(f"{purpose}/{split}".encode()), index])


@functools.lru_cache(maxsize=None)
def photo(name):
    """A photo of scikit-image as an RGB array."""
    import skimage
    image = Image.open(os.path.join(os.path.dirname(skimage.__file__), "data", name)).convert("RGB")
    image.thumbnail((640, 640), Image.LANCZOS)
    return np.asarray(image)


@functools.lru_cache(maxsize=None)
def emoji(name):
    """The emoji of a class as an RGBA image cropped to its ink."""
    font = ImageFont.truetype(EMOJI_FONT, 109)
    image = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((10, 10), CLASSES[name], font=font, embedded_color=True)
    box = image.getchannel("A").getbbox()
    if box is None:
        raise ValueError(f"the font has no picture for {name}")
    return image.crop(box)


def rgb(hue, saturation, value):
    """HSV in degrees and fractions to an RGB array in 0..1."""
    return np.array(colorsys.hsv_to_rgb((hue % 360) / 360, min(saturation, 1), min(value, 1)))


def shades(colour, rng):
    """A lighter and a darker shade that are both called by the colour's name."""
    if colour == "grey":
        value = rng.uniform(.45, .65)
        return np.full(3, value + .14), np.full(3, value - .14)
    hue, saturation, value = COLOURS[colour]
    hue += rng.uniform(-6, 6)
    return rgb(hue, saturation * .62, min(value * 1.1, 1)), rgb(hue, saturation, value * .72)


def mix(mask, light, dark):
    """Blends two colours by a mask in 0..1."""
    return mask[..., None] * light + (1 - mask[..., None]) * dark


def pattern(texture, rng):
    """The mask of a procedural texture, SIZE x SIZE in 0..1."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    period = rng.uniform(22, 46)
    px, py = rng.uniform(0, period, 2)
    if texture == "plain":
        return np.full((SIZE, SIZE), rng.uniform(.2, .8))
    if texture == "gradient":
        angle = rng.uniform(0, 2 * np.pi)
        t = (x - SIZE / 2) * np.cos(angle) + (y - SIZE / 2) * np.sin(angle)
        return np.clip(t / SIZE + .5, 0, 1)
    if texture == "stripes":
        angle = rng.choice([1, -1]) * rng.uniform(.5, 1.07)
        return (np.sin(2 * np.pi * ((x + px) * np.cos(angle) + y * np.sin(angle)) / period) > 0) * 1.0
    if texture == "grid":
        width = rng.uniform(3, 6)
        return ((((x + px) % period) < width) | (((y + py) % period) < width)) * 1.0
    if texture == "checks":
        return (((x + px) // period + (y + py) // period) % 2 == 0) * 1.0
    if texture == "dots":
        u, v = (x + px) % period - period / 2, (y + py) % period - period / 2
        return (u * u + v * v < (period * .28) ** 2) * 1.0
    if texture == "waves":
        return (np.sin(2 * np.pi * (y + py + 9 * np.sin(2 * np.pi * (x + px) / (period * 1.7))) / period) > 0) * 1.0
    if texture == "rings":
        cx, cy = rng.uniform(80, SIZE - 80, 2)
        return (np.sin(2 * np.pi * np.hypot(x - cx, y - cy) / period) > 0) * 1.0
    if texture == "bricks":
        row = (y + py) // (period * .6)
        u = (x + px + (row % 2) * period * .75) % (period * 1.5)
        return ((u > 4) & ((y + py) % (period * .6) > 4)) * 1.0
    if texture == "noise":
        coarse = Image.fromarray((rng.random((84, 84)) * 255).astype(np.uint8)).resize((SIZE, SIZE), Image.BILINEAR)
        return np.clip((np.asarray(coarse) / 255 - .5) * 1.6 + .5 + rng.normal(0, .1, (SIZE, SIZE)), 0, 1)
    raise ValueError(texture)


def photo_crop(rng, size, names=tuple(PHOTOS), smallest=120):
    """A random square crop of a photo, flipped at random, resized to `size`, as an array in 0..1."""
    source = photo(names[rng.integers(len(names))])
    height, width = source.shape[:2]
    edge = int(rng.integers(min(smallest, height, width), min(height, width) + 1))
    top, left = int(rng.integers(height - edge + 1)), int(rng.integers(width - edge + 1))
    crop = source[top:top + edge, left:left + edge]
    if rng.random() < .5:
        crop = crop[:, ::-1]
    return np.asarray(Image.fromarray(crop).resize((size, size), Image.BICUBIC)) / 255.0


def recolour(image, colour, rng):
    """The emoji with a colour's hue (or its own hue, slightly turned), keeping light, dark and shape."""
    array = np.asarray(image).astype(np.float64) / 255
    colours, alpha = array[..., :3], array[..., 3:]
    if colour is None:
        turn = rng.uniform(-.12, .12)
        colours = np.clip((1 - abs(turn)) * colours + abs(turn) * np.roll(colours, 1 if turn > 0 else 2, -1), 0, 1)
    else:
        hue, saturation, value = COLOURS[colour]
        light = colours @ np.array([.30, .55, .15])
        base = rgb(hue + rng.uniform(-6, 6), saturation, value)
        dark = np.clip(light * 2, 0, 1)[..., None] * base * .9 + .04
        tint = np.clip(light * 2 - 1, 0, 1)[..., None]
        colours = .9 * ((1 - .62 * tint) * dark + .62 * tint) + .1 * colours
    return Image.fromarray((np.concatenate([np.clip(colours, 0, 1), alpha], -1) * 255).round().astype(np.uint8), "RGBA")


def draw_scene(split, index):
    """Draws the contents of a scene (no pixels yet)."""
    rng = generator(split, index)
    texture = TEXTURES[rng.integers(len(TEXTURES))]
    background = None if texture == "photo" else BACKGROUND_COLOURS[rng.integers(len(BACKGROUND_COLOURS))]
    wanted = [n for n in CLASS_NAMES if is_unseen_pair(n, texture) == (split == "pairs")]
    count = int(rng.integers(1, 5))
    names = rng.choice(wanted, count, replace=False)
    cells = rng.permutation(6)[:count]
    tints = [c for c in COLOUR_NAMES if c != background]
    objects = [Placed(str(n), int(c) % 3, int(c) // 3, str(rng.choice(tints)) if rng.random() < .6 else None)
               for n, c in zip(names, cells)]
    return Scene(split, index, texture, background, objects)


def render(split, index):
    """Returns (scene, RGB uint8 336x336x3, patch labels 24x24: 0 background, i for object i - 1)."""
    scene = draw_scene(split, index)
    rng = generator(split, index, "pixels")
    if scene.texture == "photo":
        ground = photo_crop(rng, SIZE)
    else:
        light, dark = shades(scene.background, rng)
        ground = mix(pattern(scene.texture, rng), light, dark)
        ground = np.clip(ground + rng.normal(0, .012, ground.shape), 0, 1)
    canvas = Image.fromarray((ground * 255).round().astype(np.uint8)).convert("RGBA")
    labels = np.zeros((24, 24), np.uint8)
    for number, placed in enumerate(scene.objects, 1):
        source = recolour(emoji(placed.name), placed.colour, rng)
        edge = rng.uniform(68, 106)
        scale = edge / max(source.size)
        source = source.resize((max(8, round(source.width * scale)), max(8, round(source.height * scale))), Image.LANCZOS)
        source = source.rotate(rng.uniform(-25, 25), Image.BICUBIC, expand=True)
        slack_x, slack_y = max(0, (112 - source.width) // 2), max(0, (150 - source.height) // 2)
        cx = placed.column * 112 + 56 + int(rng.integers(-slack_x, slack_x + 1))
        cy = placed.row * 168 + 84 + int(rng.integers(-slack_y, slack_y + 1))
        left, top = cx - source.width // 2, cy - source.height // 2
        left, top = min(max(left, 0), SIZE - source.width), min(max(top, 0), SIZE - source.height)
        canvas.alpha_composite(source, (left, top))
        placed.box = (left, top, left + source.width, top + source.height)
        cover = np.zeros((SIZE, SIZE), np.float32)
        cover[top:top + source.height, left:left + source.width] = np.asarray(source)[..., 3] / 255
        covered = cover.reshape(24, PATCH, 24, PATCH).mean((1, 3))
        labels[covered > .35] = number
    return scene, np.asarray(canvas.convert("RGB")), labels
