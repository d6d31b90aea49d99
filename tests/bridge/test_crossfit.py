"""Cross-fitting: folds by scene, members that never saw their fold, and a classifier that learned from what they say of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from imdlib.bridge import crossfit
from imdlib.bridge.crossfit import CrossFitted, dealt, fit_crossfitted
from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.fusion import DiscClassifier
from imdlib.bridge.samples import Samples
from imdlib.training.settings import Settings

SMALL = dict(dim=16, depth=1, heads=2)
SETTINGS = Settings(epochs=2, batch_size=4, learning_rate=0.01, seed=3, precision="32-true", accelerator="cpu")


def members(count=2):
    torch.manual_seed(0)
    return CrossFitted([Discrepancy(5, **SMALL) for _ in range(count)])


def samples():
    torch.manual_seed(1)
    return Samples(torch.randn(12, 3, 5), torch.arange(12) % 3)


def test_scenes_are_never_parted_and_folds_are_even():
    fold = dealt([f"s{i // 3}" for i in range(30)], 4, seed=0)
    assert all(len(set(fold[3 * k : 3 * k + 3])) == 1 for k in range(10))
    sizes = np.bincount(fold[::3], minlength=4)
    assert sizes.max() - sizes.min() <= 1 and not np.array_equal(
        fold, dealt([f"s{i // 3}" for i in range(30)], 4, seed=1)
    )


@pytest.mark.parametrize("folds", [1, 5])
def test_too_few_scenes_are_refused(folds):
    with pytest.raises(ValueError, match=f"crossfit={folds}: expected 0, or 2 to 4"):
        dealt(list("aabbccdd"), folds, seed=0)


def test_what_it_says_is_the_mean_over_folds():
    model, tokens = members(3), torch.randn(4, 3, 5)
    torch.testing.assert_close(model(tokens), sum(one(tokens) for one in model.members) / 3)
    torch.testing.assert_close(model.distances(tokens), sum(one.distances(tokens) for one in model.members) / 3)
    assert model.width == model.members[0].width and model.teacher_logits(tokens).shape == (4, 3)


def test_a_fold_changes_nothing_for_the_member_that_is_asked_about_it(tmp_path):
    """Images of fold 0 are turned into noise: the member that is held against fold 0 stays what it was, the other does not."""
    fold, found = np.arange(12) // 6, []
    for number, some in enumerate((samples(), samples())):
        if number:
            some.features[:6] = torch.randn(6, 3, 5)
        model = members()
        fit_crossfitted(
            model, DiscClassifier(model.width, dim=8), some, fold, tmp_path / str(number), SETTINGS, **USUAL
        )
        found.append([torch.cat([w.flatten() for w in one.parameters()]) for one in model.members])
    assert torch.equal(found[0][0], found[1][0]) and not torch.equal(found[0][1], found[1][1])


USUAL = dict(validate=lambda model, classifier: {"val_both": 0.5}, keep="val_both", teacher_epochs=1)


def test_the_classifier_learns_from_what_the_others_say(tmp_path, monkeypatch):
    seen, usual = [], crossfit.fit_stages

    def fitted(model, classifier, some, *rest, **more):
        seen.append((model, some))
        return usual(model, classifier, some, *rest, **more)

    monkeypatch.setattr(crossfit, "fit_stages", fitted)
    model, some, fold = members(), samples(), np.arange(12) % 2
    history = fit_crossfitted(model, DiscClassifier(model.width, dim=8), some, fold, tmp_path, SETTINGS, **USUAL)
    (_, first), (_, second), (none, known) = seen
    assert none is None and len(first) == len(second) == 6 and history["val_both"].notna().sum() == 2
    model.eval()
    for number, member in enumerate(model.members):
        torch.testing.assert_close(known.disc[fold == number], member(some.features[fold == number]))
    assert torch.equal(known[0, 3]["disc"], known.disc[3]) and not [*tmp_path.glob("fold*")]


def test_an_interrupted_cross_fit_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    def trained(folder):
        model, classifier = members(), DiscClassifier(6, dim=8)
        torch.manual_seed(2)
        classifier.apply(lambda one: one.reset_parameters() if hasattr(one, "reset_parameters") else None)
        fit_crossfitted(model, classifier, samples(), np.arange(12) % 2, folder, SETTINGS, **USUAL)
        return torch.cat([w.flatten() for one in (model, classifier) for w in one.state_dict().values()])

    expected, real, calls = trained(tmp_path / "whole"), crossfit.said, []

    def killed(*given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(crossfit, "said", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut")
    monkeypatch.setattr(crossfit, "said", real)
    assert torch.equal(trained(tmp_path / "cut"), expected)


def test_until_flat_counts_for_the_classifier_alone(tmp_path):
    settings = replace(SETTINGS, epochs=3, until_flat=True)
    model = members()
    history = fit_crossfitted(
        model, DiscClassifier(6, dim=8), samples(), np.arange(12) % 2, tmp_path, settings, **USUAL
    )
    assert "cooling" in history
