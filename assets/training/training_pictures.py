"""Measures what the pictures that a checkpoint was trained on have in common, so that others can be told from them.

python training_pictures.py CHECKPOINT "drawn scenes" IMAGE... [--program vocoscope]

Writes CHECKPOINT/training_pictures.json: mean and first principal components of the tower's patch features over the
pictures, and of each picture its distance from the subspace that the other half of the pictures spans: the mean over
patches of the squared distance. `vocoscope` measures the same distance of the picture it is given.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from safetensors import safe_open

COMPONENTS = 16


def features(program, checkpoint, image, folder):
    """The selected features [patches, width] of one picture."""
    trace = pathlib.Path(folder) / "trace.safetensors"
    arguments = ["trace", image, "--model", checkpoint, "--max-new-tokens", "0", "--out", str(trace)]
    subprocess.run([program, *arguments], check=True, stderr=subprocess.DEVNULL)
    with safe_open(str(trace), "np") as file:
        result = file.get_tensor("vision.features").astype(np.float64)
    trace.unlink()
    return result


def subspace(pictures):
    """Mean [width] and orthonormal directions [components, width] of all patches of some pictures."""
    patches = np.concatenate(pictures)
    mean = patches.mean(0)
    _, vectors = np.linalg.eigh(np.cov((patches - mean).T))
    return mean, vectors[:, ::-1][:, :COMPONENTS].T


def distance(picture, mean, directions):
    """The mean over patches of the squared distance from mean + span(directions)."""
    centred = picture - mean
    return float(((centred**2).sum(1) - ((centred @ directions.T) ** 2).sum(1)).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("words")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--program", default="vocoscope")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = [features(arguments.program, arguments.checkpoint, image, folder) for image in sorted(arguments.images)]
    halves = [pictures[0::2], pictures[1::2]]
    held_out = [
        distance(picture, *subspace(halves[1 - half])) for half in (0, 1) for picture in halves[half]
    ]
    mean, directions = subspace(pictures)
    document = {
        "words": arguments.words,
        "held_out_distances": [round(value, 4) for value in sorted(held_out)],
        "mean": [float(f"{value:.5g}") for value in mean],
        "directions": [[float(f"{value:.4g}") for value in row] for row in directions],
    }
    path = pathlib.Path(arguments.checkpoint) / "training_pictures.json"
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(f"{path}: {len(pictures)} pictures, distances {min(held_out):.3g} to {max(held_out):.3g}")


if __name__ == "__main__":
    main()
