"""The pieces of the Conformer: bottleneck convolutions, and the two bridges between feature map and tokens.

Bridging section 3.4; Peng et al., "Conformer: Local Features Coupling Global Representations" (ICCV 2021).
"""

from functools import partial

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional as F

norm2d, norm1d = partial(nn.BatchNorm2d, eps=1e-6), partial(nn.LayerNorm, eps=1e-6)


class Bottleneck(nn.Module):
    """1x1 down to a quarter, 3x3, 1x1 up, with a residual link; a projected one where `project` says so."""

    def __init__(self, inplanes: int, planes: int, *, stride: int = 1, project: bool = False) -> None:
        super().__init__()
        middle = planes // 4
        self.down = nn.Sequential(nn.Conv2d(inplanes, middle, 1, bias=False), norm2d(middle), nn.ReLU())
        self.spatial = nn.Conv2d(middle, middle, 3, stride, padding=1, bias=False)
        self.norm = norm2d(middle)
        self.up = nn.Sequential(nn.Conv2d(middle, planes, 1, bias=False), norm2d(planes))
        self.link = (
            nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False), norm2d(planes))
            if project
            else nn.Identity()
        )

    def forward(self, x: Tensor, injected: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x (B,inplanes,H,W), injected (B,planes/4,H,W) added before the 3x3 -> (B,planes,h,w), (B,planes/4,h,w)."""
        inner = self.down(x)
        inner = F.relu(self.norm(self.spatial(inner if injected is None else inner + injected)))
        return F.relu(self.up(inner) + self.link(x)), inner


class MapToTokens(nn.Module):
    """Feature map (B,C,H,W) -> tokens (B,N,dim): 1x1 convolution, average pooling, layer norm, GELU."""

    def __init__(self, inplanes: int, dim: int, stride: int) -> None:
        super().__init__()
        self.project, self.pool = nn.Conv2d(inplanes, dim, 1), nn.AvgPool2d(stride)
        self.norm = norm1d(dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.norm(self.pool(self.project(x)).flatten(2).transpose(1, 2)))


class TokensToMap(nn.Module):
    """Tokens (B,N,dim) of an h x w grid -> feature map (B,C,h * stride,w * stride): 1x1, batch norm, ReLU, nearest."""

    def __init__(self, dim: int, planes: int, stride: int) -> None:
        super().__init__()
        self.project, self.norm, self.stride = nn.Conv2d(dim, planes, 1), norm2d(planes), stride

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        x = tokens.transpose(1, 2).unflatten(2, grid)
        return F.interpolate(F.relu(self.norm(self.project(x))), scale_factor=self.stride)


class Coupled(nn.Module):
    """One stage: bottleneck, map to tokens, transformer block, tokens back into a second bottleneck.

    `fuse_project`: the second bottleneck has a projected link (the last stage). The leading tokens that belong to no
    place (class token, discrepancy token) are passed on and, like the others, added to themselves as in the reference.
    """

    def __init__(
        self,
        inplanes: int,
        planes: int,
        *,
        stride: int,
        token_stride: int,
        dim: int,
        heads: int,
        drop_path: float,
        fuse_project: bool = False,
    ) -> None:
        super().__init__()
        self.local = Bottleneck(inplanes, planes, stride=stride, project=inplanes != planes)
        self.to_tokens = MapToTokens(planes // 4, dim, token_stride)
        self.block = Block(dim, heads, qkv_bias=True, drop_path=drop_path)
        self.to_map = TokensToMap(dim, planes // 4, token_stride)
        self.fuse = Bottleneck(planes, planes, project=fuse_project)

    def forward(
        self, x: Tensor, tokens: Tensor, grid: tuple[int, int], leading: int, attention: bool
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """x (B,inplanes,H,W), tokens (B,leading+N,dim) -> the same of the next stage, and its attention map or None."""
        x, inner = self.local(x)
        tokens = tokens + torch.cat([tokens[:, :leading], self.to_tokens(inner)], dim=1)
        weights = attention_map(self.block, tokens, leading) if attention else None
        tokens = self.block(tokens)
        x, _ = self.fuse(x, self.to_map(tokens[:, leading:], grid))
        return x, tokens, weights


def attention_map(block: Block, tokens: Tensor, leading: int) -> Tensor:
    """Attention of a timm block among the tokens that have a place, mean over heads: (B,leading+N,dim) -> (B,N,N).

    Row = who attends. The softmax runs over all tokens, so a row sums to 1 less what the leading ones get.
    """
    attn = block.attn
    with torch.autocast(tokens.device.type, enabled=False):
        q, k, _ = attn.qkv(block.norm1(tokens.float())).unflatten(2, (3, attn.num_heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(2, 3) * attn.scale).softmax(3)  # (B,heads,leading+N,leading+N)
    return weights.mean(1)[:, leading:, leading:]
