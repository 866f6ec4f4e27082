"""Reads with Pillow and OpenCV what the codec wrote, and says how far it is from the picture meant.

    mkdir out; KILN_CODEC_OUT=$PWD/out cargo test -p kiln-codec --features avif --test encode
    python check.py out
"""

import os
import sys

import cv2
import numpy as np
from PIL import Image

y, x = np.mgrid[0:48, 0:64].astype(np.float32)
full = np.stack([x / 64, y / 48, x * 0 + 0.5, 0.25 + 0.5 * x / 64], -1)
worst = 0
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    want = full[..., : int(name[1])]
    if name.endswith("_16.png"):
        got = cv2.imread(path, cv2.IMREAD_UNCHANGED)
        got = got[..., [2, 1, 0, 3][: got.shape[2]]] / 65535
    else:
        picture = Image.open(path)
        picture.load()
        got = np.asarray(picture) / 255
    if got.shape[2] == 3 and want.shape[2] == 4:
        want = want[..., :3] * want[..., 3:] + (1 - want[..., 3:])
    off = np.abs(got - want).max() * 255
    limit = {"png": 0.51, "webp": 0.51, "jpg": 9, "avif": 9}[name.rsplit(".")[-1]]
    print(f"{name:16} {got.shape} off by {off:.3f}/255, {os.path.getsize(path)} bytes", "" if off <= limit else "TOO FAR")
    worst |= off > limit
sys.exit(int(worst))
