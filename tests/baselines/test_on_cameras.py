"""Physics on photographs as real cameras wrote them: where they lie beside the project, and skipped where they do not."""

import numpy as np
import pytest
import torch
from PIL import Image

from imdlib.baselines.ela import ELA
from imdlib.baselines.noi import NOI
from imdlib.places import REPO
from imdlib.scoring import metrics
from imdlib.twins import camera

PHOTOS = REPO.parent / "shared" / "data" / "CAMERAS" / "photos"
pytestmark = pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"needs {PHOTOS}")
INSIDE = np.zeros((256, 256), bool)
INSIDE[64:192, 64:192] = True


def photos():
    """The upper left 256 pixels of every tenth photograph, (256,256,3) uint8."""
    return [np.array(Image.open(path).convert("RGB"))[:256, :256] for path in sorted(PHOTOS.glob("*.jpg"))[::10]]


def areas(detector, images):
    """Mean pixel AUC of INSIDE."""
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        return np.mean([metrics.auc(one[0].numpy(), INSIDE) for one in detector(batch)["map"]])


def inside(images, change):
    """What `change` makes of each image, inside the region alone."""
    return [np.where(INSIDE[..., None], change(image), image) for image in images]


def test_ela_finds_what_was_saved_as_jpeg_before():
    untouched = photos()
    plain = areas(ELA(), untouched)
    resaved = areas(ELA(), inside(untouched, lambda image: camera.jpeg(image, 60)))
    lost = areas(ELA(), [camera.jpeg(image, 40) for image in inside(untouched, lambda image: camera.jpeg(image, 60))])
    assert resaved < plain - 0.15  # what lost its detail once changes less
    assert abs(lost - plain) < 0.1


def test_noi_finds_added_noise():
    rng, untouched = np.random.default_rng(0), photos()
    noisy = inside(untouched, lambda image: np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8))
    assert areas(NOI(), noisy) > areas(NOI(), untouched) + 0.15
