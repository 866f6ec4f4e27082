"""Whether mattes.py does what rembg does: both on the same pictures.

    python -m venv venv && venv/bin/pip install rembg==2.0.86 --no-deps
    venv/bin/pip install numpy pillow onnxruntime pooch tqdm scipy jsonschema opencv-python-headless pymatting scikit-image
    venv/bin/python confirm.py
"""

import os
import pathlib
import tempfile

import numpy as np
from PIL import Image

import mattes
from pictures import SUBJECTS, all_pictures

HERE = pathlib.Path(__file__).resolve().parent
WEIGHTS = (HERE.parents[2] / os.environ.get("KILN_REAL", "target/real")).resolve()
home = tempfile.TemporaryDirectory()
os.environ |= {"U2NET_HOME": home.name, "MODEL_CHECKSUM_DISABLED": "1", "OMP_NUM_THREADS": "2"}
import rembg  # noqa: E402: it looks at the variables at once

for name, theirs, ours in [
    ("u2net", "u2net", mattes.u2net),
    ("u2netp", "u2netp", mattes.u2net),
    ("isnet-fp16", "isnet-general-use", mattes.isnet),
]:
    os.symlink(WEIGHTS / f"{name}.onnx", f"{home.name}/{theirs}.onnx")
    session = rembg.new_session(theirs, providers=["CPUExecutionProvider"])
    for picture in SUBJECTS:
        pixels = all_pictures()[picture]
        mask = np.array(rembg.remove(Image.fromarray(pixels), session=session, only_mask=True)).astype(int)
        off = abs(mask - ours(WEIGHTS, name, pixels).astype(int))
        print(f"{theirs} {picture}: at most {off.max()} of 255 apart, {(off > 0).sum()} of {off.size} samples differ")
