"""What the scripts here share: weights any language can make again, and a small file of results.

A weight is `normal(case + "/" + name, shape, std, mean)`; only its name, shape, std and mean are written down
(NAME.json), never its values. Results are thinned to at most 2000 numbers each (NAME.f32, little endian).
`tests/common/mod.rs` reads both.

normal: seed = FNV-1a 64 of the name; w(i) = splitmix64 finaliser of seed + (i+1)*0x9E3779B97F4A7C15;
k(i) = sum of the four 16-bit fields of w(i) - 131070; value = f32(k) * f32(std / 37837.227205) + f32(mean).
"""
import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
KEEP = 2000


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
    v = k.astype(np.float32) * np.float32(std / 37837.227205)
    if mean:
        v = v + np.float32(mean)
    return v.reshape(shape)


def usual(name, shape):
    """(std, mean) that keeps a network's numbers near 1: norms around 1, small biases, matrices by their fan-in."""
    if len(shape) == 1:
        return (0.1, 1.0) if name.endswith("weight") else (0.1, 0.0)
    return (float(np.prod(shape[1:], dtype=np.float64)) ** -0.5, 0.0)


class Reference:
    """Collects one script's weights and results; `write` puts them beside this file."""

    def __init__(self, name):
        self.name, self.weights, self.outputs, self.values, self.count = name, {}, {}, [], 0

    def make(self, case, shapes, rule=usual):
        """{name: values} for [(name, shape)], noted under `case`."""
        noted, made = [], {}
        for name, shape in shapes:
            std, mean = rule(name, list(shape))
            noted.append([name, list(shape), std, mean])
            made[name] = normal(f"{case}/{name}", list(shape), std, mean)
        self.weights[case] = noted
        return made

    def result(self, name, values):
        """Notes a result: a numpy array or a torch tensor."""
        a = np.asarray(values.detach() if hasattr(values, "detach") else values, dtype=np.float32)
        step = max(1, -(-a.size // KEEP)) | 1
        kept = np.ascontiguousarray(a.reshape(-1)[::step])
        self.outputs[name] = {"shape": list(a.shape), "step": step, "start": self.count, "count": kept.size}
        self.values.append(kept)
        self.count += kept.size

    def write(self):
        text = ",\n".join(
            [f' {json.dumps(c)}: [\n  ' + ",\n  ".join(json.dumps(e) for e in w) + "\n ]" for c, w in self.weights.items()]
        )
        outs = ",\n".join(f" {json.dumps(n)}: {json.dumps(o)}" for n, o in self.outputs.items())
        with open(os.path.join(HERE, self.name + ".json"), "w") as f:
            f.write('{"weights": {\n' + text + '\n},\n"outputs": {\n' + outs + "\n}}\n")
        np.concatenate(self.values).astype("<f4").tofile(os.path.join(HERE, self.name + ".f32"))
        print(self.name, len(self.outputs), "results,", self.count * 4, "bytes")
