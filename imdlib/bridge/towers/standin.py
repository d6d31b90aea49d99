"""A stand-in for CLIP: a small vision transformer that needs no download and knows something of forensic traces.

Bridging section 3.2 needs a frozen feature extractor.

Differs from the paper: this is not CLIP. It was trained, on photographs of simulated scenes alone, to tell which of six
simulated cameras took a crop of 64 x 64 pixels and at which of four JPEG qualities it was saved last; it has never seen
a fake. CLIP's features are those of what an image shows, these are those of how it was made, so nothing measured with
them says how well CLIP would do. It looks at native pixels: resizing to 224, as for CLIP, would wipe out the traces.
"""

from pathlib import Path

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from imdlib.bridge.towers.clip import freeze, weights_digest
from imdlib.progress import interactive
from imdlib.twins import photographs as source
from imdlib.twins.camera import CAMERAS
from imdlib.twins.shipped import load_weights

CROP, PATCH, WIDTH = 64, 16, 192
STEPS, BATCH, SCENES = 800, 64, 150
GAIN = 20.0  # brings the high-pass residual to a standard deviation of about one
WEIGHTS = Path(__file__).with_suffix(".safetensors")


class StandIn(nn.Module):
    """Prepared images (B,3,size,size) float in [0,1] -> tokens (B,1+N,192), class token first; one token per 16 x 16 pixels."""

    def __init__(self, size: int = 128) -> None:
        super().__init__()
        if size % PATCH:
            raise ValueError(f"size={size}: expected a multiple of {PATCH}")
        self.vit = VisionTransformer(
            img_size=CROP,
            patch_size=PATCH,
            in_chans=9,
            num_classes=len(CAMERAS) + len(source.QUALITIES),
            embed_dim=WIDTH,
            depth=4,
            num_heads=6,
            dynamic_img_size=True,
        )
        self.side, self.shape = size, ((size // PATCH) ** 2 + 1, WIDTH)

    @property
    def identity(self) -> str:
        """What the features depend on besides the image."""
        return f"stand-in tokens centre {self.side} {weights_digest(self.vit)}"

    def prepare(self, image: Tensor) -> Tensor:
        """image (3,H,W) uint8 -> its central size x size pixels, float in [0,1]; a smaller image is mirrored at its edges."""
        height, width = image.shape[1:]
        rows, columns = (mirrored(length, self.side) for length in (height, width))
        return image[:, rows][:, :, columns].float() / 255

    def inputs(self, images: Tensor) -> Tensor:
        """RGB, its high-pass residual, and the residual's size, (B,9,H,W): noise shows in the mean of the last."""
        blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        residual = GAIN * (images - blurred)
        return torch.cat([2 * images - 1, residual, residual.abs() - 0.5], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Tokens (B,T,D) after the final norm; images in [0,1] with sides that are multiples of 16."""
        with torch.autocast(images.device.type, enabled=False):
            return self.vit.forward_features(self.inputs(images.float()))

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the camera (B,6) and of the quality (B,4)."""
        return self.vit(self.inputs(images)).split([len(CAMERAS), len(source.QUALITIES)], dim=1)


def mirrored(length: int, side: int) -> Tensor:
    """Indices of the central `side` of `length` pixels (whole JPEG blocks before them), edges mirrored where too few."""
    start = (length - side) // 2 // 8 * 8 if length >= side else -((side - length) // 2)
    index = np.abs(np.arange(start, start + side)) % max(2 * (length - 1), 1)
    return torch.from_numpy(np.minimum(index, 2 * (length - 1) - index))


def stand_in(size: int = 128, *, weights: Path | str = WEIGHTS) -> StandIn:
    """The frozen StandIn for images of `size` pixels, with the shipped weights: the same `identity` on every machine."""
    return freeze(load_weights(StandIn(size), weights))


def crops(scenes: int, split: str, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Crops (N,3,64,64) uint8 of photographs, camera (N,), quality (N,)."""
    pictures, camera, quality = source.photographs(scenes, 3 * CROP, split=split, seed=seed, purpose="stand-in")
    each = (pictures.shape[-1] // CROP) ** 2
    labels = [torch.from_numpy(np.repeat(label, each)) for label in (camera, quality)]
    return torch.from_numpy(source.tiles(pictures, CROP)), *labels


def fit(
    *, seed: int = 0, steps: int = STEPS, scenes: int = SCENES, progress: bool = True
) -> tuple[StandIn, list[float]]:
    """A StandIn trained on crops of the train split, and its losses: cross-entropy on the camera plus that on the quality."""
    (images, camera, quality), losses = crops(scenes, "train", seed), []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tower = StandIn(CROP)
        optim = torch.optim.AdamW(tower.vit.parameters(), 1e-3, weight_decay=0.05)
        rate = torch.optim.lr_scheduler.OneCycleLR(optim, 1e-3, total_steps=steps, pct_start=0.1)
        moving = progress and interactive()
        for _ in tqdm(range(steps), "training the stand-in", unit="step", leave=False, disable=not moving):
            drawn = torch.randint(len(images), (BATCH,))
            by_camera, by_quality = tower.logits(images[drawn].float() / 255)
            loss = F.cross_entropy(by_camera, camera[drawn]) + F.cross_entropy(by_quality, quality[drawn])
            optim.zero_grad()
            loss.backward()
            optim.step()
            rate.step()
            losses.append(loss.item())
    return tower, losses


@torch.no_grad()
def accuracy(tower: StandIn, *, split: str = "test", scenes: int = 30, seed: int = 1) -> dict[str, float]:
    """Share of held-out crops whose camera and whose quality it names, beside chance: dict of four numbers."""
    images, camera, quality = crops(scenes, split, seed)
    parts = [tower.logits(some.float() / 255) for some in images.split(256)]
    by_camera, by_quality = (torch.cat(part).argmax(1) for part in zip(*parts))
    return {
        "camera": (by_camera == camera).double().mean().item(),
        "camera_chance": 1 / len(CAMERAS),
        "quality": (by_quality == quality).double().mean().item(),
        "quality_chance": 1 / len(source.QUALITIES),
    }
