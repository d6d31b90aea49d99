"""INR's toys: closed forms, naive loops, what moves and what must not, and that each drawing shows what it is given."""

import math

import numpy as np
import pytest
import torch

from imdlib.inr.contrast import select
from imdlib.inr.distill import collapsed
from imdlib.inr.pooling import POOLINGS
from imdlib.inr.reconstruction import error_map, pixel_grid, positional_encoding, psnr
from imdlib.lessons import films
from imdlib.lessons.inr import matching_and_clusters as cells
from imdlib.lessons.inr import pooling as pools
from imdlib.lessons.inr import reconstruction as redraw
from imdlib.lessons.inr import selective_contrast as plane
from imdlib.lessons.inr import self_distillation as teacher
from imdlib.scoring import metrics

# ---- redraw


def test_photograph_and_its_fits():
    photo = redraw.photograph(16)
    assert photo.shape == (1, 3, 16, 16) and photo.min() >= 0 and photo.max() <= 1
    blind = redraw.fit(photo, frequencies=0, encoder=False, steps=40)
    assert torch.allclose(blind, blind[..., :1, :1].expand_as(blind), atol=1e-6)  # nothing tells pixels apart
    assert psnr(photo, redraw.fit(photo, steps=60)) > psnr(photo, blind) + 2
    assert torch.equal(redraw.fit(photo, steps=3), redraw.fit(photo, steps=3))


@pytest.mark.parametrize("width", [8, 64, 256])
def test_first_idle_wave(width):
    assert redraw.first_idle(width) == math.log2(width) + 1
    row = pixel_grid(1, width)[0]
    last = positional_encoding(row, redraw.first_idle(width) - 1)[:, -4::2]
    assert (last.amax(0) - last.amin(0)).max() > 1


def test_learned_nrr_is_frozen_and_better_than_an_untrained_one():
    images = redraw.photograph(32).repeat(2, 1, 1, 1)
    nrr = redraw.learn(images, steps=40, batch=2, crop=16)
    assert not any(weight.requires_grad for weight in nrr.parameters())
    first = redraw.learn(images, steps=4, batch=2, crop=16)
    assert psnr(images, nrr.reconstruct(images)).mean() > psnr(images, first.reconstruct(images)).mean()
    maps = redraw.errors(nrr, images)
    assert torch.equal(maps["NRR"], error_map(images, nrr.reconstruct(images)))


def test_aucs_equal_the_metric_and_noise_raises_them():
    image, mask = torch.full((2, 3, 32, 32), 0.5), torch.zeros(2, 1, 32, 32, dtype=torch.bool)
    mask[:, :, 8:20, 8:20] = True
    error = torch.rand(2, 1, 32, 32)
    table = redraw.aucs({"a": error}, mask)
    assert table["auc"][1] == metrics.auc(redraw.smoothed(error)[1].numpy(), mask[1].numpy())
    nrr = redraw.learn(image, steps=20, batch=2, crop=16)
    sweep = redraw.noise_sweep(nrr, image, mask, [0.0, 0.2]).set_index(["sigma", "error"])["auc"]
    assert sweep[0.0, "high pass"] == 0.5 and sweep[0.2, "high pass"] > 0.95


def test_redraw_drawings():
    photo, mask = redraw.photograph(16), torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    mask[..., 4:9, 4:9] = True
    assert np.allclose(redraw.waves(16, 4).axes[0].images[0].get_array()[0], np.sin(np.pi * pixel_grid(1, 16)[0, :, 0]))
    figure = redraw.redrawn(photo, {"half": photo / 2})
    assert f"{psnr(photo, photo / 2).item():.1f} dB" in figure.axes[1].get_title()
    maps = {"NRR": torch.rand(1, 1, 16, 16), "high pass": torch.rand(1, 1, 16, 16)}
    *shown, bar = redraw.error_sheet(photo, mask, photo, maps).axes
    assert len(shown) == 4 and bar.get_yticklabels()[-1].get_text() == "99%\nquantile"
    table = redraw.aucs(maps, mask)
    sweep = table.assign(sigma=0.0)[["sigma", "error", "auc"]]
    assert redraw.auc_figure(table, sweep).axes[0].lines[0].get_ydata()[0] == table["auc"][0]


# ---- cells


@pytest.mark.parametrize("share", [0.0, 0.15, 0.9, 1.0])
def test_planted_cells(share):
    feat, matching, truth = cells.planted(share, images=200, generator=torch.Generator().manual_seed(0))
    assert feat.shape == (200, 8, 14, 14) and truth.sum() == 200 * round(share * 196)
    for kind, level, score in ((truth, 2, 0.4), (~truth, -2, 0.6)):
        if kind.any():
            assert float(feat[:, 0][kind].mean()) == pytest.approx(level, abs=0.05)
            assert float(matching[kind].mean()) == pytest.approx(score, abs=0.01)


