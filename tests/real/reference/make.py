"""What real networks make of the pictures, in the programs they were made for: the fixtures of this folder's tests.

    pip install numpy==2.4.6 pillow==13.0.0 onnxruntime==1.31.1 ncnn==1.0.20261020 torch==2.15.0
    ../fetch && python make.py

The pictures are PNG files of 8 bits, upscaled ones of 16, mattes of 8 (which is what rembg makes).
"""

import os
import pathlib
import time

import numpy as np

import mattes
import png
import upscalers
from pictures import SCENES, SUBJECTS, all_pictures

HERE = pathlib.Path(__file__).resolve().parent
WEIGHTS = HERE.parents[2] / os.environ.get("KILN_REAL", "target/real")
FIXTURES = HERE.parent / "fixtures"

# With which program, and of which pictures: those four times as large take much room.
UPSCALERS = {
    "realesrgan-x4plus": (upscalers.with_ncnn, ["scene_38x53"]),
    "realesrgan-x4plus-anime": (upscalers.with_ncnn, ["scene_38x53"]),
    "realesr-animevideov3-x4": (upscalers.with_ncnn, ["scene_38x53"]),
    "4x-NMKD-YandereNeo-Superlite": (upscalers.with_torch, ["scene_38x53"]),
    "realesrgan-x2plus": (upscalers.with_onnxruntime, list(SCENES)),
    "2x-AniScale": (upscalers.with_torch, list(SCENES)),
}
MATTES = {"u2net": mattes.u2net, "u2netp": mattes.u2net, "modnet": mattes.modnet, "isnet-fp16": mattes.isnet}


def write(name, samples, clock):
    data = png.encode(samples)
    (FIXTURES / f"{name}.png").write_bytes(data)
    print(f"{name}: {samples.shape}, {len(data)} bytes, {time.monotonic() - clock:.2f} s", flush=True)


def main():
    FIXTURES.mkdir(exist_ok=True)
    pictures = all_pictures()
    for name, picture in pictures.items():
        write(name, picture, time.monotonic())
    for network, (program, names) in UPSCALERS.items():
        for name in names:
            clock = time.monotonic()
            out = np.clip(program(WEIGHTS, network, pictures[name]).astype(np.float64), 0.0, 1.0)
            write(f"{network}.{name}", np.floor(out * 65535 + 0.5).astype(np.uint16), clock)
    for network, program in MATTES.items():
        for name in SUBJECTS:
            clock = time.monotonic()
            write(f"{network}.{name}", program(WEIGHTS, network, pictures[name]), clock)


main()
