"""Lens, answer trace and causal trace of a checkpoint, slowly and plainly on oracle.py's model: what the tests hold Swift to.

`python residual_oracle.py MODEL IMAGE DONOR PROMPT --out residual.json`; states are put in with forward hooks, edges cut in the mask.
"""

import argparse
import json

import numpy as np
import torch
import torch.nn.functional as F

from oracle import ANCHOR, PATCH, VOCO_LLAMA, Oracle

LONGEST, SHOWN = 16, 8  # tokens over which answers are compared, and that are followed back


class Residual:
    """One picture's visual part in one text."""

    def __init__(self, oracle, image, prompt):
        self.oracle, self.trace = oracle, oracle.visual(image)
        self.text = oracle.tokenizer.encode(oracle.config.get("prompt_template", VOCO_LLAMA).replace("{prompt}", prompt))
        self.answer = oracle.run(image, prompt, limit=LONGEST, trace=self.trace)[0]["generated.token_ids"].tolist()

    def run(self, answer, patches=(), cut=(), anchors=None):
        """HF's output with `answer` after the prompt; `patches`: (layer, rows, states) put in as states enter that layer."""
        trace = self.trace | ({"anchors": anchors} if anchors is not None else {})
        embeddings, ids, kinds = self.oracle.sequence(trace, self.text + answer)
        allowed = self.oracle.mask(kinds)
        for row, kind in enumerate(kinds):
            if kind == "voco":
                allowed[row, list(cut)] = False
        additive = torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)[None, None]
        handles = []
        for layer, rows, states in patches:
            def hook(module, args, kwargs, rows=rows, states=states):
                hidden = (args[0] if args else kwargs["hidden_states"]).clone()
                hidden[0, rows] = states
                return ((hidden, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": hidden})
            handles.append(self.oracle.llama.model.layers[layer].register_forward_pre_hook(hook, with_kwargs=True))
        out = self.oracle.llama(inputs_embeds=embeddings[None], attention_mask=additive, position_ids=torch.arange(len(ids))[None],
                                use_cache=False, output_attentions=True, output_hidden_states=True)
        for handle in handles:
            handle.remove()
        self.ids, self.kinds = ids.tolist(), kinds
        return out


def lens(run, out):
    """The five likeliest tokens of every voco, anchor, some patches and the last token at each state."""
    llama, positions = run.oracle.llama, [i for i, k in enumerate(run.kinds) if k == "voco" or run.ids[i] == ANCHOR]
    positions += [i for i, t in enumerate(run.ids) if t == PATCH][::7] + [len(run.ids) - 1]
    rows = []
    for position in positions:
        states = []
        for index, hidden in enumerate(out.hidden_states):
            state = hidden[0, position]
            logits = llama.lm_head(state if index == len(out.hidden_states) - 1 else llama.model.norm(state))
            top = logits.double().softmax(-1).topk(5)
            states.append({"ids": top.indices.tolist(), "probabilities": top.values.tolist()})
        rows.append({"position": position, "states": states})
    return rows


def segments(run):
    """Named rows of the sequence, in its order."""
    ids, kinds = np.array(run.ids), np.array(run.kinds)
    patches = np.flatnonzero(ids == PATCH)
    side = int(round(len(patches) ** 0.5))
    row, column = np.divmod(np.arange(len(patches)), side)
    found = {"prefix": np.flatnonzero(kinds == "prefix"), "anchors": np.flatnonzero(ids == ANCHOR)}
    for name, low, right in (("top left", 0, 0), ("top right", 0, 1), ("bottom left", 1, 0), ("bottom right", 1, 1)):
        found[f"patches, {name}"] = patches[((row >= side // 2) == low) & ((column >= side // 2) == right)]
    found |= {"voco": np.flatnonzero(kinds == "voco"), "text": np.flatnonzero(kinds == "text")}
    return sorted(((k, v.tolist()) for k, v in found.items() if len(v)), key=lambda item: item[1][0])


def causal_trace(own, donor):
    """Restoration and corruption, layer by segment."""
    place = next((i for i, (a, b) in enumerate(zip(own.answer, donor.answer)) if a != b), 0)
    common, (mine, theirs) = own.answer[:place], (own.answer[place], donor.answer[place])
    outs = [run.run(common) for run in (own, donor)]
    before, after = (out.logits[0, -1].double() for out in outs)
    lead = lambda x: (x[mine] - x[theirs]).item()
    uses_difference = mine != theirs and abs(lead(before) - lead(after)) >= 0.5

    def share(patched, start, end):
        if uses_difference:
            return (lead(patched) - lead(start)) / (lead(end) - lead(start))
        change, whole = (x - start for x in (patched, end))
        change, whole = change - change.mean(), whole - whole.mean()
        return ((change * whole).sum() / (whole * whole).sum()).item()

    restoration, corruption = [], []
    for layer in range(len(outs[0].hidden_states) - 1):
        restored, corrupted = [], []
        for _, rows in segments(own):
            states = [out.hidden_states[layer][0, rows] for out in outs]
            restored.append(share(donor.run(common, [(layer, rows, states[0])]).logits[0, -1].double(), after, before))
            corrupted.append(share(own.run(common, [(layer, rows, states[1])]).logits[0, -1].double(), before, after))
        restoration.append(restored)
        corruption.append(corrupted)
    return {"scale": "LD" if uses_difference else "E", "segments": [name for name, _ in segments(own)], "restoration": restoration, "corruption": corruption}


def answer_trace(own, donor):
    """Attention and changes of log-probability for each token of the answer."""
    answer = own.answer[:SHOWN]
    base = own.run(answer[:-1])
    first = len(own.ids) - len(answer)
    score = lambda out: [F.log_softmax(out.logits[0, first + i].double(), -1)[t].item() for i, t in enumerate(answer)]
    group = ["answer" if i > first else "voco" if k == "voco" else "text" for i, k in enumerate(own.kinds)]
    anchors = [i for i, t in enumerate(own.ids) if t == ANCHOR]
    cut, swapped = (score(own.run(answer[:-1], **edit)) for edit in ({"cut": anchors}, {"anchors": donor.trace["anchors"]}))
    tokens = []
    for index, token in enumerate(answer):
        rows = [a[0, :, first + index].mean(0) for a in base.attentions]
        readings = [{name: sum(row[i].item() for i, g in enumerate(group) if g == name) for name in ("voco", "text", "answer")} for row in rows]
        own_score = score(base)[index]
        tokens.append({"id": token, "log_probability": own_score, "readings": readings, "cut": cut[index] - own_score, "swap": swapped[index] - own_score})
    return tokens


@torch.no_grad()
def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "image", "donor", "prompt"):
        parser.add_argument(name)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    oracle = Oracle(options.model)
    own, donor = (Residual(oracle, image, options.prompt) for image in (options.image, options.donor))
    out = own.run([])
    found = {"lens": lens(own, out), "causal_trace": causal_trace(own, donor), "answer": answer_trace(own, donor)}
    json.dump(found, open(options.out, "w"), indent=1)


if __name__ == "__main__":
    main()
