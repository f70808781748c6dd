"""Records what a Hugging Face vision-language model does with one picture and one prompt, for `vocoscope view`.

    with record(model, processor, image="cat.png") as r:
        inputs = processor(images=Image.open("cat.png"), text=prompt, return_tensors="pt")
        model.generate(**inputs, max_new_tokens=16)      # or model(**inputs)
    r.save("x.safetensors")                               # vocoscope view x.safetensors
    arrays = load("x.safetensors")                        # NumPy arrays by name, .metadata beside them

Everything is taken from the model's own forward pass. What a model does not have (voco, anchors, a quantizer) is
absent from the file. Models whose input ids do not tell their segments, such as HTC or VoCo research code, take a span
table, `record(..., spans=[("bos", 1), ("anchors", 4), ("patches", 576), ("voco", 1), ("text", 20)])`, and further
tensors with `r.add("mgvq.codes", codes)`. Needs torch and safetensors, and NumPy to `load`.
"""

import contextlib
import hashlib
import json
import math
import os

import torch
from safetensors.torch import save_file

VERSION = "1"
ANCHOR, PATCH = -2, -1
KINDS = ("bos", "anchors", "patches", "newline", "voco", "text")
IMAGE_TOKEN_KEYS = ("image_token_id", "image_token_index")
PROJECTORS = ("multi_modal_projector", "mm_projector", "merger", "connector", "modality_projection", "aligner")


@contextlib.contextmanager
def record(model, processor=None, image=None, prompt=None, spans=None, mask=None, name=None):
    """Yields a Recorder of the first forward pass of `model` inside the block, and of what `generate` adds to it.

    `image` is the picture's path, or a PIL image; `spans` is a list of (kind, count) over the whole sequence, the kinds
    those of KINDS; `mask` [S, S] says which row may attend to which column: without it, a column counts as visible to a
    row where any layer and head of the recorded pass attended to it.
    """
    recorder = Recorder(model, processor, image, prompt, spans, mask, name)
    handles = [model.register_forward_pre_hook(recorder._before, with_kwargs=True),
               model.register_forward_hook(recorder._after, with_kwargs=True)]
    projector = _find(model, PROJECTORS)
    if projector is not None:
        handles.append(projector.register_forward_hook(recorder._projected))
    generate = getattr(model, "generate", None)
    if generate is not None:
        def recording_generate(*args, **kwargs):
            recorder._given = recorder._given or kwargs
            return recorder._generated(generate(*args, **kwargs))
        model.generate = recording_generate
    implementation = _eager(model)
    try:
        yield recorder
    finally:
        for handle in handles:
            handle.remove()
        if generate is not None:
            del model.generate
        if implementation is not None:
            model.set_attn_implementation(implementation)


def load(path):
    """The arrays of a trace file as NumPy arrays, with `.metadata`: `vocoscope_notebook.load`, which stands beside this file."""
    import vocoscope_notebook

    return vocoscope_notebook.load(path)