def test_both_is_the_intersection_and_the_librarys():
    feat, matching, _ = cells.planted(0.3, images=5, generator=torch.Generator().manual_seed(1))
    for rule in ("minority", "low"):
        found = cells.called(feat, matching, rule)
        assert torch.equal(found["both"], found["from F"] & found["from M"])
        assert torch.equal(found["both"], select(feat, matching, m_rule=rule).tampered)
    kinds = cells.kinds(feat[:1], matching[:1])["both"]
    assert torch.equal(kinds == 0, select(feat[:1], matching[:1]).authentic[0]) and (kinds == 1).any()


def test_the_minority_rule_turns_over_beyond_one_half():
    sweep = cells.share_sweep([0.3, 0.7], images=8).set_index(["share", "rule", "source"])
    assert sweep.loc[(0.3, "minority", "both"), "precision"] > 0.9
    assert sweep.loc[(0.7, "minority", "both"), "precision"] < 0.1
    assert sweep.loc[(0.7, "low", "both"), "called"] < 0.1 < sweep.loc[(0.7, "minority", "both"), "called"]


def test_an_authentic_image_always_has_a_minority():
    calls = cells.calls_in_authentic(images=40)
    assert (calls > 0.05).all().all() and (calls <= 0.5).all().all()
    a, b = calls["from F"], calls["from M"]
    found = select(*cells.planted(0, signal=0, images=40, generator=torch.Generator().manual_seed(0))[:2])
    neither = (~(found.tampered | found.authentic)).float().mean()
    assert (a * (1 - b) + b * (1 - a)).mean() == pytest.approx(float(neither), abs=0.02)


@pytest.mark.parametrize("length, channels", [(0.0, 4), (2.0, 256), (5.0, 16)])
def test_perfect_match_has_its_closed_form(length, channels):
    expected = 1 / (1 + math.exp(-(length**2) / math.sqrt(channels)))
    assert cells.perfect_match(length, channels) == pytest.approx(expected, rel=1e-5)


def test_cell_drawings():
    feat, matching, truth = cells.planted(0.2, generator=torch.Generator().manual_seed(0))
    figure = cells.selection(feat, matching, truth)
    assert np.array_equal(figure.axes[4].images[0].get_array(), cells.kinds(feat, matching)["both"])
    assert cells.three_colours(feat).shape == (14, 14, 3) and float(cells.three_colours(feat).max()) == 1
    outputs = {"feat": feat, "matching": matching, "proj": feat}
    assert len(cells.matching_figure(np.zeros((8, 8, 3), np.uint8), outputs).axes) == 4
    assert len(cells.sweep_figure(cells.share_sweep([0.1, 0.4], images=2)).axes) == 2
    assert cells.authentic_figure(cells.calls_in_authentic(images=5)).axes


# ---- plane


def test_separation_equals_a_loop():
    angles, truth = plane.start(tampered=3, authentic=4)
    values = angles.tolist()
    among = np.mean([math.cos(values[m] - values[j]) for m in range(3, 7) for j in range(3, 7) if m != j])
    between = np.mean([math.cos(values[m] - values[j]) for m in range(3, 7) for j in range(3)])
    assert plane.separation(angles[None].double().numpy(), truth)[0] == pytest.approx(among - between, abs=1e-6)


@pytest.mark.parametrize("form, end", [("literal", 1.99), ("standard", 1.0)])
def test_both_forms_part_the_kinds_and_the_literal_one_does_not_stop(form, end):
    angles, truth = plane.start()
    path, values = plane.descend(angles, truth, form=form)
    assert path.shape == (121, 20) and values[-1] < values[0] and plane.separation(path, truth)[-1] > end
    if form == "literal":
        assert values[-1] == pytest.approx(math.log(6) - 2 / 0.1, abs=0.05)
    else:
        assert 0 <= values[-1] < 0.01 and plane.separation(path, truth)[-1] < 1.5


def test_features_that_are_not_selected_do_not_move():
    angles, truth = plane.start()
    sure = truth & (angles > 0.4), ~truth & (angles < -0.4)
    path, _ = plane.descend(angles, *sure, steps=10)
    moved = np.ptp(path, axis=0) > 0
    assert np.array_equal(moved, (sure[0] | sure[1]).numpy()) and not moved.all()


@pytest.mark.parametrize("flips", [0, 2, 6])
def test_wrong_selection_is_mistaken_about_as_many_of_each_kind(flips):
    _, truth = plane.start()
    called = plane.wrong(truth, flips)
    assert int((truth & ~called).sum()) == int((~truth & called).sum()) == flips


