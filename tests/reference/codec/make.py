"""Writes the codec fixtures with Pillow, OpenCV and OpenEXR, and what they read from them.

    python make.py ../../fixtures/codec

Each picture is tiny. expected.json holds, for every file: width, height, channels, bits and all samples
as whole numbers (or floats), as Pillow (OpenCV for 16 bits and floats) reads them.
"""

import io
import json
import os
import sys

import cv2
import numpy as np
import OpenEXR
from PIL import Image, ImageOps, features
from PIL.PngImagePlugin import PngInfo

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
H, W = 9, 13
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 19 % 256, y * 28 % 256, (x * 7 + y * 11) * 5 % 256], -1).astype(np.uint8)
alpha = ((x + y) * 12 % 256).astype(np.uint8)
rgba = np.concatenate([rgb, alpha[..., None]], -1)
grey = rgb[..., 0]
expected = {}


def note(name, array, bits, linear=False):
    array = np.asarray(array)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, -1)
    elif array.shape[2] == 2:
        array = np.concatenate([np.repeat(array[..., :1], 3, -1), array[..., 1:]], -1)
    h, w, c = array.shape
    flat = array.reshape(-1)
    values = [float(v) for v in flat] if linear else [int(v) for v in flat]
    expected[name] = dict(width=w, height=h, channels=c, bits=bits, linear=linear, samples=values)


def save(name, picture, read=True, **options):
    path = os.path.join(out, name)
    picture.save(path, **options)
    if read:
        again = ImageOps.exif_transpose(Image.open(path))
        if again.mode == "P":
            again = again.convert("RGBA" if "transparency" in again.info else "RGB")
        if again.mode == "1":
            again = again.convert("L")
        note(name, again, 8)


P = Image.fromarray
save("rgb.png", P(rgb))
save("rgba.png", P(rgba))
save("grey.png", P(grey))
save("grey_alpha.png", P(np.stack([grey, alpha], -1), "LA"))
save("palette.png", P(rgb).quantize(16))
trans = P(rgb).quantize(16)
save("palette_alpha.png", trans, transparency=3)
save("bits1.png", P(grey > 99))
save("rgb.jpg", P(rgb).resize((32, 24)), quality=92, subsampling=0)
save("rgb420.jpg", P(rgb).resize((32, 24)), quality=80, subsampling=2)
save("grey.jpg", P(grey).resize((32, 24)), quality=90)
save("progressive.jpg", P(rgb).resize((32, 24)), quality=90, progressive=True)
save("lossless.webp", P(rgb), lossless=True)
save("lossless_alpha.webp", P(rgba), lossless=True, exact=True)
save("lossy.webp", P(rgb).resize((32, 24)), quality=80)
save("lossy_alpha.webp", P(rgba).resize((32, 24)), quality=80)
save("rgb.gif", P(rgb).quantize(16))
save("rgb.tiff", P(rgb))
save("lzw.tiff", P(rgba), compression="tiff_lzw")
save("rgb.bmp", P(rgb))
save("palette.bmp", P(rgb).quantize(16))
save("rgb.tga", P(rgb))
save("rle.tga", P(rgba), compression="tga_rle")
save("rgba.ico", P(np.pad(rgba, ((0, 7), (0, 3), (0, 0)))), sizes=[(16, 16)])
save("rgb.ppm", P(rgb))
save("grey.pgm", P(grey))
save("rgba.dds", P(np.pad(rgba, ((0, 3), (0, 3), (0, 0)))), read=False, pixel_format="DXT5")
expected["rgba.dds"] = None
save("rgb.qoi", P(rgb)) if ".qoi" in Image.registered_extensions() else None

# Orientations: the stored picture differs, the upright one is the same for all.
for o in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = o
    save(f"orientation{o}.jpg", P(rgb).resize((32, 24)), quality=95, subsampling=0, exif=exif)
exif = Image.Exif()
exif[0x0112] = 6
save("orientation6.png", P(rgb), exif=exif)
save("orientation6.webp", P(rgb), lossless=True, exif=exif)

# 16 bits and floats through OpenCV.
words = (rgb.astype(np.uint16) * 257) ^ (x * 3 + y).astype(np.uint16)[..., None]
aw = (alpha.astype(np.uint16) * 257) ^ 5


