"""Batches for the decoder: features, codes, questions and the auxiliary targets."""

import os

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F

import codes
import features
from decoder import CELL_CLASSES, CELL_COLOURS
from questions import FAMILIES, TEMPLATE, fixed_questions, training_questions
from scenes import draw_scene
from vocabulary import CLASS_NAMES, COLOUR_NAMES, TEXTURES

EOS, NATURAL, EMPTY = 2, len(COLOUR_NAMES), len(COLOUR_NAMES) + 1


class Split:
    """The stored scenes of a split, up to what is extracted (or `limit`)."""

    def __init__(self, work, name, limit=None, coded=True):
        self.name, self.work = name, work
        store = features.arrays(work, name)
        self.features, self.labels = store["features"], store["labels"]
        path = os.path.join(work, "scenes", name, "codes.npy")
        self.codes = np.load(path, mmap_mode="r") if os.path.exists(path) else None
        self.limit, self.size, self.scenes, self.coded = limit, 0, [], coded
        self.refresh()

    def refresh(self):
        """Takes in scenes that were finished since."""
        ready = features.done(self.work, self.name)
        ready = min(ready, codes.done(self.work, self.name)) if self.coded else ready
        self.size = ready if self.limit is None else min(ready, self.limit)
        self.scenes += [draw_scene(self.name, i) for i in range(len(self.scenes), self.size)]


class Inputs:
    """What every batch needs: tokenizer, feature statistics and the codebooks."""

    def __init__(self, work):
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=os.path.join(work, "tokenizer.model"))
        self.pieces = self.tokenizer.get_piece_size()
        self.cache = {}
        self.words = CLASS_NAMES + TEXTURES
        self.word_ids = torch.tensor([self.tokenizer.encode(w)[0] for w in self.words])
        statistics = os.path.join(work, "feature_statistics.pt")
        if not os.path.exists(statistics):
            sample = torch.from_numpy(np.array(features.arrays(work, "train")["features"][:300])).float().flatten(0, 1)
            torch.save({"mean": sample.mean(0), "std": sample.std(0)}, statistics)
        self.statistics = torch.load(statistics)
        self.books = None
        path = os.path.join(work, "mgvq", "last.pt")
        if os.path.exists(path):
            weight = torch.load(path, weights_only=False)["model"]["quantize.embedding.weight"]
            self.books = F.normalize(weight, dim=-1).unflatten(0, (8, -1))

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
        questions, length = max(map(len, rows)), max(len(r) for scene in rows for r in scene)
        text = np.zeros((len(rows), questions, length), np.int64)
        wanted = np.zeros((len(rows), questions, 2), np.int64)
        targets = np.full((len(rows), questions, 2), -100, np.int64)
        for b, scene in enumerate(rows):
            for q, row in enumerate(scene):
                text[b, q, :len(row)] = row
                wanted[b, q] = len(row) - 2, len(row) - 1
                targets[b, q] = row[-1], EOS
        return torch.from_numpy(text), torch.from_numpy(wanted), torch.from_numpy(targets)

    def visual(self, split, indices, chosen):
        """Standardised features of the chosen patches, and quantised codes."""
        raw = np.stack([split.features[i][chosen] for i in indices])
        return self.standardised(raw), self.quantised(np.stack([split.codes[i] for i in indices]))

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
        """For each patch label of a scene: index into `words`, and the object's colour."""
        rows = [(self.words.index(scene.texture), EMPTY)]
        for placed in scene.objects:
            rows.append((CLASS_NAMES.index(placed.name), NATURAL if placed.colour is None else COLOUR_NAMES.index(placed.colour)))
        return np.array(rows)

    def targets(self, split, indices, chosen):
        """Auxiliary targets: class and colour of the six cells; index into `words` and object colour of the chosen patches."""
        cells = np.zeros((len(indices), 6, 2), np.int64)
        cells[..., 1] = EMPTY
        words = np.zeros((len(indices), len(chosen)), np.int64)
        colours = np.zeros_like(words)
        for b, i in enumerate(indices):
            scene = split.scenes[i]
            for placed in scene.objects:
                colour = NATURAL if placed.colour is None else COLOUR_NAMES.index(placed.colour)
                cells[b, placed.row * 3 + placed.column] = CLASS_NAMES.index(placed.name) + 1, colour
            lookup = self.patch_targets(scene)[split.labels[i].reshape(-1)[chosen]]
            words[b], colours[b] = lookup[:, 0], lookup[:, 1]
        return torch.from_numpy(cells), torch.from_numpy(words), torch.from_numpy(colours)

    def training_batch(self, split, rng, batch, patches, questions):
        """A random batch of scenes with fresh questions."""
        indices = rng.integers(0, split.size, batch)
        chosen = np.sort(rng.choice(576, patches, replace=False))
        asked = [training_questions(split.scenes[i], rng, questions) for i in indices]
        return (*self.visual(split, indices, chosen), torch.from_numpy(chosen), *self.packed(asked), *self.targets(split, indices, chosen))

    def evaluation_batch(self, split, indices):
        """All patches and the fixed questions of some scenes, with the questions themselves."""
        asked = [fixed_questions(split.name, i) for i in indices]
        pairs = [[(q["text"], q["answer"]) for q in scene] for scene in asked]
        return (*self.visual(split, indices, np.arange(576)), torch.arange(576), *self.packed(pairs)), asked


assert CELL_CLASSES == len(CLASS_NAMES) + 1 and CELL_COLOURS == EMPTY + 1 and len(FAMILIES) == 8
