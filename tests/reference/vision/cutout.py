"""Reference results for what follows a cut-out in nodes/pixels: the guided filter, the subject's own colours,
the distance to an edge.

    pip install numpy scipy pillow pymatting numba
    python cutout.py ../../fixtures/vision

Writes a made-up cut-out (`cutout_*.png`: the picture, its alpha, the true colours of its subject, and what
pymatting's estimate_foreground_ml finds) and `cutout.json`.
"""

import json
import pathlib
import sys

import numpy as np
import scipy.ndimage
from PIL import Image
from pymatting import estimate_foreground_ml

OUT = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(7)


def clouds(h, w, sigma):
    noise = scipy.ndimage.gaussian_filter(rng.random((h, w, 3)), (sigma, sigma, 0), mode="wrap")
    return (noise - noise.min((0, 1))) / (noise.max((0, 1)) - noise.min((0, 1)))


def hairs(h, w, scale):
    """Alpha of a head with hair: a disc and thin bent lines, drawn four times as large and averaged."""
    n = 4
    canvas = np.zeros((h * n, w * n))
    y, x = np.mgrid[0 : h * n, 0 : w * n] / n
    cx, cy, r = w * 0.5, h * 0.56, min(h, w) * 0.27
    canvas[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = 1
    canvas[(abs(x - cx) < r * 0.6) & (y > cy)] = 1
    for _ in range(46):
        angle = rng.uniform(-np.pi, 0)
        bend, length = rng.uniform(-0.9, 0.9), rng.uniform(0.25, 0.75) * r
        wide = rng.uniform(0.35, 0.8) * scale
        for t in np.linspace(0, 1, 240):
            a = angle + bend * t * t
            px, py = cx + np.cos(a) * (r + length * t), cy + np.sin(a) * (r + length * t)
            reach = wide * (1 - 0.6 * t)
            box = np.s_[
                max(int((py - reach) * n), 0) : int((py + reach) * n) + 2,
                max(int((px - reach) * n), 0) : int((px + reach) * n) + 2,
            ]
            canvas[box] = np.maximum(canvas[box], (x[box] - px) ** 2 + (y[box] - py) ** 2 < reach * reach)
    alpha = canvas.reshape(h, n, w, n).mean((1, 3))
    return scipy.ndimage.gaussian_filter(alpha, 0.5 * scale)


def scene(h, w, scale):
    """The picture, its alpha, and the true colours of subject and background, as bytes and 0..1."""
    alpha = np.round(np.clip(hairs(h, w, scale), 0, 1) * 255) / 255
    front = 0.25 + 0.3 * clouds(h, w, 9 * scale) * [1, 0.6, 0.4]
    back = np.array([0.1, 0.75, 0.25]) + 0.2 * (clouds(h, w, 16 * scale) - 0.5)
    front, back = (np.round(np.clip(v, 0, 1) * 255) / 255 for v in (front, back))
    picture = alpha[..., None] * front + (1 - alpha[..., None]) * back
    return np.round(picture * 255) / 255, alpha, front


def save(name, array):
    Image.fromarray(np.round(array * 255).astype(np.uint8)).save(OUT / f"cutout_{name}.png", optimize=True)


def window_mean(a, r):
    """The mean over windows of 2r + 1, which end at the border."""
    h, w = a.shape[:2]
    total = np.zeros((h + 1, w + 1) + a.shape[2:])
    total[1:, 1:] = a.cumsum(0).cumsum(1)
    y0, y1 = np.maximum(np.arange(h) - r, 0), np.minimum(np.arange(h) + r + 1, h)
    x0, x1 = np.maximum(np.arange(w) - r, 0), np.minimum(np.arange(w) + r + 1, w)
    sums = total[y1][:, x1] - total[y0][:, x1] - total[y1][:, x0] + total[y0][:, x0]
    count = (y1 - y0)[:, None] * (x1 - x0)[None]
    return sums / count.reshape(count.shape + (1,) * (a.ndim - 2))


def guided(picture, mask, r, epsilon):
    """He, Sun and Tang's guided filter with a colour guide, solved as written in the paper."""
    mean, m = window_mean(picture, r), window_mean(mask, r)
    cov = window_mean(picture * mask[..., None], r) - mean * m[..., None]
    outer = window_mean(picture[..., :, None] * picture[..., None, :], r) - mean[..., :, None] * mean[..., None, :]
    a = np.linalg.solve(outer + epsilon * np.eye(3), cov[..., None])[..., 0]
    b = m - (a * mean).sum(-1)
    return np.clip((window_mean(a, r) * picture).sum(-1) + window_mean(b, r), 0, 1)


def errors(found, truth, alpha):
    """Mean and root mean square error over the soft pixels, weighted by how much they show."""
    soft = (alpha > 0.02) & (alpha < 0.98)
    off = (found - truth)[soft]
    return {"mean": float(abs(off).mean()), "rms": float(np.sqrt((off**2).mean()))}


picture, alpha, front = scene(96, 120, 1.0)
estimate = estimate_foreground_ml(picture, alpha)
for name, array in [("picture", picture), ("alpha", alpha), ("subject", front), ("pymatting", np.clip(estimate, 0, 1))]:
    save(name, array)

# A rough mask: nothing but yes and no.
rough = (alpha > 0.5).astype(float)
save("rough", rough)
places = rng.permutation(alpha.size)[:400]
cases = []
for r, epsilon in [(1, 1e-4), (4, 1e-5), (8, 1e-4), (30, 1e-3), (500, 1e-2)]:
    found = guided(picture, rough, r, epsilon)
    cases.append({"radius": r, "epsilon": epsilon, "values": [round(float(v), 7) for v in found.reshape(-1)[places]]})

inside = rough >= 0.5
# From a pixel's middle to the edge half a pixel before the nearest one inside.
distance = scipy.ndimage.distance_transform_edt(~inside)

result = {
    "places": places.tolist(),
    "guided": cases,
    "distance": [round(float(v), 6) for v in distance.reshape(-1)[places]],
    "foreground": {"picture": errors(picture, front, alpha), "pymatting": errors(estimate, front, alpha)},
    "rough alpha": float(abs(rough - alpha).mean()),
}
(OUT / "cutout.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(result["foreground"], result["rough alpha"])

# The same at a size that studios use, not kept.
if len(sys.argv) > 2:
    OUT = pathlib.Path(sys.argv[2])
    picture, alpha, front = scene(1024, 1024, 6.0)
    estimate = estimate_foreground_ml(picture, alpha)
    for name, array in [("picture", picture), ("alpha", alpha), ("subject", front), ("pymatting", np.clip(estimate, 0, 1))]:
        save(name, array)
    print("1024 x 1024", errors(picture, front, alpha), errors(estimate, front, alpha))
