"""Toy of the discrepancies: closed forms, naive loops, who moves and who must not, drawings, and its notebook."""

import itertools
import math

import numpy as np
import pytest
import torch

from imdlib.bridge.labels import FULLY, PARTLY, REAL
from imdlib.lessons.bridge import discrepancy as plane
from imdlib.lessons.bridge import discrepancy_figures as draw


@pytest.fixture(scope="module")
def short():
    return plane.story(steps=24)[0]


def test_only_made_tokens_are_moved():
    near, label = plane.pictures(5, trace=0.0)
    far, _ = plane.pictures(5, trace=1.0)
    moved = (far != near).any(2)  # (15,6)
    assert torch.equal(moved.sum(1), torch.tensor([0, 2, 6])[label])
    assert torch.allclose((far - near).norm(dim=2)[moved], torch.tensor(2.0))


def test_forces_equal_their_closed_form():
    field = plane.forces(margin=4.0)
    up = {name: np.where(field[name] < 4, 4, 0) * field[name] for name in ("d1", "d2")}
    down = {name: -4 * field[name] for name in ("d1", "d2")}
    for one, v1, v2 in ((REAL, down, down), (PARTLY, down, up), (FULLY, up, down)):
        rows = field["label"] == one
        assert np.allclose(field.loc[rows, "v1"], v1["d1"][rows], atol=1e-4)
        assert np.allclose(field.loc[rows, "v2"], v2["d2"][rows], atol=1e-4)


@pytest.mark.parametrize("margin", [3.0, 4.0, 9.0])
def test_answers_of_the_exercises(margin):
    assert torch.allclose(plane.copied(margin), torch.tensor([margin, 0.0]))
    assert torch.allclose(plane.most_apart(margin), torch.tensor([2.0, margin - 2]))


def test_best_evidence_equals_a_naive_loop():
    tokens, _ = plane.pictures(2, trace=0.4, tokens=4)
    move = 0.8 * np.array([-0.6, 0.8])
    for picture, found in zip(tokens.double().numpy(), plane.best_evidence(tokens, 0.4)):
        total = 0.0
        for pair in itertools.combinations(range(4), 2):
            ratio = 0.0
            for i in pair:
                x = picture[i] - np.array([1.0, 0.0])
                ratio += (x @ x - (x - move) @ (x - move)) / (2 * 0.5**2)
            total += math.exp(ratio)
        assert float(found) == pytest.approx(math.log(total), abs=1e-4)


def test_auc_is_of_one_class_against_real_ones():
    label = torch.tensor([0, 0, 1, 1, 2])
    assert plane.auc(torch.tensor([0.0, 1.0, 2.0, 3.0, -9.0]), label) == 1
    assert plane.auc(torch.tensor([0.0, 1.0, 2.0, 3.0, -9.0]), label, FULLY) == 0


def test_the_teacher_stands_still_and_no_term_no_change():
    tokens, label = plane.pictures(6)
    model = plane.teach(tokens, label, steps=2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    path = plane.distil(model, tokens, label, tokens, steps=4, every=2)
    changed = {n.split(".")[0] for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    assert changed == {"student1", "student2"}
    assert sorted(path["step"].unique()) == [0, 2, 4] and len(path) == 3 * len(label)


def test_classes_part_on_pictures_that_nobody_learned_from(short):
    found = plane.medians(short)
    assert found.loc["partly fake", "d2"] > 2 * found.loc["partly fake", "d1"]
    assert found.loc["fully fake", "d1"] > 2 * found.loc["fully fake", "d2"]


def test_the_margin_is_idle_beside_a_sure_teacher():
    _, table = plane.margin_sweep([0.25, 4.0], 80, steps=8)
    assert (table["before"] > 4).all() and table["after"][0] == table["after"][1]
    _, table = plane.margin_sweep([0.25, 4.0], 20, steps=8)
    assert (table["before"] < 4).all() and table["after"][0] != table["after"][1]


def test_overlap_has_a_row_for_each_trace():
    paths, table = plane.overlap([1.0, 0.0], steps=4)
    assert list(paths) == table["trace"].tolist() == [1.0, 0.0]
    assert table["partly fake, at best"][0] > 0.99 and table["partly fake, at best"][1] == 0.5  # all ties


def test_density_has_area_one():
    at = np.linspace(0, 10, 4001)
    line = draw.density(np.array([0.0, 0.1, 3.0]), at)
    assert np.trapezoid(line, at) == pytest.approx(1, abs=1e-3)


def test_drawings_show_what_they_are_given(short):
    figure = draw.strip(short, 4.0, (0, 24))
    assert [axis.get_title() for axis in figure.axes] == ["step 0", "step 24"]
    drawn = [line for line in figure.axes[1].lines if line.get_marker() == "o"]
    end = short[short["step"] == 24]
    assert [len(line.get_xdata()) for line in drawn] == [40, 40, 40]
    assert np.array_equal(drawn[PARTLY].get_ydata(), end.loc[end["label"] == PARTLY, "d2"])
    assert draw.animate(short[short["step"] < 8], 4.0).count("data:image/png") == 2
    rows = draw.density_figure(short, 4.0).axes
    highest = [max(np.max(line.get_ydata()) for line in axis.lines if line.get_linestyle() == "-") for axis in rows]
    assert all(axis.get_ylim()[1] >= high for axis, high in zip(rows, highest))
    assert len(rows) == 4 and len(draw.force_figure(plane.forces(), 4.0).axes) == 3
    _, table = plane.margin_sweep([1.0, 4.0], 20, steps=0)
    assert draw.margin_figure({"a": table, "b": table}).axes[1].lines[0].get_xdata().tolist() == [1.0, 4.0]


@pytest.mark.slow
def test_notebook_runs_and_leaves_its_figures(figures_of):
    names = {path.stem for path in figures_of("bridge/1_discrepancy", steps=8).glob("*.png")}
    assert names == {f"figure_discrepancy_{one}" for one in ("film", "density", "terms", "margin", "overlap")}
