"""Makes the small weight files the tests read, and `values.json` with what torch says is in them.

Needs torch, numpy and safetensors (made with torch 2.15 and safetensors 0.8). Run it in this folder:

    OMP_NUM_THREADS=1 python make.py
"""

import io
import json
import math
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

OUT = Path("files")
VALUES = {}


def remember(file, tensors):
    """Name, dtype, shape and every value as 32-bit floats (special ones by name)."""
    rows = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach()
        flat = tensor.to(torch.float32).flatten().tolist()
        special = lambda v: v if math.isfinite(v) else str(v)
        rows[name] = {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "values": [special(v) for v in flat],
        }
    VALUES[file] = rows


FLOATS = [0.0, -0.0, 1.0, -2.5, 0.333251953125, 57344.0, 2.0**-24, float("inf"), float("-inf"), float("nan")]


def every_dtype():
    made = {}
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        made["f." + str(dtype)[6:]] = torch.tensor(FLOATS, dtype=torch.float64).to(dtype).reshape(2, 5)
    made["i.int64"] = torch.tensor([0, 1, -1, 2**40, -(2**62)])
    made["i.int32"] = torch.tensor([0, 77, -(2**31)], dtype=torch.int32)
    made["i.int16"] = torch.tensor([[-32768], [32767]], dtype=torch.int16)
    made["i.int8"] = torch.tensor([-128, 127, 3], dtype=torch.int8)
    made["i.uint8"] = torch.tensor([0, 255, 128], dtype=torch.uint8)
    made["i.bool"] = torch.tensor([True, False, True])
    made["decay"] = torch.tensor(0.9999)
    made["empty"] = torch.zeros(0, 3)
    return made


def every_byte(dtype):
    return torch.arange(256, dtype=torch.uint8).view(dtype)


def views():
    storage = torch.arange(24, dtype=torch.float32)
    return {
        "whole": storage.reshape(4, 6),
        "part": storage[6:12].reshape(2, 3),
        "turned": storage.reshape(4, 6).t(),
        "permuted": storage.reshape(2, 3, 4).permute(2, 0, 1),
        "column": storage.reshape(4, 6)[:, 2],
        "expanded": storage[5:6].expand(3, 4),
        "parameter": torch.nn.Parameter(torch.ones(2, 2) * 0.25),
        "half.turned": torch.arange(6, dtype=torch.float16).reshape(2, 3).t(),
        "bf.parameter": torch.nn.Parameter(torch.tensor([1.5, -3.0], dtype=torch.bfloat16), requires_grad=False),
    }


def save(name, thing, tensors, **how):
    torch.save(thing, OUT / name, **how)
    remember(name, tensors)


def lightning():
    """What pytorch-lightning saves, with a class that is not there where the file is read."""
    module = types.ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    checkpoint = type("ModelCheckpoint", (), {"__module__": module.__name__})
    module.ModelCheckpoint = checkpoint
    for part in ("pytorch_lightning", "pytorch_lightning.callbacks"):
        sys.modules[part] = types.ModuleType(part)
    sys.modules[module.__name__] = module
    state = OrderedDict(
        (
            ("model.diffusion_model.out.2.weight", torch.arange(8.0).reshape(2, 4)),
            ("model_ema.decay", torch.tensor(0.9999)),
            ("model_ema.num_updates", torch.tensor(470000, dtype=torch.int32)),
            ("cond_stage_model.position_ids", torch.arange(5).reshape(1, 5)),
        )
    )
    state._metadata = OrderedDict((("", {"version": 1}),))
    whole = {
        "epoch": 6,
        "global_step": 470000,
        "pytorch-lightning_version": "1.4.2",
        "state_dict": state,
        "callbacks": {checkpoint: {"best_model_score": torch.tensor(0.5), "monitor": None, "best": np.float64(0.25)}},
        "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}],
        "lr_schedulers": [],
        "note": checkpoint(),
        "array": np.arange(3),
        "big": 1 << 80,
        "raw": b"\x00\xff",
    }
    return whole, state


class RunsACommand:
    def __reduce__(self):
        return (os.system, ("touch kiln-was-here",))


