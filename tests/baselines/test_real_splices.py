"""What the classic detectors see in splices of photographs as cameras wrote them: findings, held so that nobody claims more.

A region of another camera's photograph (`other`) against the same region filled from elsewhere in the photograph itself (`own`), with
the same mask, blending and JPEG grid: what both show is another content, and no other camera. One tile of 24 photographs. MCA is
left out, which takes as long as all of them together.
"""

from functools import cache

import numpy as np
import pytest

from imdlib.baselines.cfa1 import CFA1
from imdlib.baselines.ela import ELA
from imdlib.baselines.ivc import IVC
from imdlib.baselines.noi import NOI
from imdlib.data.images import load_image
from imdlib.places import REPO
from imdlib.twins import camera, cameras
from tests.baselines.made_up import found, traces

PHOTOS = REPO.parent / "shared" / "data" / "CAMERAS" / "photos"
pytestmark = pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"needs {PHOTOS}")
BLIND = {"ela": ELA(), "noi": NOI(), "cfa1": CFA1(), "ivc": IVC()}


@cache
def splices():
    """(other, own, mask) of the first tile of 24 photographs, eight of each of three draws; donors are the others of a draw."""
    made = []
    for draw in range(3):
        files = sorted(PHOTOS.glob("*.jpg"))[draw::10]
        photos = [cameras.Photo(file.stem, file.stem, cameras.part(load_image(file))) for file in files]
        for number, photo in enumerate(photos):
            tile = np.ascontiguousarray(cameras.window(photo, *cameras.tiles(photo)[0]))
            donors = [one for one in photos if one is not photo]
            other, mask, _ = cameras.splice(tile, donors, np.random.default_rng([draw, number]))
            own, same, _ = cameras.splice(tile, [photo], np.random.default_rng([draw, number]))
            assert np.array_equal(mask, same)
            made.append((other, own, mask > 0))
    return made


def means(detector, quality=None):
    """Mean pixel AUC of other and of own."""
    saved = (lambda image: camera.jpeg(image, quality)) if quality else np.asarray
    both = [found(detector, saved(other), mask=mask) for other, _, mask in splices()]
    alone = [found(detector, saved(own), mask=mask) for _, own, mask in splices()]
    return np.mean(both), np.mean(alone)


@pytest.mark.parametrize("name", BLIND)
def test_of_real_splices_the_formulas_see_hardly_more_than_other_content(name):
    for quality in (None, 90):
        other, own = means(BLIND[name], quality)
        assert 0.4 < other < 0.7 and other - own < 0.15


def test_camera_traces_see_other_cameras_and_other_content_alike():
    """Trained on simulated cameras alone they name real splices well above chance, and much of it is content, not the camera."""
    for quality in (None, 90):
        other, own = means(traces(), quality)
        assert other > 0.7 and 0.55 < own < other - 0.05
