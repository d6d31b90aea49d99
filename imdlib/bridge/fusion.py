"""What the classifier makes of the discrepancies, and the classifier of Eq. 8 that sees nothing else.

Bridging section 3.3, equation 8.

Differs from the paper: the form of N_C is not stated; here logarithm, linear layer, GELU, linear layer. Squared differences
span decades, and their size is what tells real images (both small) from fakes: `scale="layernorm"` would keep only the
ratios between them, `scale="none"` is Eq. 8 as printed.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCALES = ("log", "layernorm", "none")


class DiscEmbedding(nn.Module):
    """Vector of Eq. 8 (B,width), not negative -> (B,dim)."""

    def __init__(self, width: int, dim: int = 384, *, scale: str = "log") -> None:
        super().__init__()
        if scale not in SCALES:
            raise ValueError(f"scale={scale!r}: expected one of {SCALES}")
        self.scale = scale
        self.norm = nn.LayerNorm(width) if scale == "layernorm" else None
        self.project = nn.Linear(width, dim)

    def forward(self, disc: Tensor) -> Tensor:
        with torch.autocast(disc.device.type, enabled=False):
            disc = disc.float()
            if self.scale == "log":
                disc = torch.log1p(disc)
            elif self.scale == "layernorm":
                disc = self.norm(disc)
            return F.gelu(self.project(disc))


class DiscClassifier(nn.Module):
    """Eq. 8 alone: the discrepancies -> dict of logits (B,3) and features (B,dim); the image is not looked at."""

    def __init__(self, disc_width: int = 6, *, dim: int = 384, num_classes: int = 3, scale: str = "log") -> None:
        super().__init__()
        self.disc = DiscEmbedding(disc_width, dim, scale=scale)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, image: Tensor | None, disc: Tensor) -> dict[str, Tensor]:
        """image: ignored, may be None; disc (B,disc_width)."""
        features = self.disc(disc)
        return {"logits": self.head(features).float(), "features": features}
