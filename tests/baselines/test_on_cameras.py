"""Physics on photographs as real cameras wrote them: where they lie beside the project, and skipped where they do not.

A region is told from its surroundings by one trace alone, which is planted in the photograph's own content; every mean is over the
eight photographs of a draw, and must hold in each of three draws.
"""

from functools import cache

import cv2
import numpy as np
import pytest

from imdlib.baselines.cfa1 import CFA1
from imdlib.baselines.ela import ELA
from imdlib.baselines.ivc import IVC
from imdlib.baselines.mca import MCA
from imdlib.baselines.noi import NOI
from imdlib.data.images import load_image
from imdlib.places import REPO
from imdlib.twins import camera
from imdlib.twins.cameras import part
from tests.baselines.made_up import SIDE, developed, found, spliced, traces

PHOTOS = REPO.parent / "shared" / "data" / "CAMERAS" / "photos"
pytestmark = pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"needs {PHOTOS}")
MOSAIC = {"cfa1": CFA1(), "ivc": IVC(), "mca": MCA(steps=40)}
USED = {"cfa1": 8, "ivc": 8, "mca": 2}  # photographs of a draw: MCA learns each of them anew
draws = pytest.mark.parametrize("draw", range(3))


@cache
def photos(draw):
    """2 * SIDE pixels from the middle, on the JPEG grid, of every tenth photograph that has as many, uint8 RGB."""
    wholes = [part(load_image(path)) for path in sorted(PHOTOS.glob("*.jpg"))[draw::10]]
    corners = [[(side - 2 * SIDE) // 2 // 16 * 16 for side in whole.shape[:2]] for whole in wholes]
    return [
        whole[top : top + 2 * SIDE, left : left + 2 * SIDE]
        for whole, (top, left) in zip(wholes, corners)
        if min(top, left) >= 0
    ]


def moved(photo, down=0, right=0):
    """SIDE pixels of a photograph, from that row and column on."""
    return np.ascontiguousarray(photo[down : down + SIDE, right : right + SIDE])


def retaken(photo, shift, cameras, seed=0):
    """A splice of two pictures that simulated cameras take of the photograph, at half its size: without its own traces."""
    small = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    linear = 0.8 * (small / np.float32(255)) ** 2.2
    return spliced(*developed(linear, shift, cameras, np.random.default_rng(seed)))


def mean(detector, images, quality=None):
    """Mean pixel AUC of the region, after a JPEG of that quality if one is given."""
    return found(detector, *(camera.jpeg(image, quality) if quality else image for image in images)).mean()


@draws
def test_ela_finds_what_is_pasted_into_a_picture_that_was_saved_as_jpeg_before(draw):
    fresh = [moved(photo) for photo in photos(draw)]
    old = [camera.jpeg(image, 60) for image in fresh]
    assert mean(ELA(), [spliced(*both) for both in zip(old, fresh)]) > 0.7
    assert (
        mean(ELA(), [spliced(*both) for both in zip(fresh, old)]) < 0.35
    )  # the other way round it ranks the splice lowest


@draws
def test_ela_finds_nothing_where_the_history_is_one_or_a_later_jpeg_covers_it(draw):
    fresh = [moved(photo) for photo in photos(draw)]
    both = [spliced(camera.jpeg(image, 60), image) for image in fresh]
    for images, quality in ((fresh, None), (fresh, 60), (both, 90), (both, 40)):
        assert abs(mean(ELA(), images, quality) - 0.5) < 0.12


@draws
def test_noi_finds_a_noisier_region_and_not_one_among_equal_noise(draw):
    rng, calm = np.random.default_rng(draw), [moved(photo) for photo in photos(draw)]
    loud = [np.clip(image + rng.normal(0, 8, image.shape), 0, 255).round().astype(np.uint8) for image in calm]
    assert mean(NOI(), [spliced(*both) for both in zip(calm, loud)]) > 0.85
    assert mean(NOI(), [spliced(*both) for both in zip(loud, calm)]) < 0.2  # a smoother splice is ranked lowest
    for images in (calm, loud):
        assert abs(mean(NOI(), images) - 0.5) < 0.2  # texture counts as noise


@draws
@pytest.mark.parametrize("name", MOSAIC)
def test_another_lattice_is_found_in_real_content_when_no_jpeg_came_after(name, draw):
    used = photos(draw)[: USED[name]]
    there = [retaken(photo, (1, 0), (0, 0)) for photo in used]
    absent = [retaken(photo, (0, 0), (0, 0)) for photo in used]
    assert mean(MOSAIC[name], there) > 0.9
    assert abs(mean(MOSAIC[name], absent) - 0.5) < 0.25
    assert mean(MOSAIC[name], there, quality=70) < 0.8


@pytest.mark.parametrize("name", ("cfa1", "ivc"))
def test_the_lattice_in_cameras_own_files_is_hardly_seen(name):
    """A region moved by one row: what a sure sign is in a raw development, most cameras' JPEG has nearly erased (a finding)."""
    every = [photo for draw in range(3) for photo in photos(draw)]
    odd = mean(MOSAIC[name], [spliced(moved(photo), moved(photo, 1)) for photo in every])
    even = mean(MOSAIC[name], [spliced(moved(photo), moved(photo, 2, 2)) for photo in every])
    assert even + 0.04 < odd < 0.8 and abs(even - 0.5) < 0.12


def test_mca_still_sees_the_lattice_of_some_cameras_own_files():
    """As above; it learns each photograph's own traces: some near 1, others at 0.5."""
    some = [photo for draw in range(3) for photo in photos(draw)[:2]]
    odd = mean(MOSAIC["mca"], [spliced(moved(photo), moved(photo, 1)) for photo in some])
    even = mean(MOSAIC["mca"], [spliced(moved(photo), moved(photo, 2, 2)) for photo in some])
    assert odd > max(0.6, even + 0.15) and even < 0.6


@draws
def test_camera_traces_find_another_simulated_camera_in_real_content(draw):
    there = [retaken(photo, (0, 0), cameras) for photo in photos(draw) for cameras in ((0, 5), (5, 0))]
    absent = [retaken(photo, (0, 0), (number, number)) for photo in photos(draw) for number in (0, 5)]
    assert mean(traces(), there) > 0.7
    assert abs(mean(traces(), absent) - 0.5) < 0.2 and mean(traces(), there, quality=20) < 0.65
