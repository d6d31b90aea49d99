"""NCL's pixel losses (Eq. 8) and total (Eq. 9) against a loop over pixels, scikit-learn and closed forms."""

import math

import pytest
import torch
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_sample_weight

from imdlib.ncl.consistency import balanced_cross_entropy, contour_of, pivot_consistency, pixel_cross_entropy
from imdlib.ncl.losses import VARIANTS, non_exclusive_contrast, total_loss
from imdlib.ncl.patches import contour_pixels, label_patches
from imdlib.ncl.pivot import PivotNet


def logits_and_mask(seed=0, size=(16, 12)):
    g = torch.Generator().manual_seed(seed)
    mask = torch.zeros(3, 1, *size, dtype=torch.uint8)
    mask[0, :, 3:9, 2:7], mask[1, :, :5] = 1, 1
    mask[1, :, 13, 3], mask[1, :, 14:] = 1, 255  # a contour cell beside the padding
    return torch.randn(3, 2, *size, generator=g, dtype=torch.float64), mask


def test_pixel_loss_is_the_log_loss_of_the_known_pixels():
    logits, mask = logits_and_mask()
    known = mask[:, 0] != 255
    probability = logits.softmax(1)[:, 1][known].numpy()
    assert pixel_cross_entropy(logits, mask).item() == pytest.approx(log_loss(mask[:, 0][known].numpy(), probability))
    assert pixel_cross_entropy(torch.zeros_like(logits), mask).item() == pytest.approx(math.log(2))
    ignored = logits.requires_grad_()
    loss = pixel_cross_entropy(ignored, torch.full_like(mask, 255))
    loss.backward()
    assert loss == 0 and not ignored.grad.any()


def test_balanced_loss_is_the_log_loss_with_scikit_learns_balanced_weights():
    logits, mask = logits_and_mask()
    known = mask[:, 0] != 255
    truth, probability = mask[:, 0][known].numpy(), logits.softmax(1)[:, 1][known].numpy()
    weights = compute_sample_weight("balanced", truth)
    expected = log_loss(truth, probability, sample_weight=weights)
    assert balanced_cross_entropy(logits, mask).item() == pytest.approx(expected)
    authentic = torch.zeros_like(mask)
    torch.testing.assert_close(balanced_cross_entropy(logits, authentic), pixel_cross_entropy(logits, authentic))
    ignored = logits.requires_grad_()
    loss = balanced_cross_entropy(ignored, torch.full_like(mask, 255))
    loss.backward()
    assert loss == 0 and not ignored.grad.any()


