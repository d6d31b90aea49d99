"""Camera traces: features that tell the embedded cameras apart, and the blocks of an image that do not share the others'.

After Cozzolino and Verdoliva, "Noiseprint: A CNN-based Camera Model Fingerprint" (IEEE TIFS 15, 2020), a row of INR's Table 1, and not
it: Noiseprint was trained on photographs of 70 camera models, which nobody can bundle. Here a network of local
convolutions learns to name the simulated cameras of `imdlib.twins.camera` from patches of training scenes, some of them saved as
JPEG, and its last features are compared within an image: the map is the Mahalanobis distance of each block to the image's own mean.

It sees regions of another camera among those it was trained on; on photographs of real cameras it was trained on none of them.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.cells import filled, spread, stretched
from imdlib.networks.pixels import Pixels
from imdlib.twins import camera
from imdlib.twins.scenes import scene

SIDE, STRIDE = 16, 8  # pixels of a block, and from one to the next
PATCH, SCENE = 48, 160  # pixels a side of a training patch, and of the scene that it is cut from
QUALITIES = (70, 101)  # of the JPEG that half of the patches are saved as
CHANNELS, FEATURES = 16, 12


class CameraTraces(nn.Module):
    """Local features of the camera, their classifier in training, and the map of what is unlike the rest of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = Pixels("rgb+residual")
        sizes = (self.pixels.channels, CHANNELS, CHANNELS)
        layers = [layer for ends in zip(sizes, sizes[1:]) for layer in unit(*ends)]
        self.body = nn.Sequential(*layers, nn.AvgPool2d(2), *unit(CHANNELS, CHANNELS), nn.Conv2d(CHANNELS, FEATURES, 1))
        self.classify = nn.Linear(FEATURES, len(camera.CAMERAS))

    def features(self, image: Tensor) -> Tensor:
        """image (B,3,H,W) float in [0,1] -> features of blocks (B,FEATURES,h,w), STRIDE pixels apart."""
        return F.avg_pool2d(self.body(self.pixels(image)), SIDE // 2, stride=STRIDE // 2)

    def logits(self, image: Tensor) -> Tensor:
        """Logits of each block's camera, (B,h,w,cameras)."""
        return self.classify(self.features(image).permute(0, 2, 3, 1))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1] -> dict of map (B,1,H,W) in [0,1], the block least like its image at 1."""
        border = (SIDE - STRIDE) // 2
        x = F.pad(filled(image.float(), SIDE), (border,) * 4, mode="reflect")
        return {"map": stretched(spread(distance(self.features(x)), STRIDE, image.shape[2:]))}


def unit(inplanes: int, planes: int) -> tuple[nn.Module, ...]:
    """Convolution that keeps the size, batch norm, ReLU."""
    return nn.Conv2d(inplanes, planes, 3, padding=1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(inplace=True)


def distance(features: Tensor) -> Tensor:
    """Mahalanobis distance of each block to its image's mean: (B,D,h,w) -> (B,1,h,w)."""
    x = features.flatten(2)
    x = x - x.mean(2, keepdim=True)
    spread_of = x @ x.transpose(1, 2) / x.shape[2]
    ridge = 0.01 * spread_of.diagonal(dim1=1, dim2=2).mean(1) + 1e-8
    spread_of = spread_of + ridge[:, None, None] * torch.eye(x.shape[1], device=x.device)
    found = (x * torch.linalg.solve(spread_of, x)).sum(1).clamp(min=0).sqrt()
    return found.unflatten(1, features.shape[2:])[:, None]


def trained(*, steps: int = 160, batch: int = 18, seed: int = 0) -> CameraTraces:
    """The network after `steps` steps on patches of the embedded cameras, in evaluation mode; half a minute on one core."""
    rng = np.random.default_rng([seed, 4])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CameraTraces().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=steps)
    for _ in range(steps):
        image, label = patches(batch, rng)
        logits = model.logits(image)
        loss = F.cross_entropy(logits.flatten(0, 2), label.repeat_interleave(logits.shape[1] * logits.shape[2]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def patches(count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Patches of one training scene by all cameras in turn: images (count,3,PATCH,PATCH) float in [0,1], cameras (count,)."""
    linear, images = scene(rng, SCENE, "train"), []
    labels = [k % len(camera.CAMERAS) for k in range(count)]
    for label in labels:
        top, left = rng.integers(SCENE - PATCH + 1, size=2)
        window = linear[top : top + PATCH, left : left + PATCH]
        image = camera.develop(window, camera.CAMERAS[label], rng, compress=bool(rng.integers(2)))
        if rng.integers(2):
            image = camera.jpeg(image, int(rng.integers(*QUALITIES)))
        images.append(torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1))
    return torch.stack(images).float() / 255, torch.tensor(labels)
