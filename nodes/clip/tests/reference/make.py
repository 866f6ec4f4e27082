"""Results of transformers, open_clip, torch and Pillow for the tests of this crate: small ones, with made-up weights.

    python make.py            writes towers.json, towers.f32, preprocess.json, preprocess.bin and heads.json
    python make.py full DIR   writes full-size towers and their results into DIR for `examples/full_clip`

Needs torch, transformers, open_clip_torch, Pillow and numpy (and safetensors for `full`). Weights are made as
`nodes/networks/tests/reference/common.py` tells.
"""
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as Pillow

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "networks", "tests", "reference"))
import common  # noqa: E402
from common import Reference, normal, usual  # noqa: E402

common.HERE = HERE
torch.set_grad_enabled(False)
torch.set_num_threads(1)
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
TEXTS = ["a photo of a fox", "Two  CATS, asleep!", "", "word " * 100]


def rule(name, shape):
    if "token_embedding" in name or "class_embedding" in name:
        return (0.5, 0.0)
    if "position" in name:
        return (0.3, 0.0)
    if name == "logit_scale":
        return (0.0, 4.0)
    if name in ("text_projection", "visual.proj"):
        return (shape[0] ** -0.5, 0.0)
    if name.endswith("in_proj_bias"):
        return (0.1, 0.0)
    # Queries and keys that prefer some tokens over others.
    if any(p in name for p in ("q_proj.weight", "k_proj.weight", "in_proj_weight")):
        return (2.0 * shape[1] ** -0.5, 0.0)
    return usual(name, shape)


def picture(h, w, seed):
    """Bytes, h x w x 3, the same in `tests/common`."""
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
    return ((x * 7 + y * 13 + c * 29 + (x * y % 31) * 5 + (x // 5 + y // 7) % 2 * 90 + seed * 41) % 256).astype(np.uint8)


def comfy(image, side, crop):
    """f32 samples h x w x 3 to bytes as f32, side x side x 3: the arithmetic that nodes/clip/src/preprocess tells."""
    t = torch.from_numpy(image)[None].movedim(-1, 1)
    h, w = t.shape[2:]
    if (h, w) != (side, side):
        size = (side, side)
        if crop:
            scale = side / min(h, w)
            size = (round(scale * h), round(scale * w))
        t = F.interpolate(t, size=size, mode="bicubic", antialias=True)
        top, left = (t.shape[2] - side) // 2, (t.shape[3] - side) // 2
        t = t[:, :, top:top + side, left:left + side]
    return torch.clip(255.0 * t, 0, 255).round()[0].movedim(0, -1)


def pillow(bytes_, side, crop):
    p = Pillow.fromarray(bytes_)
    if not crop:
        return np.asarray(p.resize((side, side), Pillow.BICUBIC))
    from transformers import CLIPImageProcessorPil
    processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side},
                                      do_rescale=False, do_normalize=False)
    return np.asarray(processor(p, return_tensors="np")["pixel_values"][0]).transpose(1, 2, 0)


def seen(image, side):
    """What a tower of this side sees of bytes."""
    t = comfy(image.astype(np.float32) / np.float32(255), side, True) / 255.0
    return ((t - torch.tensor(MEAN)) / torch.tensor(STD)).movedim(-1, 0)


def clip_hf(v, t, projection, act):
    from transformers import CLIPConfig, CLIPModel
    heads = {1280: 80, 1408: 88, 1664: 104}
    config = CLIPConfig(
        projection_dim=projection,
        vision_config=dict(hidden_size=v["width"], intermediate_size=v["inner"], num_hidden_layers=v["layers"],
                           num_attention_heads=v["width"] // heads.get(v["width"], 64), image_size=v["side"],
                           patch_size=v["patch"], hidden_act=act),
        text_config=dict(hidden_size=t["width"], intermediate_size=t["inner"], num_hidden_layers=t["layers"],
                         num_attention_heads=t["width"] // 64, max_position_embeddings=t["positions"],
                         vocab_size=49408, hidden_act=act, bos_token_id=49406, eos_token_id=49407, pad_token_id=49407),
    )
    with torch.device("meta"):
        net = CLIPModel(config)
    return net.eval()


def clip_open(v, t, projection, act):
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
    heads = {1280: 80, 1408: 88, 1664: 104}
    return CLIP(
        embed_dim=projection, quick_gelu=act == "quick_gelu",
        vision_cfg=CLIPVisionCfg(layers=v["layers"], width=v["width"], head_width=heads.get(v["width"], 64),
                                 mlp_ratio=v["inner"] / v["width"], patch_size=v["patch"], image_size=v["side"]),
        text_cfg=CLIPTextCfg(context_length=t["positions"], vocab_size=49408, width=t["width"], heads=t["width"] // 64,
                             layers=t["layers"], mlp_ratio=t["inner"] / t["width"]),
    ).eval()


def load(net, made):
    state = {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in made.items()}
    net.load_state_dict(state, strict=True, assign=True)
    for name, buffer in list(net.named_buffers()):
        if buffer.is_meta:
            parent = net.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], torch.arange(buffer.shape[-1]).expand((1, -1)))


