"""The same weights and shapes in PyTorch, 32-bit floats: reads a stage's name a line, runs it once, prints seconds.

MGVQ is written out from its published description (arXiv 2507.07997), as users of the released code run it."""
import json, os, sys, time

directory, threads, tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.environ["OMP_NUM_THREADS"] = str(threads)
import numpy, torch, transformers
import torch.nn.functional as F
from safetensors import safe_open

torch.set_num_threads(threads)
torch.set_grad_enabled(False)
config = json.load(open(f"{directory}/config.json"))
weights = safe_open(f"{directory}/model.safetensors", framework="pt")


def tensor(name):
    return weights.get_tensor(name).float()


def load(module, prefix):
    state = {name: tensor(prefix + name) for name in module.state_dict() if not name.endswith("position_ids")}
    module.load_state_dict(state, strict=False)
    return module.eval()


class Quantizer:
    def __init__(self):
        own = config["mgvq_config"]
        names = [name for name in weights.keys() if name.startswith("model.mgvq.")]
        self.w = {name[11:]: tensor(name) for name in names if ".decoder." not in name}
        self.depths, self.blocks = own["encoder_depth_list"], own["encoder_block_type"]
        self.widths, self.groups = own["encoder_width_list"], own["codebook_groups"]
        self.latent = own["latent_channels"]

    def convolution(self, x, name, groups=1):
        weight = self.w[name + ".weight"]
        return F.conv2d(x, weight, self.w.get(name + ".bias"), padding=weight.shape[-1] // 2, groups=groups)

    def norm(self, x, name):
        scale = torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-5)
        return x * scale * self.w[name + ".weight"].view(1, -1, 1, 1) + self.w[name + ".bias"].view(1, -1, 1, 1)

    def residual(self, x, name):
        y = F.silu(self.convolution(x, name + ".main.conv1.conv"))
        return x + self.norm(self.convolution(y, name + ".main.conv2.conv"), name + ".main.conv2.norm")

    def attention(self, x, name):
        qkv = self.convolution(x, name + ".qkv.conv")
        b, c, h, w = qkv.shape
        q, k, v = qkv.reshape(b, -1, 96, h * w).split(32, dim=2)
        q, k = F.relu(q), F.relu(k)
        v = F.pad(v, (0, 0, 0, 1), value=1)
        out = (v @ k.transpose(-1, -2)) @ q
        out = (out[:, :, :-1] / (out[:, :, -1:] + 1e-15)).reshape(b, c // 3, h, w)
        return self.norm(self.convolution(out, name + ".proj.conv"), name + ".proj.norm")

    def gated(self, x, name):
        y = F.silu(self.convolution(x, name + ".inverted_conv.conv"))
        y = self.convolution(y, name + ".depth_conv.conv", groups=y.shape[1])
        y, gate = y.chunk(2, dim=1)
        return self.norm(self.convolution(y * F.silu(gate), name + ".point_conv.conv"), name + ".point_conv.norm")

    def encode(self, x):
        x = F.pixel_unshuffle(self.convolution(x, "encoder.project_in.conv.conv"), 2)
        for stage in range(1, len(self.depths)):
            for index in range(self.depths[stage]):
                name = f"encoder.stages.{stage}.op_list.{index}"
                if self.blocks[stage] == "ResBlock":
                    x = self.residual(x, name)
                else:
                    x = x + self.attention(x, name + ".context_module.main")
                    x = x + self.gated(x, name + ".local_module.main")
            if stage + 1 < len(self.depths):
                down = f"encoder.stages.{stage}.op_list.{self.depths[stage]}.main.conv.conv"
                b, _, h, w = x.shape
                short = F.pixel_unshuffle(x, 2).reshape(b, self.widths[stage + 1], -1, h // 2, w // 2).mean(2)
                x = F.pixel_unshuffle(self.convolution(x, down), 2) + short
        b, _, h, w = x.shape
        short = x.reshape(b, self.latent, -1, h, w).mean(2)
        x = self.convolution(x, "encoder.project_out.main.op_list.0.conv") + short
        x = self.convolution(x, "quant_conv", groups=self.groups)
        table, codes, out = self.w["quantize.embedding.weight"], [], []
        share, size = table.shape[0] // self.groups, table.shape[1]
        for group in range(self.groups):
            z = F.normalize(x[0, group * size:(group + 1) * size].reshape(size, -1).T, dim=-1)
            book = F.normalize(table[group * share:(group + 1) * share], dim=-1)
            codes.append((z @ book.T).argmax(1))
            out.append(book[codes[-1]].T.reshape(size, h, w))
        return torch.cat(out), torch.stack(codes)


quantizer = Quantizer()
vision = config["vision_config"]
tower_config = transformers.CLIPVisionConfig(**vision)
tower = transformers.CLIPVisionModel(tower_config)
own = "vision_model." if any(name.startswith("vision_model.") for name in tower.state_dict()) else ""
load(tower, "model.vision_tower.vision_tower." + ("" if own else "vision_model."))
projector = [(tensor(f"model.mm_projector.{i}.weight"), tensor(f"model.mm_projector.{i}.bias")) for i in (0, 2)]
anchors = [(tensor(f"model.anchor_projector.fc{i}.weight"), tensor(f"model.anchor_projector.fc{i}.bias")) for i in (1, 2)]
keys = ["hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "rms_norm_eps"]
decoder_config = transformers.LlamaConfig(
    vocab_size=32, num_hidden_layers=2, max_position_embeddings=4096, **{key: config[key] for key in keys})
decoder = transformers.LlamaModel(decoder_config)
for index, layer in enumerate(decoder.layers):
    load(layer, f"model.layers.{index}.")
decoder.eval()
both = decoder.layers

side, square = vision["image_size"], config["mgvq_config"]["image_size"]
# The picture the benchmark sends, prepared by it: so that codes can be compared.
pixels = torch.from_numpy(numpy.fromfile(sys.argv[4], dtype="<f4").reshape(1, 3, square, square))
picture = F.interpolate(pixels, size=(side, side))
embedded = torch.randn(1, tokens, config["hidden_size"], generator=torch.Generator().manual_seed(0))
state = {}


def clip():
    state["features"] = tower(picture, output_hidden_states=True).hidden_states[config["mm_vision_select_layer"]][:, 1:]


def project():
    (a, b), (c, d) = projector
    F.linear(F.gelu(F.linear(state["features"][0], a, b)), c, d)


def mgvq():
    state["quantized"], codes = quantizer.encode(pixels)
    codes.int().numpy().tofile(sys.argv[5])


def anchor():
    (a, b), (c, d) = anchors
    F.gelu(F.linear(F.gelu(F.linear(state["quantized"].reshape(1, -1), a, b)), c, d))


def layers(count):
    decoder.layers = both[:count]
    decoder.config.num_hidden_layers = count
    decoder(inputs_embeds=embedded, use_cache=True)


stages = {
    "clip": clip, "projector": project, "mgvq": mgvq, "anchors": anchor, "layers1": lambda: layers(1),
    "layers2": lambda: layers(2)}
versions = {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": numpy.__version__}
print(json.dumps(versions), flush=True)
for line in sys.stdin:
    stage = stages[line.strip()]
    start = time.perf_counter()
    stage()
    print(time.perf_counter() - start, flush=True)
