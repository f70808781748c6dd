"""The program's commands that write files, what they write, and how a run is judged."""

import hashlib
import os
import shutil
import signal
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARITY = f"{ROOT}/Tests/HTCVLMTests/Fixtures/parity/star-png"
PARTS = f"{ROOT}/Tests/HTCVLMTests/Fixtures/families/lora"
# Seconds; other work on the machine is no hang.
LIMIT = 300


class Run:
    """How the program ended."""

    def __init__(self, code, output, errors, seconds):
        self.code, self.output, self.errors, self.seconds = code, output, errors, seconds

    @property
    def words(self):
        """The errors without the line that shows progress."""
        return self.errors.decode("utf-8", "replace").split("\x1b[K")[-1].strip()

    def __str__(self):
        end = f"signal {signal.Signals(-self.code).name}" if self.code < 0 else f"exit code {self.code}"
        return f"{end}: {self.words[-200:]!r}"


class Command:
    """A command that writes `output` below a folder of its own.

    `arguments` may hold {out}; `resumes` says that an interrupted run is gone on with, `refuses` that a whole output is
    never written over.
    """

    def __init__(self, name, arguments, output, resumes=False, cache=False, refuses=False):
        self.name, self.arguments, self.output = name, arguments, output
        self.resumes, self.cache, self.refuses = resumes, cache, refuses

    def prepare(self, folder):
        """What the command needs in its folder: for the cache of 8-bit matrices a model of its own, by links."""
        os.makedirs(folder)
        if self.cache:
            os.makedirs(f"{folder}/{self.output}")
            model = os.path.realpath(f"{folder}/../inputs/model")
            for name in os.listdir(model):
                os.symlink(f"{model}/{name}", f"{folder}/{self.output}/{name}")

    def begun(self, folder):
        """Whether a file has been begun."""
        return bool(leftovers(folder)) or os.path.exists(f"{folder}/{self.output}") and not self.cache

    def line(self, folder):
        return [a.format(out=f"{folder}/{self.output}", inputs=f"{folder}/../inputs") for a in self.arguments]

    def state(self, folder):
        """The digest of what is under the final name; None where there is nothing."""
        path = f"{folder}/{self.output}"
        if os.path.isfile(path):
            return digest([path])
        if os.path.isdir(path):
            files = sorted(os.path.join(at, name) for at, _, names in os.walk(path) for name in names)
            return digest(files, path)
        return None


def digest(paths, base=""):
    result = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            result.update(path[len(base):].encode() if base else b"")
            result.update(file.read())
    return result.hexdigest()


def commands():
    few = ["--model", "{inputs}/model"]
    picture = "{inputs}/pictures/a.png"
    return [
        Command("trace", ["trace", picture, "--max-new-tokens", "2", "--out", "{out}"] + few, "t.safetensors"),
        Command(
            "verify", ["verify", "{inputs}/pictures", "--no-random-models", "--out", "{out}"] + few, "v.jsonl",
            resumes=True),
        Command(
            "verify-report", ["verify", picture, "--no-random-models", "--report", "{out}"] + few, "page"),
        Command(
            "eval", ["eval", "{inputs}/questions.jsonl", "--max-new-tokens", "2", "--out", "{out}"] + few, "e.jsonl",
            resumes=True),
        # The attention alone: other panels hold how long the run took.
        Command(
            "export", ["report", picture, "--max-new-tokens", "1", "--panel", "attention", "--export", "{out}"] + few,
            "a.npz"),
        Command("codebook", ["codebook", picture, "--plots", "{out}"] + few, "plots"),
        Command(
            "convert",
            ["convert", "--llm", f"{PARTS}/base", "--vision", f"{PARTS}/vision", "--adapter", f"{PARTS}/adapter", "--out", "{out}"],
            "checkpoint", refuses=True),
        Command(
            "int8",
            ["trace", picture, "--precision", "int8", "--max-new-tokens", "1", "--model", "{out}", "--out", "{out}/t.safetensors"],
            "cache", cache=True),
    ]


def make_inputs(folder):
    """A model, pictures and questions that the commands read."""
    os.makedirs(f"{folder}/pictures")
    os.makedirs(f"{folder}/model")
    for name in os.listdir(PARITY):
        if name.startswith(("config", "model", "preprocessor", "tokenizer")):
            shutil.copy(f"{PARITY}/{name}", f"{folder}/model/{name}")
    for name, source in zip("abc", ["image.png", "../sharded-f16-hwc/image.png", "../voco-causal-bf16/image.jpg"]):
        shutil.copy(f"{PARITY}/{source}", f"{folder}/pictures/{name}.{source[-3:]}")
    with open(f"{folder}/questions.jsonl", "w") as file:
        for index in range(24):
            picture = ["a.png", "b.png", "c.jpg"][index % 3]
            file.write(
                f'{{"question_id": {index}, "image": "pictures/{picture}", "text": "question {index}?", "answer": "a", '
                f'"category": "c{index % 2}"}}\n')


def environment(folder, **more):
    return {
        "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": f"{folder}/home", "XDG_CACHE_HOME": f"{folder}/xdg",
        "SWIFT_BACKTRACE": "enable=no", **more,
    }


def leftovers(folder):
    """Files that are nobody's: parts of files that were never finished."""
    found = []
    for at, folders, names in os.walk(folder):
        found += [f"{at}/{name}" for name in folders + names if "partial" in name]
    return found
