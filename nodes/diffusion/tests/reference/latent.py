"""Writes `latent.json`: what torch makes of small latents, for `tests/latent.rs`.

    OMP_NUM_THREADS=1 python latent.py

The formulas are written down here from their description, in torch's own operations (interpolate, rot90, flip,
vector_norm), so that two ways to the same numbers meet. `ready.latent` and `old.latent` are files as ComfyUI writes
them, today and before the format had a marker, by the safetensors library.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
BESIDE = HERE / "latent"


def make(seed, *shape):
    """The same numbers in any language: a little congruential generator, -2 to 2."""
    state, values = seed, []
    for _ in range(torch.Size(shape).numel()):
        state = (state * 1664525 + 1013904223) % (1 << 32)
        values.append((state >> 8) / (1 << 24) * 4 - 2)
    return torch.tensor(values, dtype=torch.float32).reshape(shape)


def centre(x, size):
    """The middle of x in the shape of size (height, width)."""
    h, w = x.shape[-2:]
    old, new = w / h, size[1] / size[0]
    left = round((w - w * (new / old)) / 2) if old > new else 0
    top = round((h - h * (old / new)) / 2) if old < new else 0
    return x[..., top : h - top, left : w - left]


def between(a, b, t):
    """Rows of a and b: directions turned, lengths mixed."""
    la, lb = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    ua, ub = torch.where(la == 0, 0, a / la), torch.where(lb == 0, 0, b / lb)
    dot = (ua * ub).sum(-1, keepdim=True)
    angle = torch.acos(dot)
    made = (torch.sin((1 - t) * angle) * ua + torch.sin(t * angle) * ub) / torch.sin(angle) * (la * (1 - t) + lb * t)
    made = torch.where(dot < 1e-5 - 1, a * (1 - t) + b * t, made)
    return torch.where(dot > 1 - 1e-5, a, made)


def places(old, new):
    ramp = torch.arange(old, dtype=torch.float32)
    read = lambda r: F.interpolate(r.reshape(1, 1, 1, -1), size=(1, new), mode="bilinear").flatten()
    first, second = read(ramp), read((ramp + 1).clamp(max=old - 1))
    return first.floor().long(), second.floor().long(), first - first.floor()


def bislerp(x, size):
    for axis, new in ((3, size[1]), (2, size[0])):
        a, b, t = places(x.shape[axis], new)
        a, b = (x.index_select(axis, i).movedim(1, -1) for i in (a, b))
        t = t.reshape([1, 1, -1, 1] if axis == 3 else [1, -1, 1, 1])
        x = between(a, b, t).movedim(-1, 1)
    return x


def scale(x, size, method, crop):
    if crop == "center":
        x = centre(x, size)
    return bislerp(x, size) if method == "bislerp" else F.interpolate(x, size=size, mode=method)


def like(a, b, method):
    b = scale(b, a.shape[-2:], method, "center") if a.shape[-2:] != b.shape[-2:] else b
    return b[torch.arange(a.shape[0]) % b.shape[0]]


def interpolate(a, b, ratio):
    la, lb = (torch.linalg.vector_norm(x, dim=1, keepdim=True) for x in (a, b))
    t = torch.nan_to_num(a / la) * ratio + torch.nan_to_num(b / lb) * (1 - ratio)
    return torch.nan_to_num(t / torch.linalg.vector_norm(t, dim=1, keepdim=True)) * (la * ratio + lb * (1 - ratio))


def feathered(to, source, top, left, feather):
    to = to.clone()
    h, w = min(source.shape[2], to.shape[2] - top), min(source.shape[3], to.shape[3] - left)
    mask = torch.ones(1, 1, h, w)
    for t in range(feather):
        by = (1.0 / feather) * (t + 1)
        if top:
            mask[:, :, t : t + 1] *= by
        if top + h < to.shape[2]:
            mask[:, :, h - 1 - t : h - t] *= by
        if left:
            mask[:, :, :, t : t + 1] *= by
        if left + w < to.shape[3]:
            mask[:, :, :, w - 1 - t : w - t] *= by
    part = to[:, :, top : top + h, left : left + w]
    to[:, :, top : top + h, left : left + w] = source[:, :, :h, :w] * mask + part * (1 - mask)
    return to


def masked(to, source, top, left, mask):
    to = to.clone()
    mask = F.interpolate(mask[:, None], size=source.shape[2:], mode="bilinear")
    n = torch.arange(to.shape[0])
    mask, source = mask[n % mask.shape[0]], source[n % source.shape[0]]
    h, w = min(source.shape[2], to.shape[2] - top), min(source.shape[3], to.shape[3] - left)
    mask, source = mask[:, :, :h, :w], source[:, :, :h, :w]
    part = to[:, :, top : top + h, left : left + w]
    to[:, :, top : top + h, left : left + w] = mask * source + (1 - mask) * part
    return to


def main():
    a, b, c = make(1, 2, 3, 5, 7), make(2, 3, 3, 9, 6), make(3, 1, 3, 5, 7)
    odd = make(1, 1, 3, 5, 7)
    odd[:, :, 1, 2] = 0
    odd[:, :, 2, 3] = odd[:, :, 2, 2] * 2
    odd[:, :, 3, 3] = -odd[:, :, 3, 2]
    cases = {}

    def case(name, x):
        cases[name] = {"shape": list(x.shape), "samples": [round(float(v), 6) for v in x.flatten()]}

    for method in ("nearest-exact", "bilinear", "area", "bicubic", "bislerp"):
        for size in ((9, 11), (3, 4), (8, 5)):
            for crop in ("disabled", "center"):
                if size == (9, 11) or (size == (8, 5)) == (crop == "center"):
                    case(f"{method} {size[0]}x{size[1]} {crop}", scale(odd, size, method, crop))
    few = make(5, 1, 2, 3, 4)
    for size in ((9, 12), (4, 6)):
        case(f"bislerp few {size[0]}x{size[1]}", bislerp(few, size))
    for side in ("vertical", "horizontal"):
        case(f"flip {side}", torch.flip(a, [2 if side == "vertical" else 3]))
    for turns, name in enumerate(("none", "90", "180", "270")):
        case(f"rotate {name}", torch.rot90(a, k=turns, dims=[3, 2]))
    case("blend", torch.cat([a, a[:1]]) * 0.3 + scale(b, (5, 7), "bicubic", "center") * (1 - 0.3))
    case("blend wide", c * 0.3 + scale(b, (5, 7), "bicubic", "center") * (1 - 0.3))
    case("add", a + like(a, b, "bilinear"))
    case("subtract", a - like(a, c, "bilinear"))
    case("multiply", a * -1.7)
    case("interpolate", interpolate(a, like(a, b, "bilinear"), 0.35))
    case("batch", torch.cat([a, scale(b, (5, 7), "bilinear", "center")]))
    case("feather inside", feathered(b, c[..., :4, :4], 2, 1, 2))
    case("feather corner", feathered(b, c, 0, 0, 3))
    case("feather over", feathered(b, c, 6, 3, 1))
    case("plain over", feathered(b, c, 6, 3, 0))
    mask = (make(4, 2, 10, 13) + 2) / 4
    case("masked", masked(b, a, 1, 2, mask))
    fitted = F.interpolate(a, size=b.shape[2:], mode="bilinear")
    case("masked resized", masked(b, fitted, 3, 0, mask))

    sums = []
    for old in range(1, 41):
        sum_of = 0
        for new in range(1, 91):
            first, second, _ = places(old, new)
            sum_of += sum((31 * a + 17 * b) * (k + 1) for k, (a, b) in enumerate(zip(first.tolist(), second.tolist())))
        sums.append(sum_of)
    cases["places"] = sums

    BESIDE.mkdir(exist_ok=True)
    text = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in cases.items())
    (BESIDE / "latent.json").write_text("{\n" + text + "\n}\n")
    save_file({"latent_tensor": a, "latent_format_version_0": torch.tensor([])}, BESIDE / "ready.latent", {"prompt": "{}"})
    save_file({"latent_tensor": c}, BESIDE / "old.latent")


main()
