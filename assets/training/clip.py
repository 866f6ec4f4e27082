"""A small CLIP (names as in transformers' CLIPModel): pictures of 128x128 and texts as vectors of one space."""

import torch
import torch.nn.functional as F
from torch import nn

from text import END, Layer, Text


class Vision(nn.Module):
    def __init__(self, size=128, patch=16, width=128, layers=4):
        super().__init__()
        model = self.vision_model = nn.Module()
        model.embeddings = nn.Module()
        model.embeddings.class_embedding = nn.Parameter(torch.randn(width) * 0.02)
        model.embeddings.patch_embedding = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        model.embeddings.position_embedding = nn.Embedding((size // patch) ** 2 + 1, width)
        model.pre_layrnorm = nn.LayerNorm(width)
        model.encoder = nn.Module()
        model.encoder.layers = nn.ModuleList(Layer(width, width // 64) for _ in range(layers))
        model.post_layernorm = nn.LayerNorm(width)

    def forward(self, x):
        model = self.vision_model
        patches = model.embeddings.patch_embedding(x).flatten(2).transpose(1, 2)
        first = model.embeddings.class_embedding.expand(x.shape[0], 1, -1).to(patches.dtype)
        h = torch.cat([first, patches], 1) + model.embeddings.position_embedding.weight
        h = model.pre_layrnorm(h)
        for layer in model.encoder.layers:
            h = layer(h, causal=False)
        return model.post_layernorm(h[:, 0])


class Clip(nn.Module):
    MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]

    def __init__(self, width=128):
        super().__init__()
        self.vision, self.text = Vision(), Text(width=32, layers=3)
        self.visual_projection = nn.Linear(128, width, bias=False)
        self.text_projection = nn.Linear(32, width, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))

    def pictures(self, x):
        return F.normalize(self.visual_projection(self.vision((x - self.MEAN) / self.STD)).float(), dim=-1)

    def words(self, ids):
        hidden = self.text(ids)
        last = (ids == END).int().argmax(-1)
        return F.normalize(self.text_projection(hidden[torch.arange(len(ids)), last]).float(), dim=-1)

    def published(self):
        """The weights by the names people's files have."""
        all = {}
        for part in (self.vision, self.text):
            all.update(part.state_dict())
        all["visual_projection.weight"] = self.visual_projection.weight
        all["text_projection.weight"] = self.text_projection.weight
        all["logit_scale"] = self.logit_scale
        return {k: v.detach() for k, v in all.items()}
