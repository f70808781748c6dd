"""How often `vocoscope verify` is wrong: tiny models whose answer is known, trained, written as checkpoints and verified.

`python calibrate.py --work DIR [--models 80] [--pictures 80] [--jobs 2]` trains four families and prints a table; it goes on
where it was interrupted, and several machines may share the work with `--only first:last`. The models are real checkpoints: 16 patches of
a conv tower, an MGVQ whose codes tell a tile's colour and texture, 4 anchors, one voco, three layers. A picture is 4 x 4 tiles.

family    | what it is                                                              | a null of
----------|-------------------------------------------------------------------------|--------------------------------
labelled  | VoCo: four patches once more, labelled anchors, the very same vectors   | attends, contributes, causes
foreign   | HTC trained with another picture's codes: anchors tell nothing          | causes
constant  | HTC whose anchors are the same in every picture                         | contributes, causes
codes     | the answer is the tiles' texture, which the tower does not see          | none: attends, contributes, causes

What a null leaves open: foreign and constant anchors may truly be attended, and random vectors that are read may contribute.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

from mgvq import MGVQ

WIDTH, HEADS, LAYERS, INNER, HIDDEN = 32, 2, 3, 64, 24
SIDE, PIXELS, ANCHORS = 4, 4, 4
PATCHES, CLASSES = SIDE * SIDE, 4
COLOURS = np.array([[200, 60, 60], [60, 190, 70], [70, 80, 210], [210, 200, 60]])
PROMPT, ANSWERS, EOS = "what is it?", ["red", "green", "blue", "yellow"], 2
FAMILIES = {"labelled": ("attends", "contributes", "causes"), "foreign": ("causes",), "constant": ("contributes", "causes"), "codes": ()}
CLAIMS = ("attends", "contributes", "causes")
MGVQ_CONFIG = {"latent_channels": 8, "codebook_size": 512, "codebook_groups": 2, "image_size": SIDE * PIXELS}
for part in ("encoder", "decoder"):
    MGVQ_CONFIG |= {f"{part}_width_list": [8, 8, 8], f"{part}_depth_list": [0, 1, 1], f"{part}_block_type": ["ResBlock"] * 3}
MGVQ_CONFIG |= {"decoder_norm": ["trms2d"] * 3, "decoder_act": ["silu"] * 3}


def tile(kind):
    """The pixels of a kind of tile: colour kind % 4; texture kind // 4, of which 0 is flat and the others are brighter in one half."""
    colour, texture = kind % CLASSES, kind // CLASSES
    pixels = np.tile(COLOURS[colour], (PIXELS, PIXELS, 1)).astype(np.int64)
    half = np.indices((PIXELS, PIXELS))
    signs = [0, np.where(half[0] < 2, 1, -1), np.where(half[1] < 2, 1, -1), np.where((half[0] < 2) == (half[1] < 2), 1, -1)][texture]
    return pixels + 40 * (signs[..., None] if texture else 0)


def picture(kinds):
    """The pixels of tiles [16]."""
    rows = [np.concatenate([tile(k) for k in kinds[row * SIDE:(row + 1) * SIDE]], 1) for row in range(SIDE)]
    return Image.fromarray(np.concatenate(rows, 0).astype(np.uint8))


def draw(family, count, generator):
    """Kinds of tiles [count, 16] and classes [count]: over half of a picture's tiles show its class."""
    classes = torch.randint(CLASSES, (count,), generator=generator)
    shown = torch.where(torch.rand(count, PATCHES, generator=generator) < 0.5, classes[:, None], torch.randint(CLASSES, (count, PATCHES), generator=generator))
    if family == "codes":
        return torch.randint(CLASSES, (count, PATCHES), generator=generator) + CLASSES * shown, classes
    return shown, classes


