"""Makes results.safetensors: what torch computes with random weights, for the tests. Needs torch and safetensors.

    OMP_NUM_THREADS=1 python make.py

Weights are not stored: `normal("case/name", ...)` makes each again (see nodes/networks/tests/reference/common.py); only
their names, shapes, deviations and means are written down, in the file's metadata. `tests/common/mod.rs` reads it.
"""
import json
import os

import numpy as np
import torch
from safetensors.numpy import save_file

from networks import DenseBlock, RRDBNet, Rrdb, SRVGGNetCompact, first_names, old_names

HERE = os.path.dirname(os.path.abspath(__file__))


def fnv1a(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def normal(name, shape, std, mean=0.0):
    """f32 values, about normal, in C order."""
    n = int(np.prod(shape, dtype=np.int64)) if len(shape) else 1
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(fnv1a(name))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    k = sum(((z >> np.uint64(s)) & np.uint64(0xFFFF)).astype(np.int64) for s in (0, 16, 32, 48)) - 131070
    return (k.astype(np.float32) * np.float32(std / 37837.227205) + np.float32(mean)).reshape(shape)


def rule(name, shape, last):
    """(std, mean): a picture comes out, most of it between 0 and 1."""
    end = name.startswith(last)
    if len(shape) == 1:
        if name.endswith("bias"):
            return 0.05, (0.5 if end and last.startswith("conv") else 0.0)
        return 0.05, 0.2
    return (0.15 if end else 1.2) * float(np.prod(shape[1:])) ** -0.5, 0.0


notes, tensors = {}, {}


def fill(case, net, last, rename=lambda state: state):
    """Gives a network its weights and notes them under the names the file is to have."""
    state = net.state_dict()
    noted = []
    for (name, value), there in zip(state.items(), rename(state)):
        std, mean = rule(name, list(value.shape), last)
        std = float(np.float32(std))
        noted.append([there, list(value.shape), std, mean])
        state[name] = torch.from_numpy(normal(f"{case}/{there}", list(value.shape), std, mean))
    net.load_state_dict(state)
    notes[case] = json.dumps(noted)
    return net.eval()


def picture(case, h, w):
    x = np.clip(normal(f"{case}/picture", [1, 3, h, w], 0.25, 0.5), 0, 1)
    yy, xx = np.mgrid[:h, :w]
    return torch.from_numpy((0.7 * x + 0.3 * (np.sin(xx / 3 + yy / 5) * 0.5 + 0.5)).astype(np.float32))


def run(case, net, x):
    with torch.inference_mode():
        y = net(x)
    tensors[f"{case}.out"] = np.ascontiguousarray(y.numpy())
    if x.shape[1] == 3:
        tensors[f"{case}.in"] = x.numpy()
    inside = ((y > 0) & (y < 1)).float().mean().item()
    print(f"{case:14} {list(x.shape)} -> {list(y.shape)}, deviation {y.std():.3f}, between 0 and 1: {inside:.2f}")


def rrdb(case, h, w, names=None, **config):
    net = RRDBNet(**config)
    blocks, ups = config["blocks"], config.get("ups", 2)
    rename = {"old": lambda s: old_names(s, blocks, ups), "first": first_names, None: lambda s: s}[names]
    run(case, fill(case, net, "conv_last", rename), picture(case, h, w))


def compact(case, h, w, **config):
    net = SRVGGNetCompact(**config)
    run(case, fill(case, net, f"body.{len(net.body) - 1}."), picture(case, h, w))


def main():
    # Wide enough for every fast way, and too narrow for any.
    rrdb("wide", 9, 14, features=64, growth=32, blocks=2)
    rrdb("narrow", 7, 10, features=12, growth=6, blocks=1)
    rrdb("x2", 9, 13, features=16, growth=8, blocks=1, shuffle=2)
    rrdb("x1", 7, 10, features=16, growth=8, blocks=1, shuffle=4)
    rrdb("x8", 5, 3, features=16, growth=8, blocks=1, ups=3)
    rrdb("old", 6, 9, names="old", features=32, growth=16, blocks=2)
    rrdb("old x2", 6, 9, names="old", features=16, growth=8, blocks=1, ups=1)
    rrdb("plus", 6, 9, names="old", features=32, growth=32, blocks=1, plus=True)
    rrdb("first", 6, 7, names="first", features=16, growth=8, blocks=1)
    compact("compact", 9, 13, features=64, convs=3, scale=4)
    compact("compact x2", 9, 13, features=24, convs=2, scale=2)
    compact("relu", 9, 13, features=16, convs=2, scale=3, act="relu")
    # Parts: results of blocks inside.
    x = torch.from_numpy(normal("block/x", [1, 64, 9, 14], 1.0))
    run("dense", fill("dense", DenseBlock(64, 32), "-"), x)
    run("rrdb", fill("rrdb", Rrdb(64, 32), "-"), x)
    save_file(tensors, os.path.join(HERE, "results.safetensors"), metadata=notes)


if __name__ == "__main__":
    main()
