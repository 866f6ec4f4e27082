"""Writes the grading fixtures: what colour-science, SciPy, scikit-image, Pillow, OpenCV and imagehash
make of a few small pictures.

    python make.py ../../fixtures/grade FONTS

FONTS is the folder with Ubuntu-Light.ttf and Hack-Regular.ttf, from the crate epaint_default_fonts.
"""

import json
import os
import sys

import colour
import cv2
import imagehash
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import convolve
from skimage import color, data

out, fonts = sys.argv[1], sys.argv[2]
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(5)


def save(name, array):
    Image.fromarray(array).save(os.path.join(out, name), optimize=True)
    return array


photo = Image.fromarray(data.astronaut())
small = save("small.png", np.asarray(photo.resize((16, 12), Image.Resampling.BOX)))
pictures = {
    "photo.png": np.asarray(photo.crop((100, 0, 400, 200)).resize((120, 80), Image.Resampling.BOX)),
    "noise.png": rng.integers(0, 256, (31, 47, 3), dtype=np.uint8),
    "tiny.png": rng.integers(0, 256, (5, 7, 3), dtype=np.uint8),
    "thin.png": rng.integers(0, 256, (3, 40, 3), dtype=np.uint8),
    "flat.png": np.full((20, 20, 3), 128, np.uint8),
}
y, x = np.mgrid[0:64, 0:90]
pictures["shapes.png"] = np.stack(
    [(x * 2.8).astype(np.uint8), np.where((x - 45) ** 2 + (y - 32) ** 2 < 400, 230, 20).astype(np.uint8), (y * 4).astype(np.uint8)], -1
)
for name, array in pictures.items():
    save(name, array)

f = small / 255.0
cases = {}


def case(name, array, digits=6):
    cases[name] = [round(float(v), digits) for v in np.clip(array, 0, 1).reshape(-1)]


decode = lambda v: colour.models.eotf_sRGB(v)
encode = lambda v: np.sign(v) * colour.models.eotf_inverse_sRGB(np.abs(v))
for stops in (-2, 0.5, 3):
    case(f"exposure {stops}", encode(decode(f) * 2.0**stops))

derived = colour.RGB_COLOURSPACES["sRGB"].copy()
derived.use_derived_transformation_matrices(True)
to_xyz = derived.matrix_RGB_to_XYZ


def white(kelvin, duv):
    uv = lambda k: colour.xy_to_UCS_uv(colour.temperature.CCT_to_xy_Kang2002(k))
    a, b = uv(kelvin), uv(kelvin * 1.001)
    d = (a - b) / np.linalg.norm(a - b)
    normal = np.array([-d[1], d[0]])
    normal = normal if normal[1] > 0 else -normal  # greener lies above the locus
    xy = colour.UCS_uv_to_xy(a + normal * duv)
    return np.array([xy[0] / xy[1], 1, (1 - xy.sum()) / xy[1]])


def adapt(a, b):
    m = colour.adaptation.matrix_chromatic_adaptation_VonKries(a, b, "Bradford")
    return encode(decode(f) @ (np.linalg.inv(to_xyz) @ m @ to_xyz).T)


for kelvin, tint in [(3000, 0), (9000, 0), (2000, 0.2), (6500, 0.5), (5000, -0.3)]:
    case(f"white_balance {kelvin} {tint}", adapt(white(kelvin, tint * 0.05), white(6500, 0)))
for amount in (-0.6, 0.8):
    case(f"temperature {amount}", adapt(white(6500, 0), white(1e6 / (1e6 / 6500 + 100 * amount), 0)))

pil = Image.fromarray(small)
case("brightness 1.4", np.asarray(ImageEnhance.Brightness(pil).enhance(1.4)) / 255)
mean = int(np.asarray(pil.convert("L")).mean() + 0.5)
case(f"contrast 1.5 {mean}", np.asarray(ImageEnhance.Contrast(pil).enhance(1.5)) / 255)
case("saturation 0.3", np.asarray(ImageEnhance.Color(pil).enhance(0.3)) / 255)
case("saturation 1.8", np.asarray(ImageEnhance.Color(pil).enhance(1.8)) / 255)
case("gamma 2.2", f ** (1 / 2.2))
luma = f @ [0.299, 0.587, 0.114]
hsv = color.rgb2hsv(f)
case("vibrance 0.7", luma[..., None] + (f - luma[..., None]) * (1 + 0.7 * (1 - hsv[..., 1:2])))
for degrees in (-75, 30, 180):
    turned = hsv.copy()
    turned[..., 0] = (turned[..., 0] + degrees / 360) % 1
    case(f"hue_shift {degrees}", color.hsv2rgb(turned))