def naive_consistency(logits, mask, grid, mu):
    """Eq. 8 at one resolution, pixel by pixel, the size of logits dividing or equal to that of the mask."""
    height, width = logits.shape[-2:]
    step = mask.shape[-2] // height
    cell = mask.shape[-2] // grid[0]
    contour, every = [], []
    for b in range(len(mask)):
        for y in range(height):
            for x in range(width):
                pixels = mask[b, 0, y * step : (y + 1) * step, x * step : (x + 1) * step].float()
                if (pixels == 255).any():
                    continue
                theta = logits[b, :, y, x].exp()[1] / logits[b, :, y, x].exp().sum()
                gamma = float(pixels.mean() >= 0.5)
                entropy = -(gamma * theta.log() + (1 - gamma) * (1 - theta).log())
                every.append(entropy)
                mixed = False  # does the pixel overlap a cell of the grid that holds both values?
                for top in range(mask.shape[-2] // cell):
                    for left in range(mask.shape[-1] // cell):
                        inside = mask[b, 0, top * cell : (top + 1) * cell, left * cell : (left + 1) * cell]
                        rows = top * cell < (y + 1) * step and y * step < (top + 1) * cell
                        columns = left * cell < (x + 1) * step and x * step < (left + 1) * cell
                        mixed |= rows and columns and not (inside == 255).any() and len(inside.unique()) == 2
                if mixed:
                    contour.append(entropy)
    first = sum(contour) / len(contour) if contour else 0.0
    return mu * first + (1 - mu) * sum(every) / len(every)


@pytest.mark.parametrize("step", [1, 2, 4])
def test_consistency_equals_the_formula_at_each_resolution(step):
    logits, mask = logits_and_mask(seed=step)
    logits = logits[:, :, ::step, ::step]
    for grid in ((8, 6), (4, 3)):
        result = pivot_consistency([logits], mask, grid=grid, mu=0.9)
        torch.testing.assert_close(result, naive_consistency(logits, mask, grid, 0.9))


def test_consistency_sums_its_resolutions_and_mu_0_is_the_pixel_loss():
    logits, mask = logits_and_mask(seed=1)
    small = logits[:, :, ::4, ::4]
    parts = [pivot_consistency([x], mask, grid=(4, 3)) for x in (logits, small)]
    torch.testing.assert_close(pivot_consistency([logits, small], mask, grid=(4, 3)), sum(parts))
    plain = pivot_consistency([logits], mask, grid=(4, 3), mu=0.0)
    torch.testing.assert_close(plain, pixel_cross_entropy(logits, mask))


def test_consistency_without_contour():
    logits, mask = logits_and_mask()
    mask.zero_()
    plain = pixel_cross_entropy(logits, mask)
    torch.testing.assert_close(pivot_consistency([logits], mask, grid=(4, 3), mu=0.9), 0.1 * plain)
    torch.testing.assert_close(pivot_consistency([logits], mask, grid=(4, 3), mu=0.9, renormalise=True), plain)
    _, mask = logits_and_mask()
    literal = pivot_consistency([logits], mask, grid=(4, 3), mu=0.9)
    assert literal == pivot_consistency([logits], mask, grid=(4, 3), mu=0.9, renormalise=True)


def test_consistency_weighs_contour_pixels():
    _, mask = logits_and_mask()
    right = torch.stack([4.0 - 8.0 * (mask[:, 0] == 1), torch.zeros(3, 16, 12)], 1).double()  # right everywhere
    labels = contour_pixels(label_patches(mask, (4, 3)), (16, 12))
    contour, inside = labels.nonzero()[0], ((mask[:, 0] == 0) & ~labels).nonzero()[0]
    before, every = pivot_consistency([right], mask, grid=(4, 3)).item(), int((mask != 255).sum())
    for (b, y, x), weight in ((contour, 0.9 / int(labels.sum()) + 0.1 / every), (inside, 0.1 / every)):
        wrong = right.clone()
        wrong[b, 0, y, x] *= -1
        after = pivot_consistency([wrong], mask, grid=(4, 3)).item()
        assert after - before == pytest.approx(4 * weight)  # log(1 + e^4) - log(1 + e^-4) = 4


def test_consistency_gradient():
    logits, mask = logits_and_mask(size=(16, 4))
    small = logits[:, :, ::4, ::4].clone().requires_grad_()
    torch.autograd.gradcheck(lambda x: pivot_consistency([x], mask, grid=(4, 1)), [small])


def outputs_for(mask, seed=0):
    g = torch.Generator().manual_seed(seed)
    shapes = {"logits": (2, 16, 16), "aux": (2, 8, 8), "feat": (4, 8, 8)}
    return {k: torch.randn(len(mask), *s, generator=g).requires_grad_() for k, s in shapes.items()}


def test_total_is_equation_9_and_its_ablations():
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    mask[:, :, 3:9, 3:12] = 1
    outputs, pivot = outputs_for(mask), PivotNet(4)
    patches = label_patches(mask, (8, 8))
    pixel = pixel_cross_entropy(outputs["logits"], mask)
    plain = non_exclusive_contrast(outputs["feat"], patches).total
    full = non_exclusive_contrast(outputs["feat"], patches, *pivot(outputs["feat"], patches)).total
    both = pivot_consistency([outputs["logits"], outputs["aux"]], mask, grid=(8, 8), mu=0.8)
    expected = {
        "base": pixel,
        "base-balanced": balanced_cross_entropy(outputs["logits"], mask),
        "base+aux": pixel + pixel_cross_entropy(outputs["aux"], mask),
        "pc": both,
        "contrast": pixel + 0.5 * plain,
        "pivot": pixel + 0.5 * full,
        "pivot+pc": both + 0.5 * full,
    }
    for variant, value in expected.items():
        parts = total_loss(outputs, mask, variant=variant, pivot=pivot, omega=0.5, mu=0.8)
        torch.testing.assert_close(parts["loss"], value)
        assert all(part.ndim == 0 for part in parts.values())


def test_the_contour_s_grid_can_be_another_than_the_hook_s():
    """Moving the hook to a coarser grid then leaves Eq. 8 as it was, and without it widens the band."""
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    mask[:, :, 3:9, 3:12] = 1
    outputs = outputs_for(mask)
    deeper = outputs | {"feat": outputs["feat"][..., ::4, ::4]}
    fixed = [total_loss(one, mask, variant="pc", contour_grid=2)["pixel"] for one in (outputs, deeper)]
    moved = [total_loss(one, mask, variant="pc")["pixel"] for one in (outputs, deeper)]
    torch.testing.assert_close(*fixed)
    torch.testing.assert_close(fixed[0], moved[0])  # 16 pixels in 8 cells of 2
    assert not torch.isclose(*moved)
    assert contour_of(torch.zeros(1, 1, 17, 16), 4) == (5, 4) and contour_of(mask, 0) is None


def test_a_second_auxiliary_head_is_supervised_too():
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    mask[:, :, 3:9, 3:12] = 1
    outputs = outputs_for(mask)
    second = outputs | {"aux_aspp": outputs["aux"][..., ::2, ::2]}
    more = pivot_consistency([second["aux_aspp"]], mask, grid=(8, 8))
    before, after = (total_loss(one, mask, variant="pc")["loss"] for one in (outputs, second))
    torch.testing.assert_close(after - before, more)


@pytest.mark.parametrize("variant", VARIANTS)
def test_authentic_batch_goes_backward(variant):
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    outputs, pivot = outputs_for(mask), PivotNet(4)
    parts = total_loss(outputs, mask, variant=variant, pivot=pivot)
    parts["loss"].backward()
    assert torch.isfinite(parts["loss"]) and parts["loss"] > 0 and outputs["logits"].grad.any()
    if "ncl" in parts:
        assert parts["ncl"] == 0 and not outputs["feat"].grad.any()
    if variant.startswith("pivot"):
        assert all(p.grad is not None for p in pivot.parameters())


def test_total_refuses_unknown_variants_and_a_missing_pivot():
    mask = torch.zeros(2, 1, 16, 16)
    with pytest.raises(ValueError, match="variant='full'"):
        total_loss(outputs_for(mask), mask, variant="full")
    with pytest.raises(ValueError, match="pivot=model.pivot"):
        total_loss(outputs_for(mask), mask, variant="pivot")


def test_autocast_keeps_the_losses_in_float32():
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    mask[:, :, 3:9, 3:12] = 1
    outputs, pivot = outputs_for(mask), PivotNet(4)
    expected = total_loss(outputs, mask, pivot=pivot, tau=0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        same = total_loss(outputs, mask, pivot=pivot, tau=0.5)
        half = total_loss({k: v.bfloat16() for k, v in outputs.items()}, mask, pivot=pivot, tau=0.5)
    for name, value in expected.items():
        assert same[name].dtype == half[name].dtype == torch.float32
        torch.testing.assert_close(same[name], value)
        torch.testing.assert_close(half[name], value, rtol=0.02, atol=0.02)
