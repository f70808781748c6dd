"""Lifts, contributions, KL and interchange effects of the parity cases by a dense decoder in float64.

Usage: interchange.py PARITY_DIRECTORY OUT.json. The donor picture is made of the picture's own rows: anchors reversed times -0.7, patches reversed times 0.9.
"""
import json, sys, math
import torch
from safetensors import safe_open
torch.set_default_dtype(torch.float64)
root = sys.argv[1]

def load(case):
    cfg = json.load(open(f"{root}/{case}/config.json"))
    import glob
    w = {}
    for p in sorted(glob.glob(f"{root}/{case}/model*.safetensors")):
        f = safe_open(p, "pt")
        for k in f.keys(): w[k] = f.get_tensor(k).double()
    e = safe_open(f"{root}/{case}/expected.safetensors", "pt")
    return cfg, w, {k: e.get_tensor(k) for k in e.keys()}

def norm(x, g, eps): return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * g

def rotate(x, positions, theta):
    h = x.shape[-1]; inv = theta ** (-torch.arange(0, h, 2).double() / h)
    a = positions.double()[:, None] * inv; a = torch.cat([a, a], -1)
    half = torch.cat([-x[..., h // 2:], x[..., :h // 2]], -1)
    return x * a.cos()[:, None] + half * a.sin()[:, None]

class Decoder:
    def __init__(self, cfg, w, mask):
        self.cfg, self.w, self.mask = cfg, w, mask
        self.H, self.KV = cfg["num_attention_heads"], cfg.get("num_key_value_heads") or cfg["num_attention_heads"]
        self.L, self.D = cfg["num_hidden_layers"], cfg["hidden_size"]
        self.h = cfg.get("head_dim") or self.D // self.H
    def run(self, emb, swaps=(), cut=(), heads=()):
        """swaps: (row, keys, part, donor kv, live only); heads: (row, keys, donor kv, layer, query head), values alone."""
        S = emb.shape[0]; pos = torch.arange(S); x = emb; kvs, att, hid = [], [], [x]
        for l in range(self.L):
            p = f"model.layers.{l}."; W = self.w; eps = self.cfg["rms_norm_eps"]
            n = norm(x, W[p + "input_layernorm.weight"], eps)
            q = rotate((n @ W[p + "self_attn.q_proj.weight"].T).view(S, self.H, self.h), pos, self.cfg["rope_theta"])
            k = rotate((n @ W[p + "self_attn.k_proj.weight"].T).view(S, self.KV, self.h), pos, self.cfg["rope_theta"])
            v = (n @ W[p + "self_attn.v_proj.weight"].T).view(S, self.KV, self.h)
            kvs.append((k, v)); out = torch.zeros(S, self.H, self.h); rows = torch.zeros(self.H, S, S)
            special = set(sw[0] for sw in swaps) | set(hs[0] for hs in heads) | ({cut[0]} if cut else set())
            def attend(index, ki, vi, allowed, own=()):
                kk = ki.repeat_interleave(self.H // self.KV, 1); vv = vi.repeat_interleave(self.H // self.KV, 1)
                # Query heads that share values each get their own.
                for _, keys, donor, _, hd in own: vv[keys, hd] = donor[l][1][keys, hd // (self.H // self.KV)]
                s = torch.einsum("ihd,jhd->hij", q[index], kk) / math.sqrt(self.h)
                a = torch.softmax(s.masked_fill(~allowed[None], -math.inf), -1)
                rows[:, index] = a; out[index] = torch.einsum("hij,jhd->ihd", a, vv)
            plain = [i for i in range(S) if i not in special]
            attend(plain, k, v, self.mask[plain].bool())
            for i in sorted(special):
                ki, vi = k.clone(), v.clone(); allowed = self.mask[i].bool().clone()
                for row, keys, part, donor, live in swaps:
                    if row != i or (live and l == self.L - 1): continue
                    if part in ("keys", "both"): ki[keys] = donor[l][0][keys]
                    if part in ("values", "both"): vi[keys] = donor[l][1][keys]
                if cut and i == cut[0]: allowed[cut[1]] = False
                attend([i], ki, vi, allowed[None], [hs for hs in heads if hs[0] == i and hs[3] == l])
            att.append(rows)
            x = x + out.reshape(S, -1) @ W[p + "self_attn.o_proj.weight"].T
            n = norm(x, W[p + "post_attention_layernorm.weight"], eps)
            x = x + (torch.nn.functional.silu(n @ W[p + "mlp.gate_proj.weight"].T) * (n @ W[p + "mlp.up_proj.weight"].T)) @ W[p + "mlp.down_proj.weight"].T
            hid.append(x)
        head = self.w.get("lm_head.weight", self.w["model.embed_tokens.weight"])
        logits = norm(x, self.w["model.norm.weight"], self.cfg["rms_norm_eps"])[-1] @ head.T
        return dict(logits=logits, kv=kvs, att=att, hid=hid)

out = {"generator": "dense decoder in float64 (PyTorch %s); donor anchors = reversed rows * -0.7, donor patches = reversed rows * 0.9" % torch.__version__, "cases": {}}
for case in ["star-png", "sharded-f16-hwc", "voco-causal-bf16"]:
    cfg, w, e = load(case)
    ids = e["sequence.token_ids"].tolist(); emb = e["sequence.embeddings"].double(); S = len(ids)
    d = Decoder(cfg, w, e["mask"])
    A = [i for i, t in enumerate(ids) if t == -2]; P = [i for i, t in enumerate(ids) if t == -1]
    voco_id = cfg["voco_token_id"]; V = [i for i, t in enumerate(ids) if t == voco_id][:cfg["num_voco_tokens"]]
    def replaced(anchors, patches):
        x = emb.clone()
        if anchors and A: x[A] = emb[A].flip(0) * -0.7
        if patches: x[P] = emb[P].flip(0) * 0.9
        return x
    base = d.run(emb); err = (base["logits"].float() - e["logits"].float()).abs().max().item()
    full, da, dp = d.run(replaced(1, 1)), d.run(replaced(1, 0)), d.run(replaced(0, 1))
    own = base["logits"].argmax().item(); dl = full["logits"].clone(); dl[own] = -math.inf; other = dl.argmax().item()
    def kl(b, c):
        p, q = torch.log_softmax(b, 0), torch.log_softmax(c, 0); return (p.exp() * (p - q)).sum().item()
    cen = lambda t: t - t.mean()
    dd = cen(full["logits"] - base["logits"])
    def shift(lg):
        ld = lambda t: (t[own] - t[other]).item()
        return [ld(base["logits"]) - ld(lg), (cen(lg - base["logits"]) @ dd).item()]
    live = range(d.L - 1)
    r = dict(own=own, other=other, donor_kl=kl(base["logits"], full["logits"]), whole=shift(full["logits"]), vocos=[])
    pairs = list(zip(A, P[3:3 + len(A)]))
    order = list(range(S))
    for a, b in pairs: order[a], order[b] = order[b], order[a]
    ex = d.run(emb[order])
    for j, row in enumerate(V):
        go = lambda *sw: d.run(emb, swaps=sw)["logits"]
        ctx = list(range(V[0])); q = {}
        if A:
            q["content"] = shift(go((row, A, "values", da["kv"], True)))
            q["steering"] = shift(go((row, A, "keys", da["kv"], True)))
            q["edges"] = shift(go((row, A, "both", da["kv"], True)))
            q["total"] = shift(go((row, ctx, "both", da["kv"], False)))
        q["patches"] = shift(go((row, P, "both", dp["kv"], True)))
        q["visual"] = shift(go((row, A + P, "both", full["kv"], True)))
        q["random"] = shift(go((row, P[5:9], "values", dp["kv"], True)))
        rec = dict(shifts=q)
        if A:
            places = [(l, hd) for l in live for hd in range(d.H)]
            one = lambda chosen: shift(d.run(emb, heads=[(row, A, da["kv"], l, hd) for l, hd in chosen])["logits"])
            rec["heads"] = [one([place]) for place in places] + [one(places[::2])]
            rec["cut_kl"] = kl(base["logits"], d.run(emb, cut=(row, A))["logits"])
            mean = lambda run: sum(run["att"][l][:, row].mean(0) for l in live) / len(live)
            m, x = mean(base), mean(ex)
            rec["log_lift"] = math.log(m[A].sum() / len(A)) - math.log(m[P].sum() / len(P))
            B = [b for _, b in pairs]
            same = lambda m, x: 0.5 * (math.log(m[A].sum()) - math.log(x[A].sum()) + math.log(x[B].sum()) - math.log(m[B].sum()))
            rec["log_same"] = same(m, x)
            rec["cells"] = [same(base["att"][l][hd, row], ex["att"][l][hd, row]) for l in live for hd in range(d.H)]
            n = torch.zeros(d.L, d.H, S)
            for l in range(d.L):
                o = w[f"model.layers.{l}.self_attn.o_proj.weight"].view(d.D, d.H, d.h)
                for hd in range(d.H):
                    g = hd // (d.H // d.KV)
                    for keys, donor in ((A, da), (P, dp)):
                        for c in keys: n[l, hd, c] = (o[:, hd] @ (base["kv"][l][1][c, g] - donor["kv"][l][1][c, g])).norm() / math.sqrt(2)
            wm = lambda run, f: sum((run["att"][l][:, row] * f[l]).mean(0) for l in live) / len(live)
            b, xx = wm(base, n), wm(ex, n[:, :, order])
            rec["log_contribution"] = math.log(b[A].sum() / len(A)) - math.log(b[P].sum() / len(P))
            rec["log_contribution_same"] = same(b, xx)
        r["vocos"].append(rec)
    out["cases"][case] = r; print(case, "logits error", err, r["whole"], r["vocos"][0]["shifts"].get("content"), file=sys.stderr)
json.dump(out, open(sys.argv[2], "w"), indent=1)
