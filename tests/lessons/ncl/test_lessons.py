"""The student's toys: their counts, weights and closed forms, and that each drawing shows what it is given."""

import math

import numpy as np
import pytest
import torch

from imdlib.lessons import films
from imdlib.lessons.ncl import pivot_consistency as weights
from imdlib.lessons.ncl import the_contrast as circle
from imdlib.lessons.ncl import the_pivot as strip
from imdlib.lessons.ncl import three_kinds_of_patches as picture
from imdlib.ncl.patches import AUTHENTIC, CONTOUR, TAMPERED, label_patches
from imdlib.ncl.pivot import PivotNet

# ---- exercises -----------------------------------------------------------------------------------------------------


# ---- picture -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [64, 256])
def test_forged_picture_changes_under_its_mask_alone(size):
    image, mask = picture.forged(size)
    again, _ = picture.forged(size)
    assert image.shape == (size, size, 3) and image.dtype == np.uint8 and np.array_equal(image, again)
    assert set(np.unique(mask)) == {0, 1} and mask.mean() == pytest.approx(0.106, abs=0.01)
    assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()  # the whole cup is in the picture
    real = picture.cv2.resize(picture.data.astronaut(), (size, size), interpolation=picture.cv2.INTER_AREA)
    assert np.array_equal(image[mask == 0], real[mask == 0]) and not np.array_equal(image, real)


def test_disk_and_square():
    disks = picture.disk(50, [[0, 0], [10, -20]])
    assert disks.shape == (2, 256, 256) and disks.sum((1, 2)).float() == pytest.approx(math.pi * 2500, rel=0.01)
    assert torch.equal(disks[0].roll((10, -20), (0, 1)), disks[1])
    assert picture.square(40, 48, 96).nonzero().amin(0).tolist() == [0, 40, 48]
    assert picture.square(40, 48, 96).sum() == 96**2


