"""Figures of the protocol: the expected best of n trials, ranks of settings, and what each panel shows."""

import itertools

import numpy as np
import pandas as pd
import pytest

from imdlib.pages import plots_protocol


def test_the_expected_best_of_n_is_the_mean_over_all_samples_with_replacement():
    scores = [0.3, 0.9, 0.5]
    naive = [np.mean([max(some) for some in itertools.product(scores, repeat=n)]) for n in (1, 2, 3)]
    assert plots_protocol.expected_best(scores).tolist() == pytest.approx(naive)
    assert plots_protocol.expected_best([np.nan, 0.5]).tolist() == pytest.approx([0.5, 0.5])
    assert len(plots_protocol.expected_best([])) == 0


def test_settings_are_placed_by_rank():
    placed = plots_protocol.placed([dict(rate=0.1, form="a"), dict(rate=0.001, form="b"), dict(rate=0.01, form="a")])
    assert placed.loc["rate"].tolist() == [1, 0, 0.5] and placed.loc["form"].tolist() == [0, 1, 0]


def test_a_curve_marks_settings_in_which_nothing_was_learned_and_does_not_count_them():
    tried = pd.DataFrame(
        dict(
            name="pc",
            statement="it helps",
            headline=True,
            trial=[0, 1, 2],
            effect=[0.1, np.nan, -0.1],
            raw=[0.1, 0.2, -0.1],
        )
    )
    figure = plots_protocol.specification_curve(tried, [dict(rate=0.1), dict(rate=0.2), dict(rate=0.3)])
    curve, below = figure.axes[:2]
    assert "1 of 2 above 0" in curve.get_title() and below.images[0].get_array().tolist() == [[1.0, 0.0, 0.5]]
    faces = [tuple(face) for marks in curve.collections for face in marks.get_facecolors()]
    assert sum(face[:3] == (1, 1, 1) for face in faces) == 1


def test_figures_of_nothing_are_empty():
    columns = [
        "name",
        "statement",
        "metric",
        "headline",
        "trial",
        "effect",
        "raw",
        "seed",
        "images",
        "row",
        "score",
        "chosen",
    ]
    nothing = pd.DataFrame(columns=columns).astype({"headline": bool})
    assert not plots_protocol.specification_curve(nothing, []).axes
    for figure in (plots_protocol.trials(nothing), plots_protocol.effect_against_steps(nothing)):
        assert not any(axis.lines for axis in figure.axes)