def cv(name, array, bits, linear=False):
    path = os.path.join(out, name)
    order = {2: lambda a: a, 3: lambda a: a[..., ::-1] if a.shape[2] == 3 else a[..., [2, 1, 0, 3]]}[array.ndim]
    assert cv2.imwrite(path, np.ascontiguousarray(order(array))), name
    again = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    note(name, order(again), bits, linear)


cv("rgb16.png", words, 16)
cv("rgba16.png", np.concatenate([words, aw[..., None]], -1), 16)
cv("grey16.png", words[..., 0], 16)
cv("rgb16.tiff", words, 16)
floats = (rgb.astype(np.float32) / 200) ** 2
with OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, {"RGB": floats}) as f:
    f.write(os.path.join(out, "rgb.exr"))
note("rgb.exr", OpenEXR.File(os.path.join(out, "rgb.exr")).channels()["RGB"].pixels, 32, True)
cv("rgb.hdr", floats, 32, True)

# Farbfeld and 16-bit grey with alpha, which neither writes.
with open(os.path.join(out, "rgba.ff"), "wb") as f:
    full = np.concatenate([words, aw[..., None]], -1)
    f.write(b"farbfeld" + W.to_bytes(4, "big") + H.to_bytes(4, "big") + full.astype(">u2").tobytes())
note("rgba.ff", full, 16)

# Interlaced PNG: written by hand, Pillow and OpenCV write none.
import struct
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


rows = b""
for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
    part = rgb[y0::dy, x0::dx]
    if part.size:
        for row in part:
            rows += b"\0" + row.tobytes()
head = struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 1)
data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
open(os.path.join(out, "interlaced.png"), "wb").write(data)
note("interlaced.png", Image.open(os.path.join(out, "interlaced.png")), 8)

# Animations: three pictures.
steps = [P(np.roll(rgb, k * 3, 1)) for k in range(3)]
for name, options in [("anim.gif", {}), ("anim.webp", dict(lossless=True)), ("anim.png", {})]:
    steps[0].save(os.path.join(out, name), save_all=True, append_images=steps[1:], duration=80, **options)
    with Image.open(os.path.join(out, name)) as im:
        stack = []
        for k in range(im.n_frames):
            im.seek(k)
            stack.append(np.asarray(im.convert("RGB")))
        expected[name] = dict(frames=[[int(v) for v in s.reshape(-1)] for s in stack])

# Texts as other programs write them.
info = PngInfo()
info.add_text("prompt", '{"a": 1}')
info.add_itxt("workflow", "größe", zip=True)
info.add_text("packed", "x" * 5000, zip=True)
P(rgb).save(os.path.join(out, "texts.png"), pnginfo=info)
# A text that unfolds to 100 MB.
bomb = b"kiln\0\1\0\0\0" + zlib.compress(b"a" * (100 << 20), 9)
plain = open(os.path.join(out, "rgb.png"), "rb").read()
open(os.path.join(out, "text_bomb.png"), "wb").write(plain[:33] + chunk(b"iTXt", bomb) + plain[33:])
# A picture of 60000 x 60000 in a few hundred bytes.
head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
open(os.path.join(out, "bomb.png"), "wb").write(
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
)
for name in ["rgb.png", "rgb.jpg", "lossless.webp"]:
    stem, ext = name.split(".")
    whole = open(os.path.join(out, name), "rb").read()
    open(os.path.join(out, f"truncated.{ext}"), "wb").write(whole[: len(whole) * 3 // 4])
if features.check("avif"):
    save("rgb.avif", P(rgb).resize((32, 24)), quality=90)
    save("rgb444.avif", P(rgb).resize((32, 24)), quality=90, subsampling="4:4:4")
    save("limited.avif", P(rgb).resize((31, 23)), quality=90, subsampling="4:4:4", range="limited")
    save("rgb422.avif", P(rgb).resize((31, 23)), quality=90, subsampling="4:2:2")
    save("rgba.avif", P(rgba).resize((32, 24)), quality=95, subsampling="4:4:4")
    save("grey.avif", P(grey).resize((32, 24)).convert("RGB"), quality=95, subsampling="4:0:0")
    for o in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = o
        save(f"orientation{o}.avif", P(rgb).resize((32, 24)), quality=95, subsampling="4:4:4", exif=exif)
with open(os.path.join(out, "expected.json"), "w") as f:
    json.dump(expected, f, separators=(",", ":"))