def test_count_patches_equals_a_loop():
    mask = picture.disk(30, [[3, 1], [-7, 20]], size=128)
    counts = picture.count_patches(mask, [8, 16]).set_index(["side", "kind"])
    for side in (8, 16):
        number, pixels = dict.fromkeys(picture.KINDS, 0), dict.fromkeys(picture.KINDS, 0)
        for one in mask:
            for top in range(0, 128, side):
                for left in range(0, 128, side):
                    cell = one[top : top + side, left : left + side]
                    kind = "tampered" if cell.all() else "contour" if cell.any() else "authentic"
                    number[kind] += 1
                    pixels[kind] += int(cell.sum())
        for kind in picture.KINDS:
            assert counts.loc[(side, kind), "patches"] == number[kind] / 2
            assert counts.loc[(side, kind), "share"] == pytest.approx(number[kind] / 2 / (128 // side) ** 2)
            assert counts.loc[(side, kind), "tampered_pixels"] == pytest.approx(
                pixels[kind] / float(mask.sum()), abs=1e-6
            )


def test_an_authentic_mask_has_authentic_patches_alone():
    counts = picture.count_patches(torch.zeros(1, 32, 32, dtype=torch.uint8), [8]).set_index("kind")
    assert counts["patches"].to_dict() == {"tampered": 0, "authentic": 16, "contour": 0}
    assert (counts["tampered_pixels"] == 0).all()


def test_paint_mixes_the_colour_of_each_kind_and_leaves_ignored_cells():
    image = np.full((4, 8, 3), 100, np.uint8)
    painted = picture.paint(image, torch.tensor([[TAMPERED, AUTHENTIC, CONTOUR, -1]], dtype=torch.int8))
    for column, kind in enumerate((TAMPERED, AUTHENTIC, CONTOUR)):
        weight, color = picture.OPACITY[kind], np.array(picture.to_rgb(picture.COLORS[kind]))
        assert np.allclose(painted[:, 2 * column : 2 * column + 2], (1 - weight) * 100 / 255 + weight * color)
    assert np.allclose(painted[:, 6:], 100 / 255)


def test_patch_drawings():
    image, mask = picture.forged(64)
    figure = picture.patch_sweep(image, torch.from_numpy(mask)[None], [4, 8])
    number = int((label_patches(torch.from_numpy(mask)[None], (8, 8)) == CONTOUR).sum())
    assert f"{number} contour" in figure.axes[1].get_title()
    counts = picture.count_patches(torch.from_numpy(mask)[None], [4, 8])
    lines = picture.patch_sizes(counts, {4: 10, 8: 5}).axes[0].lines
    assert list(lines[0].get_ydata()) == list(counts[counts["kind"] == "contour"]["patches"])


# ---- strip ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def scene():
    """feat (1,6,8,8) and patches (1,8,8) of a disk."""
    return torch.rand(1, 6, 8, 8), label_patches(picture.disk(20, [[1, 2]], size=64), (8, 8))


@pytest.mark.parametrize("k", [0, 1, 5])
def test_keep_contour_keeps_k_and_touches_nothing_else(scene, k):
    kept = strip.keep_contour(scene[1], k, 3)
    assert kept.shape == (3, 8, 8) and (kept == CONTOUR).sum((1, 2)).tolist() == [k] * 3
    changed = kept != scene[1]
    assert (kept[changed] == -1).all() and (scene[1].expand(3, -1, -1)[changed] == CONTOUR).all()


def test_closeness_is_that_of_the_pivot_itself(scene):
    feat, patches = scene
    pivot, most = PivotNet(6), int((patches == CONTOUR).sum())
    table = strip.closeness(feat, patches, pivot, [1, most], draws=400).set_index(["k", "branch"])
    assert table.loc[most, "low"].min() == pytest.approx(1, abs=1e-5)
    whole = pivot(feat, patches)[0]
    single = pivot(feat.expand(400, -1, -1, -1), strip.keep_contour(patches, 1, 400))[0]
    expected = torch.nn.functional.cosine_similarity(single, whole).median().detach()
    assert table.loc[(1, "se+"), "median"] == pytest.approx(float(expected), abs=0.05)


def test_only_the_weighted_mean_joins_two_parts(scene):
    feat, patches = scene
    pivot, some = PivotNet(6).eval(), strip.keep_contour(patches, 7, 1)
    others = patches.masked_fill((patches == CONTOUR) & (some == CONTOUR), -1)
    (a, m), (b, n), (whole, _) = ((pivot(feat, x)[0], (x == CONTOUR).sum()) for x in (some, others, patches))
    assert torch.allclose((m * a + n * b) / (m + n), whole, atol=1e-5)
    assert not torch.allclose((a + b) / 2, whole, atol=1e-5)


def test_planted_features_without_noise_are_the_directions_and_their_mixtures():
    feat, patches, directions = strip.planted_features(images=2, cells=5, channels=4, noise=0.0)
    assert feat.shape == (2, 4, 1, 15) and patches.shape == (2, 1, 15) and (feat >= 0).all()
    cells = feat[:, :, 0].transpose(1, 2)
    assert torch.allclose(cells[patches[:, 0] == TAMPERED], directions[0].expand(10, -1))
    assert torch.allclose(cells[patches[:, 0] == AUTHENTIC], directions[1].expand(10, -1))
    low, high = directions.amin(0) - 1e-6, directions.amax(0) + 1e-6
    mixed = cells[patches[:, 0] == CONTOUR]
    assert ((mixed >= low) & (mixed <= high)).all() and mixed.std(0).max() > 0.01


def test_the_pivot_learns_its_sides():
    learned = strip.learn_pivot(*strip.planted_features(images=4, cells=15), steps=40)
    gap = learned.pivot_table(index="step", columns=["branch", "direction"], values="cosine")
    gap = {branch: gap[branch]["tampered"] - gap[branch]["authentic"] for branch in ("se+", "se-")}
    assert abs(gap["se+"][0]) < 0.1 and gap["se+"][40] > 0.15 and gap["se-"][40] < -0.15
    assert len(strip.learning_sides(learned).axes) == 2


def test_strip_drawings(scene):
    feat, patches = scene
    pivot = PivotNet(6)
    figure = strip.show(np.zeros((64, 64, 3), np.uint8), feat, patches, pivot)
    heights = [bar.get_height() for bar in figure.axes[2].patches]
    assert np.allclose(heights, torch.cat(pivot(feat, patches)[:2], 1)[0].detach(), atol=1e-6)
    strip.show(np.zeros((64, 64, 3), np.uint8), feat, strip.keep_contour(patches, 0, 1), pivot)  # k = 0 draws, too
    assert strip.closeness_curve(strip.closeness(feat, patches, pivot, [1, 2], draws=5)).axes


# ---- circle --------------------------------------------------------------------------------------------------------


def test_separation_equals_a_loop():
    angles, patches = circle.start(tampered=4, authentic=3)
    cosine = [[math.cos(a - b) for b in angles.tolist()] for a in angles.tolist()]
    among = np.mean([cosine[m][j] for m in range(4) for j in range(4) if m != j])
    between = np.mean([cosine[m][i] for m in range(4) for i in range(4, 7)])
    assert circle.separation(angles[None].double().numpy(), patches)[0] == pytest.approx(among - between, abs=1e-6)


def test_each_contrast_moves_its_own_pivot_and_all_three_part_the_kinds():
    angles, patches = circle.start()
    moved = {
        t: np.ptp(circle.descend(angles, patches, terms=(t,), steps=20)[:, -2:], axis=0) for t in ("l1", "l2", "l3")
    }
    assert (moved["l1"] == 0).all() and moved["l2"][0] > 0.1 and moved["l3"][1] > 0.1
    assert moved["l2"][1] == moved["l3"][0] == 0
    path = circle.descend(angles, patches)
    assert path.shape == (121, 18) and circle.separation(path, patches)[-1] > 1.95
    tampered, authentic, pos, neg = path[-1, :8].mean(), path[-1, 8:16].mean(), path[-1, 16], path[-1, 17]
    assert math.cos(pos - tampered) > 0.9 and math.cos(neg - authentic) > 0.9


def test_eq_7_as_printed_brings_the_pivots_to_the_wrong_side():
    angles, patches = circle.start()
    path = circle.descend(angles, patches, sign=-1)
    printed = [circle.printed_loss(path[:steps], patches, 0.5) for steps in (1, 121)]
    assert printed[1] < printed[0] < 0
    assert math.cos(path[-1, 16] - path[-1, 8:16].mean()) > 0.9  # se+ among the authentic features
    assert circle.separation(path, patches)[-1] < 1


@pytest.mark.parametrize("tampered, authentic", [(5, 20), (40, 10), (2, 2)])
def test_collapsed_loss_has_its_closed_form(tampered, authentic):
    expected = 2 * math.log(1 + authentic) + math.log(1 + tampered)
    assert circle.collapsed_loss(tampered, authentic) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("authentic, tau", [(20, 0.5), (200, 0.1), (1, 2.0)])
def test_best_l2_has_its_closed_form(authentic, tau):
    assert circle.best_l2(authentic, tau) == pytest.approx(math.log(1 + authentic * math.exp(-1 / tau)), rel=1e-4)


def test_circle_drawings():
    angles, patches = circle.start()
    paths = {"a": circle.descend(angles, patches, steps=4), "b": circle.descend(angles, patches, steps=4, sign=-1)}
    ends = [line for line in circle.spirals(paths, patches).axes[1].lines if line.get_marker() != "None"]
    assert len(ends) == 18 and [line.get_marker() for line in ends[-2:]] == ["*", "*"]
    assert np.allclose([line.get_xdata()[0] for line in ends[-2:]], paths["b"][-1, -2:])  # stars stay where they are
    assert circle.animate(paths, patches, frames=3).count("data:image/png") == 3
    tidy = films.tidy_paths(paths).set_index(["path", "step", "feature"])["angle"]
    assert len(tidy) == 2 * 5 * 18 and tidy["b", 3, 7] == paths["b"][3, 7]
    apart = {name: circle.separation(path, patches) for name, path in paths.items()}
    assert np.array_equal(circle.temperature([0.1, 1.0], apart).axes[1].lines[1].get_ydata(), apart["b"])


# ---- weights -------------------------------------------------------------------------------------------------------

GRID = (16, 16)


@pytest.fixture
def mask():
    return picture.disk(18, [[1, 2]], size=64)


@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9, 1.0])
def test_pixel_weights_have_their_closed_form(mask, mu):
    contour = (label_patches(mask, GRID)[0] == CONTOUR).repeat_interleave(4, 0).repeat_interleave(4, 1)
    expected = mu * contour / contour.sum() + (1 - mu) / 64**2
    assert torch.allclose(weights.pixel_weights(mask, grid=GRID, mu=mu), expected, atol=1e-7)
    assert weights.contour_share(mask, grid=GRID) == pytest.approx(float(contour.float().mean()))


