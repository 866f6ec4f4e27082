"""Results of transformers' CLIP text encoder for `tests/clip_text.rs`: small ones, with made-up weights.

    python clip_text.py            writes clip_text.json and clip_text.f32
    python clip_text.py full DIR   writes full-size weights and results (H and G) into DIR for `examples/full_text_vae`

Needs torch, transformers, numpy (and safetensors for `full`).
"""
import os
import sys

import numpy as np
import torch
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from common import Reference, normal, usual

torch.set_grad_enabled(False)
OPEN = [  # OpenCLIP's name below a layer, Hugging Face's, its sides
    ("ln_1", "layer_norm1", "w"), ("attn.out_proj", "self_attn.out_proj", "ww"), ("ln_2", "layer_norm2", "w"),
    ("mlp.c_fc", "mlp.fc1", "iw"), ("mlp.c_proj", "mlp.fc2", "wi"),
]


def rule(name, shape):
    if "embedding" in name:
        return (0.1 if "position" in name else 0.5, 0.0)
    if name == "text_projection":
        return (shape[0] ** -0.5, 0.0)
    if name.endswith("in_proj_bias"):
        return (0.1, 0.0)
    # Queries and keys that prefer some tokens over others.
    if any(p in name for p in ("q_proj.weight", "k_proj.weight", "in_proj_weight")):
        return (2.0 * shape[1] ** -0.5, 0.0)
    return usual(name, shape)


def hf_shapes(c):
    w, i = c.hidden_size, c.intermediate_size
    yield "text_model.embeddings.token_embedding.weight", [c.vocab_size, w]
    yield "text_model.embeddings.position_embedding.weight", [c.max_position_embeddings, w]
    for n in range(c.num_hidden_layers):
        at = f"text_model.encoder.layers.{n}."
        for p in "qkv":
            yield f"{at}self_attn.{p}_proj.weight", [w, w]
            yield f"{at}self_attn.{p}_proj.bias", [w]
        for _, name, sides in OPEN:
            yield f"{at}{name}.weight", [{"w": w, "i": i}[s] for s in sides]
            yield f"{at}{name}.bias", [{"w": w, "i": i}[sides[0]]]
    yield "text_model.final_layer_norm.weight", [w]
    yield "text_model.final_layer_norm.bias", [w]
    yield "text_projection.weight", [c.projection_dim, w]


def open_shapes(c):
    w, i = c.hidden_size, c.intermediate_size
    yield "token_embedding.weight", [c.vocab_size, w]
    yield "positional_embedding", [c.max_position_embeddings, w]
    for n in range(c.num_hidden_layers):
        at = f"transformer.resblocks.{n}."
        yield at + "attn.in_proj_weight", [3 * w, w]
        yield at + "attn.in_proj_bias", [3 * w]
        for name, _, sides in OPEN:
            yield f"{at}{name}.weight", [{"w": w, "i": i}[s] for s in sides]
            yield f"{at}{name}.bias", [{"w": w, "i": i}[sides[0]]]
    yield "ln_final.weight", [w]
    yield "ln_final.bias", [w]
    yield "text_projection", [w, c.projection_dim]


def to_hf(weights, layers):
    """OpenCLIP's names to Hugging Face's."""
    take = dict(weights)
    out = {
        "text_model.embeddings.token_embedding.weight": take.pop("token_embedding.weight"),
        "text_model.embeddings.position_embedding.weight": take.pop("positional_embedding"),
        "text_projection.weight": take.pop("text_projection").T.copy(),
    }
    for end in ("weight", "bias"):
        out[f"text_model.final_layer_norm.{end}"] = take.pop(f"ln_final.{end}")
        for n in range(layers):
            theirs, ours = f"transformer.resblocks.{n}.", f"text_model.encoder.layers.{n}."
            for p, part in zip("qkv", np.split(take.pop(f"{theirs}attn.in_proj_{end}"), 3)):
                out[f"{ours}self_attn.{p}_proj.{end}"] = part
            for name, hf, _ in OPEN:
                out[f"{ours}{hf}.{end}"] = take.pop(f"{theirs}{name}.{end}")
    assert not take, list(take)
    return out


def model(config, weights):
    net = CLIPTextModelWithProjection(config).eval()
    state = {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in weights.items()}
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert not unexpected and all("position_ids" in m for m in missing), (missing, unexpected)
    return net


