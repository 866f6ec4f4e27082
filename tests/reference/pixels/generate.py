"""Reference numbers for nodes/pixels, made with other programs.

    pip install numpy scipy pillow torch kornia skia-python
    python generate.py ../../fixtures/pixels/reference.json

Pictures are made by a formula that the Rust test repeats; results are written as numbers, or for larger
pictures of bytes as their FNV-1a hash.
"""

import json
import math
import sys

import kornia
import numpy as np
import PIL
import scipy
import scipy.ndimage
import skia
import torch
import torch.nn.functional as F
from PIL import Image

CASES = []


def picture(kind, w, h, c, seed):
    """Bytes of a picture, h x w x c."""
    state = seed
    out = np.zeros(h * w * c, np.uint8)
    for i in range(h * w * c):
        state = (state * 1103515245 + 12345) % 2**31
        noise = (state >> 16) & 255
        if kind == "noise":
            out[i] = noise
        else:
            k, x, y = i % c, i // c % w, i // c // w
            out[i] = (x * (3 + k) + y * 5 + k * 60 + noise % 8 + (90 if (x // 5 + y // 7) % 2 else 0)) % 256
    return out.reshape(h, w, c)


def samples(bytes_):
    return bytes_.astype(np.float32) / np.float32(255)


def fnv(data):
    value = 0xCBF29CE484222325
    for b in data.tobytes():
        value = (value ^ b) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def case(op, inputs, out, params, tool):
    """Records one result; `out` is h x w x c, bytes (exact) or floats."""
    out = np.asarray(out)
    h, w = out.shape[:2]
    entry = {"op": op, "tool": tool, "inputs": inputs, "params": params, "width": w, "height": h}
    if out.dtype == np.uint8:
        entry["bytes" if out.size <= 1200 else "fnv"] = (
            out.reshape(-1).tolist() if out.size <= 1200 else fnv(out)
        )
    else:
        entry["floats"] = [round(float(v), 6) for v in out.reshape(-1)]
    CASES.append(entry)


def source(kind, w, h, c, seed):
    return {"kind": kind, "width": w, "height": h, "channels": c, "seed": seed}, picture(kind, w, h, c, seed)


def tensor(x):
    return torch.from_numpy(np.ascontiguousarray(x)).movedim(-1, 0).unsqueeze(0)


def back(t):
    return t[0].movedim(0, -1).numpy()


def resizes():
    sizes = [
        ((7, 5), (13, 3)), ((5, 9), (4, 20)), ((1, 6), (3, 2)), ((6, 1), (5, 4)), ((1, 1), (3, 4)),
        ((11, 8), (1, 1)), ((11, 8), (7, 8)), ((11, 8), (11, 5)), ((9, 9), (27, 18)), ((16, 12), (8, 6)),
        ((13, 17), (12, 16)), ((40, 3), (7, 3)), ((10, 10), (10, 10)),
    ]
    for n, ((w, h), (nw, nh)) in enumerate(sizes):
        for c in (3, 4) if n % 2 else (3,):
            spec, data = source("noise", w, h, c, n + 1)
            x = tensor(samples(data))
            for method in ("nearest-exact", "bilinear", "area", "bicubic"):
                out = back(F.interpolate(x, size=(nh, nw), mode=method))
                case("resize", [spec], out, {"method": method}, "torch")
            if c == 3 or (w, h) != (nw, nh):
                image = Image.fromarray(data, "RGB" if c == 3 else "RGBA")
                out = np.array(image.resize((nw, nh), Image.LANCZOS))
                case("resize", [spec], out, {"method": "lanczos"}, "Pillow")
    for (w, h), (nw, nh) in [((97, 61), (200, 33)), ((250, 130), (61, 90)), ((64, 64), (300, 301))]:
        for c in (3, 4):
            spec, data = source("stripes", w, h, c, 5)
            image = Image.fromarray(data, "RGB" if c == 3 else "RGBA")
            out = np.array(image.resize((nw, nh), Image.LANCZOS))
            case("resize", [spec], out, {"method": "lanczos"}, "Pillow")
        spec, data = source("stripes", w, h, 1, 5)
        out = np.array(Image.fromarray(data[..., 0], "L").resize((nw, nh), Image.LANCZOS))[..., None]
        case("resize_mask", [spec], out, {"method": "lanczos"}, "Pillow")


def smooth():
    """Resampling whose kernel widens when shrinking."""
    sizes = [((7, 5), (13, 3)), ((23, 17), (6, 5)), ((11, 8), (1, 1)), ((9, 4), (9, 11)), ((16, 12), (8, 6)), ((3, 3), (10, 7))]
    for n, ((w, h), (nw, nh)) in enumerate(sizes):
        spec, data = source("noise", w, h, 3, 20 + n)
        x = samples(data)
        for name, mode in (("triangle", "bilinear"), ("catmull-rom", "bicubic")):
            out = back(F.interpolate(tensor(x), size=(nh, nw), mode=mode, antialias=True))
            case("antialias", [spec], out, {"filter": name}, "torch")
        for name, mode in (("box", Image.BOX), ("lanczos", Image.LANCZOS), ("triangle", Image.BILINEAR)):
            planes = [np.array(Image.fromarray(x[..., k], "F").resize((nw, nh), mode)) for k in range(3)]
            case("antialias", [spec], np.stack(planes, -1), {"filter": name}, "Pillow")


def turned():
    for n, (w, h, degrees) in enumerate([(9, 7, 30), (8, 8, -75), (12, 5, 190.5), (6, 6, 90), (1, 7, 45)]):
        spec, data = source("noise", w, h, 3, 25 + n)
        a = math.radians(degrees)
        # scipy's axes are rows, columns.
        matrix = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
        middle = (np.array([h, w]) - 1) / 2
        for fill, mode in (("color", "grid-constant"), ("edge", "nearest"), ("reflect", "mirror")):
            planes = [
                scipy.ndimage.affine_transform(
                    samples(data)[..., k].astype(np.float64), matrix, middle - matrix @ middle, order=1, mode=mode, cval=0.25
                )
                for k in range(3)
            ]
            case("rotate_by", [spec], np.stack(planes, -1), {"degrees": degrees, "fill": fill}, "scipy")


def blurs():
    def kernel(size, sigma):
        x, y = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
        g = torch.exp(-(x * x + y * y) / (2.0 * sigma * sigma))
        return g / g.sum()

    for n, (w, h, c, radius, sigma) in enumerate(
        [(12, 9, 3, 1, 1.0), (12, 9, 4, 3, 0.4), (9, 14, 3, 5, 2.5), (33, 9, 3, 8, 0.1), (15, 15, 4, 7, 10.0)]
    ):
        spec, data = source("stripes" if n % 2 else "noise", w, h, c, 30 + n)
        x = F.pad(tensor(samples(data)), (radius,) * 4, mode="reflect")
        soft = kernel(2 * radius + 1, sigma)
        out = F.conv2d(x, soft.repeat(c, 1, 1).unsqueeze(1), groups=c)
        case("blur", [spec], back(out), {"radius": radius, "sigma": sigma}, "torch")
        alpha = 0.3 * (n + 1)
        sharp = soft * -(alpha * 10)
        sharp[radius, radius] += 1.0 - sharp.sum()
        out = F.conv2d(x, sharp.repeat(c, 1, 1).unsqueeze(1), groups=c).clamp(0, 1)
        case("sharpen", [spec], back(out), {"radius": radius, "sigma": sigma, "alpha": alpha}, "torch")
    spec, data = source("noise", 23, 21, 3, 40)
    for sigma in (0.7, 2.0):
        out = scipy.ndimage.gaussian_filter(
            samples(data).astype(np.float64), (sigma, sigma, 0), mode="mirror", radius=math.ceil(4 * sigma)
        )
        case("gaussian", [spec], out, {"sigma": sigma}, "scipy")
    out = scipy.ndimage.uniform_filter(samples(data).astype(np.float64), (7, 7, 0), mode="mirror")
    case("box", [spec], out, {"radius": 3}, "scipy")


def shapes():
    morph = kornia.morphology
    ops = {
        "erode": morph.erosion, "dilate": morph.dilation, "open": morph.opening, "close": morph.closing,
        "gradient": morph.gradient, "top_hat": morph.top_hat, "bottom_hat": morph.bottom_hat,
    }
    for n, (w, h, c) in enumerate([(11, 9, 3), (8, 13, 4), (1, 7, 3), (6, 1, 3)]):
        spec, data = source("noise", w, h, c, 50 + n)
        for size in (3, 4, 5, 8, 15):
            for name, op in ops.items():
                if n > 1 and name not in ("open", "gradient"):
                    continue
                out = back(op(tensor(samples(data)), torch.ones(size, size)))
                case("morphology", [spec], np.round(out * 255).astype(np.uint8), {"op": name, "size": size}, "kornia")
    for w, h in [(17, 12), (5, 30), (1, 9)]:
        spec, data = source("noise", w, h, 1, 60)
        x = samples(data)[..., 0]
        for amount in (1, -2, 5, -7):
            for tapered in (True, False):
                c = 0 if tapered else 1
                foot = np.array([[c, 1, c], [1, 1, 1], [c, 1, c]])
                f = scipy.ndimage.grey_erosion if amount < 0 else scipy.ndimage.grey_dilation
                out = x
                for _ in range(abs(amount)):
                    out = f(out, footprint=foot)
                out = np.round(out * 255).astype(np.uint8)[..., None]
                case("grow", [spec], out, {"amount": amount, "tapered": tapered}, "scipy")


def edges():
    for n, (kind, w, h, low, high) in enumerate(
        [
            ("stripes", 96, 80, 0.4, 0.8), ("stripes", 61, 93, 0.1, 0.3), ("noise", 64, 48, 0.4, 0.8),
            ("noise", 50, 50, 0.2, 0.9), ("stripes", 7, 5, 0.05, 0.2), ("noise", 3, 9, 0.1, 0.2),
            ("noise", 201, 103, 0.5, 0.6),
        ]
    ):
        spec, data = source(kind, w, h, 3, 70 + n)
        _, out = kornia.filters.canny(tensor(samples(data)), low, high)
        out = np.repeat(back(out), 3, axis=2)
        case("canny", [spec], (out * 255).astype(np.uint8), {"low": low, "high": high}, "kornia")


def bayer_matrix(n):
    if n == 0:
        return np.zeros((1, 1), np.float32)
    q, m = 4**n, bayer_matrix(n - 1) * 4**n
    return np.block([[m - 1.5, m + 0.5], [m + 1.5, m - 0.5]]) / q


def quantized(data, colors, dither):
    image = Image.fromarray(data, "RGB")
    palette = image.quantize(colors=colors)
    if dither.startswith("bayer"):
        order = int(math.log2(int(dither.split("-")[1])))
        count = len(palette.getpalette()) // 3
        m = (2 * 256 / count) * bayer_matrix(order) + 0.5
        h, w = data.shape[:2]
        tiled = np.tile(m, (-(-h // m.shape[0]), -(-w // m.shape[1])))[:h, :w, None].astype(np.float32)
        image = Image.fromarray(np.clip(data.astype(np.float32) + tiled, 0, 255).astype(np.uint8), "RGB")
        dither = "none"
    how = Image.Dither.NONE if dither == "none" else Image.Dither.FLOYDSTEINBERG
    return np.array(image.quantize(palette=palette, dither=how).convert("RGB"))


def palettes():
    dithers = ("none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16")
    for n, (kind, w, h) in enumerate(
        [("noise", 19, 17), ("stripes", 120, 75), ("noise", 300, 290), ("stripes", 1, 40), ("noise", 40, 1), ("stripes", 3, 2)]
    ):
        spec, data = source(kind, w, h, 3, 80 + n)
        for colors in (1, 2, 5, 16, 100, 256):
            for dither in dithers:
                out = quantized(data, colors, dither)
                case("quantize", [spec], out, {"colors": colors, "dither": dither}, "Pillow")
    # Few colours, many equal counts: ties decide.
    spec = {"kind": "blocks", "width": 32, "height": 32, "channels": 3, "seed": 0}
    i = np.arange(32 * 32)
    data = np.stack([(i % 4) * 80, (i // 4 % 4) * 80, (i // 16 % 4) * 80], -1).astype(np.uint8).reshape(32, 32, 3)
    for colors in (2, 3, 5, 7, 11, 16, 40, 64, 200):
        for dither in dithers:
            case("quantize", [spec], quantized(data, colors, dither), {"colors": colors, "dither": dither}, "Pillow")


SKIA = {
    "CLEAR": "kClear", "DST": "kDst", "DST_ATOP": "kDstATop", "DST_IN": "kDstIn", "DST_OUT": "kDstOut",
    "DST_OVER": "kDstOver", "SRC": "kSrc", "SRC_ATOP": "kSrcATop", "SRC_IN": "kSrcIn", "SRC_OUT": "kSrcOut",
    "SRC_OVER": "kSrcOver", "XOR": "kXor", "ADD": "kPlus",
    "MULTIPLY": "kModulate", "SCREEN": "kScreen",
}
BLEND = {
    "multiply": "kMultiply", "screen": "kScreen", "overlay": "kOverlay", "soft_light": "kSoftLight",
    "absolute_difference": "kDifference", "darken": "kDarken", "lighten": "kLighten", "add": "kPlus",
    "color_dodge": "kColorDodge", "color_burn": "kColorBurn", "hard_light": "kHardLight",
    "exclusion": "kExclusion", "hue": "kHue", "saturation": "kSaturation", "color": "kColor",
    "luminosity": "kLuminosity",
}


def skia_blend(base, top, mode):
    """Straight RGBA floats in and out, computed by Skia in f32."""
    h, w = base.shape[:2]

    def image(data):
        info = skia.ImageInfo.Make(w, h, skia.kRGBA_F32_ColorType, skia.kUnpremul_AlphaType)
        return skia.Image.MakeRasterData(info, skia.Data.MakeWithCopy(data.tobytes()), w * 16)

    premul = skia.ImageInfo.Make(w, h, skia.kRGBA_F32_ColorType, skia.kPremul_AlphaType)
    surface = skia.Surface.MakeRaster(premul)
    canvas = surface.getCanvas()
    canvas.drawImage(image(base), 0, 0, skia.SamplingOptions(), skia.Paint(BlendMode=skia.BlendMode.kSrc))
    canvas.drawImage(image(top), 0, 0, skia.SamplingOptions(), skia.Paint(BlendMode=getattr(skia.BlendMode, mode)))
    out = np.zeros((h, w, 4), np.float32)
    info = skia.ImageInfo.Make(w, h, skia.kRGBA_F32_ColorType, skia.kPremul_AlphaType)
    assert surface.readPixels(info, out, w * 16)
    alpha = out[..., 3:]
    out[..., :3] = np.where(alpha > 1e-5, out[..., :3] / np.maximum(alpha, 1e-6), 0)
    return out


def layers():
    w, h = 12, 11
    base_spec, base = source("noise", w, h, 4, 91)
    top_spec, top = source("noise", w, h, 4, 92)
    # Also samples and alphas at the very ends.
    for spec, data, k in ((base_spec, base, 3), (top_spec, top, 5)):
        spec["ends"] = k
        flat = data.reshape(-1)
        flat[::k] = np.where(flat[::k] > 127, 255, 0)
    for name, mode in SKIA.items():
        out = skia_blend(samples(base), samples(top), mode)
        case("porter_duff", [base_spec, top_spec], out, {"mode": name}, "Skia")
    opaque = [samples(x).copy() for x in (base, top)]
    for x in opaque:
        x[..., 3] = 1
    for name, mode in BLEND.items():
        out = skia_blend(*opaque, mode)[..., :3]
        case("blend", [base_spec, top_spec], out, {"mode": name}, "Skia")


def geometry():
    spec, data = source("noise", 6, 5, 3, 95)
    case("flip", [spec], data[::-1], {"how": "vertical"}, "numpy")
    case("flip", [spec], data[:, ::-1], {"how": "horizontal"}, "numpy")
    for k, name in ((1, "90"), (2, "180"), (3, "270")):
        case("rotate", [spec], np.rot90(data, -k), {"turn": name}, "numpy")
    margins = {"left": 9, "top": 1, "right": 2, "bottom": 12}
    around = ((1, 12), (9, 2), (0, 0))
    case("pad", [spec], np.pad(data, around, mode="edge"), {"fill": "edge", **margins}, "numpy")
    case("pad", [spec], np.pad(data, around, mode="reflect"), {"fill": "reflect", **margins}, "numpy")
    case("tile", [spec], np.tile(data, (3, 2, 1)), {"columns": 2, "rows": 3}, "numpy")


def main():
    for make in (resizes, smooth, turned, blurs, shapes, edges, palettes, layers, geometry):
        make()
    tools = {
        m.__name__: m.__version__ for m in (np, scipy, PIL, torch, kornia, skia)
    }
    with open(sys.argv[1], "w") as file:
        file.write('{"tools": ' + json.dumps(tools) + ',\n"cases": [\n')
        file.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES))
        file.write("\n]}\n")
    print(len(CASES), "cases")


main()