@pytest.mark.parametrize("renormalise, expected", [(False, 0.1), (True, 1.0)])
def test_weight_of_an_authentic_picture(mask, renormalise, expected):
    total = weights.pixel_weights(torch.zeros_like(mask), grid=GRID, mu=0.9, renormalise=renormalise).sum()
    assert float(total) == pytest.approx(expected, abs=1e-4)


def test_weight_sweep_and_its_inverse(mask):
    c = weights.contour_share(mask, grid=GRID)
    sweep = weights.weight_sweep(mask, [0.2, (0.5 - c) / (1 - c)], grid=GRID)
    assert sweep["share"].tolist() == pytest.approx([0.2 + 0.8 * c, 0.5], abs=1e-4)
    assert sweep["factor"][0] == pytest.approx((0.2 / c + 0.8) / 0.8, rel=1e-4)
    assert weights.contour_factor(mask, grid=GRID, mu=0.2) == pytest.approx(sweep["factor"][0])


def test_a_coarse_map_follows_the_weight(mask):
    maps = {mu: weights.fit_coarse_map(mask, mu=mu, grid=GRID, cells=10, steps=40) for mu in (0.0, 0.9, 1.0)}
    errors = {mu: weights.errors_by_place(prob, mask, grid=GRID) for mu, prob in maps.items()}
    assert errors[0.9]["on the contour"] < errors[0.0]["on the contour"]
    assert float(maps[1.0][0, 0]) == 0.5 and float(maps[0.9][0, 0]) < 0.1  # at mu = 1 nobody asks for the corner