def run(net, tokens):
    """Every layer's output without and with the final norm, pooled, projected."""
    text = net.text_model
    seen = []
    hooks = [
        layer.register_forward_hook(lambda m, i, o: seen.append(o[0] if isinstance(o, tuple) else o))
        for layer in text.encoder.layers
    ]
    out = text(input_ids=tokens)
    for hook in hooks:
        hook.remove()
    assert torch.equal(text.final_layer_norm(seen[-1]), out.last_hidden_state)
    return seen, [text.final_layer_norm(x) for x in seen], out.pooler_output, net.text_projection(out.pooler_output)


def windows(config, count):
    """Made-up tokens: a start, some words, an end, and another filling in every window."""
    n, eos = config.max_position_embeddings, config.eos_token_id
    rows = []
    for k in range(count):
        words = [(7 * i * i + 13 * k + 3) % (eos - 2) for i in range(n // 2 - 3 * k)]
        row = [eos - 1] + words + [eos]
        rows.append(row + [eos if k == 0 else 0] * (n - len(row)))
    return torch.tensor(rows)


def small():
    ref = Reference("clip_text")
    for case, act in [("hf_gelu", "gelu"), ("hf_quick", "quick_gelu"), ("open", "gelu")]:
        config = CLIPTextConfig(
            vocab_size=100, hidden_size=128, intermediate_size=256, projection_dim=96, num_hidden_layers=3,
            num_attention_heads=2, max_position_embeddings=20, hidden_act=act, bos_token_id=98, eos_token_id=99,
        )
        made = ref.make(case, list((open_shapes if case == "open" else hf_shapes)(config)), rule)
        net = model(config, to_hf(made, 3) if case == "open" else made)
        plain, normed, pooled, projected = run(net, windows(config, 2))
        for back in (1, 2, 3):
            ref.result(f"{case}/plain-{back}", plain[-back])
            ref.result(f"{case}/normed-{back}", normed[-back])
        ref.result(f"{case}/pooled", pooled)
        ref.result(f"{case}/projected", projected)
        x = torch.from_numpy(normal("block_x", [2, 20, 128], 1.0))
        mask = torch.full((1, 1, 20, 20), float("-inf")).triu(1)
        y = net.text_model.encoder.layers[1](x, attention_mask=mask)
        ref.result(f"{case}/block1", y[0] if isinstance(y, tuple) else y)
        # A vector in a token's place.
        tokens = windows(config, 1)
        table = net.text_model.embeddings.token_embedding
        hook = table.register_forward_hook(
            lambda m, i, o: torch.cat([o[:, :4], torch.from_numpy(normal("vector", [1, 1, 128], 0.5)), o[:, 5:]], 1)
        )
        ref.result(f"{case}/vector", run(net, tokens)[1][-1])
        hook.remove()
    ref.write()


def full(folder):
    from safetensors.numpy import save_file

    os.makedirs(folder, exist_ok=True)
    for name, width, layers, heads in [("h", 1024, 24, 16), ("g", 1280, 32, 20)]:
        config = CLIPTextConfig(
            vocab_size=49408, hidden_size=width, intermediate_size=4 * width, projection_dim=width,
            num_hidden_layers=layers, num_attention_heads=heads, max_position_embeddings=77, hidden_act="gelu",
            bos_token_id=49406, eos_token_id=49407,
        )
        made = {n: normal(f"{name}/{n}", s, *rule(n, list(s))).astype(np.float16) for n, s in open_shapes(config)}
        save_file(made, os.path.join(folder, f"open_{name}.safetensors"))
        net = model(config, {k: v.astype(np.float32) for k, v in to_hf(made, layers).items()})
        tokens = windows(config, 2)
        plain, normed, pooled, projected = run(net, tokens)
        save = lambda what, a: np.save(os.path.join(folder, f"open_{name}_{what}.npy"), a.numpy().astype(np.float32))
        save("tokens", tokens)
        save("plain-2", plain[-2])
        save("normed-1", normed[-1])
        save("pooled", pooled)
        save("projected", projected)
        print(name, "done")
        del net, made


if __name__ == "__main__":
    full(sys.argv[2]) if sys.argv[1:2] == ["full"] else small()