for name, points in [("s", [[0, 0], [0.25, 0.15], [0.75, 0.9], [1, 1]]), ("bump", [[0.1, 0.3], [0.4, 0.9], [0.5, 0.2], [0.9, 0.6]])]:
    p = np.array(points)
    case(f"curve {json.dumps(points)}", PchipInterpolator(p[:, 0], p[:, 1])(np.clip(f, p[0, 0], p[-1, 0])))
case("levels", 0.1 + 0.8 * (np.clip((f - 0.2) / 0.6, 0, 1)) ** (1 / 1.7))

# Tables: a bent cube with a domain of its own, and a 1D one.
lut = colour.LUT3D(size=5, domain=np.array([[-0.1, 0, 0.05], [1.1, 1, 0.95]]), name="bent")
lut.table = np.clip(np.clip(lut.table, 0, 1) ** [0.8, 1.2, 1.0] + rng.uniform(-0.1, 0.1, lut.table.shape), 0, 1)
colour.write_LUT(lut, os.path.join(out, "bent.cube"), decimals=7)
lut = colour.read_LUT(os.path.join(out, "bent.cube"))
case("lut trilinear", lut.apply(f, interpolator=colour.algebra.table_interpolation_trilinear))
case("lut tetrahedral", lut.apply(f, interpolator=colour.algebra.table_interpolation_tetrahedral))
line = colour.LUT3x1D(np.stack([np.linspace(0, 1, 9) ** p for p in (0.5, 1, 2)], -1), "line")
colour.write_LUT(line, os.path.join(out, "line.cube"), decimals=7)
case("lut line", colour.read_LUT(os.path.join(out, "line.cube")).apply(f))

# Colours in Lab, and the nearest of a palette.
case("lab", (color.rgb2lab(f) + [0, 128, 128]) / [100, 256, 256])
palette = rng.integers(0, 256, (12, 3))
lab = color.rgb2lab(palette[None] / 255.0)[0]
nearest = np.linalg.norm(color.rgb2lab(f)[:, :, None] - lab, axis=-1).argmin(-1)
case("palette", palette[nearest] / 255)

measures = {}
for name, array in {**pictures, "small.png": small}.items():
    l = np.asarray(Image.fromarray(array).convert("L"))
    bytes_ = array.astype(np.float64)
    rg, yb = bytes_[..., 0] - bytes_[..., 1], (bytes_[..., 0] + bytes_[..., 1]) / 2 - bytes_[..., 2]
    gx, gy = (cv2.Sobel(l, cv2.CV_64F, *d) for d in [(1, 0), (0, 1)])
    h, w = l.shape
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    noise = np.abs(convolve(l.astype(np.float64), kernel)[1:-1, 1:-1]).sum()
    measures[name] = dict(
        brightness=l.mean() / 255,
        contrast=l.std() / 255,
        colourfulness=np.sqrt(rg.var() + yb.var()) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2),
        sharpness=cv2.Laplacian(l, cv2.CV_64F).var(),
        entropy=Image.fromarray(l).entropy(),
        noise=noise * np.sqrt(np.pi / 2) / (6 * (w - 2) * (h - 2)),
        edges=(np.hypot(gx, gy) > 100).mean(),
        highlights=(l >= 253).mean(),
        shadows=(l <= 2).mean(),
        dhash=str(imagehash.dhash(Image.fromarray(array))),
        ahash=str(imagehash.average_hash(Image.fromarray(array))),
        phash=str(imagehash.phash(Image.fromarray(array))),
    )

# The mean distance that OpenCV's k-means, best of ten, leaves in Lab.
found = {}
for name in ["photo.png", "shapes.png"]:
    points = color.rgb2lab(pictures[name] / 255.0).reshape(-1, 3).astype(np.float32)
    for k in (4, 8):
        cv2.setRNGSeed(1)
        _, labels, centers = cv2.kmeans(points, k, None, (3, 100, 1e-3), 10, cv2.KMEANS_PP_CENTERS)
        found[f"{name} {k}"] = float(np.linalg.norm(points - centers[labels[:, 0]], axis=1).mean())

texts = {}
for face in ["Ubuntu-Light", "Hack-Regular"]:
    font = ImageFont.truetype(os.path.join(fonts, face + ".ttf"), 32, layout_engine=ImageFont.Layout.BASIC)
    for words in ["Kiln 0123", "Größe", "AVAVAV To"]:
        canvas = Image.new("L", (300, 60), 0)
        ImageDraw.Draw(canvas).text((0, 8), words, 255, font=font)
        texts[f"{face} {words}"] = dict(width=font.getlength(words), ink=float((np.asarray(canvas) / 255.0).sum()))

with open(os.path.join(out, "expected.json"), "w") as file:
    json.dump(dict(cases=cases, palette=palette.tolist(), measures=measures, kmeans=found, texts=texts), file, separators=(",", ":"))
