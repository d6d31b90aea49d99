"""Features in the plane: against sklearn, naive loops and closed forms; empty cases and refusals; the drawing."""

import math

import matplotlib
import numpy as np
import pytest
from sklearn.metrics import silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from imdlib.pages import plots_embedding
from imdlib.scoring import embedding

matplotlib.use("agg")


def clusters(count=20, dimensions=6, apart=12.0, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], count)
    features = generator.normal(size=(3 * count, dimensions))
    features[np.arange(3 * count), labels] += apart
    return features, labels


# ---- prepared


def test_prepared_is_standardised_and_constant_columns_are_zero():
    features = np.random.default_rng(0).normal(3, 5, size=(40, 4))
    features[:, 2] = 7
    points = embedding.prepared(features)
    assert np.allclose(points.mean(0), 0) and np.allclose(points.std(0), [1, 1, 0, 1])


@pytest.mark.parametrize("count, dimensions, kept", [(80, 50, 50), (80, 60, 50), (20, 60, 20)])
def test_prepared_keeps_at_most_fifty_components(count, dimensions, kept):
    features = np.random.default_rng(0).normal(size=(count, dimensions))
    points = embedding.prepared(features)
    assert points.shape == (count, kept)
    if dimensions > 50:
        scaled = (features - features.mean(0)) / features.std(0)
        left, values, _ = np.linalg.svd(scaled, full_matrices=False)
        assert np.allclose(np.abs(points), np.abs(left * values)[:, :kept], atol=1e-8)


@pytest.mark.parametrize("bad", [np.zeros(5), np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((2, 2, 2))])
def test_prepared_refuses_what_is_no_table(bad):
    with pytest.raises(ValueError, match="features: expected"):
        embedding.prepared(bad)


def test_prepared_refuses_nan():
    features = np.zeros((5, 2))
    features[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 5 rows"):
        embedding.prepared(features)


# ---- project


def test_tsne_keeps_far_clusters_apart_and_repeats_itself():
    features, labels = clusters()
    points = embedding.project(features, perplexity=10)
    assert points.shape == (60, 2) and points.dtype == np.float64 and np.isfinite(points).all()
    assert silhouette_score(points, labels) > 0.5
    assert np.array_equal(points, embedding.project(features, perplexity=10))
    assert not np.allclose(points, embedding.project(features, perplexity=10, init="random"))
    assert np.allclose(points, embedding.project(features * [1, 2, 3, 4, 5, 6] + 3, perplexity=10), atol=1e-2)


@pytest.mark.slow
def test_umap_keeps_far_clusters_apart_and_repeats_itself():
    features, labels = clusters()
    points = embedding.project(features, "umap", perplexity=10)
    assert points.shape == (60, 2) and silhouette_score(points, labels) > 0.5
    assert np.array_equal(points, embedding.project(features, "umap", perplexity=10))


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(method="pca"), "method='pca'"),
        (dict(perplexity=60), "less than the 60 points"),
        (dict(perplexity=1), "more than 1"),
        (dict(init="zeros"), "init='zeros'"),
    ],
)
def test_project_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        embedding.project(clusters()[0], **options)


# ---- judge


def naive_knn(points, labels, k):
    hits = 0
    for i in range(len(points)):
        order = sorted((j for j in range(len(points)) if j != i), key=lambda j: np.linalg.norm(points[i] - points[j]))
        votes = [labels[j] for j in order[:k]]
        hits += max(sorted(set(votes)), key=votes.count) == labels[i]
    return hits / len(points)


def naive_silhouette(points, labels):
    values = []
    for i, own in enumerate(labels):
        mean = {}
        for kind in set(labels.tolist()):
            others = [np.linalg.norm(points[i] - points[j]) for j in range(len(points)) if j != i and labels[j] == kind]
            mean[kind] = np.mean(others) if others else None
        if mean[own] is None:
            values.append(0.0)
            continue
        nearest = min(value for kind, value in mean.items() if kind != own)
        values.append((nearest - mean[own]) / max(nearest, mean[own]))
    return np.mean(values)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_judge_equals_loops_and_sklearn(k):
    features, labels = clusters(count=12, apart=1.5)
    coordinates = features[:, :2] ** 2
    found = embedding.judge(features, labels, coordinates, k=k)
    points = embedding.prepared(features)
    for name, space in (("", points), ("_plane", coordinates)):
        assert found["knn" + name] == naive_knn(space, labels, k)
        voted = cross_val_predict(KNeighborsClassifier(k), space, labels, cv=LeaveOneOut())
        assert found["knn" + name] == np.mean(voted == labels)
        assert found["silhouette" + name] == pytest.approx(naive_silhouette(space, labels), abs=1e-9)
        assert found["silhouette" + name] == pytest.approx(silhouette_score(space, labels), abs=1e-12)
    assert found["chance"] == pytest.approx(1 / 3)


