"""Results of diffusers' AutoencoderKL for `tests/vae.rs`: small ones, with made-up weights under the original names.

    python vae.py        writes vae.json and vae.f32

Needs torch, diffusers, numpy.
"""
import numpy as np
import torch
from diffusers import AutoencoderKL

from common import Reference, normal, usual

torch.set_grad_enabled(False)


def original(name, levels):
    """diffusers' name to the original one."""
    end = name.rsplit(".", 1)[1]
    name = name.removesuffix("." + end)
    p = name.split(".")
    attention = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
    if p[0] in ("quant_conv", "post_quant_conv"):
        to = name
    elif p[1] == "conv_norm_out":
        to = f"{p[0]}.norm_out"
    elif p[1] == "mid_block":
        if p[2] == "resnets":
            to = f"{p[0]}.mid.block_{int(p[3]) + 1}.{'.'.join(p[4:])}"
        else:
            to = f"{p[0]}.mid.attn_1.{attention['.'.join(p[4:])]}"
    elif p[1] in ("down_blocks", "up_blocks"):
        kind = p[1].split("_")[0]
        level = int(p[2]) if kind == "down" else levels - 1 - int(p[2])
        if p[3] == "resnets":
            part = {"conv_shortcut": "nin_shortcut"}.get(p[5], p[5])
            to = f"{p[0]}.{kind}.{level}.block.{p[4]}.{part}"
        elif p[3] == "attentions":
            to = f"{p[0]}.{kind}.{level}.attn.{p[4]}.{attention['.'.join(p[5:])]}"
        else:
            to = f"{p[0]}.{kind}.{level}.{kind}sample.conv"
    else:
        to = name
    return f"{to}.{end}"


def rule(name, shape):
    # Attention that prefers some pixels over others.
    if name.endswith((".q.weight", ".k.weight")):
        return (1.5 * shape[1] ** -0.5, 0.0)
    return usual(name, shape)


def build(ref, case, channels, res_blocks, latent, groups, quant, attn=False):
    up, down = ("AttnUpDecoderBlock2D", "AttnDownEncoderBlock2D") if attn else ("UpDecoderBlock2D", "DownEncoderBlock2D")
    n = len(channels)
    net = AutoencoderKL(
        in_channels=3, out_channels=3, down_block_types=[down] * n, up_block_types=[up] * n, block_out_channels=channels,
        layers_per_block=res_blocks, latent_channels=latent, norm_num_groups=groups, use_quant_conv=quant,
        use_post_quant_conv=quant, mid_block_add_attention=True,
    ).eval()
    if attn:  # One head over all channels, as everywhere in this network.
        for m in net.modules():
            if type(m).__name__ == "Attention":
                m.heads, m.scale = 1, m.to_q.in_features ** -0.5
    state = net.state_dict()
    shapes = []
    for name, value in state.items():
        to = original(name, n)
        shape = list(value.shape)
        if len(shape) == 2:
            shape += [1, 1]
        shapes.append((to, shape))
    made = ref.make(case, shapes, rule)
    net.load_state_dict(
        {name: torch.from_numpy(made[to]).reshape(value.shape) for (to, _), (name, value) in zip(shapes, state.items())}
    )
    return net


def tiled(run, x, tile, overlap, scale):
    """Three passes of tiles, each faded at every edge by a linear ramp, divided by the sum of the fades, averaged."""
    total = 0
    for th, tw in [(tile, tile), (tile // 2, tile * 2), (tile * 2, tile // 2)]:
        out = weight = 0
        h, w = x.shape[2:]
        for y in starts(h, th, overlap):
            for c in starts(w, tw, overlap):
                piece = run(x[:, :, y:y + th, c:c + tw])
                fade = torch.ones(piece.shape[2:], dtype=torch.float64)
                feather = int(overlap * scale)
                for side in (0, 1):
                    if feather < fade.shape[side]:
                        for i in range(feather):
                            for edge in (i, fade.shape[side] - 1 - i):
                                fade.narrow(side, edge, 1).mul_((i + 1) / feather)
                if isinstance(out, int):
                    out = torch.zeros(x.shape[0], piece.shape[1], int(h * scale), int(w * scale), dtype=torch.float64)
                    weight = torch.zeros(out.shape[2:], dtype=torch.float64)
                ys, cs = int(y * scale), int(c * scale)
                place = (slice(ys, ys + piece.shape[2]), slice(cs, cs + piece.shape[3]))
                out[(..., *place)] += piece * fade
                weight[place] += fade
        total = total + out / weight
    return total / 3


def starts(size, tile, overlap):
    if size <= tile:
        return [0]
    return list(range(0, size - overlap, tile - overlap))


def main():
    ref = Reference("vae")
    cases = [
        ("two", [32, 64], 1, 4, 32, True, False),
        ("three", [32, 64, 64], 2, 16, 32, False, False),
        ("groups", [24, 48], 1, 4, 8, True, True),
    ]
    for case, channels, res_blocks, latent, groups, quant, attn in cases:
        net = build(ref, case, channels, res_blocks, latent, groups, quant, attn)
        f = 2 ** (len(channels) - 1)
        for count, h, w in [(1, 5, 7), (2, 8, 4)]:
            z = torch.from_numpy(normal("z", [count, latent, h, w], 1.0))
            ref.result(f"{case}/decode_{h}x{w}", net.decode(z).sample)
            x = torch.from_numpy(normal("x", [count, 3, h * f, w * f], 0.5))
            ref.result(f"{case}/encode_{h * f}x{w * f}", net.encode(x).latent_dist.mode())
        # A picture whose sides are no multiples.
        x = torch.from_numpy(normal("x", [1, 3, 13, 19], 0.5))
        ref.result(f"{case}/encode_13x19", net.encode(x).latent_dist.mode())
        if case != "groups":
            z = torch.from_numpy(normal("z", [1, latent, 20, 26], 1.0))
            ref.result(f"{case}/decode_tiled", tiled(lambda z: net.decode(z).sample, z, 12, 3, f))
            x = torch.from_numpy(normal("x", [2, 3, 64, 96], 0.5))
            ref.result(f"{case}/encode_tiled", tiled(lambda x: net.encode(x).latent_dist.mode(), x, 32, 8, 1 / f))
        c = channels[-1]
        x = torch.from_numpy(normal("block_x", [2, c, 5, 6], 1.0))
        ref.result(f"{case}/resblock", net.decoder.mid_block.resnets[0](x, None))
        ref.result(f"{case}/attention", net.decoder.mid_block.attentions[0](x))
        x = torch.from_numpy(normal("block_x", [1, channels[0], 5, 6], 1.0))
        ref.result(f"{case}/shortcut", net.encoder.down_blocks[1].resnets[0](x, None))
    ref.write()


if __name__ == "__main__":
    main()
