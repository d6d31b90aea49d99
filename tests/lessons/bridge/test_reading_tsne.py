"""Notebook 5's toy: the worlds are what they are said to be, and the figure shows the numbers it is given."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from imdlib.lessons.bridge import reading_tsne as worlds
from imdlib.scoring import embedding


def test_rotation_keeps_distances():
    features = np.random.default_rng(0).normal(size=(30, 20))
    assert np.allclose(pairwise_distances(features), pairwise_distances(worlds.rotated(features, 3)))


def test_equal_clusters_are_equal():
    features, labels = worlds.equal(count=2000, apart=8.0)
    means = np.stack([features[labels == k].mean(0) for k in range(3)])
    assert np.allclose(pairwise_distances(means)[np.triu_indices(3, 1)], 8 * np.sqrt(2), rtol=0.03)
    assert np.allclose([features[labels == k].var(0).mean() for k in range(3)], 1, rtol=0.03)


def test_unequal_clusters_have_their_sizes_and_places():
    features, labels = worlds.unequal()
    assert np.bincount(labels).tolist() == [90, 30, 30]
    row = worlds.sizes(features, labels, {"itself": features})
    assert row.loc["itself", "far / near"] == pytest.approx(5, rel=0.1)
    assert row.loc["itself", "width of 1"] == pytest.approx(1 / 3, rel=0.1)
    assert row.loc["features", "width of 2"] == pytest.approx(1, rel=0.15)  # standardising has not changed it much


@pytest.mark.parametrize("seed", [0, 1])
def test_a_narrow_class_and_a_wide_one_are_drawn_alike_until_the_perplexity_exceeds_them(seed):
    features, labels = worlds.unequal(seed=seed)
    found = worlds.sizes(features, labels, worlds.views(features, umap=False))
    ratio = found["width of 1"] / found["width of 2"]
    assert (
        ratio["features"] < 0.5
        and 0.8 < ratio["t-SNE, perplexity 5"] < 1.4
        and 0.8 < ratio["t-SNE, perplexity 30"] < 1.4
    )
    assert ratio["t-SNE, perplexity 100"] > 5
    assert found.loc["t-SNE, perplexity 5", "far / near"] < 0.5 * found.loc["features", "far / near"]


def test_noise_has_balanced_labels_that_say_nothing():
    features, labels = worlds.noise(count=3000)
    assert np.bincount(labels).tolist() == [1000, 1000, 1000]
    assert max(np.abs(features[labels == k].mean(0)).max() for k in range(3)) < 0.15


def test_ribbon_is_cut_in_three():
    _, labels = worlds.ribbon(count=3000)
    assert (np.diff(labels) >= 0).all() and np.allclose(np.bincount(labels), 1000, atol=100)


def test_views_and_verdicts_carry_the_same_titles():
    features, labels = worlds.equal(count=12)
    panels = worlds.views(features, perplexities=(5, 10), umap=False)
    assert list(panels) == ["t-SNE, perplexity 5", "t-SNE, perplexity 10"]
    judged = worlds.verdicts(features, labels, panels)
    assert judged["t-SNE, perplexity 5"]["knn"] == judged["t-SNE, perplexity 10"]["knn"]


def test_silhouette_of_the_plane_runs_ahead_of_that_of_the_features():
    table = worlds.overlaps([0, 6])
    value = table.set_index(["apart", "meter"])["value"]
    assert abs(value[0, "silhouette_plane"]) < 0.1 and value[6, "silhouette_plane"] > value[6, "silhouette"] + 0.3
    assert abs(value[6, "knn_plane"] - value[6, "knn"]) < 0.05
    lines = worlds.overlap_figure(table).axes[1].lines
    assert lines[0].get_ydata().tolist() == [value[0, "knn"], value[6, "knn"]]


@pytest.mark.parametrize("dimensions", [5, 50])
def test_squared_distances_closed_form(dimensions):
    labels = np.arange(2000) % 2
    features = np.random.default_rng(0).normal(size=(2000, dimensions))
    features[:, 0] += 1000 * labels
    first, second = (embedding.prepared(features)[labels == k] for k in (0, 1))
    within, between = (
        ((one - two) ** 2).sum(1).mean() for one, two in ((first, np.roll(first, 1, 0)), (first, second))
    )
    assert within == pytest.approx(2 * (dimensions - 1), rel=0.03)
    assert between == pytest.approx(2 * (dimensions - 1) + 4, rel=0.03)


def test_everyone_votes_against_everyone():
    assert worlds.everyone_votes() == 0


@pytest.mark.slow
def test_notebook_5_runs(figures_of, monkeypatch):
    """UMAP, which is compiled first, has a test of its own; here the first columns stand in its place."""
    project = embedding.project

    def plane(points, method="tsne", *more, **options):
        return points[:, :2] if method == "umap" else project(points, method, *more, **options)

    monkeypatch.setattr(embedding, "project", plane)
    left = figures_of("bridge/5_reading_tsne")
    for name in ("equal", "unequal", "noise", "ribbon", "seeds", "meters"):
        assert (left / f"figure_{name}.csv").stat().st_size > 50
