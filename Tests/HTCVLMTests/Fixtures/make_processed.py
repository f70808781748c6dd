"""Makes processed.txt, the oracle of the tests of preprocessor_config.json: what transformers' CLIPImageProcessor makes of
drawn noise under many settings.

    python make_processed.py

Needs transformers, Pillow and NumPy. A line holds the noise's width, height and seed, a name, the settings as JSON without
spaces, and the SHA-256 of the float32 values, or `refused` where they have another size than 20×20.

Pictures are resized across first, then downwards, as Pillow did before release 13, with which CLIP and LLaVA prepared theirs;
later releases take the other order for some shapes, whose rounding differs.
"""
import hashlib, json, pathlib
import numpy as np
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

HERE = pathlib.Path(__file__).parent
SIDE = 20


def across_first(self, size, resample=None, **rest):
    """Pillow's resizing in two steps, each of which leaves one side as it is."""
    if resample == Image.Resampling.NEAREST:
        return RESIZE(self, size, resample, **rest)
    return RESIZE(RESIZE(self, (size[0], self.height), resample, **rest), size, resample, **rest)


RESIZE = Image.Image.resize
Image.Image.resize = across_first


def noise(count, seed):
    """The bytes of a linear congruential generator, which the tests have too."""
    out, state = bytearray(count), seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state >> 24
    return bytes(out)


def processed(width, height, seed, settings):
    picture = Image.frombytes("RGB", (width, height), noise(3 * width * height, seed))
    return CLIPImageProcessorPil(**settings)(picture, return_tensors="np")["pixel_values"][0]


def cases():
    crop = {"height": SIDE, "width": SIDE}
    yield "defaults-of-a-tower", {"size": SIDE, "crop_size": SIDE}
    yield "shortest", {"size": {"shortest_edge": SIDE}, "crop_size": crop}
    yield "shortest-larger", {"size": {"shortest_edge": 29}, "crop_size": crop}
    yield "shortest-smaller", {"size": {"shortest_edge": 13}, "crop_size": crop}
    yield "exact", {"size": crop, "crop_size": crop}
    yield "exact-no-crop", {"size": crop, "do_center_crop": False}
    yield "list", {"size": [SIDE, SIDE], "crop_size": [SIDE, SIDE]}
    yield "exact-oblong", {"size": {"height": 31, "width": 17}, "crop_size": crop}
    yield "both-edges", {"size": {"shortest_edge": SIDE, "longest_edge": 27}, "crop_size": crop}
    yield "both-edges-equal", {"size": {"shortest_edge": SIDE, "longest_edge": SIDE}, "crop_size": crop}
    yield "within", {"size": {"max_height": SIDE, "max_width": SIDE}, "crop_size": crop}
    yield "within-oblong", {"size": {"max_height": 40, "max_width": 23}, "crop_size": crop}
    yield "square-int", {"size": SIDE, "default_to_square": True, "do_center_crop": False}
    yield "no-resize", {"do_resize": False, "crop_size": crop}
    yield "no-resize-no-crop", {"do_resize": False, "do_center_crop": False}
    yield "no-crop", {"size": SIDE, "do_center_crop": False}
    yield "crop-of-another-size", {"size": SIDE, "crop_size": 18}
    yield "no-rescale", {"size": SIDE, "crop_size": SIDE, "do_rescale": False}
    yield "no-normalize", {"size": SIDE, "crop_size": SIDE, "do_normalize": False}
    yield "neither", {"size": SIDE, "crop_size": SIDE, "do_normalize": False, "do_rescale": False}
    yield "factor", {"size": SIDE, "crop_size": SIDE, "rescale_factor": 1 / 127.5}
    yield "statistics", {"size": SIDE, "crop_size": SIDE, "image_mean": [0.5, 0.25, -0.125], "image_std": [0.5, 2, 0.3]}
    yield "one-number", {"size": SIDE, "crop_size": SIDE, "image_mean": 0.5, "image_std": 0.25}
    for name, number in (("nearest", 0), ("lanczos", 1), ("bilinear", 2), ("bicubic", 3), ("box", 4), ("hamming", 5)):
        yield name, {"size": SIDE, "crop_size": SIDE, "resample": number}
        yield name + "-larger", {"size": {"height": 61, "width": 47}, "crop_size": SIDE, "resample": number}


if __name__ == "__main__":
    with open(HERE / "processed.txt", "w") as f:
        f.write("# Made by make_processed.py: width height seed name settings sha256\n")
        for name, settings in cases():
            for width, height, seed in ((33, 57, 1), (57, 33, 2), (20, 20, 3), (11, 12, 4)):
                values = processed(width, height, seed, settings)
                digest = "refused"
                if values.shape == (3, SIDE, SIDE):
                    digest = hashlib.sha256(np.ascontiguousarray(values, np.float32).tobytes()).hexdigest()
                f.write(f"{width} {height} {seed} {name} {json.dumps(settings, separators=(',', ':'))} {digest}\n")
