"""Image encoder of NRR: from an image to a feature vector for each of its pixels.

INR section 3.2 asks for "an image encoder" with output H x W x C and cites NeRCo (Yang et al., ICCV 2023), whose encoder
is the ResNet generator of CycleGAN without its last layer: 7x7 convolution, two halvings, nine residual blocks, two
doublings, instance norm, reflected borders.

Differs from the paper:
- `width`, `stride`, `blocks` and `channels` are free. The capacity of this encoder, more than L, decides how well
  tampered pixels can be copied.
- Instance norm after the first convolution forgets how bright and how contrasted the image is (a test shows it), which
  a reconstruction has to know: `norm=None` leaves it out, `norm="instance"` is NeRCo's.
"""

import math

from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST = 8  # pixels a side below which reflected borders do not exist


class ImageEncoder(nn.Module):
    """Full-resolution features. width: channels before the first halving; stride: 1, 2 or 4 pixels per cell where the
    residual blocks work, each halving doubles the channels; blocks: how many residual blocks; channels: C of the output;
    norm: None or 'instance'.
    """

    def __init__(
        self, *, width: int = 64, stride: int = 4, blocks: int = 9, channels: int = 64, norm: str | None = None
    ) -> None:
        super().__init__()
        if stride not in (1, 2, 4):
            raise ValueError(f"stride={stride!r}: expected 1, 2 or 4")
        if min(width, channels) < 1 or blocks < 0:
            raise ValueError(f"expected width and channels >= 1 and blocks >= 0, found {width}, {channels}, {blocks}")
        if norm not in (None, "instance"):
            raise ValueError(f"norm={norm!r}: expected None or 'instance'")
        self.stride, self.channels = stride, channels
        halvings = int(math.log2(stride))
        planes = [width * 2**k for k in range(halvings + 1)]
        self.stem = unit(nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect"), norm)
        self.down = nn.Sequential(*[unit(nn.Conv2d(n, 2 * n, 3, 2, 1), norm) for n in planes[:-1]])
        self.blocks = nn.Sequential(*[ResidualBlock(planes[-1], norm) for _ in range(blocks)])
        up = [nn.ConvTranspose2d(2 * n, n, 3, 2, 1, output_padding=1) for n in reversed(planes[:-1])]
        self.up = nn.Sequential(*[unit(conv, norm) for conv in up])
        self.out = nn.Identity() if channels == width else nn.Conv2d(width, channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """image (B,3,H,W), H and W of at least 8 -> (B,channels,H,W); sides that `stride` does not divide are
        reflected to the right and below, and cut again.
        """
        height, width = image.shape[-2:]
        if image.ndim != 4 or image.shape[1] != 3 or min(height, width) < SMALLEST:
            raise ValueError(
                f"image: expected (B,3,H,W) of at least {SMALLEST} pixels a side, found {tuple(image.shape)}; pad it"
            )
        x = F.pad(image, (0, -width % self.stride, 0, -height % self.stride), mode="reflect")
        x = self.out(self.up(self.blocks(self.down(self.stem(x)))))
        return x[..., :height, :width]


class ResidualBlock(nn.Module):
    """x + conv, norm, ReLU, conv, norm of x, all at the same size."""

    def __init__(self, planes: int, norm: str | None) -> None:
        super().__init__()
        first, second = (nn.Conv2d(planes, planes, 3, padding=1, padding_mode="reflect") for _ in range(2))
        self.body = nn.Sequential(unit(first, norm), second, *normalised(planes, norm))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def unit(conv: nn.Conv2d | nn.ConvTranspose2d, norm: str | None) -> nn.Sequential:
    """Convolution, norm, ReLU."""
    return nn.Sequential(conv, *normalised(conv.out_channels, norm), nn.ReLU(inplace=True))


def normalised(planes: int, norm: str | None) -> list[nn.Module]:
    """The list of normalising layers: one or none."""
    return [nn.InstanceNorm2d(planes)] if norm == "instance" else []
