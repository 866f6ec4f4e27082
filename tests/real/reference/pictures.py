"""The pictures that real networks are tried on: made by formulas, small, and with what photographs and drawings have:
gradients, round and straight edges, letters, texture, noise, darkness. numpy alone, so that they come out the same.
"""

import numpy as np

LETTERS = {  # five columns of seven rows, the top row first
    "K": "10001 10010 10100 11000 10100 10010 10001",
    "I": "01110 00100 00100 00100 00100 00100 01110",
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "N": "10001 11001 10101 10101 10011 10001 10001",
}


def grid(width, height):
    """Coordinates of the pixels' centres."""
    return np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)


def cover(distance):
    """How much of a pixel lies inside, from the signed distance to the edge in pixels."""
    return np.clip(0.5 - distance, 0.0, 1.0)[..., None]


def ellipse(x, y, cx, cy, rx, ry):
    """A signed distance, good enough for soft edges."""
    return (np.hypot((x - cx) / rx, (y - cy) / ry) - 1.0) * min(rx, ry)


def over(picture, alpha, colour):
    return picture * (1.0 - alpha) + alpha * np.asarray(colour, float)


def clouds(random, width, height, cell):
    """Noise that changes over `cell` pixels."""
    small = random.uniform(-1.0, 1.0, (height // cell + 2, width // cell + 2, 3))
    ys, xs = np.arange(height) / cell, np.arange(width) / cell
    y, x = ys.astype(int), xs.astype(int)
    fy, fx = (ys - y)[:, None, None], (xs - x)[None, :, None]
    smooth = lambda t: t * t * (3.0 - 2.0 * t)
    fy, fx = smooth(fy), smooth(fx)
    top = small[y][:, x] * (1 - fx) + small[y][:, x + 1] * fx
    bottom = small[y + 1][:, x] * (1 - fx) + small[y + 1][:, x + 1] * fx
    return top * (1 - fy) + bottom * fy


def to_bytes(picture):
    return np.clip(np.floor(picture * 255.0 + 0.5), 0, 255).astype(np.uint8)


def scene(width, height, seed):
    """For upscalers: a sky, a disc, a slanted bar, lines, a word, grain."""
    random = np.random.RandomState(seed)
    x, y = grid(width, height)
    t = (y / height)[..., None]
    picture = (1 - t) * np.array([0.35, 0.55, 0.9]) + t * np.array([0.95, 0.75, 0.45])
    picture = picture + 0.06 * clouds(random, width, height, 9)
    picture = over(picture, cover(ellipse(x, y, 0.3 * width, 0.34 * height, 0.2 * width, 0.2 * width)), [0.9, 0.2, 0.15])
    picture = over(picture, cover(np.abs((x - 0.7 * width) * 0.9 + (y - 0.4 * height) * 0.44) - 3.2), [0.1, 0.25, 0.2])
    picture = over(picture, cover(np.abs(y - 0.66 * height - 0.1 * x) - 0.45), [1.0, 1.0, 1.0])
    stripes = (((x - y) % 5.0) < 2.5)[..., None] & (y > 0.84 * height)[..., None]
    picture = np.where(stripes, picture * 0.45, picture)
    for n, letter in enumerate("KILN"):
        for row, bits in enumerate(LETTERS[letter].split()):
            for column, bit in enumerate(bits):
                if bit == "1":
                    picture[int(0.71 * height) - 1 + row, 4 + 6 * n + column] = [0.05, 0.05, 0.12]
    return to_bytes(picture + random.normal(0.0, 0.012, picture.shape))


def portrait(width, height, seed, light=1.0):
    """For mattes: someone with dark hair in a striped pullover, before a blurred room."""
    random = np.random.RandomState(seed)
    x, y = grid(width, height)
    s = min(width, height)
    picture = np.array([0.62, 0.66, 0.6]) + 0.16 * clouds(random, width, height, max(s // 4, 8))
    picture = over(picture, cover(np.abs(x - 0.86 * width) - 0.07 * width) * 0.5, [0.35, 0.3, 0.25])
    cx, head = 0.47 * width, 0.36 * height
    body = ellipse(x, y, cx, head + 0.7 * s, 0.42 * s, 0.46 * s)
    knitted = 0.5 + 0.5 * np.sin(y * 40.0 / s)[..., None]
    picture = over(picture, cover(body), [0.12, 0.2, 0.45]) + cover(body) * knitted * [0.18, 0.04, 0.0]
    picture = over(picture, cover(np.maximum(np.abs(x - cx) - 0.075 * s, np.abs(y - head - 0.26 * s) - 0.1 * s)), [0.72, 0.5, 0.4])
    picture = over(picture, cover(ellipse(x, y, cx, head - 0.03 * s, 0.2 * s, 0.235 * s)), [0.13, 0.08, 0.06])
    # Strands that stand out.
    for n in range(9):
        angle = -2.7 + 0.28 * n
        tip = (cx + 0.25 * s * np.cos(angle), head - 0.03 * s + 0.28 * s * np.sin(angle))
        along = ((x - cx) * (tip[0] - cx) + (y - head) * (tip[1] - head)) / ((tip[0] - cx) ** 2 + (tip[1] - head) ** 2)
        along = np.clip(along, 0.0, 1.0)
        away = np.hypot(x - cx - along * (tip[0] - cx), y - head - along * (tip[1] - head))
        picture = over(picture, cover(away - 0.006 * s), [0.13, 0.08, 0.06])
    face = ellipse(x, y, cx, head + 0.03 * s, 0.15 * s, 0.19 * s)
    shade = 1.0 - 0.25 * ((x - cx) / (0.15 * s))[..., None]
    picture = picture * (1 - cover(face)) + cover(face) * np.clip(shade, 0.6, 1.2) * [0.78, 0.57, 0.46]
    for side in (-1, 1):
        picture = over(picture, cover(ellipse(x, y, cx + side * 0.06 * s, head, 0.02 * s, 0.013 * s)), [0.1, 0.07, 0.07])
    picture = over(picture, cover(ellipse(x, y, cx, head + 0.12 * s, 0.05 * s, 0.012 * s)), [0.6, 0.25, 0.25])
    return to_bytes((picture + random.normal(0.0, 0.01, picture.shape)) * light)


def mist(width, height, seed):
    """For mattes: nothing to be sure of, so that every sample of the matte depends on every step."""
    random = np.random.RandomState(seed)
    x, y = grid(width, height)
    picture = 0.45 + 0.2 * clouds(random, width, height, 30) + 0.08 * clouds(random, width, height, 7)
    blob = np.exp(-(((x - 0.6 * width) / (0.25 * width)) ** 2 + ((y - 0.45 * height) / (0.3 * height)) ** 2))
    picture = picture + blob[..., None] * [0.16, -0.05, -0.12]
    return to_bytes(picture + random.normal(0.0, 0.01, picture.shape))


SCENES = {"scene_61x47": (61, 47, 1), "scene_38x53": (38, 53, 2)}
PORTRAITS = {
    "portrait_97x131": (97, 131, 3, 1.0),
    "portrait_320x213": (320, 213, 4, 1.0),
    "portrait_dark_150x111": (150, 111, 5, 0.3),
}
MISTS = {"mist_121x90": (121, 90, 6)}
SUBJECTS = [*PORTRAITS, *MISTS]


def all_pictures():
    """Every picture, by name: rows, columns, red green blue as bytes."""
    found = {name: scene(*how) for name, how in SCENES.items()}
    found |= {name: portrait(*how) for name, how in PORTRAITS.items()}
    return found | {name: mist(*how) for name, how in MISTS.items()}
