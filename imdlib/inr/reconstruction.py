"""Neural representation reconstruction (NRR): an implicit function, trained on authentic images, that redraws an image.

INR section 3.2, Eq. 1 (pixel = MLP(feature, coordinate)), Eq. 2 (L1 loss), Eq. 3 (positional encoding), section 3.3
(error map), section 4 (three hidden layers, L = 8).

Differs from the paper:
- Not stated and ours: coordinates are pixel centres in [-1,1] of the crop or image at hand, images lie in [0,1], the
  MLP has 256 units per hidden layer and a linear output (as in NeRCo, the work cited).
- Trained on crops and asked for a larger image, it would see coordinates that change more slowly than any that it knows,
  and leave their pattern in the error map. `span` fixes how many pixels they take from -1 to 1; beyond that they go on,
  and Eq. 3 repeats itself without a seam, since all of its waves have a whole number of periods in [-1,1].
- NeRCo's released code subtracts the encoded coordinates from themselves, so that its MLP sees zeros; here they arrive,
  and a test follows the gradient.
- The error map is printed with three channels in the equation and one in the text: the channel mean is the default,
  `channels="each"` the other form. Unscaled it is about 0.001, invisible beside RGB: see `priors.error_scale`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from imdlib.inr.image_encoder import ImageEncoder

IGNORE = 255  # mask value of padding


class NRR(nn.Module):
    """Reconstructs images pixel by pixel from encoder features and encoded coordinates.

    width, stride, blocks, channels, norm: of the `ImageEncoder` (defaults: NeRCo's sizes). frequencies: L of Eq. 3, 0 = no
    encoded coordinates; raw: add the coordinates themselves. span: pixels in which coordinates go from -1 to 1, None = the
    sides of the image. hidden: units of the MLP's hidden layers. chunk: pixels that go through the MLP at once when no
    gradient is needed.
    """

    def __init__(
        self,
        *,
        width: int = 64,
        stride: int = 4,
        blocks: int = 9,
        channels: int = 64,
        norm: str | None = None,
        frequencies: int = 8,
        raw: bool = False,
        span: int | None = None,
        hidden: Sequence[int] = (256, 256, 256),
        chunk: int = 2**16,
    ) -> None:
        super().__init__()
        self.frequencies, self.raw, self.span, self.chunk = frequencies, raw, span, chunk
        self.encoder = ImageEncoder(width=width, stride=stride, blocks=blocks, channels=channels, norm=norm)
        sizes = [channels + 4 * frequencies + 2 * raw, *hidden]
        layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.ReLU(inplace=True))]
        self.mlp = nn.Sequential(*layers, nn.Linear(sizes[-1], 3))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) in [0,1], H and W of at least 8 -> dict of image, and reconstruction (B,3,H,W), not clamped."""
        return {"image": image, "reconstruction": self.reconstruct(image)}

    def reconstruct(self, image: Tensor) -> Tensor:
        """INR Eq. 1: image (B,3,H,W) in [0,1] -> reconstruction (B,3,H,W), not clamped."""
        features = self.encoder(image).permute(0, 2, 3, 1)  # (B,H,W,C)
        return self.decode(features, pixel_grid(*image.shape[-2:], span=self.span, device=image.device))

    def decode(self, features: Tensor, grid: Tensor) -> Tensor:
        """MLP of features (B,H,W,C) and coordinates (H,W,2) -> (B,3,H,W)."""
        position = positional_encoding(grid, self.frequencies, raw=self.raw).to(features.dtype)
        x = torch.cat([features, position.expand(len(features), *position.shape)], dim=-1).flatten(0, 2)
        parts = [x] if torch.is_grad_enabled() else x.split(self.chunk)
        rgb = torch.cat([self.mlp(part) for part in parts])
        return rgb.view(*features.shape[:3], 3).permute(0, 3, 1, 2)


def pixel_grid(height: int, width: int, *, span: int | None = None, device: torch.device | str | None = None) -> Tensor:
    """Pixel centres (H,W,2), x then y, float32: [-1,1] along both axes, or along the first `span` pixels of each."""
    y, x = ((2 * torch.arange(n, device=device) + 1) / (span or n) - 1 for n in (height, width))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def positional_encoding(x: Tensor, frequencies: int = 8, *, raw: bool = False) -> Tensor:
    """INR Eq. 3: x (...,2) -> (...,4 L) in [-1,1]: sin(2^k pi x), cos(2^k pi x) for k = 0 ... L - 1, both axes each.

    raw: put x itself in front, as NeRF's and NeRCo's code do and Eq. 3 does not.
    """
    angles = (
        x[..., None, :] * (math.pi * 2.0 ** torch.arange(frequencies, device=x.device, dtype=x.dtype))[:, None]
    )  # (...,L,2)
    waves = torch.stack([angles.sin(), angles.cos()], dim=-2).flatten(-3)  # (...,L,2,2) -> (...,4L)
    return torch.cat([x, waves], dim=-1) if raw else waves


def reconstruction_loss(image: Tensor, reconstruction: Tensor, mask: Tensor | None = None) -> Tensor:
    """INR Eq. 2: mean absolute difference per value of two (B,3,H,W), a float32 scalar.

    mask (B,1,H,W): pixels of value 255 (padding) do not count; zero where none is left.
    """
    difference = (image.float() - reconstruction.float()).abs()
    if mask is None:
        return difference.mean()
    known = (mask != IGNORE).to(difference.dtype)
    return (difference * known).sum() / (3 * known.sum()).clamp(min=1)


def nrr_loss(outputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
    """Eq. 2 in the form that `imdlib.train.fit` calls: outputs of `NRR`, mask (B,1,H,W) -> dict with `loss`."""
    return {"loss": reconstruction_loss(outputs["image"], outputs["reconstruction"], mask)}


def error_map(image: Tensor, reconstruction: Tensor, *, channels: str = "mean", scale: float | None = None) -> Tensor:
    """I_E of INR section 3.3, the squared difference of two (B,3,H,W), float32 >= 0 -> (B,1,H,W), the channel mean, or
    (B,3,H,W) with channels='each'. scale: the error that becomes 1, larger ones are cut off there; None = as it is.
    """
    if channels not in ("mean", "each"):
        raise ValueError(f"channels={channels!r}: expected 'mean' or 'each'")
    error = (reconstruction.float() - image.float()) ** 2
    error = error.mean(dim=1, keepdim=True) if channels == "mean" else error
    return error if scale is None else (error / scale).clamp(max=1)


def psnr(image: Tensor, reconstruction: Tensor, where: Tensor | None = None) -> Tensor:
    """Peak signal-to-noise ratio of images (B,3,H,W) in [0,1], in dB -> (B,); infinite where they are equal.

    where (B,1,H,W) bool: the pixels that count, None = all; NaN for an image without any.
    """
    error = error_map(image, reconstruction)
    where = torch.ones_like(error) if where is None else where.to(error.dtype)
    return -10 * torch.log10((error * where).sum((1, 2, 3)) / where.sum((1, 2, 3)))