class RunsPython:
    def __reduce__(self):
        return (eval, ("open('kiln-was-here', 'w').close()",))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 1)
        self.norm = torch.nn.BatchNorm1d(2)
        with torch.no_grad():
            for at, parameter in enumerate(self.parameters()):
                parameter.fill_(at + 0.5)


def rezip(source, target, prefix, compression):
    with zipfile.ZipFile(OUT / source) as old, zipfile.ZipFile(OUT / target, "w", compression) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(prefix + name.split("/", 1)[1]), old.read(name), compress_type=compression)


def main():
    OUT.mkdir(exist_ok=True)
    plain = every_dtype()
    safe = dict(plain)
    safe["f.e4m3"] = every_byte(torch.float8_e4m3fn)
    safe["f.e5m2"] = every_byte(torch.float8_e5m2)
    remember("every.safetensors", safe)
    safe["odd.uint16"] = torch.tensor([1, 2, 65535], dtype=torch.uint16)
    safe["odd.complex64"] = torch.tensor([1 + 2j])
    safetensors.torch.save_file(safe, OUT / "every.safetensors", {"format": "pt", "made.by": "make.py"})

    save("every.pth", plain, plain)
    save("every-legacy.pth", plain, plain, _use_new_zipfile_serialization=False)
    save("every-protocol5.pth", plain, plain, pickle_protocol=5)
    save("every-legacy-protocol4.pth", plain, plain, pickle_protocol=4, _use_new_zipfile_serialization=False)
    bytes8 = {"e4m3": every_byte(torch.float8_e4m3fn), "e5m2": every_byte(torch.float8_e5m2)}
    save("fp8.pth", bytes8, bytes8)
    # Formats without a reader, beside one that has one.
    odd = {"odd.complex": torch.tensor([1 + 2j]), "odd.uint16": torch.tensor([1], dtype=torch.uint16), "fine": torch.ones(2)}
    odd["odd.sparse"] = torch.eye(2).to_sparse()
    torch.save(odd, OUT / "odd.pth")
    remember("odd.pth", {"fine": odd["fine"]})

    save("views.pth", views(), views())
    save("views-legacy.pth", views(), views(), _use_new_zipfile_serialization=False)
    rezip("views.pth", "views-deflated.pth", "some/other folder/", zipfile.ZIP_DEFLATED)
    VALUES["views-deflated.pth"] = VALUES["views.pth"]
    rezip("views.pth", "views-bare.pth", "", zipfile.ZIP_STORED)
    VALUES["views-bare.pth"] = VALUES["views.pth"]

    whole, state = lightning()
    save("lightning.ckpt", whole, state)
    save("lightning-legacy.ckpt", whole, state, _use_new_zipfile_serialization=False)

    two = {"params": {"conv.weight": torch.zeros(2)}, "params_ema": {"conv.weight": torch.ones(2)}}
    save("ema.pth", two, two["params_ema"])
    nested = {"generator": {"a": torch.ones(1), "deep": {"b": torch.zeros(2)}}, "steps": 3}
    save("nested.pth", nested, {"generator.a": torch.ones(1), "generator.deep.b": torch.zeros(2)})

    vectors = torch.arange(6.0).reshape(2, 3)
    inversion = {"string_to_token": {"*": 265}, "string_to_param": {"*": vectors}, "name": "cat", "step": 500}
    save("inversion.pt", inversion, {"string_to_param.*": vectors})
    inversion["string_to_param"] = torch.nn.ParameterDict({"*": torch.nn.Parameter(vectors)})
    inversion["string_to_token"] = {"*": torch.tensor(265)}
    both = {"string_to_param.*": vectors, "string_to_token.*": torch.tensor(265)}
    save("inversion-parameters.pt", inversion, both)

    net = Net()
    save("module.pt", net, net.state_dict())

    evil = {"weight": torch.ones(2), "surprise": RunsACommand(), "another": RunsPython()}
    save("evil.pth", evil, {"weight": evil["weight"]})
    save("evil-legacy.pth", evil, {"weight": evil["weight"]}, _use_new_zipfile_serialization=False)
    pickle.dump(RunsACommand(), open(OUT / "evil.pkl", "wb"))
    with open("values.json", "w") as file:
        json.dump(VALUES, file, indent=0, sort_keys=True)
        file.write("\n")


main()
