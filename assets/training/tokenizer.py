"""Trains the SentencePiece model (BPE, byte fallback, as Llama's) in which every answer is one piece.

`python tokenizer.py --work DIR` writes DIR/tokenizer.model.
"""

import argparse
import io
import os

import numpy as np
import sentencepiece

from features import default_work
from questions import TEMPLATE, every_answer, training_questions
from scenes import draw_scene


def corpus(scenes=3000):
    """Filled prompts with their answers, and every answer often enough to become a piece."""
    rng = np.random.default_rng(7)
    for index in range(scenes):
        for text, answer, _ in training_questions(draw_scene("train", index), rng, 6):
            yield TEMPLATE.format(prompt=text) + " " + answer
    for answer in every_answer():
        for _ in range(100):
            yield answer
    # The other letters, so that any prompt has pieces below the level of bytes.
    for character in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?'\"()-":
        yield " ".join([character] * 20)


def train(largest=1600):
    """The largest vocabulary that the corpus allows, up to `largest` pieces."""
    lines = list(corpus())
    for size in range(largest, 500, -20):
        out = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(lines), model_writer=out, model_type="bpe", vocab_size=size, byte_fallback=True,
                unk_id=0, bos_id=1, eos_id=2, pad_id=-1, add_dummy_prefix=True, remove_extra_whitespaces=False,
                user_defined_symbols=["\u2581USER:", "\u2581ASSISTANT:"],
                normalization_rule_name="identity", character_coverage=1.0, split_digits=True, num_threads=1, minloglevel=2)
        except RuntimeError as error:
            if "too high" not in str(error):
                raise
            continue
        return out.getvalue()
    raise RuntimeError("no vocabulary size fits")


def check(tokenizer):
    """Asserts what the model relies on: one piece an answer, and a prompt that stays a prefix of prompt + answer."""
    for answer in every_answer():
        assert len(tokenizer.encode(answer)) == 1, (answer, tokenizer.encode(answer, out_type=str))
        prompt = TEMPLATE.format(prompt=f"is there a {answer}?")
        assert tokenizer.encode(prompt + " " + answer) == tokenizer.encode(prompt) + tokenizer.encode(answer), answer
    assert (tokenizer.unk_id(), tokenizer.bos_id(), tokenizer.eos_id()) == (0, 1, 2)
    assert tokenizer.is_byte(tokenizer.piece_to_id("<0x0A>"))


def main():
    """Trains, checks and writes the tokenizer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=default_work())
    options = parser.parse_args()
    model = train()
    tokenizer = sentencepiece.SentencePieceProcessor(model_proto=model)
    check(tokenizer)
    with open(os.path.join(options.work, "tokenizer.model"), "wb") as out:
        out.write(model)
    print(tokenizer.get_piece_size(), tokenizer.encode(TEMPLATE.format(prompt="What object is on the left?"), out_type=str))


if __name__ == "__main__":
    main()
