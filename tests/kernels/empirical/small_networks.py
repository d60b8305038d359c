"""A GPT and a ResNet that are small and have all that the large ones have."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """Attention and an MLP, each after a layer norm and beside a skip connection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = (h.view(n, t, self.heads, -1).transpose(1, 2) for h in self.qkv(self.norm1(x)).chunk(3, -1))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(n, t, d))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class GPT(nn.Module):
    """The logits of the next word; its positions are a parameter without a layer, and so without a rule."""

    def __init__(self, words: int = 30, length: int = 6, width: int = 16) -> None:
        super().__init__()
        self.embed, self.positions = nn.Embedding(words, width), nn.Parameter(0.1 * torch.randn(length, width))
        self.blocks = nn.Sequential(Block(width, 2), Block(width, 2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.norm(self.blocks(self.embed(ids) + self.positions))[:, -1])


class Residual(nn.Module):
    """Two convolutions with group norms beside a skip connection."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.GroupNorm(2, outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.GroupNorm(2, outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(y + self.skip(x))


def resnet(channels: int = 8, outputs: int = 10) -> nn.Module:
    """For images of 3 channels."""
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.GroupNorm(2, channels), nn.ReLU(),
        Residual(channels, channels, 1), Residual(channels, 2 * channels, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * channels, outputs),
    )  # fmt: skip


def build(name: str) -> tuple[nn.Module, Tensor]:
    """The network and four samples, always the same."""
    torch.manual_seed(0)
    if name == "GPT":
        return GPT().double(), torch.randint(30, (4, 6))
    return resnet().double(), torch.randn(4, 3, 8, 8, dtype=torch.float64)
