"""A small CLIP text encoder (names as in transformers' `text_model.*`), and the tokens it reads."""

import torch
import torch.nn.functional as F
from torch import nn

START, END, WINDOW = 49406, 49407, 77


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.layer_norm1 = nn.LayerNorm(width)
        self.self_attn = nn.Module()
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self.self_attn, name, nn.Linear(width, width))
        self.layer_norm2 = nn.LayerNorm(width)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(width, 4 * width)
        self.mlp.fc2 = nn.Linear(4 * width, width)

    def forward(self, x, causal=True):
        b, n, w = x.shape
        h, a = self.layer_norm1(x), self.self_attn
        q, k, v = (f(h).reshape(b, n, self.heads, w // self.heads).transpose(1, 2) for f in (a.q_proj, a.k_proj, a.v_proj))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        x = x + a.out_proj(y.transpose(1, 2).reshape(b, n, w))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.layer_norm2(x))))


class Text(nn.Module):
    """Token numbers [n, 77] to hidden states [n, 77, width]."""

    def __init__(self, width=64, layers=4, heads=1):
        super().__init__()
        model = self.text_model = nn.Module()
        model.embeddings = nn.Module()
        model.embeddings.token_embedding = nn.Embedding(END + 1, width)
        model.embeddings.position_embedding = nn.Embedding(WINDOW, width)
        model.encoder = nn.Module()
        model.encoder.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        model.final_layer_norm = nn.LayerNorm(width)
        nn.init.normal_(model.embeddings.token_embedding.weight, std=0.05)
        nn.init.normal_(model.embeddings.position_embedding.weight, std=0.02)

    def forward(self, tokens):
        model = self.text_model
        x = model.embeddings.token_embedding(tokens) + model.embeddings.position_embedding.weight[: tokens.shape[1]]
        for layer in model.encoder.layers:
            x = layer(x)
        return model.final_layer_norm(x)


class Tokens:
    """Texts to token numbers, as CLIP does it; every text is cut once."""

    def __init__(self):
        from open_clip import SimpleTokenizer

        self.bpe = SimpleTokenizer()
        self.known = {}

    def one(self, text):
        if text not in self.known:
            self.known[text] = self.bpe.encode(text)[: WINDOW - 2]
        return self.known[text]

    def __call__(self, texts, length=WINDOW):
        out = torch.full((len(texts), length), END, dtype=torch.long)
        for row, text in zip(out, texts):
            ids = [START, *self.one(text)[: length - 2], END]
            row[: len(ids)] = torch.tensor(ids)
        return out
