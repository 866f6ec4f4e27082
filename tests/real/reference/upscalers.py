"""Upscalers as the programs they were made for run them: ncnn, onnxruntime, and torch for `.pth` files."""

import ncnn
import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F


def planes(picture):
    """Channels, rows, columns in 0..1."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1)).astype(np.float32) / np.float32(255)


def with_ncnn(folder, name, picture):
    """On the processor, in single precision throughout and without the faster forms that cost digits."""
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    for fast in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "int8_inference", "winograd_convolution"):
        setattr(net.opt, f"use_{fast}", False)
    net.opt.num_threads = 2
    assert net.load_param(str(folder / f"{name}.param")) == 0 and net.load_model(str(folder / f"{name}.bin")) == 0
    extractor = net.create_extractor()
    x = planes(picture)  # ncnn does not keep it alive
    extractor.input("data", ncnn.Mat(x))
    failed, out = extractor.extract("output")
    assert failed == 0
    return np.array(out).transpose(1, 2, 0)


def with_onnxruntime(folder, name, picture):
    """Real-ESRGAN x2plus takes four pixels as one and halves again: sides are filled up to fours by reflection."""
    x = planes(picture)[None]
    height, width = x.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (0, -height % 4), (0, -width % 4)), mode="reflect")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {session.get_inputs()[0].name: x})
    scale = out.shape[2] // x.shape[2]
    return out[0, :, : height * scale, : width * scale].transpose(1, 2, 0)


def with_torch(folder, name, picture):
    """In double precision; the weights say what the network is."""
    state = torch.load(folder / f"{name}.pth", map_location="cpu", weights_only=True)
    state = state.get("params_ema", state.get("params", state))
    state = {key: value.double() for key, value in state.items()}
    x = torch.from_numpy(planes(picture))[None].double()
    with torch.inference_mode():
        out = compact(state, x) if "body.0.weight" in state else old_esrgan(state, x)
    return out[0].permute(1, 2, 0).numpy()


def conv(state, name, x):
    return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)


def compact(state, x):
    """Convolutions with learnt slopes between, on the small picture; the last gives every pixel's square."""
    last = max(int(key.split(".")[1]) for key in state)
    y = x
    for n in range(last + 1):
        y = conv(state, f"body.{n}", y) if n % 2 == 0 else F.prelu(y, state[f"body.{n}.weight"])
    scale = round((y.shape[1] / x.shape[1]) ** 0.5)
    return F.pixel_shuffle(y, scale) + F.interpolate(x, scale_factor=scale, mode="nearest")


def old_esrgan(state, x):
    """Residual dense blocks under the names of the first ESRGAN; every second one of `model.N` is a convolution."""
    leaky = lambda y: F.leaky_relu(y, 0.2)
    first = conv(state, "model.0", x)
    trunk = [key for key in state if key.startswith("model.1.sub.")]
    blocks = max(int(key.split(".")[3]) for key in trunk)
    y = first
    for block in range(blocks):
        inner = y
        for dense in (1, 2, 3):
            seen = inner
            for n in range(1, 6):
                new = conv(state, f"model.1.sub.{block}.RDB{dense}.conv{n}.0", seen)
                seen = torch.cat([seen, leaky(new)], 1) if n < 5 else new
            inner = inner + 0.2 * seen
        y = y + 0.2 * inner
    y = first + conv(state, f"model.1.sub.{blocks}", y)
    rest = sorted({int(key.split(".")[1]) for key in state} - {0, 1})
    for n in rest[:-2]:
        y = leaky(conv(state, f"model.{n}", F.interpolate(y, scale_factor=2, mode="nearest")))
    return conv(state, f"model.{rest[-1]}", leaky(conv(state, f"model.{rest[-2]}", y)))
