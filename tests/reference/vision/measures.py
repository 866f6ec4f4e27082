"""Reference numbers for the measures and hashes of nodes/pixels, from scikit-image, OpenCV, Pillow and imagehash.

    pip install numpy scikit-image opencv-python-headless pillow imagehash
    python measures.py ../../fixtures/vision

Writes small pictures `measure_*.png` and `measures.json`. Luma is Pillow's mode "L" throughout; what other
ways of making luma would give is printed, not kept.

Pillow before version 13 shrinks along the rows first and then down the columns; from 13 on it is the other
way round for pictures that lose more than twice as many rows as columns. Each pass rounds to bytes, so some
bits of a hash may differ. Hashes are made both ways, with either version.
"""

import json
import math
import pathlib
import sys

import cv2
import imagehash
import numpy as np
import PIL
import skimage.color
import skimage.measure
import skimage.restoration
from PIL import Image

OUT = pathlib.Path(sys.argv[1])
PALETTE = [[16, 24, 32], [242, 170, 76], [255, 255, 255], [60, 120, 60]]
TOLERANCES = [2.3, 10.0, 30.0]
rng = np.random.default_rng(20)


def soft(h, w, c, sigma):
    """Clouds of this size, 0..1."""
    clouds = cv2.GaussianBlur(rng.random((h, w, c)), (0, 0), sigma)
    clouds = clouds.reshape(h, w, c)
    return (clouds - clouds.min()) / (clouds.max() - clouds.min())


