"""Full-size UNets with random weights: a checkpoint under the original names in half precision, and what diffusers makes of it in 32 bit.

    python full_unet.py sd15|sd21|sdxl|refiner|inpaint DIR [HxWxN ...]

writes DIR/model.safetensors (1.7 to 5.1 GB) and DIR/unet_HxW_tT.npy; `examples/full.rs` compares. SDXL takes 12 GB of memory.
"""
import json
import os
import struct
import sys
import time

import numpy as np
import torch

from common import normal, usual
from unet import build, case, modules, original, run

FULL = {
    "sd15": (case([320, 640, 1280, 1280], "cccn", 8, 768, per=2), 0),
    "inpaint": (case([320, 640, 1280, 1280], "cccn", 8, 768, per=2, cin=9), 0),
    "sd21": (case([320, 640, 1280, 1280], "cccn", [5, 10, 20, 20], 1024, per=2, linear=True), 0),
    "sdxl": (case([320, 640, 1280], "ncc", [5, 10, 20], 2048, per=2, depth=[1, 2, 10], linear=True), 2816),
    "refiner": (case([384, 768, 1536, 1536], "nccn", [6, 12, 24, 24], 1280, per=2, depth=4, linear=True), 2560),
}
PREFIX = "model.diffusion_model."


def main():
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    kind, folder = sys.argv[1:3]
    sizes = [tuple(map(int, s.split("x"))) for s in sys.argv[3:] or ["24x40x2"]]
    config, adm = FULL[kind]
    pairs = modules(config)
    with torch.device("meta"):
        unet = build(dict(config), adm)
    names = {original(n, pairs): (n, list(p.shape)) for n, p in unet.named_parameters()}
    header, at = {}, 0
    for n, (_, shape) in names.items():
        size = 2 * int(np.prod(shape))
        header[PREFIX + n] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    state = {}
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for n, (theirs, shape) in names.items():
            half = normal(n, shape, *usual(n, shape)).astype(np.float16)
            f.write(half.tobytes())
            state[theirs] = torch.from_numpy(half.astype(np.float32))
    unet.load_state_dict(state, assign=True)
    state.clear()
    print(kind, sum(p.numel() for p in unet.parameters()) / 1e6, "million parameters", flush=True)
    for h, w, n in sizes:
        x = torch.from_numpy(normal(f"unet_x_{h}x{w}", [n, config["in_channels"], h, w], 1.0))
        ctx = torch.from_numpy(normal("unet_ctx", [n, 77, config["cross_attention_dim"]], 1.0))
        y = torch.from_numpy(normal("unet_y", [n, adm], 1.0)) if adm else None
        start = time.time()
        out = run(unet, x, torch.tensor([261.0] * n), ctx, y)
        print(f"{h}x{w} of {n}: {time.time() - start:.2f} s, std {out.std():.4f}", flush=True)
        np.save(f"{folder}/unet_{h}x{w}_t261.npy", out.numpy())


if __name__ == "__main__":
    main()