def test_the_contrast_sharpens_a_wrong_split_too():
    table = plane.mistakes(*plane.start(), [0, 6]).set_index(["flips", "kinds"])
    assert (table.xs("called kinds", level="kinds")["after"] > 1.9).all()
    assert table.loc[(6, "true kinds"), "after"] < table.loc[(6, "true kinds"), "before"]
    assert table["loss_after"].max() - table["loss_after"].min() < 0.05


@pytest.mark.parametrize("authentic, tampered", [(4, 5), (11, 1), (2, 40)])
def test_closed_forms_of_eq_5(authentic, tampered):
    assert plane.collapsed(authentic, tampered, "literal") == pytest.approx(math.log(tampered), abs=1e-5)
    assert plane.collapsed(authentic, tampered, "standard") == pytest.approx(math.log(1 + tampered), abs=1e-5)
    turned = plane.at_cosine([-1.0, 0.0], tampered=tampered, tau=0.5)
    assert turned == pytest.approx([math.log(tampered) - 4, math.log(tampered) - 2], abs=1e-4)


def test_plane_drawings():
    angles, truth = plane.start()
    called = plane.wrong(truth, 1)
    paths = {"a": plane.descend(angles, truth, steps=3)[0], "b": plane.descend(angles, called, steps=3)[0]}
    look = {"a": plane.looks(truth, truth), "b": plane.looks(truth, called)}
    assert {marker for _, marker in look["a"]} == {"^", "o"} and look["a"] != look["b"]
    assert plane.looks(truth, truth, torch.zeros_like(truth))[-1][1] == "x"
    ends = [line for line in plane.spirals(paths, look).axes[1].lines if line.get_marker() != "None"]
    assert sorted((e.get_color(), e.get_marker()) for e in ends) == sorted(look["b"])
    assert plane.animate(paths, look, frames=3).count("data:image/png") == 3
    tidy = films.tidy_paths(paths).set_index(["path", "step", "feature"])["angle"]
    assert tidy["b", 2, 7] == paths["b"][2, 7]
    curves = {"x": plane.pd.DataFrame({"cosine": [0.0, 1.0], "loss": [1.0, 2.0]})}
    assert plane.forms_figure(curves, {"x": np.array([0.1, 0.2])}).axes[1].lines[0].get_ydata()[1] == 0.2
    assert plane.mistakes_figure(plane.mistakes(angles, truth, [0, 1], steps=2), 6).axes
    assert "literal" in plane.turn(angles, truth, tau=0.1, form="literal", steps=2).axes[0].get_title()


# ---- pools


def test_response_map_and_its_mistake():
    logits, truth, selected = pools.response(0.3, images=50)
    assert logits.shape == truth.shape == selected.shape == (50, 14, 14)
    assert float(logits[truth].mean()) == pytest.approx(1, abs=0.05) and (logits[:, 1, -2] == pools.SPUR).all()
    assert not truth[:, 1, -2].any()


def test_who_gets_the_gradient():
    logits, truth, selected = pools.response(0.12)
    prob = logits.sigmoid()
    found = pools.gradients(prob, selected)
    assert set(found) == set(POOLINGS)
    score, grad = found["max"]
    assert score == float(prob.max()) and grad.nonzero().tolist() == [[1, 12]]  # the mistake alone
    assert torch.allclose(found["average"][1], torch.full((14, 14), 1 / 196))
    assert float(found["otsu"][1].sum()) == pytest.approx(1) and len(found["otsu"][1].unique()) == 2
    otsu, cluster = found["otsu"][1], selected[0] / selected.sum()
    assert torch.allclose(found["adaptive"][1], (otsu + cluster) / 2, atol=1e-6)
    table = pools.gradient_table(found, truth).set_index("pooling")
    assert table.loc["max", "on_tampered"] == 0 and table.loc["average", "cells"] == 196


def test_size_of_the_forgery():
    table = pools.share_sweep([0, 0.2, 0.8], images=8).pivot(index="share", columns="pooling", values="score")
    assert table["average"][0.2] < 0.5 < table["average"][0.8]
    assert table["max"].std() < 0.01 and table["otsu"][0.2] == pytest.approx(table["otsu"][0.8], abs=0.02)
    assert table["adaptive"][0.8] < table["adaptive"][0.2] - 0.1


def test_what_a_map_learns_from_a_label():
    logits, truth, selected = pools.response(0.12, low=-1.0, high=0.0, spur=False)
    before = logits.sigmoid()[0]
    learned = {name: pools.learn(logits, selected, name) for name in POOLINGS}
    assert int((learned["max"] != before).sum()) == 1
    assert (learned["average"] > before).all() and (learned["otsu"] > 0.5)[truth[0]].float().mean() > 0.8
    axes = pools.learned_figure(before, learned, truth).axes
    assert f"{int((before > 0.5)[truth[0]].sum())} of 24 right" in axes[0].get_title()


