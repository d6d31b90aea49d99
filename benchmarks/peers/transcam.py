"""Attention of TransCAM's released Conformer (github.com/liruiwen/TransCAM, network/conformer.py, Attention), from its formula.

The release writes the product of queries and keys out and hands the weights of every block on, in training, too. Everything else in it is
what `imdlib.bridge.conformer` does, so that the peer is that network, with the same weights, whose blocks attend in this way.
"""

import copy

from torch import Tensor, nn


class Explicit(nn.Module):
    """Multi-head attention with its weights written out and kept in `weights`, on the layers of a timm attention."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.qkv, self.proj = attention.qkv, attention.proj
        self.num_heads, self.scale = attention.num_heads, attention.scale
        self.weights: Tensor | None = None

    def forward(self, x: Tensor, **unused: object) -> Tensor:
        """x (B,N,dim) -> (B,N,dim)."""
        count, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(count, tokens, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        self.weights = (q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1)  # (B,heads,N,N)
        return self.proj((self.weights @ v).transpose(1, 2).reshape(count, tokens, width))


def released(model: nn.Module) -> nn.Module:
    """A copy of a `Conformer` that attends as the release does."""
    model = copy.deepcopy(model)
    for block in (module for module in model.modules() if hasattr(module, "attn")):
        block.attn = Explicit(block.attn)
    return model
