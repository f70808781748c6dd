"""Renders every scene once and stores its picture, patch labels and vision features as memory-mapped arrays.

`python features.py --work DIR [--train 8000]` fills DIR/scenes/<split>/{images,labels,features}.npy in order and
continues where an interrupted run stopped (DIR/scenes/<split>/done holds the number of finished scenes). `--half` computes
the training scenes in bfloat16 (relative error 0.01, three times faster where the CPU multiplies it natively); the others stay float32.
"""

import argparse
import os
import time

import numpy as np
import torch

import vision
from scenes import SIZE, render

#: `more` holds scenes that no earlier training has shown, for carrying a checkpoint on.
COUNTS = {"val": 200, "test": 500, "pairs": 250, "train": 8000, "more": 1600}
TRAINING = ("train", "more")
LAYERS = 8


def default_work():
    """Where working data goes unless told otherwise."""
    return os.environ.get("VOCOSCOPE_TRAINING", os.path.expanduser("~/.cache/vocoscope-training"))


def arrays(work, split, count=None, mode="r"):
    """The three arrays of a split; with a count, creates them if they are absent."""
    folder = os.path.join(work, "scenes", split)
    os.makedirs(folder, exist_ok=True)
    shapes = {"images": ((SIZE, SIZE, 3), np.uint8), "labels": ((24, 24), np.uint8), "features": ((576, vision.WIDTH), np.float16)}
    found = {}
    for name, (shape, kind) in shapes.items():
        path = os.path.join(folder, name + ".npy")
        if count is not None and not os.path.exists(path):
            np.lib.format.open_memmap(path, "w+", kind, (count, *shape)).flush()
        found[name] = np.load(path, mmap_mode=mode)
    return found


def done(work, split):
    """How many scenes of a split are finished."""
    path = os.path.join(work, "scenes", split, "done")
    return int(open(path).read()) if os.path.exists(path) else 0


def main():
    """Extracts everything that is still missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=default_work())
    for split, count in COUNTS.items():
        parser.add_argument(f"--{split}", type=int, default=count)
    parser.add_argument("--splits", nargs="+", default=[s for s in COUNTS if s != "more"], choices=list(COUNTS))
    parser.add_argument("--stop", type=int, help="leave the rest of a split to a later call")
    parser.add_argument("--half", action="store_true", help="bfloat16 for the training scenes")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    torch.backends.cudnn.allow_tf32 = False  # else an accelerator rounds convolutions to 10 bits, which changes features and codes
    state = {k: v.to(options.device) for k, v in vision.fold(LAYERS).items()}
    for split in options.splits:
        count, started = getattr(options, split), time.time()
        store = arrays(options.work, split, count, "r+")
        half = options.half and split in TRAINING
        weights = {k: v.bfloat16() for k, v in state.items()} if half else state
        for begin in range(done(options.work, split), min(count, options.stop or count), 10):
            span = range(begin, min(begin + 10, count))
            rendered = [render(split, i) for i in span]
            images = np.stack([r[1] for r in rendered])
            with torch.no_grad():
                pixels = vision.normalised(images).to(options.device, torch.bfloat16 if half else torch.float32)
                features = vision.forward(weights, pixels)[:, 1:].float().cpu()
            store["images"][span.start:span.stop] = images
            store["labels"][span.start:span.stop] = np.stack([r[2] for r in rendered])
            store["features"][span.start:span.stop] = features.numpy().astype(np.float16)
            with open(os.path.join(options.work, "scenes", split, "done.new"), "w") as out:
                out.write(str(span.stop))
            os.replace(out.name, out.name.removesuffix(".new"))
            if begin % 200 == 0:
                print(f"{split} {span.stop}/{count} {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
