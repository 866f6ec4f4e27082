"""Reference results for the UNet: small configurations of every family, run by diffusers in 32 bit.

    python unet.py            writes unet.json and unet.f32 beside this file
"""
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.embeddings import get_timestep_embedding

from common import Reference, normal

RESNET = [("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"), ("norm2", "out_layers.0"),
          ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection")]


def modules(config):
    """[(name in diffusers, name in original files)] of the modules of a UNet."""
    per = config["layers_per_block"]
    levels = len(config["block_out_channels"])
    pairs = [("conv_in", "input_blocks.0.0"), ("time_embedding.linear_1", "time_embed.0"), ("time_embedding.linear_2", "time_embed.2"),
             ("add_embedding.linear_1", "label_emb.0.0"), ("add_embedding.linear_2", "label_emb.0.2"),
             ("conv_norm_out", "out.0"), ("conv_out", "out.2"),
             ("mid_block.resnets.0", "middle_block.0"), ("mid_block.attentions.0", "middle_block.1"), ("mid_block.resnets.1", "middle_block.2")]
    for i in range(levels):
        for j in range(per):
            n = 1 + i * (per + 1) + j
            pairs += [(f"down_blocks.{i}.resnets.{j}", f"input_blocks.{n}.0"), (f"down_blocks.{i}.attentions.{j}", f"input_blocks.{n}.1")]
        pairs.append((f"down_blocks.{i}.downsamplers.0.conv", f"input_blocks.{(i + 1) * (per + 1)}.0.op"))
        for j in range(per + 1):
            n = i * (per + 1) + j
            pairs += [(f"up_blocks.{i}.resnets.{j}", f"output_blocks.{n}.0"), (f"up_blocks.{i}.attentions.{j}", f"output_blocks.{n}.1")]
        at = 2 if "CrossAttn" in config["up_block_types"][i] else 1
        pairs.append((f"up_blocks.{i}.upsamplers.0.conv", f"output_blocks.{(i + 1) * (per + 1) - 1}.{at}.conv"))
    return pairs


def original(name, pairs):
    """A parameter's name in original files."""
    for ours, theirs in pairs:
        if name.startswith(ours + "."):
            rest = name[len(ours) + 1:]
            if ".resnets." in ours:
                for a, b in RESNET:
                    if rest.startswith(a + "."):
                        rest = b + rest[len(a):]
                        break
            return f"{theirs}.{rest}"
    raise KeyError(name)


def build(config, adm):
    """A UNet, with a label embedding that takes `y` as it is."""
    extra = {}
    if adm:
        extra = dict(addition_embed_type="text_time", addition_time_embed_dim=1, projection_class_embeddings_input_dim=adm)
    return UNet2DConditionModel(norm_num_groups=config.pop("groups", 32), **config, **extra).eval()


def run(unet, x, t, ctx, y):
    if y is not None:
        unet.get_aug_embed = lambda **_: unet.add_embedding(y)
    with torch.no_grad():
        return unet(x, t, ctx).sample


def kinds(letters, side):
    """"cn": a level with transformers, then one without."""
    return [("CrossAttn" if c == "c" else "") + f"{side}Block2D" for c in letters]


def case(levels, letters, heads, context, per=1, depth=1, linear=False, groups=32, cin=4):
    up = letters[::-1]
    return dict(in_channels=cin, out_channels=4, block_out_channels=levels, layers_per_block=per, attention_head_dim=heads,
                cross_attention_dim=context, down_block_types=kinds(letters, "Down"), up_block_types=kinds(up, "Up"),
                transformer_layers_per_block=depth, use_linear_projection=linear, groups=groups)


CASES = {
    "sd1": (case([32, 64, 96, 96], "cccn", 8, 24), 0),
    "sd1_two": (case([32, 64], "cn", 8, 24, per=2), 0),
    "sd2": (case([64, 128, 128], "ccn", [1, 2, 2], 40, linear=True), 0),
    "sdxl": (case([32, 64, 128], "ncc", [2, 4, 8], 48, depth=[1, 2, 3], linear=True), 40),
    "refiner": (case([48, 96, 192, 192], "nccn", [3, 6, 12, 12], 32, depth=2, linear=True, groups=16), 56),
    "inpaint": (case([16, 32], "cn", 8, 24, groups=16, cin=9), 0),
}
SIZES = [(2, 8, 12), (1, 5, 7), (2, 7, 5)]
TRACED = ["time_embed", "input_blocks.1.0", "input_blocks.1.1", "input_blocks.1.1.norm", "input_blocks.1.1.transformer_blocks.0",
          "input_blocks.1.1.transformer_blocks.0.norm1", "input_blocks.1.1.transformer_blocks.0.attn1.to_q",
          "input_blocks.1.1.transformer_blocks.0.ff.net.0", "input_blocks.2.0", "middle_block.1", "output_blocks.0.0"]


def unets(ref):
    for name, (config, adm) in CASES.items():
        pairs = modules(config)
        unet = build(dict(config), adm)
        names = {original(n, pairs): p for n, p in unet.named_parameters()}
        made = ref.make(name, [(n, p.shape) for n, p in sorted(names.items())])
        with torch.no_grad():
            for n, p in names.items():
                p.copy_(torch.from_numpy(made[n]))
        seen = {}
        hooks = []
        if name == "sd1":
            for n, m in unet.named_modules():
                known = [n.replace(a, b, 1) for a, b in pairs if n == a or n.startswith(a + ".")]
                known = ["time_embed"] if n == "time_embedding" else [k[:-3] if k.endswith(".op") else k for k in known]
                if known and known[0] in TRACED:
                    def note(_m, _i, out, k=known[0]):
                        seen.setdefault(k, out if torch.is_tensor(out) else out[0])
                    hooks.append(m.register_forward_hook(note))
        for n, h, w in SIZES:
            x = torch.from_numpy(normal(f"x_{n}x{h}x{w}", [n, config["in_channels"], h, w], 1.0))
            ctx = torch.from_numpy(normal("context", [n, 9, config["cross_attention_dim"]], 1.0))
            y = torch.from_numpy(normal("y", [n, adm], 1.0)) if adm else None
            out = run(unet, x, torch.tensor([999.0, 261.5][:n]), ctx, y)
            ref.result(f"{name}/{n}x{h}x{w}", out)
            for k, v in seen.items():
                ref.result(f"{name}/{n}x{h}x{w}/{k}", v)
            assert not hooks or len(seen) == len(TRACED), set(TRACED) - set(seen)
            seen.clear()
            for hook in hooks:
                hook.remove()
            hooks = []


def free_u(ref):
    """The paper's two forms, written down with torch's Fourier transforms."""
    def fourier(x, scale):
        f = torch.fft.fftshift(torch.fft.fftn(x, dim=(-2, -1)), dim=(-2, -1))
        mask = torch.ones_like(x)
        cy, cx = x.shape[-2] // 2, x.shape[-1] // 2
        mask[..., max(cy - 1, 0):cy + 1, max(cx - 1, 0):cx + 1] = scale
        return torch.fft.ifftn(torch.fft.ifftshift(f * mask, dim=(-2, -1)), dim=(-2, -1)).real

    for c, b, s in [(16, 1.3, 0.9), (8, 1.4, 0.2), (4, 1.0, 1.0)]:
        for h, w in [(6, 8), (5, 7), (1, 4), (1, 1)]:
            x = torch.from_numpy(normal("free_u/h", [2, c, h, w], 1.0))
            skip = torch.from_numpy(normal("free_u/skip", [2, c // 2, h, w], 1.0))
            for version in (1, 2):
                scale = b
                if version == 2:
                    mean = x.mean(1, keepdim=True)
                    low, high = mean.amin((2, 3), keepdim=True), mean.amax((2, 3), keepdim=True)
                    scale = (b - 1) * torch.nan_to_num((mean - low) / (high - low)) + 1
                y = torch.cat([x[:, :c // 2] * scale, x[:, c // 2:]], 1)
                ref.result(f"free_u{version}/{c}x{h}x{w}/h", y)
                ref.result(f"free_u{version}/{c}x{h}x{w}/skip", fourier(skip, s))


def main():
    torch.set_num_threads(1)
    ref = Reference("unet")
    for dim in (320, 33):
        t = torch.tensor([0.0, 1.0, 261.0, 500.25, 999.0])
        ref.result(f"time/{dim}", get_timestep_embedding(t, dim, flip_sin_to_cos=True, downscale_freq_shift=0))
    unets(ref)
    free_u(ref)
    ref.write()


if __name__ == "__main__":
    main()
