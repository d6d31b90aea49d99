"""The small transformers of the distillation: teacher and students read a token sequence, generalizers rewrite one.

Bridging sections 3.2, 3.3 and 4.1: four transformer blocks, 384 wide, six heads.

Differs from the paper:
- How a sequence is read out is not stated: a learnable token is put before it and read after a final norm.
- The generalizers' form is not stated: the change they make is added to the features, and their last layer starts at
  zero, so that training begins with the features of real encoders, not with noise.
- No positional embedding of their own: the encoder's tokens carry their places.
"""

import torch
from timm.layers import trunc_normal_
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional as F


class Reader(nn.Module):
    """Teacher or student: tokens (B,T,D) -> logits (B,classes) and the readout they come from, (B,dim)."""

    def __init__(self, features: int, *, dim: int = 384, depth: int = 4, heads: int = 6, classes: int = 3) -> None:
        super().__init__()
        self.project = nn.Linear(features, dim)
        self.readout = nn.Parameter(torch.zeros(1, 1, dim))
        self.blocks = nn.Sequential(*[Block(dim, heads, qkv_bias=True) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)
        self.apply(start)
        trunc_normal_(self.readout, std=0.02)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B,T,D) float -> logits (B,classes), feature (B,dim): the normed readout token."""
        check_tokens(tokens, self.project.in_features)
        x = self.project(tokens)
        x = self.blocks[:-1](torch.cat([self.readout.expand(len(x), -1, -1).to(x.dtype), x], dim=1))  # (B, 1+T, dim)
        feature = self.norm(first_token(self.blocks[-1], x))
        return self.head(feature), feature


def first_token(block: Block, x: Tensor) -> Tensor:
    """What a timm block makes of the first token: (B,N,dim) -> (B,dim), as block(x)[:, 0] without the work on the others.

    All tokens are attended to; queries and the MLP of those that nobody reads afterwards are left out.
    """
    attn, dim = block.attn, x.shape[2]
    normed, heads = block.norm1(x), (attn.num_heads, dim // attn.num_heads)
    weight, bias = attn.qkv.weight.split([dim, 2 * dim]), attn.qkv.bias.split([dim, 2 * dim])
    q = F.linear(normed[:, :1], weight[0], bias[0]).unflatten(2, heads).transpose(1, 2)  # (B,heads,1,dim/heads)
    k, v = F.linear(normed, weight[1], bias[1]).unflatten(2, (2, *heads)).permute(2, 0, 3, 1, 4)
    read = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)  # (B,1,dim)
    x = x[:, :1] + attn.proj(read)
    return (x + block.mlp(block.norm2(x)))[:, 0]


class Generalizer(nn.Module):
    """Tokens in, tokens out: (B,T,D) -> (B,T,D), the identity before training."""

    def __init__(self, features: int, *, dim: int = 384, depth: int = 4, heads: int = 6) -> None:
        super().__init__()
        self.project = nn.Linear(features, dim)
        self.blocks = nn.Sequential(*[Block(dim, heads, qkv_bias=True) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, features)
        self.apply(start)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens (B,T,D) float -> tokens of the same shape."""
        check_tokens(tokens, self.project.in_features)
        if len(tokens) == 0:
            return tokens
        return tokens + self.head(self.norm(self.blocks(self.project(tokens))))


def start(module: nn.Module) -> None:
    """Initial weights as usual for transformers."""
    if isinstance(module, nn.Linear):
        trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def check_tokens(tokens: Tensor, features: int) -> None:
    """Refuse what is no token sequence of the width the network was built for."""
    if tokens.ndim != 3 or tokens.shape[2] != features or not tokens.is_floating_point():
        raise ValueError(
            f"tokens: expected float (B,T,{features}), found {tokens.dtype} {tuple(tokens.shape)}; "
            "build the network for the width of the tower's features, and give cached float16 features as float"
        )