class Recorder:
    """One forward pass, as tensors under a trace file's names."""

    def __init__(self, model, processor, image, prompt, spans, mask, name):
        self.model, self.processor, self.spans, self.mask = model, processor, spans, mask
        self.prompt, self.name = prompt, name
        self.image = _picture(image)
        # Set it where `mgvq.codes` is added: which codes a picture uses does not tell how many there are.
        self.codes_per_group = None
        self.tensors, self.generated_text, self._added, self._generated_ids = {}, None, set(), None
        self._inputs, self._output, self._features, self._patches = None, None, None, None
        # What `generate` was called with: newer releases encode the picture before the pass that is recorded.
        self._given = {}

    def add(self, name, tensor):
        """Puts a tensor that the pass does not show, such as `mgvq.codes` or `anchors`, into the file."""
        self.tensors[name] = tensor.detach().cpu().contiguous()
        self._added.add(name)

    # Hooks.

    def _before(self, module, args, kwargs):
        if self._inputs is None:
            kwargs = dict(kwargs, output_attentions=True, output_hidden_states=True, return_dict=True)
            self._inputs = dict(kwargs)
            if args and "input_ids" not in kwargs:
                self._inputs["input_ids"] = args[0]
        return args, kwargs

    def _after(self, module, args, kwargs, output):
        if self._output is None:
            self._output = output
        return output

    def _projected(self, module, args, output):
        if self._patches is None and args:
            self._features, self._patches = args[0].detach(), output.detach()

    def _generated(self, result):
        if self._generated_ids is None:
            sequences = result if torch.is_tensor(result) else result.sequences
            prompt = self._inputs.get("input_ids")
            known = prompt.shape[1] if prompt is not None and _starts(sequences, prompt) else 0
            self._generated_ids = sequences[0, known:].detach().cpu()
        return result

    # What the pass showed.

    def save(self, path):
        """Writes the trace to `path`; raises ValueError in a sentence where the pass lacks something that is needed."""
        tensors, metadata = self._trace()
        partial = f"{path}.partial"
        try:
            save_file(tensors, partial, metadata)
            os.replace(partial, path)
        finally:
            if os.path.exists(partial):
                os.remove(partial)

    def _trace(self):
        if self._output is None:
            raise ValueError("the model did not run inside the block")
        attentions, hidden = self._taken("attentions"), self._taken("hidden_states")
        ids = self._ids(hidden[0].shape[1])
        spans = self._spans(ids)
        inspected = {"last": len(ids) - 1}
        if any(kind == "voco" for kind, _, _ in spans):
            inspected["voco"] = max(start + count for kind, start, count in spans if kind == "voco") - 1
        tensors = dict(self.tensors)
        for row_name, row in inspected.items():
            tensors[f"attention.{row_name}"] = torch.stack([a[0, :, row].float() for a in attentions])
            tensors[f"hidden.{row_name}"] = torch.stack([h[0, row].float() for h in hidden])
        tensors["sequence.token_ids"] = ids
        tensors["sequence.embeddings"] = hidden[0][0].float()
        tensors["mask"] = self._mask(attentions)
        tensors["logits"] = self._output.logits[0, -1].float()
        self._add_vision(tensors, spans)
        if self._generated_ids is not None:
            tensors["generated.token_ids"] = self._generated_ids.to(torch.int32)
        # Cloned: safetensors refuses tensors that share memory, as a slice of the decoder's own input does.
        tensors = {k: v.detach().cpu().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}
        return tensors, self._metadata(tensors, spans, ids, attentions)

    def _input(self, key):
        value = self._inputs.get(key)
        return self._given.get(key) if value is None else value

    def _taken(self, key):
        values = getattr(self._output, key, None)
        if not values or any(v is None for v in values):
            raise ValueError(f"the model returned no {key}; load it with attn_implementation='eager'")
        if values[0].shape[0] != 1:
            raise ValueError(f"the batch holds {values[0].shape[0]} rows; a trace is of one picture and one prompt")
        return values

    def _ids(self, length):
        """The token id of each position, with PATCH and ANCHOR where there is none."""
        if self.spans is not None:
            if sum(count for _, count in self.spans) != length:
                raise ValueError(f"the spans cover {sum(c for _, c in self.spans)} of {length} positions")
        ids = self._inputs.get("input_ids")
        given = None if ids is None else ids[0].detach().cpu().to(torch.int32)
        image = self._image_token()
        if given is not None and given.numel() != length and image is not None and int((given == image).sum()) == 1:
            # Older processors leave one placeholder, which the model itself replaces by the picture's tokens.
            at = int((given == image).nonzero()[0])
            given = torch.cat([given[:at], given.new_full((length - given.numel() + 1,), image), given[at + 1:]])
        if "sequence.token_ids" in self._added:
            given = self.tensors["sequence.token_ids"].to(torch.int32)
        if given is None or given.numel() != length:
            raise ValueError(f"the ids of the {length} positions are not known; add('sequence.token_ids', ids) gives them")
        given = given.clone()
        if self.spans is None:
            if image is not None:
                given[given == image] = PATCH
        else:
            start = 0
            for kind, count in self.spans:
                if kind in ("anchors", "patches"):
                    given[start:start + count] = ANCHOR if kind == "anchors" else PATCH
                start += count
        return given

    def _image_token(self):
        for key in IMAGE_TOKEN_KEYS:
            if getattr(self.model.config, key, None) is not None:
                return getattr(self.model.config, key)
        return None

    def _spans(self, ids):
        """(kind, start, count) of each segment; without a table, patches are where the image token is."""
        if self.spans is not None:
            spans, start = [], 0
            for kind, count in self.spans:
                if kind not in KINDS:
                    raise ValueError(f"{kind!r} is no segment; expected one of {', '.join(KINDS)}")
                spans.append((kind, start, count))
                start += count
            return spans
        spans, bos = [], getattr(_text_config(self.model.config), "bos_token_id", None)
        for position, token in enumerate(ids.tolist()):
            kind = "patches" if token == PATCH else "bos" if position == 0 and token == bos else "text"
            if spans and spans[-1][0] == kind:
                spans[-1] = (kind, spans[-1][1], spans[-1][2] + 1)
            else:
                spans.append((kind, position, 1))
        if sum(kind == "patches" for kind, _, _ in spans) != 1:
            raise ValueError("the sequence holds no run of image tokens, or several; a trace is of one picture: give spans")
        return spans

    def _mask(self, attentions):
        if self.mask is not None:
            return self.mask.to(torch.uint8).reshape(attentions[0].shape[-2:])
        seen = torch.zeros(attentions[0].shape[-2:], dtype=torch.bool, device=attentions[0].device)
        for weights in attentions:
            seen |= (weights[0] > 0).any(0)
        return seen.to(torch.uint8)

    def _add_vision(self, tensors, spans):
        count = next((c for kind, _, c in spans if kind == "patches"), 0)
        start = next((s for kind, s, _ in spans if kind == "patches"), 0)
        if count and "patches" not in tensors:
            tensors["patches"] = tensors["sequence.embeddings"][start:start + count].clone()
        if self._features is not None and "vision.features" not in tensors and self._features.numel() % count == 0:
            tensors["vision.features"] = self._features.reshape(count, -1).float()
        pixels = self._input("pixel_values")
        if pixels is not None and "vision.pixel_values" not in tensors:
            grid = self._input("image_grid_thw")
            picture = pixels.detach() if grid is None else _unfolded(pixels.detach(), grid, self.model.config.vision_config)
            if picture.dim() == 4 and picture.shape[0] == 1:
                tensors["vision.pixel_values"] = picture[0].float()
        vision = ("vision.pixel_values", "vision.features", "patches")
        if not all(key in tensors for key in vision):
            for key in vision:
                tensors.pop(key, None)

    def _grid(self, tensors, count):
        """Rows and columns of the patches."""
        grid = self._input("image_grid_thw")
        if grid is not None:
            merge = getattr(self.model.config.vision_config, "spatial_merge_size", 1)
            rows, columns = int(grid[0, 1]) // merge, int(grid[0, 2]) // merge
        else:
            rows = columns = math.isqrt(count)
        if rows * columns != count:
            raise ValueError(f"{count} patches are no grid; use square pictures, or a model that says its image_grid_thw")
        return [rows, columns]

    def _metadata(self, tensors, spans, ids, attentions):
        config, text = self.model.config, _text_config(self.model.config)
        count = next((c for kind, _, c in spans if kind == "patches"), 0)
        counts = {kind: sum(c for k, _, c in spans if k == kind) for kind in KINDS}
        pixels = tensors.get("vision.pixel_values")
        codes, codec = tensors.get("mgvq.codes"), tensors.get("mgvq.pixel_values")
        heads = attentions[0].shape[1]
        processor = getattr(self.processor, "image_processor", self.processor)
        description = {
            "num_hidden_layers": len(attentions), "num_attention_heads": heads,
            "num_key_value_heads": getattr(text, "num_key_value_heads", None) or heads,
            "hidden_size": tensors["sequence.embeddings"].shape[1], "vocab_size": tensors["logits"].shape[0],
            "num_anchor_tokens": counts["anchors"], "num_voco_tokens": counts["voco"],
            "patch_grid": self._grid(tensors, count) if count else [0, 0],
            "vision_image_size": [0, 0] if pixels is None else list(pixels.shape[1:]),
            "mgvq_image_size": 0 if codec is None else codec.shape[-1],
            "codebook_groups": 0 if codes is None else codes.shape[0],
            "codes_per_group": 0 if codes is None else self.codes_per_group or int(codes.max()) + 1,
            "visual_mask": "causal" if _is_causal(tensors["mask"], spans) else "star",
            "image_aspect_ratio": "square", "precision": f"torch {str(self._output.logits.dtype).removeprefix('torch.')}",
            "untrained_parts": [], "image_mean": list(getattr(processor, "image_mean", None) or []),
            "image_std": list(getattr(processor, "image_std", None) or []),
        }
        image_name, width, height, digest = self.image or self._nameless(pixels)
        metadata = {
            "format": "vocoscope-trace", "version": f"vocoscope_trace.py {VERSION}, torch {torch.__version__}",
            "image_name": image_name, "image_width": str(width), "image_height": str(height), "image_sha256": digest,
            "model_name": self.name or os.path.basename(str(getattr(config, "_name_or_path", "")).rstrip("/")) or type(self.model).__name__,
            "config_sha256": hashlib.sha256(_config_text(config).encode()).hexdigest(),
            "weights_sha256": _weights_sha256(self.model), "model": json.dumps(description),
            "spans": json.dumps([{"kind": k, "start": s, "count": c} for k, s, c in spans]),
            "pieces": json.dumps(self._pieces(ids, spans)), "prompt": self.prompt if self.prompt is not None else self._prompt(ids, spans),
        }
        if self._generated_ids is not None:
            metadata["generated_text"] = self._decode(self._generated_ids.tolist())
        elif "generated.token_ids" in tensors:
            metadata["generated_text"] = self._decode(tensors["generated.token_ids"].tolist())
        return metadata

    def _nameless(self, pixels):
        """What stands for a picture that was not named: its values as the model got them."""
        if pixels is None:
            return "unnamed", 1, 1, hashlib.sha256(b"").hexdigest()
        return "unnamed", pixels.shape[2], pixels.shape[1], hashlib.sha256(_bytes(pixels)).hexdigest()

    def _pieces(self, ids, spans):
        tokenizer, pieces, anchors = getattr(self.processor, "tokenizer", self.processor), [], 0
        for kind, start, count in spans:
            for token in ids[start:start + count].tolist():
                if kind == "anchors":
                    anchors += 1
                    pieces.append(f"A{anchors}")
                elif kind in ("patches", "voco"):
                    pieces.append("patch" if kind == "patches" else "<voco>")
                else:
                    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
                    pieces.append(str((convert(token) if convert else None) or f"<{token}>"))
        return pieces

    def _prompt(self, ids, spans):
        kind, start, count = spans[-1]
        return self._decode(ids[start:start + count].tolist()) if kind == "text" else ""

    def _decode(self, ids):
        decode = getattr(getattr(self.processor, "tokenizer", self.processor), "decode", None)
        return decode(ids, skip_special_tokens=True) if decode else " ".join(map(str, ids))


