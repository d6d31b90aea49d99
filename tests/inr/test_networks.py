"""From a run's parameters to its networks and loss: NRR saved and found again, redrawn images, clear errors."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imdlib import parameters, runs
from imdlib.baselines.names import LOCALIZERS, WEAK
from imdlib.data.batches import ImageSet
from imdlib.inr import networks
from imdlib.inr.variants import VARIANTS
from imdlib.inr.weak import score_images

NRR = parameters.declared("inr/nrr") | dict(width=4, blocks=1, channels=4, hidden=[8])
RUN = parameters.declared("inr/run") | dict(width=0.25, proj=[8, 8])


@pytest.fixture
def saved(tmp_path):
    """Folder of a finished run of inr/nrr, and its network."""
    torch.manual_seed(0)
    nrr = networks.nrr_of(NRR)
    record = runs.open_run("inr", "nrr_x", "inr/nrr", NRR | {"results": str(tmp_path)}, data={})
    return record.finish(model=nrr, error_scale=0.02), nrr.eval()


def test_a_trained_nrr_comes_back_frozen(saved):
    folder, nrr = saved
    found = networks.trained_nrr(folder)
    image = torch.rand(1, 3, 40, 48)
    assert torch.equal(found["nrr"].reconstruct(image), nrr.reconstruct(image)) and found["nrr"].span == 128
    assert (found["scale"], found["key"]) == (0.02, runs.state(folder).stamp["key"])
    assert not any(p.requires_grad for p in found["nrr"].parameters())


def test_a_missing_nrr_says_what_to_run(tmp_path):
    with pytest.raises(runs.RunError, match="nrr_x: no finished run with weights .*make study"):
        networks.trained_nrr(tmp_path / "nrr_x")


@pytest.mark.parametrize("variant", [one for one in VARIANTS if one not in WEAK | LOCALIZERS])
@pytest.mark.parametrize("mode", networks.MODES[:2])
def test_every_variant_learns_in_both_modes_where_it_can(saved, variant, mode):
    params = RUN | dict(variant=variant, mode=mode)
    nrr = saved[1] if networks.needs_nrr(variant) else None
    model = networks.detector_of(params, nrr=nrr, scale=0.02)
    loss = networks.detector_loss(params)
    image, mask = torch.rand(2, 3, 64, 64), torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 64, 64)
    if mode == "unsupervised" and not model.project:
        with pytest.raises(ValueError, match="matching"):
            loss(model(image), mask)
        return
    found = loss(model(image), mask)["loss"]
    found.backward()
    assert found.isfinite()  # without labels nothing may be selected in a batch, and nothing learned from it
    learned = any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.encoder.parameters())
    assert learned or mode == "unsupervised"
    assert all(p.grad is None for p in (nrr.parameters() if nrr else ()))


@pytest.mark.parametrize("variant", [*WEAK, *LOCALIZERS])
def test_networks_of_other_papers_learn_in_their_own_mode_alone(variant):
    (mode,) = networks.modes_of(variant)
    params = RUN | dict(variant=variant, mode=mode, crop=64)
    model, label = networks.detector_of(params), torch.tensor([0, 1], dtype=torch.uint8)
    mask = label.view(2, 1, 1, 1).expand(2, 1, 64, 64).contiguous()
    networks.detector_loss(params)(model(torch.rand(2, 3, 64, 64)), mask)["loss"].backward()
    assert any(p.grad is not None and p.grad.any() for p in model.parameters())
    assert networks.kept_epoch(params | {"keep": "val_image_auc"}) == "val_image_auc"
    with pytest.raises(ValueError, match=f"mode='unsupervised': variant='{variant}' goes with {mode} alone"):
        networks.detector_of(params | {"mode": "unsupervised"})


def test_pooling_and_contrast_of_a_run():
    assert networks.pooling_in(RUN) == "adaptive" and networks.pooling_in(RUN | {"pooling": "gem"}) == "gem"
    assert networks.detector_loss(RUN | {"variant": "nrr+agap"}).keywords["beta"] == 0
    found = networks.detector_loss(
        RUN | dict(beta=0.02, tau=0.3, form="standard", scl_all=True, contrast_from=0.5, steps=9)
    )
    expected = dict(beta=0.02, tau=0.3, form="standard", scl_all=True, contrast_after=4, pooling="adaptive")
    assert {name: found.keywords[name] for name in expected} == expected
    assert networks.detector_loss(RUN | {"mode": "unsupervised", "selection": "all"}).keywords["selection"] == "all"


def test_a_pooling_without_clusters_needs_no_second_branch(saved):
    params = RUN | {"variant": "nrr+agap"}
    assert networks.detector_of(params, nrr=saved[1], scale=0.02).project is not None
    assert networks.detector_of(params | {"pooling": "gem"}, nrr=saved[1], scale=0.02).project is None


def test_masks_choose_no_epoch_and_without_labels_nothing_does():
    assert networks.kept_epoch(RUN | {"keep": "val_image_auc"}) == "val_image_auc"
    for wrong in ({"keep": "val_auc"}, {"keep": "val_image_auc", "mode": "unsupervised"}):
        with pytest.raises(ValueError, match="masks of validation images choose nothing"):
            networks.kept_epoch(RUN | wrong)


@pytest.mark.parametrize(
    "wrong, match",
    [({"counter": "all"}, "counter='all'"), ({"mode": "weakly"}, "mode='weakly'"), ({"variant": "nr"}, "variant='nr'")],
)
def test_unknown_choices_are_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        networks.detector_of(RUN | wrong)


def test_a_filter_s_scale_is_that_of_authentic_training_images(tmp_path):
    rng, rows = np.random.default_rng(0), []
    for number, (label, split) in enumerate([(0, "train"), (1, "train"), (0, "test")]):
        path = tmp_path / f"{number}.png"
        pixels = rng.integers(0, 256 if number else 20, (40, 40, 3))  # noise of other images is louder
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        rows.append(
            dict(
                image=str(path),
                mask="",
                label=label,
                split=split,
                kind="authentic",
                scene=str(number),
                dataset="d",
                visibility="",
                note="",
            )
        )
    manifest = pd.DataFrame(rows)
    assert (
        networks.filter_scale("highpass+scl+agap", manifest)
        < 0.01
        < networks.filter_scale("highpass+scl+agap", manifest.assign(split="train", label=0))
    )


def test_validation_ranks_images_and_pixels(tmp_path):
    rng, size, rows = np.random.default_rng(0), 64, []
    for number in range(4):
        path, mask = tmp_path / f"{number}.png", ""
        Image.fromarray(rng.integers(0, 256, (size, size, 3)).astype(np.uint8)).save(path)
        if number % 2:
            mask = str(tmp_path / f"{number}_mask.png")
            inside = np.zeros((size, size), np.uint8)
            inside[:20, :20] = 255
            Image.fromarray(inside).save(mask)
        rows.append(
            dict(
                image=str(path),
                mask=mask,
                label=number % 2,
                split="val",
                kind="splicing" if mask else "authentic",
                scene=str(number),
                dataset="d",
                visibility="",
                note="",
            )
        )
    params = RUN | {"variant": "base"}
    found = networks.validation(
        networks.detector_of(params), ImageSet(pd.DataFrame(rows)), image_score=lambda o: score_images(o, pooling="max")
    )
    assert set(found) == {"val_image_auc", "val_auc"} and all(0 <= value <= 1 for value in found.values())
    model = networks.detector_of(RUN | {"variant": "highpass+scl+agap"}, scale=0.02)
    early = networks.validation(model, ImageSet(pd.DataFrame(rows)), image_score=score_images, after=1)
    assert set(early) == {"early_image_auc", "val_auc", "val_cluster"}  # no epoch before the contrast can be chosen
    model.seen += 1
    assert "val_image_auc" in networks.validation(
        model, ImageSet(pd.DataFrame(rows)), image_score=score_images, after=1
    )
