"""The same decoder layers in llama.cpp: reads `type layers prefill|token` a line, runs it once, prints seconds."""
import ctypes, json, os, sys, time

directory, threads, tokens, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.environ["OMP_NUM_THREADS"] = str(threads)
import gguf, llama_cpp, numpy
from safetensors import safe_open

config = json.load(open(f"{directory}/config.json"))
types = {"F16": gguf.GGMLQuantizationType.F16, "Q8_0": gguf.GGMLQuantizationType.Q8_0}
names = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def write(path, kind, layers):
    weights = safe_open(f"{directory}/model.safetensors", framework="numpy")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(layers)
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")

    def add(name, source):
        values = weights.get_tensor(source)
        if values.ndim == 1:
            writer.add_tensor(name, values.astype(numpy.float32))
        elif kind == "F16":
            writer.add_tensor(name, values)
        else:
            data = gguf.quants.quantize(values.astype(numpy.float32), types[kind])
            writer.add_tensor(name, data, raw_dtype=types[kind])

    add("token_embd.weight", "model.embed_tokens.weight")
    add("output_norm.weight", "model.norm.weight")
    add("output.weight", "lm_head.weight")
    for layer in range(layers):
        for ours, theirs in names.items():
            add(f"blk.{layer}.{theirs}.weight", f"model.layers.{layer}.{ours}.weight")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Model:
    def __init__(self, kind, layers):
        path = f"{folder}/{kind}-{layers}.gguf"
        if not os.path.exists(path):
            write(path + ".partial", kind, layers)
            os.rename(path + ".partial", path)
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        assert self.model, path
        options = llama_cpp.llama_context_default_params()
        options.n_ctx = options.n_batch = options.n_ubatch = 1024
        options.n_threads = options.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, options)
        assert self.context, path
        self.position = 0

    def decode(self, ids):
        ids = (llama_cpp.llama_token * len(ids))(*ids)
        start = time.perf_counter()
        assert llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(ids, len(ids))) == 0
        llama_cpp.llama_get_logits_ith(self.context, -1)
        return time.perf_counter() - start

    def prefill(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        return self.decode([3 + i % 1000 for i in range(tokens)])


quiet = llama_cpp.llama_log_callback(lambda *arguments: None)
llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
llama_cpp.llama_backend_init()
models = {}
print(json.dumps({"llama-cpp-python": llama_cpp.__version__}), flush=True)
for line in sys.stdin:
    kind, layers, what = line.split()
    key = (kind, int(layers))
    if key not in models:
        models[key] = Model(*key)
    print(models[key].prefill() if what == "prefill" else models[key].decode([7]), flush=True)
