"""The same weights and shapes in PyTorch, and converted from it in OpenVINO and ONNX Runtime, as 32-bit floats or (OpenVINO) with
weights of 8 bits: reads a stage's name a line, runs it once, prints seconds.

MGVQ is written out from its published description (arXiv 2507.07997), as users of the released code run it."""
import json, os, sys, time

directory, threads, tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
# Files to read and write: the picture that the benchmark prepared, codes, converted models. Last: whose turn it is.
pixel_file, code_file, folder, engine = sys.argv[4:8]
os.environ["OMP_NUM_THREADS"] = str(threads)
import numpy

names = ["clip", "projector", "mgvq", "anchors", "layer"]
# The next stage's input is this one's output.
inputs = {"clip": "picture", "projector": "clip", "mgvq": "pixels", "anchors": "mgvq", "layer": "embedded"}

models = f"{folder}/{engine}"
needs_torch = engine == "torch" or not os.path.exists(models)
if needs_torch:
    import torch, transformers
    import torch.nn.functional as F
    from safetensors import safe_open

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    config = json.load(open(f"{directory}/config.json"))
    weights = safe_open(f"{directory}/model.safetensors", framework="pt")

    class Stage(torch.nn.Module):
        """A function with the modules whose weights it uses."""

        def __init__(self, function, *modules):
            super().__init__()
            self.function, self.used = function, torch.nn.ModuleList(modules)

        def forward(self, x):
            return self.function(x)


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


def torch_stages():
    """The modules by stage, and the inputs of those that begin."""
    quantizer, vision = Quantizer(), config["vision_config"]
    tower = transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**vision))
    own = "vision_model." if any(name.startswith("vision_model.") for name in tower.state_dict()) else ""
    load(tower, "model.vision_tower.vision_tower." + ("" if own else "vision_model."))
    keys = ["hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "rms_norm_eps"]
    decoder = transformers.LlamaModel(transformers.LlamaConfig(
        vocab_size=32, num_hidden_layers=1, max_position_embeddings=4096, **{key: config[key] for key in keys}))
    load(decoder.layers[0], "model.layers.0.")
    projector = [(tensor(f"model.mm_projector.{i}.weight"), tensor(f"model.mm_projector.{i}.bias")) for i in (0, 2)]
    anchors = [
        (tensor(f"model.anchor_projector.fc{i}.weight"), tensor(f"model.anchor_projector.fc{i}.bias")) for i in (1, 2)]
    selected = config["mm_vision_select_layer"]
    positions = torch.arange(tokens)[None]

    def clip(x):
        return tower(x, output_hidden_states=True).hidden_states[selected][0, 1:]

    def project(x):
        (a, b), (c, d) = projector
        return F.linear(F.gelu(F.linear(x, a, b)), c, d)

    def anchor(x):
        (a, b), (c, d) = anchors
        return F.gelu(F.linear(F.gelu(F.linear(x.reshape(1, -1), a, b)), c, d))

    def layer(x):
        return decoder.layers[0](
            x, attention_mask=None, position_ids=positions, position_embeddings=decoder.rotary_emb(x, positions))

    side, square = vision["image_size"], config["mgvq_config"]["image_size"]
    pixels = torch.from_numpy(numpy.fromfile(pixel_file, dtype="<f4").reshape(1, 3, square, square))
    embedded = torch.randn(1, tokens, config["hidden_size"], generator=torch.Generator().manual_seed(0))
    starts = {"picture": F.interpolate(pixels, size=(side, side)), "pixels": pixels, "embedded": embedded}
    modules = {
        "clip": Stage(clip, tower), "projector": Stage(project), "mgvq": Stage(quantizer.encode),
        "anchors": Stage(anchor), "layer": Stage(layer, decoder)}
    return modules, starts


def first(outputs):
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


def convert(path):
    """Writes this engine's models, through `torch.export`, and what goes into them."""
    modules, values = torch_stages()
    os.makedirs(path, exist_ok=True)
    for name in names:
        example = values[inputs[name]]
        values[name] = first(modules[name](example)).clone()
        if engine == "onnxruntime":
            torch.onnx.export(
                modules[name], (example,), f"{path}/{name}.onnx", dynamo=True, external_data=True, verbose=False)
        else:
            model = openvino.convert_model(torch.export.export(modules[name], (example,), strict=False))
            if engine == "openvino8":
                import nncf
                model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
            openvino.save_model(model, f"{path}/{name}.xml", compress_to_fp16=False)
    numpy.savez(f"{path}/values.npz", **{name: value.numpy() for name, value in values.items()})


def compiled(name):
    """A converted model as a function of its input."""
    if engine == "onnxruntime":
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(f"{models}/{name}.onnx", options, providers=["CPUExecutionProvider"])
        own = session.get_inputs()[0].name
        return lambda x: session.run(None, {own: x})
    hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    request = openvino.Core().compile_model(f"{models}/{name}.xml", "CPU", hints).create_infer_request()

    def run(x):
        results = request.infer({0: x}, share_inputs=True, share_outputs=True)
        return [results[index] for index in range(len(results))]
    return run


if engine == "torch":
    stages, values = torch_stages()
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": numpy.__version__}
else:
    if engine == "onnxruntime":
        import onnxruntime
    else:
        import openvino
    if needs_torch:
        # What converters print is no answer.
        answers = os.dup(1)
        os.dup2(2, 1)
        convert(models + ".partial")
        os.rename(models + ".partial", models)
        os.dup2(answers, 1)
        # Again, without PyTorch and its copy of the weights.
        os.execv(sys.executable, [sys.executable] + sys.argv)
    stages, values = {name: compiled(name) for name in names}, dict(numpy.load(f"{models}/values.npz"))
    values["pixels"] = numpy.fromfile(pixel_file, dtype="<f4").reshape(values["pixels"].shape)
    versions = {"onnxruntime": onnxruntime.__version__} if engine == "onnxruntime" else {
        "openvino": openvino.__version__.split("-")[0]}
print(json.dumps(versions), flush=True)
for line in sys.stdin:
    name = line.strip()
    start = time.perf_counter()
    outputs = stages[name](values[inputs[name]])
    print(time.perf_counter() - start, flush=True)
    values[name] = first(outputs)
    if name == "mgvq":
        numpy.asarray(outputs[1]).astype("<i4").tofile(code_file)