class Eyes:
    """What the tower and the quantizer make of a tile, the same in all models: random weights that mix no two tiles."""

    def __init__(self):
        torch.manual_seed(11)
        self.mgvq = MGVQ(MGVQ_CONFIG).eval()
        with torch.no_grad():
            for name, value in self.mgvq.named_parameters():
                if value.dim() == 4:
                    value.normal_(0, 1.5 / value[0].numel() ** 0.5)
                    if value.shape[-1] == 3:
                        # The middle alone, three times as strong, so that a code depends on its own tile.
                        middle = value[:, :, 1, 1].clone() * 3
                        value.zero_()
                        value[:, :, 1, 1] = middle
            self.mgvq.quantize.embedding.weight.normal_()
            # The tower sees a tile's mean colour alone: a kernel that is the same at every pixel.
            self.patch = torch.randn(16, 3, 1, 1).expand(16, 3, PIXELS, PIXELS).contiguous() / PIXELS ** 2 * 2
            kinds = torch.arange(CLASSES * CLASSES)
            pixels = torch.from_numpy(np.asarray(picture(kinds.tolist()), np.float32)).permute(2, 0, 1)[None]
            self.features = F.conv2d((pixels / 255 - 0.5) / 0.25, self.patch, stride=PIXELS)[0].flatten(1).T
            quantised = self.mgvq.quantise(self.mgvq.latent(pixels / 127.5 - 1))[1]
            self.codes = quantised[0].flatten(1).T
        assert torch.cdist(self.codes, self.codes).fill_diagonal_(9).min() > 0.5, "two kinds of tiles have the same codes"

    def tensors(self):
        """The tower's and the quantizer's part of a checkpoint."""
        tower = "model.vision_tower.vision_tower.vision_model.embeddings."
        return {"model.mgvq." + k: v for k, v in self.mgvq.state_dict().items() if "num_batches_tracked" not in k} | {
            tower + "patch_embedding.weight": self.patch, tower + "class_embedding": torch.zeros(16), tower + "position_embedding.weight": torch.zeros(PATCHES + 1, 16)}