def scene(h, w):
    """Something like a photo: clouds, a bright disc, a dark bar, a little noise."""
    y, x = np.mgrid[0:h, 0:w]
    out = soft(h, w, 3, max(h, w) / 12) * 0.8
    out[(x - w * 0.6) ** 2 + (y - h * 0.4) ** 2 < (min(h, w) * 0.22) ** 2] = [1, 0.93, 0.8]
    out[:, w // 7 : w // 5] *= 0.04
    return out + rng.normal(0, 0.012, out.shape)


def tiles(h, w):
    """A pattern that repeats without a seam."""
    y, x = np.mgrid[0:h, 0:w]
    a, b = 2 * np.pi * x / w, 2 * np.pi * y / h
    waves = [np.sin(3 * a + b) + np.cos(2 * b), np.cos(a - 2 * b), np.sin(2 * a) * np.cos(3 * b)]
    return 0.5 + 0.2 * np.stack(waves, -1)


def slope(h, w):
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([x / w, y / h, (x + y) / (w + h)], -1)


def figure(h, w, dx, dy, radius):
    """A disc with a soft rim on nothing, its middle moved by dx and dy."""
    y, x = np.mgrid[0:h, 0:w]
    far = np.hypot(x + 0.5 - w / 2 - dx, y + 0.5 - h / 2 - dy)
    alpha = np.clip((radius - far) / 4 + 0.5, 0, 1)
    return np.dstack([soft(h, w, 3, 4), alpha])


PICTURES = {
    "scene": scene(97, 131),
    "tall": scene(211, 64),
    "tiles": tiles(60, 80),
    "slope": slope(48, 65),
    "noise": rng.random((37, 41, 3)),
    "checker": (np.add.outer(np.arange(32) // 8, np.arange(48) // 8) % 2)[..., None] * np.array([0.9, 0.5, 0.1]),
    "grey": np.full((9, 12, 3), 0.5),
    "one": np.array([[[0.2, 0.7, 0.4]]]),
    "line": rng.random((1, 23, 3)),
    "small": soft(5, 7, 3, 1),
    "figure": figure(50, 70, 6, -4, 17),
    "cut": figure(44, 36, -14, 20, 15),
}


def step(a, b):
    return np.sqrt(((a - b) ** 2).mean(-1))


def seam(p):
    """Across the wrap against what 95 percent of the steps inside do not exceed, along the second axis."""
    inside, wrap = step(p[:, 1:], p[:, :-1]).mean(0), step(p[:, -1], p[:, 0]).mean()
    usual = np.percentile(inside, 95, method="inverted_cdf") if inside.size else wrap
    return (1 + wrap) / (1 + usual)


def measures(array):
    rgb = array[..., :3].astype(np.int64)
    luma = np.asarray(Image.fromarray(array[..., :3]).convert("L"))
    h, w = luma.shape
    wide = luma.astype(np.float64)
    rg, yb = rgb[..., 0] - rgb[..., 1], (rgb[..., 0] + rgb[..., 1]) / 2 - rgb[..., 2]
    gx, gy = (cv2.Sobel(wide, cv2.CV_64F, a, b, borderType=cv2.BORDER_REFLECT_101) for a, b in [(1, 0), (0, 1)])
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64)
    inner = cv2.filter2D(wide, cv2.CV_64F, kernel)[1:-1, 1:-1]
    fits = h >= 3 and w >= 3
    numbers = {
        "brightness": wide.mean() / 255,
        "contrast": wide.std() / 255,
        "colourfulness": math.hypot(rg.std(), yb.std()) + 0.3 * math.hypot(rg.mean(), yb.mean()),
        "sharpness": cv2.Laplacian(wide, cv2.CV_64F, borderType=cv2.BORDER_REFLECT_101).var(),
        "entropy": skimage.measure.shannon_entropy(luma),
        "noise": math.sqrt(math.pi / 2) * abs(inner).sum() / (6 * (w - 2) * (h - 2)) if fits else 0.0,
        "edges": float((np.hypot(gx, gy) > 100).mean()),
        "highlights": float((luma >= 253).mean()),
        "shadows": float((luma <= 2).mean()),
        "seam_x": seam(rgb.astype(np.float64)),
        "seam_y": seam(rgb.astype(np.float64).swapaxes(0, 1)),
    }
    # What only says whether ours is of the right size.
    rough = {
        "skimage noise": float(skimage.restoration.estimate_sigma(luma.astype(float))) if min(h, w) > 8 else None,
        "OpenCV grey brightness": cv2.cvtColor(array[..., :3], cv2.COLOR_RGB2GRAY).mean() / 255,
        "skimage grey brightness": skimage.color.rgb2gray(array[..., :3]).mean(),
    }
    return {k: float(v) for k, v in numbers.items()}, rough


resize = Image.Image.resize


def in_order(rows_first):
    """Pillow's resize, one pass after the other."""

    def passes(picture, size, *rest, **more):
        lost = picture.width - size[0], picture.height - size[1]
        turned = not rows_first and lost[1] > max(0, 2 * lost[0])
        between = (picture.width, size[1]) if turned else (size[0], picture.height)
        return resize(resize(picture, between, *rest, **more), size, *rest, **more)

    return passes


def hashes(array, rows_first):
    picture = Image.fromarray(array)
    Image.Image.resize = in_order(rows_first)
    found = {
        "phash": str(imagehash.phash(picture)),
        "dhash": str(imagehash.dhash(picture)),
        "ahash": str(imagehash.average_hash(picture)),
    }
    if min(array.shape[:2]) >= 8:
        found["whash"] = str(imagehash.whash(picture))
    Image.Image.resize = resize
    if not rows_first and int(PIL.__version__.split(".")[0]) >= 13:
        assert found["phash"] == str(imagehash.phash(picture)), "Pillow has another order again"
    return found


def coverage(array):
    """Shares within each tolerance, and the mean distance; pixels less than half opaque do not count."""
    rgb = array[..., :3].reshape(-1, 3)
    if array.shape[2] == 4:
        rgb = rgb[array[..., 3].reshape(-1) >= 128]
    lab = skimage.color.rgb2lab(rgb[None] / 255)
    swatches = skimage.color.rgb2lab(np.array(PALETTE, np.float64)[None] / 255)[0]
    far = np.stack([skimage.color.deltaE_cie76(lab[0], s) for s in swatches]).min(0)
    return {"covered": [float((far <= t).mean()) for t in TOLERANCES], "mean_distance": float(far.mean())}


def subject(array):
    alpha = array[..., 3] / 255
    h, w = alpha.shape
    cy, cx = skimage.measure.centroid(alpha)
    inside = alpha >= 0.5
    regions = skimage.measure.regionprops(inside.astype(np.uint8))
    top, left, bottom, right = regions[0].bbox
    rim = np.concatenate([inside[0], inside[-1], inside[1:-1, 0], inside[1:-1, -1]])
    return {
        "area": float(alpha.mean()),
        "center": [float((cx + 0.5) / w), float((cy + 0.5) / h)],
        "off_center": float(math.hypot(cx + 0.5 - w / 2, cy + 0.5 - h / 2) / (math.hypot(w, h) / 2)),
        "bounds": [left, top, right, bottom],
        "border": float(rim.mean()),
    }


result = {"palette": PALETTE, "tolerances": TOLERANCES, "pictures": {}}
for name, values in PICTURES.items():
    array = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(array).save(OUT / f"measure_{name}.png", optimize=True)
    numbers, rough = measures(array)
    entry = {"measures": numbers, "hashes": {"before 13": hashes(array, True), "13": hashes(array, False)}, "coverage": coverage(array)}
    if array.shape[2] == 4:
        entry["subject"] = subject(array)
    result["pictures"][name] = entry
    said = {k: None if v is None else round(float(v), 3) for k, v in rough.items()}
    print(name, {k: round(v, 3) for k, v in numbers.items()}, said)
(OUT / "measures.json").write_text(json.dumps(result, indent=1) + "\n")