def _find(model, names):
    """The first module, outermost first, whose own name is one of `names`."""
    for name, module in model.named_modules():
        if name.rsplit(".", 1)[-1] in names:
            return module
    return None


def _eager(model):
    """Asks for attention that returns its weights; what was set before, to put back, or None."""
    before = getattr(getattr(model, "config", None), "_attn_implementation", None)
    if before in (None, "eager") or not hasattr(model, "set_attn_implementation"):
        return None
    model.set_attn_implementation("eager")
    return before


def _text_config(config):
    get = getattr(config, "get_text_config", None)
    return get() if get else getattr(config, "text_config", config)


def _config_text(config):
    write = getattr(config, "to_json_string", None)
    return write() if write else repr(config)


def _weights_sha256(model):
    """Over the names, types and shapes of all weights, as a trace of vocoscope hashes the headers of weight files."""
    lines = [f"{name} {tensor.dtype} {list(tensor.shape)}" for name, tensor in sorted(model.state_dict().items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _is_causal(mask, spans):
    """Whether each visual token sees everything before it."""
    for kind, start, count in spans:
        if kind in ("anchors", "patches"):
            block = mask[start:start + count, :start + count]
            if not torch.equal(block.bool(), torch.ones_like(block, dtype=torch.bool).tril(start)):
                return False
    return True


def _starts(sequences, prompt):
    return sequences.shape[1] >= prompt.shape[1] and torch.equal(sequences[0, :prompt.shape[1]].cpu(), prompt[0].cpu())


def _unfolded(pixels, grid, vision):
    """Qwen2-VL's rows of patches [t·h·w, C·T·p·p], blocks of merge × merge first, as one picture [1, 3, H, W]."""
    _, rows, columns = (int(x) for x in grid[0])
    patch, merge = vision.patch_size, getattr(vision, "spatial_merge_size", 1)
    depth = getattr(vision, "temporal_patch_size", 1)
    x = pixels[:rows * columns].reshape(rows // merge, columns // merge, merge, merge, 3, depth, patch, patch)[:, :, :, :, :, 0]
    return x.permute(4, 0, 2, 5, 1, 3, 6).reshape(1, 3, rows * patch, columns * patch)


def _bytes(tensor):
    return bytes(tensor.detach().cpu().clone(memory_format=torch.contiguous_format).untyped_storage())


def _picture(image):
    """(name, width, height, SHA-256 of the file's bytes) of a path, or of a PIL image and its pixels."""
    if image is None:
        return None
    if hasattr(image, "tobytes"):
        name = os.path.basename(getattr(image, "filename", "") or "unnamed")
        return name, image.width, image.height, hashlib.sha256(image.tobytes()).hexdigest()
    data = open(image, "rb").read()
    width, height = _size(data)
    return os.path.basename(image), width, height, hashlib.sha256(data).hexdigest()


def _size(data):
    """Width and height of a PNG or JPEG file, as its header has them."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 < len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7:at + 9], "big"), int.from_bytes(data[at + 5:at + 7], "big")
        at += 2 + length
    raise ValueError("the picture is neither a PNG nor a JPEG file; give a PIL image")
