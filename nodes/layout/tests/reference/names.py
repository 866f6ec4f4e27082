#!/usr/bin/env python3
"""names.py OUT_FOLDER [KEYS_DIR [LORA.safetensors ...]]

Writes the names and shapes of whole models, in the original layout and in the diffusers one, as `NAME.txt`.

The diffusers lists come from diffusers itself (networks on the meta device, nothing is allocated). The original lists
are built here from the original network's constructor loops; diffusers' own single-file converter must then turn them
into exactly the diffusers lists, or this script stops. With KEYS_DIR (keys_sd15.json, keys_sdxl.json: what lies in the
published files) the original lists must also be what the published files hold.

Format: one tree per file, equal branches written once. A line is `#n child=what child=what`; `what` is a shape
(`320x4x3x3`) or another `#n`; `0..3=what` stands for the children 0, 1, 2 and 3. The last line is the root. Names are
taken apart at their dots; those of LoRA files after every dot and underscore, which stay in the pieces.

Needs: torch, diffusers, transformers.
"""
import json, os, re, struct, sys
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint

UNETS = {
    'sd15': dict(cross_attention_dim=768, attention_head_dim=8),
    'sd21': dict(cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True),
    'sdxl': dict(block_out_channels=[320, 640, 1280], cross_attention_dim=2048, attention_head_dim=[5, 10, 20],
                 use_linear_projection=True, transformer_layers_per_block=[1, 2, 10], addition_embed_type='text_time',
                 addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
                 down_block_types=['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
                 up_block_types=['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D']),
    'refiner': dict(block_out_channels=[384, 768, 1536, 1536], cross_attention_dim=1280,
                    attention_head_dim=[6, 12, 24, 24], use_linear_projection=True, transformer_layers_per_block=4,
                    addition_embed_type='text_time', addition_time_embed_dim=256,
                    projection_class_embeddings_input_dim=2560,
                    down_block_types=['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
                    up_block_types=['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D']),
    # Small ones, of shapes no published model has.
    'tiny_one': dict(block_out_channels=[32, 64], layers_per_block=1, cross_attention_dim=32, attention_head_dim=4,
                     norm_num_groups=8, down_block_types=['CrossAttnDownBlock2D', 'DownBlock2D'],
                     up_block_types=['UpBlock2D', 'CrossAttnUpBlock2D']),
    'tiny_deep': dict(block_out_channels=[16, 32, 48], layers_per_block=3, cross_attention_dim=24, in_channels=9,
                      attention_head_dim=4, norm_num_groups=8, use_linear_projection=True,
                      transformer_layers_per_block=[1, 3, 2], addition_embed_type='text_time',
                      addition_time_embed_dim=8, projection_class_embeddings_input_dim=64,
                      down_block_types=['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
                      up_block_types=['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D']),
}
VAES = {
    'vae': dict(block_out_channels=[128, 256, 512, 512], layers_per_block=2, latent_channels=4,
                down_block_types=['DownEncoderBlock2D'] * 4, up_block_types=['UpDecoderBlock2D'] * 4),
    'tiny_vae': dict(block_out_channels=[16, 32, 32], layers_per_block=1, latent_channels=4, norm_num_groups=8,
                     down_block_types=['DownEncoderBlock2D'] * 3, up_block_types=['UpDecoderBlock2D'] * 3),
}


def shapes(net):
    return {n: tuple(t.shape) for n, t in net.state_dict().items()}


def linear(out, name, o, i, bias=True):
    out[name + '.weight'] = (o, i)
    if bias:
        out[name + '.bias'] = (o,)


def conv(out, name, o, i, k=3):
    out[name + '.weight'], out[name + '.bias'] = (o, i, k, k), (o,)


def norm(out, name, c):
    out[name + '.weight'] = out[name + '.bias'] = (c,)


def ldm_unet(cfg):
    """The names of openaimodel.UNetModel, by the loops of its constructor."""
    r = {}
    ch = list(cfg.block_out_channels)
    emb, ctx, n_res = ch[0] * 4, cfg.cross_attention_dim, cfg.layers_per_block
    depth = cfg.transformer_layers_per_block
    depth = [depth] * len(ch) if isinstance(depth, int) else list(depth)
    down = ['Cross' in t for t in cfg.down_block_types]

    def res(name, i, o):
        norm(r, name + '.in_layers.0', i)
        conv(r, name + '.in_layers.2', o, i)
        linear(r, name + '.emb_layers.1', o, emb)
        norm(r, name + '.out_layers.0', o)
        conv(r, name + '.out_layers.3', o, o)
        if i != o:
            conv(r, name + '.skip_connection', o, i, 1)

    def attn(name, c, d):
        norm(r, name + '.norm', c)
        for p in ('proj_in', 'proj_out'):
            if cfg.use_linear_projection:
                linear(r, f'{name}.{p}', c, c)
            else:
                conv(r, f'{name}.{p}', c, c, 1)
        for k in range(d):
            b = f'{name}.transformer_blocks.{k}'
            for a, kv in (('attn1', c), ('attn2', ctx)):
                linear(r, f'{b}.{a}.to_q', c, c, False)
                linear(r, f'{b}.{a}.to_k', c, kv, False)
                linear(r, f'{b}.{a}.to_v', c, kv, False)
                linear(r, f'{b}.{a}.to_out.0', c, c)
            linear(r, f'{b}.ff.net.0.proj', 8 * c, c)
            linear(r, f'{b}.ff.net.2', c, 4 * c)
            for n in ('norm1', 'norm2', 'norm3'):
                norm(r, f'{b}.{n}', c)

    linear(r, 'time_embed.0', emb, ch[0])
    linear(r, 'time_embed.2', emb, emb)
    if cfg.addition_embed_type == 'text_time':
        linear(r, 'label_emb.0.0', emb, cfg.projection_class_embeddings_input_dim)
        linear(r, 'label_emb.0.2', emb, emb)
    conv(r, 'input_blocks.0.0', ch[0], cfg.in_channels)
    skips, c, n = [ch[0]], ch[0], 1
    for lvl, o in enumerate(ch):
        for _ in range(n_res):
            res(f'input_blocks.{n}.0', c, o)
            c = o
            if down[lvl]:
                attn(f'input_blocks.{n}.1', c, depth[lvl])
            skips.append(c)
            n += 1
        if lvl + 1 < len(ch):
            conv(r, f'input_blocks.{n}.0.op', c, c)
            skips.append(c)
            n += 1
    res('middle_block.0', c, c)
    attn('middle_block.1', c, depth[-1])
    res('middle_block.2', c, c)
    n = 0
    for lvl in reversed(range(len(ch))):
        for i in range(n_res + 1):
            res(f'output_blocks.{n}.0', c + skips.pop(), ch[lvl])
            c = ch[lvl]
            j = 1
            if down[lvl]:
                attn(f'output_blocks.{n}.1', c, depth[lvl])
                j = 2
            if lvl and i == n_res:
                conv(r, f'output_blocks.{n}.{j}.conv', c, c)
            n += 1
    norm(r, 'out.0', c)
    conv(r, 'out.2', cfg.out_channels, c)
    return r


def ldm_vae(cfg):
    """The names of the original AutoencoderKL."""
    r = {}
    ch, n_res, z = list(cfg.block_out_channels), cfg.layers_per_block, cfg.latent_channels

    def res(name, i, o):
        norm(r, name + '.norm1', i)
        conv(r, name + '.conv1', o, i)
        norm(r, name + '.norm2', o)
        conv(r, name + '.conv2', o, o)
        if i != o:
            conv(r, name + '.nin_shortcut', o, i, 1)

    def mid(name, c):
        res(name + '.mid.block_1', c, c)
        norm(r, name + '.mid.attn_1.norm', c)
        for p in ('q', 'k', 'v', 'proj_out'):
            conv(r, f'{name}.mid.attn_1.{p}', c, c, 1)
        res(name + '.mid.block_2', c, c)

    conv(r, 'encoder.conv_in', ch[0], 3)
    c = ch[0]
    for lvl, o in enumerate(ch):
        for i in range(n_res):
            res(f'encoder.down.{lvl}.block.{i}', c, o)
            c = o
        if lvl + 1 < len(ch):
            conv(r, f'encoder.down.{lvl}.downsample.conv', c, c)
    mid('encoder', c)
    norm(r, 'encoder.norm_out', c)
    conv(r, 'encoder.conv_out', 2 * z, c)
    conv(r, 'decoder.conv_in', c, z)
    mid('decoder', c)
    for lvl in reversed(range(len(ch))):
        for i in range(n_res + 1):
            res(f'decoder.up.{lvl}.block.{i}', c, ch[lvl])
            c = ch[lvl]
        if lvl:
            conv(r, f'decoder.up.{lvl}.upsample.conv', c, c)
    norm(r, 'decoder.norm_out', c)
    conv(r, 'decoder.conv_out', 3, c)
    conv(r, 'quant_conv', 2 * z, 2 * z, 1)
    conv(r, 'post_quant_conv', z, z, 1)
    return r


def same(what, a, b):
    def flat(d):
        return {n: tuple(x for i, x in enumerate(s) if not (i >= 2 and x == 1)) for n, s in d.items()}
    a, b = flat(a), flat(b)
    odd = sorted(set(a.items()) ^ set(b.items()))
    assert not odd, (what, len(odd), odd[:6])


def write(folder, name, tensors, flat=False):
    root = {}
    for full, shape in tensors.items():
        at = root
        *path, last = re.findall('[^._]*[._]|[^._]+', full) if flat else full.split('.')
        for p in path:
            at = at.setdefault(p, {})
        at[last] = 'x'.join(map(str, shape)) or '-'
    lines, known = [], {}

    def put(node):
        if isinstance(node, str):
            return node
        parts = [(k, put(v)) for k, v in sorted(node.items(), key=lambda kv: (not kv[0].isdigit(), int(kv[0]) if kv[0].isdigit() else 0, kv[0]))]
        merged = []
        for k, v in parts:
            last = merged[-1] if merged else None
            if k.isdigit() and last and last[2] == v and last[1] is not None and int(k) == last[1] + 1:
                merged[-1] = (last[0], int(k), v)
            else:
                merged.append((k, int(k) if k.isdigit() else None, v))
        body = ' '.join(f'{k}={v}' if e is None or str(e) == k else f'{k}..{e}={v}' for k, e, v in merged)
        if body not in known:
            known[body] = f'#{len(known)}'
            lines.append(f'{known[body]} {body}')
        return known[body]

    put(root)
    with open(os.path.join(folder, name + '.txt'), 'w') as f:
        f.write('\n'.join(lines) + '\n')


def main():
    folder = sys.argv[1]
    keys = {a: json.load(open(os.path.join(sys.argv[2], f'keys_{a}.json')))['tensors'] for a in ('sd15', 'sdxl')} if len(sys.argv) > 2 else {}
    os.makedirs(folder, exist_ok=True)
    torch.set_default_device('meta')
    pre = 'model.diffusion_model.'
    for name, kw in UNETS.items():
        net = UNet2DConditionModel(**{'sample_size': 64, **kw})
        theirs, ours = shapes(net), ldm_unet(net.config)
        back = convert_ldm_unet_checkpoint({pre + n: torch.empty(s) for n, s in ours.items()}, dict(net.config))
        same(name, {n: tuple(t.shape) for n, t in back.items()}, theirs)
        if name in keys:
            same(name + ' file', ours, {n[len(pre):]: s for n, s in keys[name].items() if n.startswith(pre)})
        write(folder, f'{name}_unet_original', ours)
        write(folder, f'{name}_unet_diffusers', theirs)
        print(name, len(ours))
    pre = 'first_stage_model.'
    for name, kw in VAES.items():
        net = AutoencoderKL(**kw)
        theirs, ours = shapes(net), ldm_vae(net.config)
        back = convert_ldm_vae_checkpoint({pre + n: torch.empty(s) for n, s in ours.items()}, dict(net.config))
        same(name, {n: tuple(t.shape) for n, t in back.items()}, theirs)
        for a, k in keys.items():
            if name == 'vae':
                same(name + a, ours, {n[len(pre):]: s for n, s in k.items() if n.startswith(pre)})
        write(folder, f'{name}_original', ours)
        write(folder, f'{name}_diffusers', theirs)
        print(name, len(ours))
    for a, k in keys.items():
        write(folder, f'{a}_file', k)
    for path in sys.argv[3:]:
        with open(path, 'rb') as f:
            header = json.loads(f.read(struct.unpack('<Q', f.read(8))[0]))
        write(folder, os.path.basename(path).split('.')[0], {n: t['shape'] for n, t in header.items() if n != '__metadata__'}, flat=True)


if __name__ == '__main__':
    main()
