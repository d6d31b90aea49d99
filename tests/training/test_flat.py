"""Until flat: what counts as flat, and that training with it ends where the rule says, also when it was interrupted."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from imdlib import train
from imdlib.training import flat
from tests.test_train import SETTINGS, Squares, loss, network, weights


def epochs(values, losses):
    """A history with one look an epoch."""
    return [{"val": value, "loss": one} for value, one in zip(values, losses)]


def test_too_few_looks_are_never_flat():
    assert not flat.flat(epochs([0.7] * 5, [1.0] * 5), "val", ["loss"])
    assert flat.flat(epochs([0.7] * 6, [1.0] * 6), "val", ["loss"])


@pytest.mark.parametrize(
    "values, losses, expected",
    [
        ([0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7], [1.0] * 9, False),  # validation rises
        ([0.7] * 9, [1.0, 1.0, 1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8], False),  # the loss falls
        ([0.7] * 9, [-1.0] * 6 + [-1.5] * 3, False),  # a loss below 0 falls, too
        ([0.7] * 9, [-1.0] * 9, True),
        ([0.7] * 9, [-1.0] * 6 + [-1.01] * 3, True),
        ([0.7] * 6 + [0.705] * 3, [1.0] * 6 + [0.98] * 3, True),  # both by less than the rule minds
        ([0.7] * 6 + [0.5] * 3, [1.0] * 9, True),  # worse than before is not rising
        ([0.7, 0.6, 0.7, np.nan, 0.7, 0.7, 0.7, 0.7, 0.7], [1.0] * 9, True),
    ],
)
def test_flat_compares_the_last_third_with_the_one_before(values, losses, expected):
    assert flat.flat(epochs(values, losses), "val", ["loss"]) is expected


def test_epochs_in_which_nobody_looked_count_for_the_loss_alone():
    history = [
        row if number % 2 else {"loss": row["loss"]} for number, row in enumerate(epochs([0.7] * 11, [1.0] * 11))
    ]
    assert not flat.flat(history, "val", ["loss"])  # five looks


@pytest.mark.parametrize("budget", range(1, 40))
def test_the_cool_down_fits_into_every_budget_and_wastes_none_of_it(budget):
    begun = flat.latest(budget)
    assert begun + flat.cooling(begun) <= budget
    assert begun == budget - 1 or begun + 1 + flat.cooling(begun + 1) > budget


def trained(folder, budget, value, **turned):
    """(history, weights) of a training whose validation number is `value(epoch)`."""
    seen = []
    validate = lambda model: {"val": seen.append(0) or value(len(seen))}  # noqa: E731
    settings = replace(SETTINGS, epochs=budget, until_flat=True) if not turned else replace(SETTINGS, **turned)
    model = network()
    history = train.fit(model, loss, Squares(), folder, settings, validate=validate, keep="val")
    return history, weights(model)


def test_training_stops_once_it_is_flat_and_the_rate_falls_in_a_straight_line(tmp_path, monkeypatch):
    monkeypatch.setattr(flat, "FALL", 10.0)  # the loss shall not matter here
    history, _ = trained(tmp_path, 40, lambda epoch: 0.5)
    assert len(history) == 6 + flat.cooling(6)
    assert list(history["cooling"]) == [0] * 6 + [1] * 2
    steps = 2 * 3  # batches of the cool-down
    assert list(history["learning_rate"][:6]) == [0.1] * 6
    assert history["learning_rate"].iloc[-1] == pytest.approx(0.1 / steps)  # at its last batch; after it, 0


def test_what_still_rises_has_its_whole_budget(tmp_path):
    history, _ = trained(tmp_path, 10, lambda epoch: epoch / 10)
    assert len(history) == 10 and history["cooling"].sum() == flat.cooling(flat.latest(10))


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    whole, expected = trained(tmp_path / "whole", 10, lambda epoch: 0.5)
    real, stopped = train.checkpoints.save, []

    def killed(fabric, path, state):
        real(fabric, path, state)
        if state["epoch"] == len(whole) - 1 and not stopped:
            stopped.append(1)
            raise KeyboardInterrupt

    monkeypatch.setattr(train.checkpoints, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut", 10, lambda epoch: 0.5)
    again, found = trained(tmp_path / "cut", 10, lambda epoch: 0.5)
    assert torch.equal(found, expected) and list(again["epoch"]) == list(whole["epoch"])


def test_it_needs_something_to_look_at(tmp_path):
    with pytest.raises(ValueError, match="until_flat: expected `keep` to name a validation number"):
        train.fit(network(), loss, Squares(), tmp_path, replace(SETTINGS, until_flat=True))


def test_a_stage_that_ends_early_has_its_schedule_over_its_own_steps():
    settings = replace(SETTINGS, until_flat=True, schedule="cosine", learning_rate=1.0)
    told = dict(cools=False, ends=True)
    assert [train.factor_at(settings, done, 0, 4, **told) for done in (0, 2)] == pytest.approx([1.0, 0.5])
    assert train.factor_at(settings, 2, 0, 4, cools=False) == 1.0
