#!/usr/bin/env python3
"""lora.py OUT.safetensors

Reference numbers for every form a LoRA can have: what LyCORIS (lycoris-lora) and PEFT (peft) make of a small weight.
Each case holds CASE/base, CASE/lora/ENDING (the tensors as a file has them), and CASE/want/STRENGTH.

A layer's weight is found by asking the layer: unit vectors in, columns of the weight out, in 64 bit. Nothing of their
own merging code is used, except for PEFT, whose merged layer is asked.

Needs: torch, numpy, safetensors, lycoris-lora 4.1, peft 0.21.
"""
import copy, sys
import numpy as np
import torch
from torch import nn
from safetensors.numpy import save_file
from lycoris.modules.boft import ButterflyOFTModule
from lycoris.modules.diag_oft import DiagOFTModule
from lycoris.modules.glora import GLoRAModule
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from peft import LoraConfig, get_peft_model

torch.manual_seed(7)
OUT = {}


def half(t):
    """Numbers a 16 bit file holds exactly."""
    return t.detach().to(torch.float16).to(torch.float64)


def layer(kind, o=6, i=8, k=3):
    net = nn.Linear(i, o, bias=False) if kind == 'linear' else nn.Conv2d(i, o, k, bias=False)
    net = net.double()
    net.weight.data = half(torch.randn_like(net.weight) * 0.5)
    return net


def weight_of(forward, like):
    """The weight of a linear layer or an unpadded convolution, by what it does to unit vectors."""
    shape = like.shape
    n = int(np.prod(shape[1:]))
    y = forward(torch.eye(n, dtype=torch.float64).reshape(n, *shape[1:]))
    return y.reshape(n, shape[0]).T.reshape(shape).detach()


def case(name, base, tensors, wants):
    def keep(key, t, dtype):
        OUT[f'{name}/{key}'] = np.ascontiguousarray(t.detach().numpy().astype(dtype))
    keep('base', base, np.float16)
    for ending, t in tensors.items():
        keep('lora/' + ending, torch.as_tensor(t), np.float16)
    for strength, want in wants.items():
        keep(f'want/{strength}', want, np.float32)


STRENGTHS = (1.0, 0.6, -0.75)


def lycoris(name, cls, kind, alpha, size=None, dora_lerp=False, save_alpha=True, **kw):
    net = layer(kind, **(size or {}))
    base = net.weight.detach().clone()
    # LyCORIS inverts in 32 bit, whatever the rest is in.
    real = torch.float32 if cls in (DiagOFTModule, ButterflyOFTModule) else torch.float64
    net = net.to(real)
    module = cls('x', copy.deepcopy(net), 1.0, alpha=alpha, **kw).to(real)
    for p, t in list(module.named_parameters()):
        if p.startswith('org'):
            continue
        spread = 0.1 if 'oft_blocks' in p else 0.5
        t.data = half(torch.randn_like(t) * spread + (1.0 if p == 'rescale' else 0.0)).to(real)
        if p == 'dora_scale':
            t.data = half(torch.rand_like(t) + 0.5).to(real)
    tensors = {n: t for n, t in module.custom_state_dict().items()} if hasattr(module, 'custom_state_dict') and module.custom_state_dict() else {}
    if not tensors:
        tensors = {n: dict(module.named_parameters()).get(n, dict(module.named_buffers()).get(n)) for n in cls.weight_list}
        tensors = {n: t for n, t in tensors.items() if t is not None}
    tensors = {n: half(t.double()) for n, t in tensors.items()}
    if not save_alpha:
        tensors.pop('alpha', None)

    def at(strength):
        module.multiplier = strength
        return weight_of(lambda x: module(x.to(real)).double(), base)
    wants = {s: at(s) for s in STRENGTHS}
    if dora_lerp:
        # Between the weight as it was and as it becomes: at a strength of zero nothing changes.
        wants = {s: base + s * (wants[1.0] - base) for s in STRENGTHS}
    case(name, base, tensors, wants)


