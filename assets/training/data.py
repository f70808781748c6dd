"""Batches for the decoder: features, codes, questions and the auxiliary targets."""

import dataclasses
import functools
import os

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F

import codes
import features
from decoder import CELL_CLASSES, CELL_COLOURS
from questions import FAMILIES, TEMPLATE, WEIGHTS, fixed_questions, training_questions
from scenes import Scene, draw_scene
from vocabulary import CLASS_NAMES, COLOUR_NAMES, TEXTURES

EOS, NATURAL, EMPTY = 2, len(COLOUR_NAMES), len(COLOUR_NAMES) + 1
#: Which of the six cells (row * 3 + column) each of the 24x24 patches and each of the 21x21 codes lies in.
PATCH_CELLS = (np.arange(24)[:, None] // 12 * 3 + np.arange(24)[None] // 8).reshape(-1)
CODE_CELLS = (np.arange(21) > 10)[:, None] * 3 + np.arange(21)[None] // 7


class Split:
    """The stored scenes of a split, up to what is extracted (or `limit`)."""

    def __init__(self, work, name, limit=None, coded=True):
        self.name, self.work = name, work
        store = features.arrays(work, name)
        self.features, self.labels = store["features"], store["labels"]
        path = os.path.join(work, "scenes", name, "codes.npy")
        self.codes = np.load(path, mmap_mode="r") if os.path.exists(path) else None
        ready = features.done(work, name)
        ready = min(ready, codes.done(work, name)) if coded else ready
        self.size = ready if limit is None else min(ready, limit)
        self.scenes, self.alike = [draw_scene(name, i) for i in range(self.size)], {}
        for i, scene in enumerate(self.scenes):
            self.alike.setdefault((scene.texture, scene.background), []).append(i)

    def mixed(self, index, rng):
        """A scene put together from cells of scenes with the same texture and background: (scene, the six cells' sources).

        Objects lie inside their cells, so features and codes can be taken cell by cell; that makes far more scenes than
        were rendered. Attempts that show no object, more than four or one class twice are drawn again.
        """
        host, sources = self.scenes[index], np.full(6, index)
        for _ in range(8):
            attempt = rng.choice(self.alike[host.texture, host.background], 6)
            attempt[rng.random(6) < .4] = index
            objects = [o for cell, source in enumerate(attempt) for o in self.scenes[source].objects if o.row * 3 + o.column == cell]
            if 1 <= len(objects) <= 4 and len({o.name for o in objects}) == len(objects):
                return Scene(host.split, index, host.texture, host.background, objects), attempt
        return host, sources


class Inputs:
    """What every batch needs: tokenizer, feature statistics and the codebooks."""

    def __init__(self, work):
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=os.path.join(work, "tokenizer.model"))
        self.pieces = self.tokenizer.get_piece_size()
        self.cache = {}
        self.words = CLASS_NAMES + TEXTURES
        self.class_ids = np.array([self.tokenizer.encode(w)[0] for w in CLASS_NAMES])
        self.word_ids = torch.tensor([self.tokenizer.encode(w)[0] for w in self.words])
        statistics = os.path.join(work, "feature_statistics.pt")
        if not os.path.exists(statistics):
            split = next(s for s in features.TRAINING if features.done(work, s))
            sample = torch.from_numpy(np.array(features.arrays(work, split)["features"][:min(300, features.done(work, split))])).float().flatten(0, 1)
            torch.save({"mean": sample.mean(0), "std": sample.std(0)}, statistics)
        self.statistics = torch.load(statistics)
        self.books = None
        path = os.path.join(work, "mgvq", "last.pt")
        if os.path.exists(path):
            weight = torch.load(path, weights_only=False, map_location="cpu")["model"]["quantize.embedding.weight"]
            self.books = F.normalize(weight, dim=-1).unflatten(0, (8, -1))

    def code_statistics(self, split, scenes=500):
        """The mean of the quantised codes [14112] and the root mean square of their distance from it."""
        path = os.path.join(split.work, "code_statistics.pt")
        if not os.path.exists(path):
            sample = self.quantised(np.array(split.codes[:min(scenes, split.size)]))
            centre = sample.mean(0)
            torch.save({"centre": centre, "norm": (sample - centre).square().sum(-1).mean().sqrt()}, path)
        return torch.load(path)

    def ids(self, text, answer):
        """Token ids of the filled template followed by the answer's single piece."""
        key = (text, answer)
        if key not in self.cache:
            piece = self.tokenizer.encode(answer)
            assert len(piece) == 1, answer
            self.cache[key] = self.tokenizer.encode(TEMPLATE.format(prompt=text)) + piece
        return self.cache[key]

    def standardised(self, raw):
        """float16 features to standardised float32."""
        return (torch.from_numpy(raw).float() - self.statistics["mean"]) / self.statistics["std"]

    def quantised(self, indices):
        """uint8 codes [B, 8, 21, 21] to normalised code vectors [B, 14112] in chw order."""
        indices = torch.from_numpy(indices.astype(np.int64))
        chosen = torch.stack([self.books[g][indices[:, g]] for g in range(8)], 1)  # B, 8, 21, 21, 4
        return chosen.permute(0, 1, 4, 2, 3).flatten(1)

    def packed(self, asked):
        """Token ids [B, Q, T], the indices that predict [answer, eos], and the targets [B, Q, 2]."""
        rows = [[self.ids(q[0], q[1]) for q in scene] for scene in asked]
        questions, length = max(map(len, rows)), (max(len(r) for scene in rows for r in scene) + 3) // 4 * 4
        text = np.zeros((len(rows), questions, length), np.int64)
        wanted = np.zeros((len(rows), questions, 2), np.int64)
        targets = np.full((len(rows), questions, 2), -100, np.int64)
        for b, scene in enumerate(rows):
            for q, row in enumerate(scene):
                text[b, q, :len(row)] = row
                wanted[b, q] = len(row) - 2, len(row) - 1
                targets[b, q] = row[-1], EOS
        return torch.from_numpy(text), torch.from_numpy(wanted), torch.from_numpy(targets)

    def visual(self, split, sources, chosen, coded=None):
        """Standardised features of the chosen patches, and quantised codes, of scenes whose cells come from `sources` [B, 6];
        the codes come from `coded` instead where that is given. No patches chosen: no features."""
        raw = np.stack([split.features[cells[PATCH_CELLS[chosen]], chosen] for cells in sources]) if len(chosen) else None
        rows, columns = np.mgrid[0:21, 0:21]
        codes = np.stack([split.codes[cells[CODE_CELLS], :, rows, columns].transpose(2, 0, 1) for cells in (sources if coded is None else coded)])
        return None if raw is None else self.standardised(raw), self.quantised(codes)

    def alignment_batch(self, split, rng, scenes=32, patches=10):
        """Patches for the first stage, mostly of objects: features [1, N, D], places [N], targets [N, 2] (word, colour)."""
        raw, places, targets = [], [], []
        for i in rng.integers(0, split.size, scenes):
            labels = split.labels[i].reshape(-1)
            on, off = np.flatnonzero(labels), np.flatnonzero(labels == 0)
            chosen = np.concatenate([rng.choice(on, min(len(on), patches - 2), replace=False), rng.choice(off, 2, replace=False)])
            raw.append(split.features[i][chosen])
            places.append(chosen)
            targets.append(self.patch_targets(split.scenes[i])[labels[chosen]])
        return self.standardised(np.concatenate(raw))[None], torch.from_numpy(np.concatenate(places)), torch.from_numpy(np.concatenate(targets))

    def patch_targets(self, scene):
        """For each patch label of a scene: index into `words`, and the object's colour.

        The background's colour is not among the targets (-100): no auxiliary head teaches the anchors, so none teaches the patches what the anchors hold.
        """
        rows = [(self.words.index(scene.texture), -100)]
        for placed in scene.objects:
            rows.append((CLASS_NAMES.index(placed.name), NATURAL if placed.colour is None else COLOUR_NAMES.index(placed.colour)))
        return np.array(rows)

    def targets(self, split, scenes, sources, chosen):
        """Auxiliary targets: class and colour of the six cells; index into `words` and object colour of the chosen patches."""
        cells = np.zeros((len(scenes), 6, 2), np.int64)
        cells[..., 1] = EMPTY
        words = np.zeros((len(scenes), len(chosen)), np.int64)
        colours = np.zeros_like(words)
        for b, (scene, taken) in enumerate(zip(scenes, sources)):
            for placed in scene.objects:
                colour = NATURAL if placed.colour is None else COLOUR_NAMES.index(placed.colour)
                cells[b, placed.row * 3 + placed.column] = CLASS_NAMES.index(placed.name) + 1, colour
            of_patch = taken[PATCH_CELLS[chosen]]
            for source in np.unique(of_patch):
                here = of_patch == source
                lookup = self.patch_targets(split.scenes[source])[split.labels[source].reshape(-1)[chosen[here]]]
                words[b, here], colours[b, here] = lookup[:, 0], lookup[:, 1]
        return torch.from_numpy(cells), torch.from_numpy(words), torch.from_numpy(colours)

    def training_batch(self, split, rng, batch, patches, questions, mix=0.0, weights=WEIGHTS, foreign=0.0):
        """A random batch of scenes with fresh questions, a share `mix` of them put together from cells of several.

        In a share `foreign` the codes are another scene's, whose background's colour is then the right one: what patches say of it is noise.
        """
        chosen = np.sort(rng.choice(576, patches, replace=False))
        scenes, sources = [], []
        for i in rng.integers(0, split.size, batch):
            scene, cells = split.mixed(i, rng) if rng.random() < mix else (split.scenes[i], np.full(6, i))
            scenes.append(scene)
            sources.append(cells)
        coded, drawn = list(sources), list(scenes)
        for b in range(round(foreign * batch)):
            coded[b] = sources[b - 1]
            scenes[b] = dataclasses.replace(drawn[b], background=drawn[b - 1].background)
        asked = [training_questions(scene, rng, questions, weights) for scene in scenes]
        text = self.packed(asked)
        return (*self.visual(split, sources, chosen, coded), torch.from_numpy(chosen), *text, *self.targets(split, scenes, sources, chosen),
                self.places(text[0], text[1], scenes))

    def places(self, text, wanted, scenes):
        """The cell of each object that a question names, 6 if it is absent, at its token [B, Q, T]; -100 elsewhere."""
        cells = np.full((len(scenes), self.pieces), -100)
        for b, scene in enumerate(scenes):
            cells[b, self.class_ids] = 6
            for placed in scene.objects:
                cells[b, self.class_ids[CLASS_NAMES.index(placed.name)]] = placed.row * 3 + placed.column
        found = cells[np.arange(len(scenes))[:, None, None], text.numpy()]
        found[np.arange(text.shape[2]) > wanted[..., :1].numpy()] = -100
        return torch.from_numpy(found)

    @staticmethod
    @functools.lru_cache(maxsize=None)
    def fixed(name, index):
        """The fixed questions of a scene."""
        return fixed_questions(name, index)

    def evaluation_batch(self, split, indices):
        """All patches and the fixed questions of some scenes, with the questions themselves."""
        asked = [self.fixed(split.name, i) for i in indices]
        pairs = [[(q["text"], q["answer"]) for q in scene] for scene in asked]
        return (*self.visual(split, [np.full(6, i) for i in indices], np.arange(576)), torch.arange(576), *self.packed(pairs)), asked


assert CELL_CLASSES == len(CLASS_NAMES) + 1 and CELL_COLOURS == EMPTY + 1 and len(FAMILIES) == 8