def test_errors_by_place_counts_each_pixel_once(mask):
    wrong = weights.errors_by_place(1 - mask[0].float(), mask, grid=GRID)
    assert wrong == {"on the contour": 1, "elsewhere": 1, "everywhere": 1}
    assert weights.errors_by_place(mask[0].float(), mask, grid=GRID)["everywhere"] == 0


def test_weight_drawings(mask):
    image, shown = (
        np.zeros((64, 64, 3), np.uint8),
        {mu: weights.pixel_weights(mask, grid=GRID, mu=mu) for mu in (0.0, 0.9)},
    )
    relative = weights.weight_maps(image, shown).axes[1].images[0].get_array()
    assert np.allclose(relative, 1, atol=1e-3)  # mu = 0: every pixel counts as in a plain mean
    assert len(weights.weight_curves(weights.weight_sweep(mask, [0.0, 0.5], grid=GRID), 0.5).axes) == 2
    assert len(weights.fitted_maps({0.5: mask[0].float()}, mask).axes) == 2
    seen = weights.supervised_at(mask, [16, 64], grid=GRID)
    assert [target.shape[0] for target, _ in seen.values()] == [16, 64]
    assert torch.equal(seen[64][0], mask[0].long()) and len(weights.supervision(seen).axes) == 2
    assert weights.error_curves(weights.pd.DataFrame({"on the contour": [0.1], "elsewhere": [0.2]}, index=[0.5])).axes


# ---- notebooks -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, small",
    [
        ("1_three_kinds_of_patches", {}),
        ("2_the_pivot", {}),
        ("3_the_contrast", dict(steps=20)),
        ("4_pivot_consistency", {}),
    ],
)
def test_a_notebook_runs_and_leaves_its_figures(name, small, figures_of, tmp_path, monkeypatch):
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))
    assert len(list(figures_of(f"ncl/{name}", **small).glob("*.csv"))) >= 1