def forms():
    lycoris('lora_linear', LoConModule, 'linear', 3.0, lora_dim=4)
    lycoris('lora_linear_rank_5', LoConModule, 'linear', 2.0, lora_dim=5, size=dict(o=7, i=11))
    lycoris('lora_no_alpha', LoConModule, 'linear', 4.0, lora_dim=4, save_alpha=False)
    lycoris('lora_conv', LoConModule, 'conv', 2.0, lora_dim=4)
    lycoris('lora_conv_1x1', LoConModule, 'conv', 2.0, lora_dim=2, size=dict(k=1))
    lycoris('locon_tucker', LoConModule, 'conv', 2.0, lora_dim=3, use_tucker=True)
    for out in (True, False):
        side = 'rows' if out else 'columns'
        for kind in ('linear', 'conv'):
            lycoris(f'dora_{kind}_{side}', LoConModule, kind, 2.0, lora_dim=4, weight_decompose=True, wd_on_out=out,
                    dora_lerp=True, size=dict(o=6, i=6) if kind == 'linear' else None)
    lycoris('loha_linear', LohaModule, 'linear', 2.0, lora_dim=4)
    lycoris('loha_conv', LohaModule, 'conv', 2.0, lora_dim=3)
    lycoris('loha_tucker', LohaModule, 'conv', 2.0, lora_dim=3, use_tucker=True)
    lycoris('loha_dora', LohaModule, 'linear', 2.0, lora_dim=4, weight_decompose=True, dora_lerp=True)
    big = dict(o=12, i=8)
    lycoris('lokr_whole', LokrModule, 'linear', 1.0, lora_dim=100, factor=2, size=big)
    lycoris('lokr_linear', LokrModule, 'linear', 1.5, lora_dim=2, factor=2, size=big)
    lycoris('lokr_both', LokrModule, 'linear', 1.5, lora_dim=1, factor=-1, decompose_both=True, size=dict(o=16, i=16))
    lycoris('lokr_conv', LokrModule, 'conv', 1.5, lora_dim=2, factor=2, size=big)
    lycoris('lokr_conv_whole', LokrModule, 'conv', 1.5, lora_dim=100, factor=2)
    lycoris('lokr_tucker', LokrModule, 'conv', 1.5, lora_dim=2, factor=2, use_tucker=True, size=big)
    lycoris('lokr_dora', LokrModule, 'linear', 1.5, lora_dim=2, factor=2, weight_decompose=True, dora_lerp=True, size=big)
    lycoris('glora_linear', GLoRAModule, 'linear', 2.0, lora_dim=3)
    lycoris('glora_conv', GLoRAModule, 'conv', 2.0, lora_dim=3)
    lycoris('oft_linear', DiagOFTModule, 'linear', 1, lora_dim=3, size=big)
    lycoris('oft_conv', DiagOFTModule, 'conv', 1, lora_dim=2)
    lycoris('oft_bound', DiagOFTModule, 'linear', 1, lora_dim=3, constraint=0.0625, size=big)
    lycoris('boft_linear', ButterflyOFTModule, 'linear', 1, lora_dim=2, size=dict(o=8, i=5))
    lycoris('boft_conv', ButterflyOFTModule, 'conv', 1, lora_dim=4, size=dict(o=16, i=2))
    # With factors for the rows the strength reaches them too; LyCORIS keeps them whole, so only a strength of one is held.
    global STRENGTHS
    all_, STRENGTHS = STRENGTHS, (1.0,)
    lycoris('oft_rescaled', DiagOFTModule, 'linear', 1, lora_dim=3, rescaled=True, size=big)
    lycoris('boft_rescaled', ButterflyOFTModule, 'linear', 1, lora_dim=2, rescaled=True, size=dict(o=8, i=5))
    STRENGTHS = all_


def peft(name, kind, dora):
    net = nn.Sequential(layer(kind, o=6, i=6))
    base = net[0].weight.detach().clone()
    model = get_peft_model(copy.deepcopy(net), LoraConfig(r=4, lora_alpha=4, target_modules=['0'], use_dora=dora, init_lora_weights=False)).double()
    tensors = {}
    for n, t in model.named_parameters():
        if 'lora_' not in n:
            continue
        t.data = half(torch.rand_like(t) + 0.5 if 'magnitude' in n else torch.randn_like(t) * 0.5)
        ending = n[n.index('lora_'):]
        tensors[ending.replace('.default', '') if 'magnitude' not in n else 'lora_magnitude_vector'] = t
    merged = model.merge_and_unload()
    want = weight_of(lambda x: merged(x), base)
    case(name, base, tensors, {s: base + s * (want - base) for s in STRENGTHS})


def plain():
    base = half(torch.randn(6, 8))
    diff = half(torch.randn(6, 8))
    case('diff', base, {'diff': diff}, {s: base + s * diff for s in STRENGTHS})
    case('set', base, {'set_weight': diff}, {1.0: diff, 0.6: base + 0.6 * (diff - base)})
    norm, dn = half(torch.randn(6)), half(torch.randn(6))
    case('norm', norm, {'w_norm': dn}, {s: norm + s * dn for s in STRENGTHS})


forms()
for kind in ('linear', 'conv'):
    for dora in (False, True):
        peft(f'peft_{kind}' + ('_dora' if dora else ''), kind, dora)
plain()
save_file(OUT, sys.argv[1])
print(len({n.split('/')[0] for n in OUT}), 'cases', sum(a.nbytes for a in OUT.values()), 'bytes')
