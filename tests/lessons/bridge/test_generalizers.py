"""Toy of the generalizers: the study's own losses, who moves and who must not, unseen fakes, drawings, and its notebook."""

import numpy as np
import pytest
import torch

from imdlib.bridge.discrepancy import generalizer_loss
from imdlib.bridge.stages import stage_losses
from imdlib.lessons.bridge import generalizers as game
from imdlib.lessons.bridge import generalizers_figures as draw
from imdlib.lessons.bridge import generalizers_unseen as ring


@pytest.fixture(scope="module")
def played():
    """Model and moments after a few turns, so that no network is at its start."""
    return game.story(steps=6, every=4)


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed(before, model):
    return {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("raw_too", [False, True])
def test_losses_are_those_of_the_study(played, raw_too):
    model, (tokens, label) = played[0], game.pictures()
    batch, options = {"tokens": tokens, "label": label}, dict(margin=3.0)
    study = stage_losses("students", model, None, batch, diverge_on_raw_too=raw_too, **options)["loss"]
    assert torch.allclose(game.students_loss(model, tokens, label, raw_too=raw_too, **options), study, atol=1e-5)
    study = sum(stage_losses(name, model, None, batch, **options)["loss"] for name in game.NAMES)
    assert torch.allclose(game.adversary_loss(model, tokens, label, **options), study, atol=1e-5)


@pytest.mark.parametrize(
    ("turns", "who"),
    [
        (dict(adversary=0), {"student1", "student2"}),
        (dict(students=0), {"generalizer_pf", "generalizer_ff"}),
        (dict(students=0, adversary=0), set()),
    ],
)
def test_only_who_has_a_turn_changes(turns, who):
    tokens, label = game.pictures()
    model = game.begin(tokens, label, teacher_steps=2)
    before = state(model)
    game.play(model, tokens, label, steps=2, **turns)
    assert changed(before, model) == who


def test_an_untrained_generalizer_changes_nothing_and_moments_are_noted():
    tokens, label = game.pictures()
    model = game.begin(tokens, label, teacher_steps=1)
    moments = game.play(model, tokens, label, adversary=0, steps=5, every=4)
    assert [moment["step"] for moment in moments] == [0, 4, 5]
    assert np.array_equal(moments[-1]["moved"][0], tokens[label == 1, 0].numpy())


def test_fields_are_the_distances_at_their_places(played):
    model, moments = played
    line = np.linspace(-4, 5, 41)
    place = torch.tensor([line[30], line[7]], dtype=torch.float)  # x, y
    with torch.no_grad():
        found = game.look(model, *game.pictures())["fields"][7, 30]
        assert np.allclose(found, model.distances(place.view(1, 1, 2))[0].numpy(), atol=1e-4)
    assert moments[-1]["fields"].shape == (41, 41, 2)


class Radius(torch.nn.Module):
    """A stand-in whose d1 grows to the right and whose d2 is 0."""

    def distances(self, tokens):
        return torch.stack([tokens[:, 0, 0] + 10, torch.zeros(len(tokens))], 1)


def test_unseen_equals_a_naive_loop_and_knows_directions():
    found = ring.unseen(Radius(), angles=(0, 180))
    real, right = game.cloud((0.0, 0.0), 100, 1000)[:, 0, 0], game.cloud((ring.RADIUS, 0.0), 100, 1001)[:, 0, 0]
    wins = sum(float(fake > one) for fake in right for one in real) / 1e4
    assert found[0] == pytest.approx(wins, abs=1e-6) and found[1] < 0.01


def test_sweep_has_all_starts_and_strengths():
    table, rings, lasts = ring.sweep((0, 1), (0, 3), steps=2)
    assert set(lasts) == {(0, 0), (0, 1), (3, 0), (3, 1)} and all(m["step"] == 2 for m in lasts.values())
    assert len(table) == 4 and len(rings) == 4 * len(ring.ANGLES)
    part = rings.groupby(["start", "adversary"])["auc"]
    assert np.allclose(table["unseen, worst"], part.min()) and np.allclose(table["unseen, mean"], part.mean())


def test_medians_are_of_each_class(played):
    tokens, label = game.pictures()
    with torch.no_grad():
        d = played[0].distances(tokens)
    assert ring.medians(played[0], tokens, label).loc["fully fake", "d2"] == pytest.approx(
        float(np.median(d[label == 2, 1].numpy()))
    )


def test_answers_of_the_exercises():
    def eq6(d1, d2):
        return float(generalizer_loss(torch.zeros(1, 1), torch.tensor([[d1**0.5]]), torch.tensor([[d2**0.5]])))

    assert [eq6(0, 0), eq6(4, 0), eq6(0, 4)] == [4, 0, 8]
    assert ring.changed() == {"generalizer_pf", "generalizer_ff"}


def test_drawings_show_what_they_are_given(played):
    moments, (tokens, label) = played[1], game.pictures()
    figure = draw.fields({"one": (moments[0], 1), "larger": (moments[-1], 0)}, tokens, label)
    shown = figure.axes[1].images[0].get_array()
    assert np.allclose(shown, np.sqrt(moments[-1]["fields"].max(2)))
    *panels, bar = figure.axes
    assert [axis.get_title() for axis in panels] == ["one", "larger"] and bar.get_ylabel() == "distance (root of d)"
    assert [line.get_marker() for line in figure.axes[0].lines] == ["o", "o", "o", "x", "x"]
    ways = draw.trails(moments, tokens, label, shown=5).axes[0].lines
    assert sum(line.get_marker() == "None" for line in ways) == 10
    assert draw.animate(moments[:2], tokens, label).count("data:image/png") == 2
    _, rings, _ = ring.sweep((0, 1), (0,), steps=1)
    assert draw.ring_figure(rings).axes[0].get_title() == "start 0"


@pytest.mark.slow
def test_notebook_runs_and_leaves_its_figures(figures_of):
    names = {path.stem for path in figures_of("bridge/2_generalizers", steps=8, starts=2).glob("*.png")}
    assert names == {"figure_adversary_game", "figure_adversary_unseen"}