def shapes(net):
    return [(n, list(p.shape)) for n, p in net.named_parameters()]


def tokens(positions):
    import open_clip
    return open_clip.tokenizer.SimpleTokenizer(context_length=positions)(TEXTS)


def run(ref, case, net, kind, v, t):
    images = torch.stack([seen(picture(v["side"] * 2 + 5, v["side"] * 3 + 1, 1), v["side"]),
                          seen(picture(v["side"] * 2, v["side"], 2), v["side"])])
    ids = tokens(t["positions"])
    got, hooks = {}, []
    first = lambda o: o[0] if isinstance(o, tuple) else o
    if kind == "hf":
        vision = net.vision_model
        layers, before = vision.encoder.layers, vision.pre_layrnorm
        image = lambda: net.visual_projection(vision(pixel_values=images).pooler_output)
        # transformers pools at the first end mark, and reads ends where open_clip's windows have zeros.
        after = torch.cumsum((ids == 49407).int(), 1) > 0
        text = lambda: net.text_projection(net.text_model(input_ids=torch.where(after, 49407, ids)).pooler_output)
    else:
        layers, before = net.visual.transformer.resblocks, net.visual.ln_pre
        image, text = lambda: net.encode_image(images), lambda: net.encode_text(ids)
    hooks.append(before.register_forward_hook(lambda m, i, o: got.__setitem__("tokens", o)))
    hooks.append(layers[0].register_forward_hook(lambda m, i, o: got.__setitem__("block0", first(o))))
    out = image()
    for h in hooks:
        h.remove()
    ref.result(f"{case}/tokens", got["tokens"])
    ref.result(f"{case}/block0", got["block0"])
    ref.result(f"{case}/image", out / out.norm(dim=-1, keepdim=True))
    out = text()
    ref.result(f"{case}/text", out / out.norm(dim=-1, keepdim=True))


SMALL_TEXT = dict(width=64, inner=96, layers=2, positions=77)
# (name, naming, activation, image tower): small ones like B/32, B/16, L/14, and slices of H, g and bigG, whose heads have
# widths of their own.
CASES = [
    ("b32", "hf", "quick_gelu", dict(width=128, inner=256, layers=3, side=32, patch=16)),
    ("b16", "hf", "gelu", dict(width=128, inner=192, layers=2, side=28, patch=4)),
    ("l14", "hf", "quick_gelu", dict(width=192, inner=256, layers=2, side=28, patch=7)),
    ("open", "open", "gelu", dict(width=128, inner=256, layers=3, side=28, patch=7)),
    ("open_quick", "open", "quick_gelu", dict(width=64, inner=64, layers=2, side=32, patch=8)),
    ("h", "open", "gelu", dict(width=1280, inner=64, layers=1, side=8, patch=4)),
    ("g", "open", "gelu", dict(width=1408, inner=64, layers=1, side=8, patch=4)),
    ("bigg", "hf", "gelu", dict(width=1664, inner=64, layers=1, side=8, patch=4)),
]


def towers():
    ref = Reference("towers")
    for case, kind, act, v in CASES:
        t = SMALL_TEXT
        net = (clip_hf if kind == "hf" else clip_open)(v, t, 48, act)
        made = ref.make(case, shapes(net), rule)
        load(net, made)
        run(ref, case, net, kind, v, t)
    ref.write()


