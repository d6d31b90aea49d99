"""CFA1, IVC and MCA: they find another mosaic, they find nothing where it is the same or JPEG erased it, and each is what it says."""

import numpy as np
import pytest
import torch

from imdlib.baselines import cfa1, ivc, mca
from imdlib.baselines.cfa1 import CFA1
from imdlib.baselines.ivc import IVC
from imdlib.baselines.mca import MCA
from imdlib.twins import camera
from tests.baselines.made_up import found, pair, spliced

ALL = {"cfa1": CFA1(), "ivc": IVC(), "mca": MCA(steps=40)}


@pytest.mark.parametrize("name", ALL)
def test_another_lattice_is_found_and_the_same_is_not(name):
    there = [spliced(*pair((1, 0), (number, number))) for number in (0, 1)]
    absent = [spliced(*pair((0, 0), (number, number))) for number in (0, 1)]
    gone = [camera.jpeg(image, 70) for image in there]
    auc = found(ALL[name], *there, *absent, *gone)
    assert auc[:2].min() > 0.95
    assert abs(auc[2:4].mean() - 0.5) < 0.25 and auc[4:].mean() < 0.8


def test_cfa1_is_blind_to_a_splice_on_the_same_green_lattice():
    both = spliced(*pair((1, 1)))
    cfa, counted = found(ALL["cfa1"], both)[0], found(ALL["ivc"], both)[0]
    assert abs(cfa - 0.5) < 0.3 and counted > 0.95


@pytest.mark.parametrize("name", ALL)
def test_images_of_a_batch_do_not_meet_and_odd_sides_are_taken(name):
    images = torch.rand(2, 3, 51, 66)
    with torch.inference_mode():
        both, alone = ALL[name](images)["map"], ALL[name](images[:1])["map"]
    assert both.shape == (2, 1, 51, 66)
    torch.testing.assert_close(both[:1], alone, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_a_flat_image_gives_a_map_without_a_place(name):
    with torch.inference_mode():
        flat = ALL[name](torch.full((1, 3, 48, 48), 0.5))["map"]
    assert torch.isfinite(flat).all() and flat.std() < 0.05


def test_cfa1_variance_is_that_of_a_naive_loop():
    error = torch.randn(1, 1, 9, 9)
    weight = CFA1().window[:, None] * CFA1().window
    lattice = (torch.arange(7)[:, None] + torch.arange(7)) % 2 == 0  # around (4,4), an even pixel
    part, weight = error[0, 0, 1:8, 1:8][lattice], weight[lattice] / weight[lattice].sum()
    expected = (weight * part**2).sum() - (weight * part).sum() ** 2
    torch.testing.assert_close(CFA1().local_variance(error)[0, 0, 4, 4], expected, atol=1e-4, rtol=1e-4)


def test_cfa1_mixture_tells_two_groups_apart():
    rng = torch.Generator().manual_seed(0)
    whole, lost = 3 + 0.3 * torch.randn(1, 300, generator=rng), 0.3 * torch.randn(1, 60, generator=rng)
    ratio = cfa1.log_likelihood_ratio(torch.cat([whole, lost], dim=1))[0]
    assert (ratio[:300] > 0).float().mean() > 0.97 and (ratio[300:] < 0).float().mean() > 0.97


def test_cfa1_mixture_of_one_group_alone_is_finite():
    whole = 3 + 0.05 * torch.randn(1, 300, generator=torch.Generator().manual_seed(0))
    for x in (whole, whole - 3, torch.zeros(1, 300)):
        assert torch.isfinite(cfa1.log_likelihood_ratio(x)).all()


@pytest.mark.parametrize("number", range(6))
def test_ivc_names_the_cameras_pattern(number):
    first, _ = pair((0, 0), (number, number))
    image = torch.from_numpy(first.copy()).permute(2, 0, 1)[None].float() / 255
    phases = camera.PHASES[camera.CAMERAS[number].phase]
    assert ivc.PATTERNS[int(IVC()(image)["pattern"])] == divmod(phases.index(0), 2)


def test_ivc_counts_what_lies_between():
    image = torch.zeros(1, 3, 3, 3)
    image[0, :, 1] = torch.tensor([1.0, 2.0, 3.0])
    assert ivc.within(image, ivc.BESIDE["row"])[0, 0, 1, 1] == 1
    image[0, :, 1, 1] = 4.0
    assert ivc.within(image, ivc.BESIDE["row"])[0, 0, 1, 1] == 0


def test_mca_learns_nothing_from_noise_without_a_mosaic():
    noise = torch.from_numpy(np.random.default_rng(0).random((1, 3, 96, 96), dtype=np.float32))
    with torch.inference_mode():
        told = ALL["mca"](noise)["told"].item()
    assert told < -1.2  # log(1/4) = -1.39
    assert mca.place_map(noise, 3)[0, 0, :2, :2].tolist() == [[3, 2], [1, 0]]
