"""Records small `tokenizer.json` files of Llama's kind and what the package tokenizers makes of many texts.

`python record.py` writes the files beside this one anew: `llama.json` is what transformers' LlamaTokenizer saves of a
SentencePiece model trained here, `legacy.json` the same as transformers 4 wrote it, `random-N.json` random merges under
each setting, and `recorded.json` by file a list of

    [text, ids, ids behind an added token, the ids as text again or null]

Needs tokenizers, transformers, protobuf and sentencepiece.
"""

import glob
import io
import json
import os
import random
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import LlamaTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = """the what is in picture red cube left of object at top a an and answer question colour word one two three large small square
circle triangle behind bench street dog cat near with under sky who how many are there USER: ASSISTANT: chat between curious user""".split()
ODD = list("éßñøåЖ漢字かな🦊👩‍👩‍👧①ﬁ\u0301\u200b\u00a0\u2028\ufeff\ufffd€½") + ["\n", "\t", "\r\n", "\0", "\x7f", "  ", "   ", "     ", "▁", "▁▁", "<", ">",
       "<0x0A>", "<0xG>", "{prompt}", "...", "''", "\"", "\\", "0", "12", "2026"]


def sentences(generator, count, alphabet=None):
    texts = ["", " ", "  ", "\n", "▁", " a", "a ", "hello", "USER: ", "\nwhat is left of the red cube? ASSISTANT:"]
    while len(texts) < count:
        parts = []
        for _ in range(generator.randint(1, 12)):
            if alphabet:
                parts.append("".join(generator.choice(alphabet) for _ in range(generator.randint(1, 9))))
            else:
                parts.append(generator.choice(WORDS) if generator.random() < .6 else generator.choice(ODD))
        texts.append("".join(part + (" " if generator.random() < .6 else "") for part in parts))
    return texts


def trained(folder):
    """A SentencePiece model of byte pairs with byte fallback, as Llama's."""
    generator = random.Random(1)
    corpus = [" ".join(generator.choices(WORDS, k=12)) + generator.choice(["?", ".", "!", ""]) for _ in range(800)]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus), model_writer=model, model_type="bpe", vocab_size=420, byte_fallback=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True, character_coverage=1.0, minloglevel=2)
    with open(os.path.join(folder, "tokenizer.model"), "wb") as file:
        file.write(model.getvalue())
    return os.path.join(folder, "tokenizer.model")


def legacy(document):
    """What transformers 4 wrote: a normalizer for the spaces, merges as texts."""
    document["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    document["pre_tokenizer"] = None
    document["model"]["unk_token"] = "<unk>"
    if isinstance(document["model"]["merges"][0], list):
        document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
    return document


def randomized(seed):
    """Merges in random order over a few letters, so that pieces can be made in several ways."""
    generator = random.Random(seed)
    letters = list("▁abé\n") + (["漢"] if seed % 2 else [])
    pieces, merges = list(letters), []
    while len(pieces) < 40:
        first, second = generator.choice(pieces), generator.choice(pieces)
        if (first, second) in merges or len(first + second) > 7:
            continue
        merges.append((first, second))
        if first + second not in pieces:
            pieces.append(first + second)
    generator.shuffle(merges)
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)] if seed % 3 else []
    vocabulary = {piece: index for index, piece in enumerate(["<unk>", "<s>", "</s>"] + bytes_ + pieces)}
    tokenizer = Tokenizer(models.BPE(
        vocab=vocabulary, merges=merges, unk_token=None if seed % 5 == 0 else "<unk>", fuse_unk=seed % 4 < 2, byte_fallback=bool(bytes_),
        ignore_merges=seed % 7 == 0))
    scheme = ["always", "first", "never"][seed % 3]
    if seed == 8:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(" ", "▁"), normalizers.Replace(Regex(r"\A▁"), "▁▁")])
    if seed != 4:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=seed % 2 == 0)
    if seed == 6:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([tokenizer.pre_tokenizer])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def results(path, texts):
    tokenizer = Tokenizer.from_file(path)
    tokenizer.post_processor = None
    added = "<image>"
    tokenizer.add_special_tokens([AddedToken(added, special=True, normalized=False)])
    marker = tokenizer.token_to_id(added)
    rows = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        behind = tokenizer.encode("a" + added + text, add_special_tokens=False).ids
        rows.append([text, ids, behind[behind.index(marker) + 1:], tokenizer.decode(ids) if tokenizer.decoder else None])
    return rows


def main():
    for old in glob.glob(os.path.join(HERE, "*.json")):
        os.remove(old)
    with tempfile.TemporaryDirectory() as folder:
        model = trained(folder)
        LlamaTokenizer.from_pretrained(folder).save_pretrained(os.path.join(folder, "saved"))
        with open(os.path.join(folder, "saved", "tokenizer.json")) as file:
            document = json.load(file)
        pieces = sentencepiece.SentencePieceProcessor(model_file=model)
    recorded = {}

    def put(name, document, texts):
        path = os.path.join(HERE, name)
        with open(path, "w") as file:
            json.dump(document, file, ensure_ascii=False, separators=(",", ":"))
        recorded[name] = results(path, texts)

    texts = sentences(random.Random(2), 160)
    put("llama.json", document, texts)
    put("legacy.json", legacy(json.loads(json.dumps(document))), texts)
    same = sum(pieces.encode(row[0]) == row[1] for row in recorded["legacy.json"])
    print("legacy.json encodes", same, "of", len(texts), "texts as SentencePiece itself does")
    for seed in range(1, 11):
        texts = sentences(random.Random(seed), 60, alphabet="ab abé\nx漢  🦊")
        put(f"random-{seed}.json", json.loads(randomized(seed).to_str()), texts)
    with open(os.path.join(HERE, "recorded.json"), "w") as file:
        json.dump(recorded, file, ensure_ascii=True, separators=(",", ":"))


if __name__ == "__main__":
    main()
