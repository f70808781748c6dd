"""Makes asfound/: files as people's training scripts and downloads leave them, each with the state dict {"w": [1.5, -2]}.

    python make_asfound.py

Needs torch and NumPy. What `plain/` holds is read by torch.load(weights_only=True) too, except the files named in FOREIGN,
which refer to classes of other modules.
"""
import argparse, collections, datetime, decimal, enum, fractions, os, pathlib, pickle, types, uuid
import numpy, torch

HERE = os.path.dirname(os.path.abspath(__file__)) + "/asfound/"
W = torch.tensor([1.5, -2.0])
FOREIGN = {"namespace", "path", "datetime", "decimal", "uuid", "numpy-array", "enum", "simple-namespace", "slice"}


class Kind(enum.Enum):
    A = 1


class Hyperparameters(argparse.Namespace):
    """A class of the script's own, which no reader has."""


EXTRAS = {
    "size": torch.Size([3, 4]), "dtype": torch.float16, "device": torch.device("cpu"), "set": {1, "a"}, "frozenset": frozenset([1]),
    "bytes": b"x" * 300, "bytearray": bytearray(b"xy"), "bigint": 2**70, "negative": -(2**80), "complex64": torch.zeros(2, dtype=torch.complex64),
    "complex128": torch.zeros(2, dtype=torch.complex128), "uint16": torch.zeros(2, dtype=torch.uint16),
    "uint64": torch.zeros(3, dtype=torch.uint64), "float8": torch.zeros(3, dtype=torch.float8_e4m3fn), "python-complex": 1 + 2j,
    "counter": collections.Counter("aab"), "defaultdict": collections.defaultdict(list, {"a": [1]}), "namespace": argparse.Namespace(lr=1, betas=(0.9, 0.99)),
    "npscalar": numpy.float64(1), "numpy-array": numpy.zeros(3), "path": pathlib.PurePosixPath("/data/run"), "datetime": datetime.datetime(2024, 1, 2),
    "decimal": decimal.Decimal("1.5"), "fraction": fractions.Fraction(1, 3), "uuid": uuid.UUID(int=7), "enum": Kind.A, "own-class": Hyperparameters(a=W),
    "simple-namespace": types.SimpleNamespace(a=1), "slice": slice(1, 2), "deep": ((((((((((((((((((((1,),),),),),),),),),),),),),),),),),),),),
    "sparse": torch.eye(2).to_sparse(), "parameter": torch.nn.Parameter(torch.ones(2)), "generator-state": torch.get_rng_state()[:16].clone(),
    "ordered": collections.OrderedDict([("b", 1)]), "none": None, "ellipsis": ..., "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"params": [0]}]},
}

if __name__ == "__main__":
    for folder in ("plain", "nested", "protocols"):
        os.makedirs(HERE + folder, exist_ok=True)
    for name, value in EXTRAS.items():
        torch.save({"model": {"w": W}, "steps": 1, name: value}, f"{HERE}plain/{name}.pt")
    state = {"w": W}
    nests = {
        "net": {"net": state}, "generator": {"generator": state, "discriminator": {"d": W + 1}}, "vqvae": {"vqvae": state}, "params_ema": {"params": {"w": W + 1}, "params_ema": state},
        "state_dict": {"state_dict": state, "epoch": 3}, "state_dict.model": {"state_dict": {"model": state}}, "unheard-of": {"epoch": 1, "tower": state}, "three-deep": {"a": {"b": {"c": state}}},
        "ddp": {"state_dict": {"module.w": W}}, "compiled": {"_orig_mod.w": W}, "two": {"netG": state, "netD": state}, "five-deep": {"a": {"b": {"c": {"d": {"e": state}}}}},
    }
    for name, value in nests.items():
        torch.save(value, f"{HERE}nested/{name}.pt")
    for protocol in (2, 3, 4, 5):
        torch.save({"w": W, "b": b"bytes", "s": {1}, "long": "é" * 300}, f"{HERE}protocols/{protocol}.pt", pickle_protocol=protocol)
    for name in sorted(os.listdir(HERE + "plain")):
        try:
            torch.load(HERE + "plain/" + name, weights_only=True)
            print(name, "read by torch")
        except Exception as error:
            print(name, "refused by torch:", str(error).splitlines()[0][:90])
