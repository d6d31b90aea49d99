"""What networks that look at pixels are given: ImageNet's normalisation and, where asked for, a high-pass residual beside it.

None of the three papers adds the residual. Forensic traces are a few grey levels deep; a small network, trained from
random weights for minutes, finds them sooner where the picture's content is already subtracted.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST = 32  # pixels a side that networks with five halvings need
INPUTS = {"rgb": 3, "rgb+residual": 6}  # name -> channels
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESIDUAL_GAIN = 20.0  # the residual's median standard deviation is 0.046 on CASIA v1 and 0.048 over all the real images


class Pixels(nn.Module):
    """image (B,3,H,W) in [0,1] -> (B,channels,H,W), normalised, with the residual behind it for inputs='rgb+residual'."""

    def __init__(self, inputs: str = "rgb") -> None:
        super().__init__()
        if inputs not in INPUTS:
            raise ValueError(f"inputs={inputs!r}: expected one of {', '.join(INPUTS)}")
        self.inputs, self.channels = inputs, INPUTS[inputs]
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        x = (image - self.mean) / self.std
        return x if self.inputs == "rgb" else torch.cat([x, RESIDUAL_GAIN * residual(image)], dim=1)


def residual(image: Tensor) -> Tensor:
    """High-pass residual: image (B,3,H,W) minus its 3x3 mean, borders replicated -> (B,3,H,W)."""
    x = F.pad(image.contiguous(), (1, 1, 1, 1), mode="replicate")
    # rows, then columns: an eighth of the time of average pooling
    x = (x[..., :-2, :] + x[..., 1:-1, :]).add_(x[..., 2:, :])
    return image - (x[..., :-2] + x[..., 1:-1]).add_(x[..., 2:]).div_(9)


def padded(image: Tensor, smallest: int = SMALLEST) -> Tensor:
    """Images (B,C,H,W) with no side shorter than `smallest`: smaller ones are continued right and below by their own border."""
    height, width = image.shape[-2:]
    missing = max(0, smallest - width), max(0, smallest - height)
    return F.pad(image, (0, missing[0], 0, missing[1]), mode="replicate") if any(missing) else image