@pytest.mark.parametrize("value, n, p", [(0.5, 196, 100), (0.9, 49, 3)])
def test_closed_forms_of_the_exercises(value, n, p):
    assert pools.norm_over_n(value, n, p) == pytest.approx(value * n ** (1 / p) / n, rel=1e-4)


def test_pool_drawings():
    logits, truth, selected = pools.response(0.12)
    assert np.array_equal(
        pools.map_figure(logits.sigmoid(), truth, selected).axes[0].images[0].get_array(), logits.sigmoid()[0]
    )
    assert "max: 0.92\n1 cells\n0% on tampered" in [axis.get_title() for axis in pools.turn(0.12).axes]
    assert len(pools.sweep_figure(pools.share_sweep([0.1, 0.5], images=2)).axes[0].lines) == 7


# ---- teacher


def test_agreement_helps_as_far_as_the_errors_are_independent():
    sweep = teacher.agreement_sweep(1.0, [0, 1]).set_index(["shared", "selection"])["right"]
    first, second, truth = teacher.two_scores(1.0, 0.0, images=20000)
    a, b = (float(((source > 0.5) == truth).float().mean()) for source in (first, second))
    assert sweep[0, "agreement"] == pytest.approx(a * b / (a * b + (1 - a) * (1 - b)), abs=0.01)
    assert sweep[1, "agreement"] == pytest.approx(sweep[1, "all"], abs=1e-6)
    first, second, _ = teacher.two_scores(1.0, 0.7, images=20000)
    assert float(torch.corrcoef(torch.stack([first.logit(), second.logit()]))[0, 1]) == pytest.approx(0.85, abs=0.02)


def test_the_floor_of_a_literal_head():
    assert teacher.head_scores(True).min() >= 0.5 > teacher.head_scores(False).min()
    assert teacher.floor(0.5) == pytest.approx(math.log(2))
    assert [teacher.best_score(f) for f in (0.1, 0.3, 0.5, 0.8)] == pytest.approx([0.9, 0.7, 0.5, 0.5], abs=1e-3)


def test_the_head_has_no_gradient_in_the_literal_form():
    literal, ours = teacher.gradient_shares(False), teacher.gradient_shares(True)
    assert literal["head"] == 0 and literal["encoder.layer4"] > 0 and all(norm > 0 for norm in ours.values())


def test_a_world_that_confirms_itself():
    alone = teacher.many_starts(1.0, biases=(0.0, 1.0), seeds=(0, 1))
    ends = alone[alone["step"] == 80]
    assert collapsed(ends).all() and (ends["right"] < 0.55).all() and (ends["sure"] > 0.8).all()
    starts = alone[alone["step"] == 0]
    assert (ends["loss"].to_numpy() < starts["loss"].to_numpy()).all()
    assert (ends["rate"] == ends["positive"] / ends["chosen"]).all()
    taught = teacher.teach(*teacher.world(trace=2.0), labels=200, steps=60)
    assert taught["right"].iloc[-1] > 0.9 and (taught["chosen"] == 1).all()
    table = teacher.summary(alone, [0, 80])
    assert table.loc[(1.0, 80), "collapsed"] == 4


def test_teacher_drawings():
    first, second, truth = teacher.two_scores(1.0, 0.5, images=100)
    sweep = teacher.agreement_sweep(1.0, [0, 1], images=200)
    assert len(teacher.agreement_figure(first, second, truth, sweep).axes[0].lines[0].get_xdata()) == 50
    norms = {"deep=True": dict.fromkeys(teacher.PARTS, 2.0)}
    bars = teacher.defects_figure({"literal": teacher.head_scores(True)}, norms).axes[1].patches
    assert [bar.get_height() for bar in bars] == [2.0] * len(teacher.PARTS)
    starts = teacher.many_starts(1.0, biases=(0.0,), seeds=(0,), steps=2)
    assert np.array_equal(teacher.starts_figure(starts).axes[0].lines[0].get_ydata(), starts["rate"])


# ---- notebooks -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, small",
    [
        ("1_reconstruction", dict(size=32, steps=20, count=60, learn=20)),
        ("2_matching_and_clusters", {}),
        ("3_selective_contrast", dict(steps=20)),
        ("4_pooling", {}),
        ("5_self_distillation", dict(steps=20)),
    ],
)
def test_a_notebook_runs_and_leaves_its_figures(name, small, figures_of, tmp_path, monkeypatch):
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))
    assert len(list(figures_of(f"inr/{name}", **small).glob("*.csv"))) >= 1