def test_judge_takes_names_as_labels_and_does_not_mind_their_order():
    features, labels = clusters(count=12)
    names = np.array(["real", "partly", "fully"])[labels]
    assert embedding.judge(features, names, features[:, :2]) == embedding.judge(features, labels, features[:, :2])


def test_judge_closed_forms():
    features, labels = clusters(apart=200.0)
    found = embedding.judge(features, labels, np.stack([10.0 * labels, np.zeros(60)], 1))
    assert found["knn"] == found["knn_plane"] == 1 and found["silhouette_plane"] == 1
    everyone = embedding.judge(features, labels, features[:, :2], k=59)
    assert everyone["knn"] == 0  # own class has one vote less than the others


def test_judge_is_undefined_where_it_cannot_be_measured():
    features, labels = clusters(count=3)
    found = embedding.judge(features, labels, features[:, :2])  # nine points, ten neighbours
    assert math.isnan(found["knn"]) and math.isnan(found["knn_plane"]) and not math.isnan(found["silhouette"])
    one = embedding.judge(features, np.zeros(9), features[:, :2], k=2)
    assert math.isnan(one["silhouette"]) and one["knn"] == 1 and one["chance"] == 1
    assert math.isnan(embedding.judge(features, np.arange(9), features[:, :2])["silhouette_plane"])


def test_judge_refuses_lengths_that_differ():
    features, labels = clusters(count=4)
    with pytest.raises(ValueError, match="12 features, 11 labels, 12 coordinates"):
        embedding.judge(features, labels[:-1], features[:, :2])


# ---- drawing


def test_scatter_tells_classes_by_colour_and_shape_and_draws_every_point_once():
    features, labels = clusters(count=8)
    panels = {"a": features[:, :2], "b": features[:, 2:4]}
    verdicts = {title: embedding.judge(features, labels, points) for title, points in panels.items()}
    names = ("real", "partly fake", "fully fake")
    figure = plots_embedding.scatter(panels, labels, classes=names, verdicts=verdicts)
    second = figure.axes[1]
    assert f"k-NN {verdicts['b']['knn']:.2f} → {verdicts['b']['knn_plane']:.2f}" in second.get_title()
    drawn = np.concatenate([part.get_offsets() for part in second.collections])
    assert np.allclose(np.sort(drawn, 0), np.sort(features[:, 2:4], 0))
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [*names] and len(figure.legends) == 1
    assert len({handle.get_marker() for handle in legend.legend_handles}) == 3
    colors = [tuple(part.get_facecolor()[0][:3]) for part in second.collections]
    assert colors != sorted(colors)  # classes lie among each other, not one above the other


def test_images_of_the_same_scene_are_no_neighbours():
    points = np.repeat(np.arange(6.0), 2)[:, None] + np.tile([0, 0.01], 6)[:, None]
    labels, scenes = np.tile([0, 1], 6), np.repeat(np.arange(6), 2)
    free = embedding.leave_one_out(points, labels, 1)
    apart = embedding.leave_one_out(points, labels, 1, scenes)
    naive = []
    for i in range(12):
        others = [j for j in range(12) if scenes[j] != scenes[i]]
        naive.append(labels[min(others, key=lambda j: abs(points[i, 0] - points[j, 0]))] == labels[i])
    assert free == 0 and apart == np.mean(naive) > 0
    assert np.isnan(embedding.leave_one_out(points, labels, 11, scenes))


def test_scatter_wraps_rows_and_rows_are_tidy():
    features, labels = clusters(count=4)
    panels = {str(number): features[:, :2] for number in range(5)}
    figure = plots_embedding.scatter(panels, labels)
    assert len(figure.axes) == 8 and sum(axis.axison for axis in figure.axes) == 5
    table = plots_embedding.rows(panels, labels, ["g"] * 12)
    assert table.shape == (60, 6) and table[table["panel"] == "3"]["x"].tolist() == features[:, 0].tolist()
    assert "generator" not in plots_embedding.rows(panels, labels)


def test_points_of_ones_own_group_are_no_neighbours():
    rng = np.random.default_rng(0)
    points, labels, groups = rng.normal(size=(40, 3)), rng.integers(0, 2, 40), np.arange(40) // 4
    found = embedding.agree(points, labels, 5, groups)
    for i, value in enumerate(found):
        others = [j for j in np.argsort(((points - points[i]) ** 2).sum(1)) if groups[j] != groups[i]][:5]
        assert value == (np.bincount(labels[others], minlength=2).argmax() == labels[i])
    same = np.repeat(np.arange(8), 5)[:, None].astype(float)
    assert embedding.agree(same, np.arange(40) % 2, 3, np.repeat(np.arange(8), 5)).mean() < 1
    assert np.isnan(embedding.agree(points, labels, 37, groups)).all()