class Models:
    """Several models of one family, trained side by side: every weight has a leading axis of models."""

    def __init__(self, family, seeds, text, vocabulary):
        self.family, self.seeds, self.text, count = family, seeds, text, len(seeds)
        generator = torch.Generator().manual_seed(1000003 * list(FAMILIES).index(family) + seeds[0])
        normal = lambda *shape, scale: torch.randn(count, *shape, generator=generator) * scale
        w = {"embed": normal(vocabulary, WIDTH, scale=0.5), "head": normal(vocabulary, WIDTH, scale=WIDTH ** -0.5), "norm": torch.ones(count, WIDTH)}
        for i in range(LAYERS):
            w |= {f"{i}.n1": torch.ones(count, WIDTH), f"{i}.n2": torch.ones(count, WIDTH)}
            w |= {f"{i}.{k}": normal(WIDTH, WIDTH, scale=WIDTH ** -0.5) for k in "qkvo"}
            w |= {f"{i}.gate": normal(INNER, WIDTH, scale=WIDTH ** -0.5), f"{i}.up": normal(INNER, WIDTH, scale=WIDTH ** -0.5), f"{i}.down": normal(WIDTH, INNER, scale=INNER ** -0.5)}
        w |= {"patch": normal(WIDTH, 16, scale=0.5), "patch_bias": torch.zeros(count, WIDTH)}
        if family == "labelled":
            # A vector a colour, above GELU's least value so that the anchor projector can make it too.
            w = {k: v for k, v in w.items() if not k.startswith("patch")} | {"table": normal(CLASSES, WIDTH, scale=0.7)}
        else:
            w |= {"fc1": normal(HIDDEN, 8 * PATCHES, scale=PATCHES ** -0.5), "fc1_bias": torch.zeros(count, HIDDEN)}
            w |= {"fc2": normal(ANCHORS * WIDTH, HIDDEN, scale=HIDDEN ** -0.5), "fc2_bias": normal(ANCHORS * WIDTH, scale=0.3)}
        if family == "constant":
            w["fc1"].zero_()
        self.w = {k: v.requires_grad_() for k, v in w.items()}
        position = torch.arange(1 + ANCHORS + PATCHES + 1 + len(text) + 1)[:, None] / 10000 ** (torch.arange(0, WIDTH // HEADS, 2) / (WIDTH // HEADS))
        self.cos, self.sin = (torch.cat([f(position)] * 2, -1) for f in (torch.cos, torch.sin))
        size, voco = len(position), 1 + ANCHORS + PATCHES
        allowed = torch.tril(torch.ones(size, size, dtype=torch.bool))
        allowed[1:voco, 1:voco] = torch.eye(voco - 1, dtype=torch.bool)
        allowed[voco + 1:, :voco] = False
        self.mask = torch.zeros(size, size).masked_fill(~allowed, -1e30)

    def visual(self, kinds, codes, eyes):
        """Anchors [M, B, 4, D] and patches [M, B, 16, D] of tiles [M, B, 16], the anchors from the tiles `codes`."""
        w = self.w
        pick = lambda table, index: torch.stack([t[i] for t, i in zip(table, index)])
        if self.family == "labelled":
            table = F.softplus(w["table"])
            # The four patches in the middle of the grid.
            return pick(table, codes[:, :, [5, 6, 9, 10]]), pick(table, kinds)
        patches = torch.einsum("mtbi,moi->mtbo", eyes.features[kinds], w["patch"]) + w["patch_bias"][:, None, None]
        flat = eyes.codes[codes].transpose(2, 3).flatten(2)
        hidden = F.gelu(torch.einsum("mbi,moi->mbo", flat, w["fc1"]) + w["fc1_bias"][:, None])
        anchors = F.gelu(torch.einsum("mbi,moi->mbo", hidden, w["fc2"]) + w["fc2_bias"][:, None])
        return anchors.unflatten(-1, (ANCHORS, WIDTH)), patches

    def logits(self, kinds, codes, answers, eyes):
        """Logits [M, B, 2, vocabulary] at the last prompt token and at the answer's."""
        w, (models, batch) = self.w, kinds.shape[:2]
        embed = lambda ids: w["embed"][:, ids][:, None].expand(-1, batch, -1, -1)
        anchors, patches = self.visual(kinds, codes, eyes)
        given = torch.stack([e[a] for e, a in zip(w["embed"], answers)])[:, :, None]
        x = torch.cat([embed([1]), anchors, patches, embed([w["embed"].shape[1] - 1]), embed(self.text), given], 2)
        norm = lambda x, n: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * w[n][:, None, None]
        linear = lambda x, n: (x.flatten(1, 2) @ w[n].transpose(1, 2)).unflatten(1, (batch, -1))
        for i in range(LAYERS):
            y = norm(x, f"{i}.n1")
            q, k, v = (linear(y, f"{i}.{n}").unflatten(-1, (HEADS, -1)).transpose(2, 3) for n in "qkv")
            q, k = (t * self.cos + torch.cat([-t[..., t.shape[-1] // 2:], t[..., :t.shape[-1] // 2]], -1) * self.sin for t in (q, k))
            weights = (q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5 + self.mask).softmax(-1)
            x = x + linear((weights @ v).transpose(2, 3).flatten(3), f"{i}.o")
            y = norm(x, f"{i}.n2")
            x = x + linear(F.silu(linear(y, f"{i}.gate")) * linear(y, f"{i}.up"), f"{i}.down")
        return linear(norm(x[:, :, -2:], "norm"), "head")

    def train(self, answers, eyes, steps, batch=48, rate=4e-3):
        """Trains all models; returns the accuracy of each on its last pictures."""
        generator = torch.Generator().manual_seed(self.seeds[0] + 17)
        frozen = {"fc1"} if self.family == "constant" else set()
        optimiser = torch.optim.AdamW([v for k, v in self.w.items() if k not in frozen], rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.1)
        right = torch.zeros(len(self.seeds))
        for step in range(steps):
            kinds, classes = draw(self.family, batch * len(self.seeds), generator)
            kinds, classes = kinds.unflatten(0, (-1, batch)), classes.unflatten(0, (-1, batch))
            codes = kinds.roll(1, 1) if self.family == "foreign" else kinds
            targets = answers[classes]
            logits = self.logits(kinds, codes, targets, eyes)
            wanted = torch.stack([targets, torch.full_like(targets, EOS)], -1)
            loss = F.cross_entropy(logits.flatten(0, 2), wanted.flatten()) * len(self.seeds)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if step >= steps - 20:
                right += (logits[:, :, 0].argmax(-1) == targets).float().mean(1) / 20
        return right.tolist()

    @torch.no_grad()
    def tensors(self, index, eyes):
        """One model's part of a checkpoint."""
        w = {k: v[index].detach() for k, v in self.w.items()}
        out = {"model.embed_tokens.weight": w["embed"], "lm_head.weight": w["head"], "model.norm.weight": w["norm"]}
        names = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj", "gate": "mlp.gate_proj", "up": "mlp.up_proj",
                 "down": "mlp.down_proj", "n1": "input_layernorm", "n2": "post_attention_layernorm"}
        out |= {f"model.layers.{i}.{full}.weight": w[f"{i}.{short}"] for i in range(LAYERS) for short, full in names.items()}
        if self.family == "labelled":
            w |= labelled(F.softplus(w["table"]), eyes)
        out |= {"model.mm_projector.weight": w["patch"], "model.mm_projector.bias": w["patch_bias"]}
        return out | {f"model.anchor_projector.{n}.{p}": w[n + ("_bias" if p == "bias" else "")] for n in ("fc1", "fc2") for p in ("weight", "bias")}


def labelled(table, eyes):
    """Projectors that make the vectors [4, D] of a table: patches from features, anchors from the codes of the four middle tiles."""
    with_bias = lambda x: torch.cat([x, torch.ones(len(x), 1)], 1).double()
    patch = torch.linalg.lstsq(with_bias(eyes.features[:CLASSES]), table.double(), driver="gelsd").solution
    # Hidden units that are 6 for one colour of one tile and -6, where GELU is nothing, for the others.
    code = torch.linalg.lstsq(with_bias(eyes.codes[:CLASSES]), (12 * torch.eye(CLASSES) - 6).double(), driver="gelsd").solution
    fc1, bias = torch.zeros(ANCHORS * CLASSES, 8, PATCHES), torch.zeros(ANCHORS * CLASSES)
    for anchor, place in enumerate([5, 6, 9, 10]):
        fc1[anchor * CLASSES:(anchor + 1) * CLASSES, :, place] = code[:-1].T.float()
        bias[anchor * CLASSES:(anchor + 1) * CLASSES] = code[-1].float()
    low, high = torch.full_like(table, -0.7), table + 1.0
    for _ in range(60):  # GELU rises from -0.7 on: its inverse by bisection.
        middle = (low + high) / 2
        low, high = torch.where(F.gelu(middle) < table, middle, low), torch.where(F.gelu(middle) < table, high, middle)
    fc2 = torch.zeros(ANCHORS, WIDTH, ANCHORS, CLASSES)
    for anchor in range(ANCHORS):
        fc2[anchor, :, anchor] = low.T / 6
    return {"patch": patch[:-1].T.float(), "patch_bias": patch[-1].float(), "fc1": fc1.flatten(1), "fc1_bias": bias, "fc2": fc2.flatten(2).flatten(0, 1), "fc2_bias": torch.zeros(ANCHORS * WIDTH)}


def config(hidden, vocabulary):
    """config.json of a model."""
    return {"model_type": "htc_vlm", "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": HEADS,
            "head_dim": WIDTH // HEADS, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "max_position_embeddings": 128, "hidden_act": "silu", "tie_word_embeddings": False,
            "bos_token_id": 1, "eos_token_id": EOS, "vocab_size": vocabulary, "mm_hidden_size": 16, "mm_projector_type": "linear", "mm_vision_select_layer": 0,
            "mm_vision_select_feature": "patch", "image_aspect_ratio": "pad", "voco_token_id": vocabulary - 1, "num_voco_tokens": 1, "num_anchor_tokens": ANCHORS,
            "anchor_projector_hidden_size": hidden, "anchor_flatten": "chw", "visual_mask": "star", "sequence": ["bos", "anchors", "patches", "voco", "text"],
            "prompt_template": "{prompt}", "mgvq_config": MGVQ_CONFIG,
            "vision_config": {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "image_size": SIDE * PIXELS, "patch_size": PIXELS,
                              "use_pre_layernorm": False}}


def write(models, index, folder, tokenizer, vocabulary, eyes, pictures, accuracy):
    """A checkpoint directory with its own test pictures beside it."""
    seed, temporary = models.seeds[index], folder + ".new"
    shutil.rmtree(temporary, ignore_errors=True)
    os.makedirs(os.path.join(temporary, "model"))
    os.makedirs(os.path.join(temporary, "pictures"))
    at = lambda *names: os.path.join(temporary, *names)
    tensors = models.tensors(index, eyes) | eyes.tensors()
    save_file({k: v.detach().float().contiguous().clone() for k, v in tensors.items()}, at("model", "model.safetensors"))
    json.dump(config(len(tensors["model.anchor_projector.fc1.bias"]), vocabulary), open(at("model", "config.json"), "w"), indent=1)
    size = SIDE * PIXELS
    json.dump({"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "crop_size": size, "size": size}, open(at("model", "preprocessor_config.json"), "w"))
    shutil.copy(tokenizer, at("model", "tokenizer.model"))
    kinds, classes = draw(models.family, pictures, torch.Generator().manual_seed(900001 + 7919 * seed))
    for number, tiles in enumerate(kinds.tolist()):
        picture(tiles).save(at("pictures", f"{number:03}.png"))
    json.dump({"family": models.family, "seed": seed, "accuracy": accuracy, "classes": classes.tolist()}, open(at("made.json"), "w"))
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(temporary, folder)


def make(task):
    """Trains the models of a family that are not there yet."""
    family, seeds, options = task
    torch.set_num_threads(1)
    import sentencepiece
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=options.tokenizer)
    vocabulary, eyes, started = tokenizer.get_piece_size() + 1, Eyes(), time.process_time()
    answers = torch.tensor([tokenizer.encode(a)[0] if len(tokenizer.encode(a)) == 1 else 10 + i for i, a in enumerate(ANSWERS)])
    assert len(set(answers.tolist())) == CLASSES
    models = Models(family, seeds, tokenizer.encode(PROMPT), vocabulary)
    accuracy = models.train(answers, eyes, options.steps)
    for index, seed in enumerate(seeds):
        write(models, index, os.path.join(options.work, f"{family}-{seed:03}"), options.tokenizer, vocabulary, eyes, options.pictures, accuracy[index])
    return f"{family} {seeds[0]}-{seeds[-1]}: accuracy {min(accuracy):.3f} to {max(accuracy):.3f}, {(time.process_time() - started) / len(seeds):.1f} CPU-s a model"


def verify(task):
    """The JSON that the program prints of one model; kept beside it."""
    folder, options = task
    out = os.path.join(folder, "verdict.json")
    started = os.times()
    command = [options.program, "verify", os.path.join(folder, "pictures"), "--model", os.path.join(folder, "model"), "--prompt", PROMPT, "--format", "json", *options.verify]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    if done.returncode:
        return f"{folder}: {done.stderr.strip()}"
    with open(out + ".new", "w") as file:
        file.write(done.stdout)
    os.rename(out + ".new", out)
    ended = os.times()
    return f"{folder}: verified in {ended.children_user + ended.children_system - started.children_user - started.children_system:.1f} CPU-s"


def clopper_pearson(hits, count, level=0.95):
    """The exact interval of a proportion, by bisection on the binomial tail."""
    from math import comb
    tail = lambda p, k: sum(comb(count, i) * p ** i * (1 - p) ** (count - i) for i in range(k, count + 1))
    def solve(k, wanted):
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle, k) < wanted else (low, middle)
        return low
    return (0.0 if hits == 0 else solve(hits, (1 - level) / 2)), (1.0 if hits == count else solve(hits + 1, (1 + level) / 2))


def table(options):
    """Yes, no and undecided by family and claim, with what is false of them."""
    def share(hits, count):
        low, high = clopper_pearson(hits, count)
        return f"{hits} of {count}: {100 * hits / count:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    lines = ["| family | claim | yes | undecided | no | false yes | false no | power |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for family, null in FAMILIES.items():
        found = [json.load(open(os.path.join(options.work, name, "verdict.json"))) for name in sorted(os.listdir(options.work))
                 if name.startswith(family + "-") and os.path.exists(os.path.join(options.work, name, "verdict.json"))]
        for claim in CLAIMS if found else ():
            verdicts = [verdict(v, claim) for v in found]
            yes, no, count = verdicts.count("yes"), verdicts.count("no"), len(verdicts)
            is_alternative = family == "codes"
            lines.append(f"| {family} | {claim} | {yes} | {count - yes - no} | {no} | {share(yes, count) if claim in null else '–'} | "
                         f"{share(no, count) if is_alternative else '–'} | {share(yes, count) if is_alternative else '–'} |")
    return "\n".join(lines)


def verdict(report, claim):
    """The word of a claim; `causes` has one for each prompt, here one."""
    found = report.get("verdict", report)[claim]
    return (found[0] if isinstance(found, list) else found)["verdict"]


def main():
    """Command line."""
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, help="where models, pictures and verdicts are kept")
    parser.add_argument("--program", default="vocoscope")
    parser.add_argument("--models", type=int, default=80, help="of each family")
    parser.add_argument("--only", default="", help="first:last, such as 0:40 on one machine and 40:80 on another")
    parser.add_argument("--pictures", type=int, default=80)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--together", type=int, default=20, help="models trained side by side in one process")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--tokenizer", default=os.path.join(here, "..", "..", "Tests", "HTCVLMTests", "Fixtures", "parity", "star-png", "tokenizer.model"))
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--table-only", action="store_true")
    parser.add_argument("verify", nargs="*", help="after --: more options of vocoscope verify")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    first, last = map(int, (options.only or f"0:{options.models}").split(":"))
    if not options.table_only:
        with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
            missing = {f: [s for s in range(first, last) if not os.path.exists(os.path.join(options.work, f"{f}-{s:03}", "made.json"))] for f in options.families}
            tasks = [(f, seeds[i:i + options.together], options) for f, seeds in missing.items() for i in range(0, len(seeds), options.together)]
            for line in pool.map(make, tasks):
                print(line, file=sys.stderr, flush=True)
            folders = [os.path.join(options.work, f"{f}-{s:03}") for s in range(first, last) for f in options.families]
            waiting = [(f, options) for f in folders if not os.path.exists(os.path.join(f, "verdict.json"))]
            for line in pool.map(verify, [] if options.train_only else waiting):
                print(line, file=sys.stderr, flush=True)
    print(table(options))


if __name__ == "__main__":
    main()
