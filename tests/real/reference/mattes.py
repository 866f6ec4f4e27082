"""Mattes: pictures before the networks and after them as rembg 2.0.86 does it (transformers.js for MODNet); the
networks by onnxruntime.
"""

import numpy as np
import onnxruntime
from PIL import Image


def run(folder, name, x):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0][0, 0]


def to_input(picture, mean, std):
    return np.ascontiguousarray(((picture - np.array(mean)) / np.array(std)).transpose(2, 0, 1)[None]).astype(np.float32)


def as_rembg(folder, name, picture, side, mean, std):
    """Squashed to a square, divided by its brightest sample; the result stretched to 0..1."""
    image = Image.fromarray(picture)
    small = np.array(image.resize((side, side), Image.Resampling.LANCZOS))
    found = run(folder, name, to_input(small / max(small.max(), 1e-6), mean, std))
    found = (found - found.min()) / (found.max() - found.min())
    return np.array(Image.fromarray((found * 255).astype(np.uint8)).resize(image.size, Image.Resampling.LANCZOS))


def u2net(folder, name, picture):
    return as_rembg(folder, name, picture, 320, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def isnet(folder, name, picture):
    return as_rembg(folder, name, picture, 1024, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0))


def modnet(folder, name, picture):
    """The shorter side 512, both cut down to thirty-twos; no stretching afterwards."""
    height, width = picture.shape[:2]
    shorter = min(height, width)
    size = [max(int(side * 512 / shorter) // 32, 1) * 32 for side in (width, height)]
    small = np.array(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    found = run(folder, name, to_input(small, (127.5,) * 3, (127.5,) * 3))
    found = Image.fromarray((found * 255).astype(np.uint8))
    return np.array(found.resize((width, height), Image.Resampling.BILINEAR))
