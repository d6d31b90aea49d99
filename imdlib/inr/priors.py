"""What is put beside the image: a predictor of authentic pixels, and the square of what it gets wrong.

INR section 3.3: the frozen NRR's reconstruction I_R feeds the second branch, its error I_E the first. Section 2.1 holds
that fixed high-pass filters serve less well; `Smooth` (the 3x3 mean) and `SRM` (three filters of Fridrich and Kodovsky
2012, as chosen by Zhou et al. 2018) have the same form, so that only the predictor differs in a comparison.

Each maps image (B,3,H,W) in [0,1] to (reconstruction (B,3,H,W), error (B,`channels`,H,W) float32 >= 0), computes in
float32 also inside autocast and has nothing to train.
"""

import hashlib

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.data.batches import ImageSet
from imdlib.inr.reconstruction import NRR, error_map
from imdlib.networks import srm
from imdlib.networks.pixels import residual
from imdlib.networks.waiting import may_look


class FrozenNRR(nn.Module):
    """A trained NRR, never trained again: its weights get no gradient. scale, channels: of `error_map`.

    memory: bytes of reconstructions that are kept for images that come again, as they do in a training whose crops are whole images,
    and in every look at validation images; 0 for none. Not on accelerators, which would have to be waited for.
    """

    def __init__(self, nrr: NRR, *, scale: float | None = None, channels: str = "mean", memory: int = 0) -> None:
        super().__init__()
        self.nrr = nrr.requires_grad_(False).eval()
        self.scale, self.mode = scale, channels
        self.channels = 1 if channels == "mean" else 3
        self.memory, self.kept = memory, {}

    @torch.no_grad()
    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(image.device.type, enabled=False):
            remembers = self.memory and may_look(image)
            reconstruction = (self.recalled if remembers else self.nrr.reconstruct)(image.float())
            return reconstruction, error_map(image, reconstruction, channels=self.mode, scale=self.scale)

    def recalled(self, image: Tensor) -> Tensor:
        """`NRR.reconstruct` of a batch, of which only images that were not seen before are computed, each by itself: what is found does
        not hang on what else was seen, and a run that was killed goes on to the same weights.
        """
        names = [(one.shape, hashlib.blake2b(one.numpy().tobytes(), digest_size=16).digest()) for one in image]
        new = {name: one for name, one in zip(names, image) if name not in self.kept}
        made = {name: self.nrr.reconstruct(one[None])[0] for name, one in new.items()}
        found = torch.stack([made[name] if name in made else self.kept[name] for name in names])
        room = self.memory // (image[0].numel() * image.element_size()) - len(self.kept)
        self.kept |= {name: made[name] for name in [*made][: max(room, 0)]}
        return found


class Smooth(nn.Module):
    """Every pixel predicted by the mean of its 3x3 neighbourhood: the error is the energy of a high-pass residual."""

    channels = 1

    def __init__(self, *, scale: float | None = None) -> None:
        super().__init__()
        self.scale = scale

    @torch.no_grad()
    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        reconstruction = image.float() - residual(image.float())
        return reconstruction, error_map(image, reconstruction, scale=self.scale)


class SRM(nn.Module):
    """Every pixel predicted by three linear filters: one error map each, the reconstruction is their mean prediction."""

    channels = 3

    def __init__(self, *, scale: float | None = None) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("filters", srm.filters(), persistent=False)  # (3,1,5,5)

    @torch.no_grad()
    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(image.device.type, enabled=False):
            x = F.pad(image.float(), (2, 2, 2, 2), mode="replicate").flatten(0, 1)[:, None]  # (3B,1,H+4,W+4)
            filtered = F.conv2d(x, self.filters).unflatten(0, (-1, 3))  # (B,RGB,filter,H,W)
            error = filtered.pow(2).mean(dim=1)
            error = error if self.scale is None else (error / self.scale).clamp(max=1)
            return image + filtered.mean(dim=2), error


def error_scale(prior: nn.Module, images: ImageSet, *, share: float = 0.99, count: int = 200) -> float:
    """The `share` quantile of a prior's unscaled errors over the first `count` images: a float > 0 to set `scale` to.

    images: ImageSet of authentic training images; every image weighs the same, whatever its size.
    """
    if prior.scale is not None:
        raise ValueError(f"the prior already has scale={prior.scale}: measure the errors of one with scale=None")
    device = next((tensor.device for tensor in prior.state_dict().values()), torch.device("cpu"))
    grid = np.linspace(0, 1, 1001)
    samples = (image for _, (image, _) in zip(range(count), images.samples()))
    errors = [prior(image[None].to(device).float() / 255)[1].cpu().numpy() for image in samples]
    scale = float(np.quantile(np.stack([np.quantile(error, grid) for error in errors]), share))
    if scale <= 0:
        raise ValueError("every error is zero: the prior copies its input; use one with fewer channels or a stride")
    return scale
