"""Notebook 3's toy: what a cut branch cannot know is exactly unknown, and open bridges carry it."""

import numpy as np
import pytest
import torch

from imdlib.lessons.bridge import two_branches as branches
from imdlib.lessons.bridge import two_branches_figures as branches_figures


@pytest.fixture(scope="module")
def models():
    return {name: branches.network(name) for name in branches.BRIDGES}


def test_both_textures_are_the_same_bag_of_cells():
    pair = branches.render([True, True], [True, True], [True, False], distance=10)
    cells = pair.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).reshape(2, 128, -1)  # (2,cells,48)
    first, second = (sorted(map(tuple, bag.tolist())) for bag in cells)
    assert first == second and not torch.equal(pair[0], pair[1])


def test_scenes_are_balanced_and_say_the_truth():
    image, truth = branches.scenes(400, noise=0.0)
    assert image.shape == (400, 3, 32, 64) and truth.shape == (400, 2)
    assert ((truth.float().mean(0) - 0.5).abs() < 0.1).all()
    red, blue = (image[:, c] > 0.8 for c in (0, 2))
    coloured = torch.stack([(red & ~blue).sum((1, 2)), (blue & ~red).sum((1, 2))], 1)  # pixels of orange and of blue
    assert torch.equal((coloured > 0).sum(1) == 1, truth[:, 1])
    assert torch.equal(branches.scenes(3, seed=5)[0], branches.scenes(3, seed=5)[0])


def test_interaction_of_a_cut_convolution_is_rounding_beyond_its_window(models):
    near, far = branches.interaction(branches.network("cut").double(), [3, 12])["conv"]
    assert near > 1e-2 and far < 1e-12
    for name in ("to map only", "coupled"):
        assert branches.interaction(branches.network(name).double(), [12])["conv"][0] > 1e-2
    assert branches.interaction(branches.network("cut").double(), [12])["trans"][0] > 1e-2


def test_interaction_equals_its_formula(models):
    aa, ab, ba, bb = branches.summaries(models["coupled"], branches.four(9))["trans"].numpy()
    expected = np.linalg.norm(aa - ab - ba + bb) / np.linalg.norm(aa - ab)
    found = branches.interaction(branches.network("coupled").double(), [9])["trans"][0]
    assert found == pytest.approx(expected, rel=1e-3)


def test_shuffling_moves_cells_and_only_a_coupled_transformer_notices(models):
    image, _ = branches.scenes(2, noise=0.0, seed=1)
    mixed = branches.shuffled(image)
    assert torch.equal(mixed[:, :, :4], image[:, :, :4]) and not torch.equal(mixed, image)
    assert torch.equal(mixed.flatten(2).sort(2).values, image.flatten(2).sort(2).values)
    for name, same in (("cut", True), ("to map only", True), ("to tokens only", False), ("coupled", False)):
        before, after = (branches.summaries(models[name], one)["trans"] for one in (image, mixed))
        assert torch.allclose(before, after, atol=1e-5) is same, name


@pytest.mark.parametrize("depth, width", [(3, 31), (6, 59)])
def test_width_of_the_window(depth, width):
    assert branches.width_of_field(depth) == width


def test_fields_are_local_only_where_the_bridge_to_the_map_is_cut(models):
    image, _ = branches.scenes(1, noise=0.1)
    for name, model in models.items():
        share = (branches.field(model, image, "conv", (4, 8)) > 0).float().mean()
        assert (share < 0.5) == (name in ("cut", "to tokens only"))
        assert (branches.field(model, image, "trans", (4, 8)) > 0).float().mean() > 0.99


def test_messages_of_the_first_bridge_are_local_and_of_the_second_are_not(models):
    found = branches.messages(models["coupled"], *branches.four(13)[:2].split(1))
    assert list(found) == [(1, "to_tokens"), (1, "to_map"), (2, "to_tokens"), (2, "to_map")]
    assert found[1, "to_tokens"][:, :10].max() == 0 < found[1, "to_map"][:, :10].min()


def test_fitted_heads_are_the_logistic_regression(models):
    model = branches.network("cut", seed=3)
    image, truth = branches.scenes(80, seed=1)
    values = branches.summaries(model, image)
    branches.fit_heads(model, image, truth)
    with torch.no_grad():
        outputs = model(image[:8])
    for name in ("conv", "trans"):
        weight, bias = branches.logistic(values[name], truth[:, 0])
        assert torch.allclose(outputs[f"{name}_logits"][:, 0], values[name][:8] @ weight + bias, atol=1e-3)


def test_each_branch_answers_its_own_question(models):
    table = branches_figures.auc_table({name: models[name] for name in ("cut", "coupled")}, count=120)
    auc = table.set_index(["bridges", "branch", "task"])["auc"]
    order, alike = branches.TASKS
    assert auc["cut", "conv_logits", order] > 0.95 and auc["cut", "trans_logits", alike] > 0.95
    assert abs(auc["cut", "conv_logits", alike] - 0.5) < 0.15 and abs(auc["cut", "trans_logits", order] - 0.5) < 0.15
    assert (auc["coupled"] > 0.7).all()
    assert len(branches_figures.auc_figure(table).axes) == 2


def test_the_exercise_has_one_answer():
    model = branches.fit_heads(branches.network("cut"), *branches.scenes(60, seed=1))
    with torch.no_grad():
        aa, ab, ba, bb = model(branches.four(13), attention=False)["conv_logits"]
    assert torch.allclose(ab + ba - aa, bb, atol=1e-3)
    assert not any(torch.allclose(one, bb, atol=1e-3) for one in (aa, ab, ba))


def test_branch_drawings(models, capsys):
    image, truth = branches.scenes(2)
    titles = [axis.get_title() for axis in branches_figures.scene_sheet(image, truth).axes]
    assert titles[0] == f"{'checkerboard' if truth[0, 0] else 'stripes'}, marks {'alike' if truth[0, 1] else 'differ'}"
    found = branches_figures.fields({"cut": branches.network("cut")}, images=1)
    assert branches_figures.field_table(found)["columns_heard"].tolist() == [31, 64]
    assert branches_figures.field_figure(found).axes[0].images[0].get_array().mask.any()
    table = branches_figures.interaction_table({"cut": branches.network("cut")}, [3, 12])
    assert len(branches_figures.interaction_figure(table).axes[0].lines) == 2
    found = branches.messages(models["coupled"], *branches.four(13)[:2].split(1))
    assert "first mark" in branches_figures.message_figure(found).axes[0].get_title()
    branches_figures.turn({"cut": models["cut"]}, 5, count=10)
    assert "marks alike or not: convolution" in capsys.readouterr().out


@pytest.mark.slow
def test_notebook_3_runs(figures_of):
    left = figures_of("bridge/3_two_branches")
    for name in ("figure_fields", "figure_interaction", "figure_branches"):
        assert (left / f"{name}.csv").stat().st_size > 50
