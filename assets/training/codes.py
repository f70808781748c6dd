"""Stores the MGVQ codes of every extracted scene: `python codes.py --work DIR` writes DIR/scenes/<split>/codes.npy.

Run it after train_mgvq.py; it continues after the scenes that DIR/scenes/<split>/codes_done counts, so delete that file after retraining MGVQ.
"""

import argparse
import os
import time

import numpy as np
import torch

import features
from mgvq import MGVQ, demo_config


def load(work):
    """The trained MGVQ in eval mode, its weights rounded as the checkpoint stores them (all but the codebook and the statistics of norms in F16)."""
    model = MGVQ(demo_config())
    state = torch.load(os.path.join(work, "mgvq", "last.pt"), weights_only=False, map_location="cpu")["model"]
    kept = ("quantize.embedding.weight", ".running_mean", ".running_var")
    model.load_state_dict({k: v if k.endswith(kept) else v.half().to(v.dtype) for k, v in state.items()})
    return model.eval().to(memory_format=torch.channels_last)


def done(work, split):
    """How many scenes of a split have codes."""
    path = os.path.join(work, "scenes", split, "codes_done")
    return int(open(path).read()) if os.path.exists(path) else 0


def main():
    """Encodes what has no codes yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=features.default_work())
    parser.add_argument("--splits", nargs="+", default=list(features.COUNTS))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    torch.set_flush_denormal(True)
    torch.backends.cudnn.allow_tf32 = False  # else an accelerator rounds convolutions to 10 bits, which changes codes
    model = load(options.work).to(options.device)
    for split in options.splits:
        folder, count, started = os.path.join(options.work, "scenes", split), features.done(options.work, split), time.time()
        images = features.arrays(options.work, split)["images"]
        path, marker = os.path.join(folder, "codes.npy"), os.path.join(folder, "codes_done")
        if not os.path.exists(path):
            np.lib.format.open_memmap(path, "w+", np.uint8, (len(images), 8, 21, 21)).flush()
        stored = np.load(path, mmap_mode="r+")
        for index in range(done(options.work, split), count):
            x = torch.from_numpy(np.array(images[index])).to(options.device).permute(2, 0, 1)[None].float() / 127.5 - 1
            with torch.no_grad():
                stored[index] = model.quantise(model.latent(x))[0][0].cpu().numpy()
            if index % 20 == 19 or index + 1 == count:
                with open(marker + ".new", "w") as out:
                    out.write(str(index + 1))
                os.replace(marker + ".new", marker)
        print(f"{split}: {count} scenes, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