def preprocess():
    noted, data = [], []
    cases = [(61, 47, 32), (47, 61, 32), (224, 311, 56), (33, 200, 32), (7, 5, 32), (1, 40, 8), (32, 32, 32), (448, 607, 48),
             (96, 131, 48), (48, 77, 48), (255, 255, 30), (29, 64, 29)]
    for crop in (True, False):
        for i, (h, w, side) in enumerate(cases):
            image = picture(h, w, i)
            for how, out in [("comfy", comfy(image.astype(np.float32) / np.float32(255), side, crop).numpy()), ("transformers", pillow(image, side, crop))]:
                noted.append({"height": h, "width": w, "seed": i, "side": side, "crop": crop, "how": how})
                data.append(out.astype(np.uint8).reshape(-1))
    with open(os.path.join(HERE, "preprocess.json"), "w") as f:
        f.write("[\n" + ",\n".join(" " + json.dumps(n) for n in noted) + "\n]\n")
    np.concatenate(data).tofile(os.path.join(HERE, "preprocess.bin"))
    print("preprocess", len(noted), "results", sum(d.size for d in data), "bytes")


def heads():
    """Scores of LAION's heads, as torch modules; the embedding is `normal("embedding", [2, width], 1)`, normalised."""
    from torch import nn
    out = {}
    layers = lambda w: [(w, 1024), (1024, 128), (128, 64), (64, 16), (16, 1)]
    for case, width, places in [("linear512", 512, None), ("linear768", 768, None), ("mse", 768, (0, 2, 4, 6, 7)), ("relu", 768, (0, 3, 6, 9, 11))]:
        e = torch.from_numpy(normal("embedding", [2, width], 1.0))
        e = e / e.norm(dim=-1, keepdim=True)
        weight = lambda name, shape: torch.from_numpy(normal(f"{case}/{name}", shape, *usual(name, shape)))
        if places is None:
            score = F.linear(e, weight("weight", [1, width]), weight("bias", [1]))
        else:
            modules = []
            for place, (i, o) in zip(places, layers(width)):
                while len(modules) < place:
                    relu = case == "relu" and len(modules) == (0 if not modules else last + 1)
                    modules.append(nn.ReLU() if relu else nn.Dropout(0.2))
                layer = nn.Linear(i, o)
                layer.weight.data, layer.bias.data = weight(f"layers.{place}.weight", [o, i]), weight(f"layers.{place}.bias", [o])
                modules.append(layer)
                last = place
            score = nn.Sequential(*modules).eval()(e)
        out[case] = {"width": width, "places": places, "scores": score.flatten().tolist()}
    with open(os.path.join(HERE, "heads.json"), "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")
    print("heads", out)


FULL = [  # name, naming, activation, image tower, text tower, projection
    ("b32", "hf", "quick_gelu", dict(width=768, inner=3072, layers=12, side=224, patch=32), dict(width=512, inner=2048, layers=12, positions=77), 512),
    ("l14", "hf", "quick_gelu", dict(width=1024, inner=4096, layers=24, side=224, patch=14), dict(width=768, inner=3072, layers=12, positions=77), 768),
    ("h14", "open", "gelu", dict(width=1280, inner=5120, layers=32, side=224, patch=14), dict(width=1024, inner=4096, layers=24, positions=77), 1024),
]


def full(folder):
    from safetensors.numpy import save_file
    os.makedirs(folder, exist_ok=True)
    for name, kind, act, v, t, projection in FULL:
        net = (clip_hf if kind == "hf" else clip_open)(v, t, projection, act)
        made = {n: normal(f"{name}/{n}", s, *rule(n, s)) for n, s in shapes(net)}
        save_file(made, os.path.join(folder, f"{name}.safetensors"))
        load(net, made)
        images = torch.stack([seen(picture(480, 640, 1), 224), seen(picture(1000, 300, 2), 224)])
        if kind == "hf":
            image = net.visual_projection(net.vision_model(pixel_values=images).pooler_output)
            ids = tokens(77)
            ids = torch.where(torch.cumsum((ids == 49407).int(), 1) > 0, 49407, ids)
            text = net.text_projection(net.text_model(input_ids=ids).pooler_output)
        else:
            image, text = net.encode_image(images), net.encode_text(tokens(77))
        unit = lambda x: (x / x.norm(dim=-1, keepdim=True)).numpy().astype("<f4")
        unit(image).tofile(os.path.join(folder, f"{name}_image.f32"))
        unit(text).tofile(os.path.join(folder, f"{name}_text.f32"))
        print(name, "done", flush=True)
        del net, made


if __name__ == "__main__":
    if sys.argv[1:2] == ["full"]:
        full(sys.argv[2])
    else:
        heads()
        preprocess()
        towers()
