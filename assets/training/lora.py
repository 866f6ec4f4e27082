"""LoRA for the small UNet: trained beside frozen weights, saved by the names kohya's trainer gives."""

import torch
from torch import nn


class Beside(nn.Module):
    """A frozen layer and its low-rank change."""

    def __init__(self, base, rank):
        super().__init__()
        self.base = base
        if isinstance(base, nn.Conv2d):
            same = dict(stride=base.stride, padding=base.padding, bias=False)
            self.down = nn.Conv2d(base.in_channels, rank, base.kernel_size, **same)
            self.up = nn.Conv2d(rank, base.out_channels, 1, bias=False)
        else:
            self.down = nn.Linear(base.in_features, rank, bias=False)
            self.up = nn.Linear(rank, base.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x, *_):
        return self.base(x) + self.up(self.down(x))


def attach(unet, rank):
    """Puts a change beside every layer that sees the picture or the text. Returns them by their original names."""
    unet.requires_grad_(False)
    changes = nn.ModuleDict()
    for name, layer in list(unet.named_modules()):
        if not isinstance(layer, (nn.Linear, nn.Conv2d)) or "emb" in name:
            continue
        parent = unet.get_submodule(name.rsplit(".", 1)[0])
        beside = Beside(layer, min(rank, layer.weight.shape[0]))
        leaf = name.rsplit(".", 1)[1]
        if leaf.isdigit():
            parent[int(leaf)] = beside
        else:
            setattr(parent, leaf, beside)
        changes[name.replace(".", "/")] = beside
    return changes


RES = {
    "in_layers.2": "conv1", "out_layers.3": "conv2", "skip_connection": "conv_shortcut", "emb_layers.1": "time_emb_proj",
}


def published_name(name, levels=2, blocks=1):
    """The original name of a layer as diffusers has it: `input_blocks.3.1.x` is `down_blocks.1.attentions.0.x`."""
    if name == "input_blocks.0.0":
        return "conv_in"
    if name == "out.2":
        return "conv_out"
    parts = name.split(".")
    rest = ".".join(parts[3:])
    if parts[0] == "middle_block":
        rest = ".".join(parts[2:])
        place = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}[parts[1]]
        return f"mid_block.{place}.{RES.get(rest, rest)}"
    at, slot = int(parts[1]), int(parts[2])
    if parts[0] == "input_blocks":
        level, i = divmod(at - 1, blocks + 1)
        if i == blocks:
            return f"down_blocks.{level}.downsamplers.0.conv"
        return f"down_blocks.{level}.{('resnets', 'attentions')[slot]}.{i}.{RES.get(rest, rest)}"
    level, i = divmod(at, blocks + 1)
    if rest == "conv":
        return f"up_blocks.{level}.upsamplers.0.conv"
    return f"up_blocks.{level}.{('resnets', 'attentions')[slot]}.{i}.{RES.get(rest, rest)}"


def published(changes):
    """The tensors of a LoRA file."""
    all = {}
    for name, beside in changes.items():
        flat = "lora_unet_" + published_name(name.replace("/", ".")).replace(".", "_")
        down, up = beside.down.weight.detach(), beside.up.weight.detach()
        all[f"{flat}.lora_down.weight"], all[f"{flat}.lora_up.weight"] = down, up
        all[f"{flat}.alpha"] = torch.tensor(float(down.shape[0]))
    return all
