"""Reference results for the cut-out networks, from torch with random weights, and for resizing, from Pillow.

    python make.py            writes networks.json and .f32, small.onnx and modnet.onnx, and pillow.json beside this file

Needs torch, onnx and Pillow (made with torch 2.15, onnx 1.23 and Pillow 13).
"""
import json
import os
import sys

import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../../../networks/tests/reference")]
import common
from networks import ConvIbn, ModNet, Rsu, Squeeze, U2Net

common.HERE = HERE

# Small widths, all different, so that nothing fits where it does not belong.
DOWN = [(4, 6), (3, 7), (5, 8), (4, 9), (6, 10), (5, 7)]
UP = [(4, 8), (5, 7), (3, 6), (4, 5), (3, 6)]
SMALL = dict(down=DOWN, up=UP)
MOBILE = (6, (4, 6, 7, 9, 10, 11, 13), 20, 3)
ENC, HR = [4, 6, 7, 10, 20], 8


def rule(name, shape):
    """Norms near 1, variances above 0, sums that stay near 1 through ReLU."""
    if name.endswith("running_var"):
        return (0.1, 1.0)
    if len(shape) == 1:
        return (0.1, 1.0) if ("bn" in name or "norm" in name) and name.endswith("weight") else (0.2, 0.0)
    return (float(np.prod(shape[1:], dtype=np.float64)) ** -0.5 * 1.4, 0.0)


def filled(ref, case, net):
    """The network with made weights, ready to run."""
    state = {n: t for n, t in net.state_dict().items() if t.is_floating_point()}
    made = ref.make(case, sorted((n, tuple(t.shape)) for n, t in state.items()), lambda n, s: mobile_rule(n, s))
    net.load_state_dict({n: torch.from_numpy(v) for n, v in made.items()}, strict=False)
    return net.eval()


def mobile_rule(name, shape):
    # Numbered layers of one dimension are the backbone's norms.
    if "features" in name and len(shape) == 1 and name.endswith(".weight"):
        return (0.1, 1.0)
    return rule(name, shape)


def x(n, c, h, w, std=1.0):
    return torch.from_numpy(common.normal(f"x_{n}x{c}x{h}x{w}", [n, c, h, w], std))


def references():
    ref = common.Reference("networks")
    with torch.no_grad():
        blocks = [("rsu7", (7, False, 3, 4, 6)), ("rsu4", (4, False, 5, 3, 7)), ("rsu4f", (4, True, 5, 3, 7)),
                  ("rsu5wide", (5, False, 36, 33, 40)), ("rsu4fwide", (4, True, 34, 32, 48))]
        for case, config in blocks:
            net = filled(ref, case, Rsu(*config))
            for h, w in ((21, 34), (75, 53), (2, 3)):
                ref.result(f"{case}/{h}x{w}", net(x(1, config[2], h, w)))
        for case, net in (("u2net", U2Net(**SMALL)), ("isnet", U2Net(**SMALL, halved=5))):
            net = filled(ref, case, net)
            for n, h, w in ((1, 64, 96), (1, 75, 53), (1, 1, 7)):
                ref.result(f"{case}/{n}x{h}x{w}", net(x(n, 3, h, w)))
        for case, net, c in (("ibn", ConvIbn(5, 9, 3), 5), ("ibn5", ConvIbn(6, 8, 5), 6), ("ibn2", ConvIbn(4, 6, 3, 2), 4), ("squeeze", Squeeze(12), 12)):
            net = filled(ref, case, net)
            for h, w in ((17, 30), (5, 4)):
                ref.result(f"{case}/{h}x{w}", net(x(2, c, h, w)))
        net = filled(ref, "modnet", ModNet(MOBILE, ENC, HR))
        for n, h, w in ((1, 64, 96), (1, 96, 32)):
            ref.result(f"modnet/{n}x{h}x{w}", net(x(n, 3, h, w, 0.5)))
    ref.write()


def picture(w, h, seed):
    """Bytes any language can make again."""
    state, out = seed, bytearray()
    for _ in range(w * h * 3):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        out.append(state >> 56)
    # Smoother, with hard edges left: both ends of the kernel matter.
    a = np.frombuffer(bytes(out), np.uint8).reshape(h, w, 3).copy()
    a[: h // 2] = a[: h // 2] // 8 + 100
    a[:, : w // 3] //= 3
    return a


def fnv1a(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = ((h ^ b) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def pillow():
    """Pillow's resize as hashes: of colours, and of one channel."""
    cases = []
    for seed, ((w, h), (tw, th)) in enumerate([((31, 47), (320, 320)), ((400, 9), (32, 64)), ((9, 400), (64, 32)), ((333, 500), (320, 320)),
                                               ((320, 320), (333, 500)), ((320, 320), (31, 47)), ((50, 40), (50, 64)), ((50, 40), (64, 40)),
                                               ((640, 427), (736, 512)), ((736, 512), (640, 427)), ((1, 1), (32, 32)), ((17, 5), (1, 1)), ((20, 500), (40, 100)),
                                               ((57, 385), (31, 333)), ((57, 386), (31, 333)), ((301, 433), (320, 320)), ((433, 301), (320, 320))], 1):
        a = picture(w, h, seed)
        for name, how in (("bilinear", Image.Resampling.BILINEAR), ("lanczos", Image.Resampling.LANCZOS)):
            rgb = np.asarray(Image.fromarray(a).resize((tw, th), how)).tobytes()
            grey = np.asarray(Image.fromarray(a[:, :, 0]).resize((tw, th), how)).tobytes()
            cases.append({"filter": name, "seed": seed, "from": [w, h], "to": [tw, th],
                          "rgb": fnv1a(rgb), "grey": fnv1a(grey)})
    with open(os.path.join(HERE, "pillow.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    references()
    pillow()
