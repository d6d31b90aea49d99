"""The five stages: who learns when, what stays as it is to the bit, resuming, and the signature of the three classes."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from imdlib.bridge import rotation
from imdlib.bridge.conformer import Conformer
from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.fusion import DiscClassifier
from imdlib.bridge.rotation import fit_stages, medians
from imdlib.bridge.samples import Samples, batch_on, passes_over
from imdlib.bridge.stages import ORDERS, STAGES, learners, stage_losses, step, timetable
from imdlib.train import SCHEDULES, NonFiniteLoss, make_fabric

SMALL = dict(dim=16, depth=1, heads=2)
OPTIONS = dict(epochs=2, batch_size=8, precision="32-true", accelerator="cpu")


def toys(count=24, size=16, tokens=3, spread=0.3, seed=0):
    """Three clouds of tokens (N,T,D) around centres of their own, and their labels."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.eye(size)[:3] * 2
    return centres[labels][:, None] + spread * torch.randn(count, tokens, size, generator=g), labels


def parts(size=16):
    torch.manual_seed(0)
    return Discrepancy(size, **SMALL), DiscClassifier(6, dim=8)


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(before, module):
    """Names of the top-level parts in which any value is different."""
    return {name.split(".")[0] for name, value in module.state_dict().items() if not torch.equal(value, before[name])}


def test_a_batch_without_its_class_changes_nothing():
    model, classifier = parts()
    tokens, _ = toys(6)
    batch = {"tokens": tokens, "label": torch.zeros(6, dtype=torch.long)}
    for stage in ("generalizer_pf", "generalizer_ff"):
        before = state(model)
        found = learners(model, classifier)
        optim = torch.optim.AdamW(found[stage][0].parameters(), 0.1)
        assert (
            step(make_fabric(precision="32-true", accelerator="cpu"), stage, found, optim, model, classifier, batch)
            is None
        )
        assert changed(before, model) == set()
    assert torch.isfinite(stage_losses("students", model, classifier, batch)["loss"])


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_learners_change(stage):
    model, classifier = parts()
    tokens, label = toys(9)
    found = learners(model, classifier)
    optim = torch.optim.AdamW([p for module in found[stage] for p in module.parameters()], 1e-3, weight_decay=0.1)
    before, before_classifier = state(model), state(classifier)
    fabric = make_fabric(precision="32-true", accelerator="cpu")
    for _ in range(2):
        step(fabric, stage, found, optim, model, classifier, {"tokens": tokens, "label": label})
    expected = {"students": {"student1", "student2"}, "classifier": set()}.get(stage, {stage})
    assert changed(before, model) == expected
    assert bool(changed(before_classifier, classifier)) == (stage == "classifier")
    frozen = [module for name, modules in found.items() for module in modules if name != stage]
    assert all(p.grad is None and not p.requires_grad for module in frozen for p in module.parameters())
    assert not any(module.training for module in frozen) and all(module.training for module in found[stage])


@pytest.mark.parametrize("stage", STAGES)
def test_half_precision_gives_float32_losses(stage):
    model, classifier = parts()
    tokens, label = toys(9)
    found = learners(model, classifier)
    optim = torch.optim.AdamW([p for module in found[stage] for p in module.parameters()], 1e-3)
    fabric = make_fabric(precision="bf16-mixed", accelerator="cpu")
    batch = {"tokens": tokens, "label": label}
    whole = stage_losses(stage, model, classifier, batch)
    half = step(fabric, stage, found, optim, model, classifier, batch)
    assert all(value.dtype == torch.float32 for value in half.values())
    torch.testing.assert_close(half["loss"], whole["loss"], rtol=0.02, atol=0.02)


def test_stage_losses_are_those_of_the_equations():
    model, classifier = parts()
    torch.nn.init.normal_(model.generalizer_pf.head.weight, std=0.3)
    torch.nn.init.normal_(model.generalizer_ff.head.weight, std=0.3)
    tokens, label = toys(9)
    batch = {"tokens": tokens, "label": label}
    expected = F.cross_entropy(model.teacher(tokens)[0], label)
    torch.testing.assert_close(stage_losses("teacher", model, classifier, batch)["loss"], expected)

    def d(tokens, student):
        return (model.teacher(tokens)[0] - student(tokens)[0]).square().sum(1)

    one, two, partly, fully = model.student1, model.student2, tokens[label == 1], tokens[label == 2]
    partly_new, fully_new = model.generalizer_pf(partly), model.generalizer_ff(fully)
    near, far = (lambda x: x.mean()), (lambda x: (4 - x).clamp(min=0).mean())
    real = tokens[label == 0]
    total = near(d(real, one)) + near(d(real, two)) + far(d(partly_new, two)) + near(d(partly, one))
    total = total + far(d(fully_new, one)) + near(d(fully, two))
    torch.testing.assert_close(stage_losses("students", model, classifier, batch)["loss"], total)
    eq6, eq7 = far(d(partly_new, one)) + near(d(partly_new, two)), far(d(fully_new, two)) + near(d(fully_new, one))
    torch.testing.assert_close(stage_losses("generalizer_pf", model, classifier, batch)["loss"], eq6)
    torch.testing.assert_close(stage_losses("generalizer_ff", model, classifier, batch)["loss"], eq7)


def test_timetable():
    plan = timetable(STAGES, order="epoch", epochs=4, teacher_epochs=3)
    assert plan[0] == [[stage] for stage in STAGES] and plan[3] == [[stage] for stage in STAGES[1:]]
    plan = timetable(STAGES, order="per_step", epochs=4, teacher_epochs=3)
    assert plan[2] == [list(STAGES)] and plan[3] == [list(STAGES[1:])] and len(plan) == 4
    plan = timetable(STAGES, order="once", epochs=4, teacher_epochs=3)
    assert [epoch[0][0] for epoch in plan] == ["teacher"] * 3 + [stage for stage in STAGES[1:] for _ in range(4)]
    for order, first in {
        "epoch": [["teacher"]] * 3 + [[stage] for stage in STAGES[1:]],
        "per_step": [["teacher"]] * 2 + [list(STAGES)],
        "once": [["teacher"]] * 3,
    }.items():
        more = timetable(STAGES, order=order, epochs=2, teacher_epochs=1, teacher_passes=3)
        assert more[0] == first
        assert more[1:] == timetable(STAGES, order=order, epochs=2, teacher_epochs=1)[1:]
    assert timetable(["classifier"], order="epoch", epochs=1, teacher_epochs=1, teacher_passes=3) == [[["classifier"]]]
    with pytest.raises(ValueError, match="teacher_passes=0: expected 1 or more"):
        timetable(STAGES, order="epoch", epochs=1, teacher_epochs=1, teacher_passes=0)
    with pytest.raises(ValueError, match="order='turns'"):
        timetable(STAGES, order="turns", epochs=1, teacher_epochs=1)


@pytest.mark.parametrize("order", ORDERS)
def test_history(order, tmp_path):
    model, classifier = parts()
    history = fit_stages(model, classifier, Samples(*toys()), tmp_path, order=order, teacher_epochs=1, **OPTIONS)
    assert history["epoch"].tolist() == list(range(3 if order != "once" else 10))
    distances = [f"d{i}_{name}" for name in ("real", "pf", "ff") for i in (1, 2)]
    assert history[distances].notna().all().all() and (history[distances] >= 0).all().all()
    assert history.loc[0].drop(["epoch", *distances]).isna().all()
    for stage in STAGES:
        assert history[f"{stage}_loss"].notna().any()
    assert history["teacher_loss"].notna().sum() == 1
    assert not model.training and not any(p.requires_grad for p in model.parameters())


def test_the_teacher_learns_more_with_more_passes(tmp_path):
    options = dict(teacher_epochs=2, learning_rate=1e-3, **OPTIONS)
    losses = []
    for passes in (1, 6):
        history = fit_stages(*parts(), Samples(*toys()), tmp_path / str(passes), teacher_passes=passes, **options)
        losses.append(history["teacher_loss"].iloc[-1])
    assert losses[1] < losses[0] - 0.1


@pytest.mark.parametrize("order", ORDERS)
def test_the_schedule_runs_once_over_all_passes_of_a_stage(order, tmp_path, monkeypatch):
    seen = {stage: [] for stage in STAGES}
    monkeypatch.setitem(SCHEDULES, "noted", lambda done, total: seen["now"].append(done / total) or 1.0)

    def noted(fabric, stage, *rest, **options):
        seen[stage].append(seen["now"].pop())
        return step(fabric, stage, *rest, **options)

    seen["now"] = []
    monkeypatch.setattr(rotation, "step", noted)
    options = OPTIONS | dict(epochs=2, teacher_epochs=2, teacher_passes=3, order=order, schedule="noted")
    fit_stages(*parts(), Samples(*toys()), tmp_path, **options)
    batches = 24 // OPTIONS["batch_size"]
    for stage in STAGES:
        count = batches * (6 if stage == "teacher" else 2)
        np.testing.assert_allclose(seen[stage], np.arange(count) / count, atol=1e-12)


def test_medians_are_those_of_each_class_and_nan_where_there_is_none():
    model, _ = parts()
    tokens, label = toys(9)
    keep = label != 2
    fabric = make_fabric(precision="32-true", accelerator="cpu")
    found = medians(fabric, model, Samples(tokens[keep], label[keep]), 4)
    distances = model.distances(tokens).detach().numpy()
    assert found["d2_pf"] == pytest.approx(np.median(distances[label == 1, 1]), rel=1e-5)
    assert found["d1_real"] == pytest.approx(np.median(distances[label == 0, 0]), rel=1e-5)
    assert np.isnan(found["d1_ff"]) and np.isnan(found["d2_ff"])


def test_resumed_run_ends_with_the_same_weights(tmp_path):
    samples, options = Samples(*toys()), OPTIONS | dict(epochs=4, teacher_epochs=3)
    whole, classifier = parts()
    fit_stages(whole, classifier, samples, tmp_path / "whole", **options)
    calls = iter([{"score": 1.0}, KeyboardInterrupt()])

    def stop(model, classifier):
        found = next(calls)
        if isinstance(found, KeyboardInterrupt):
            raise found
        return found

    with pytest.raises(KeyboardInterrupt):
        fit_stages(*parts(), samples, tmp_path / "cut", validate=stop, **options)
    cut, other = parts()
    torch.manual_seed(5)
    history = fit_stages(cut, other, samples, tmp_path / "cut", **options)
    assert (
        history["epoch"].tolist() == [0, 1, 2, 3, 4]
        and history["score"].notna().tolist() == [False, True] + [False] * 3
    )
    for one, same in ((whole, cut), (classifier, other)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, same.state_dict()[name]), name


def test_a_loss_that_is_not_finite_stops_with_the_names(tmp_path):
    tokens, label = toys()
    tokens[5] = torch.nan
    model, classifier = parts()
    with pytest.raises(NonFiniteLoss, match="stage teacher: .*sample 5"):
        fit_stages(model, classifier, Samples(tokens, label), tmp_path, **(OPTIONS | dict(batch_size=24)))
    assert all(torch.isfinite(p).all() for p in model.parameters())


@pytest.mark.parametrize("raw_too", [False, True])
def test_signature_of_the_three_classes(raw_too, tmp_path):
    """Real: both near; partly fake: student 2 far; fully fake: student 1 far; seen on samples that were not trained on."""
    torch.manual_seed(0)
    model = Discrepancy(16, **SMALL)
    classifier = DiscClassifier(6, dim=16)
    held_out = Samples(*toys(60, seed=1))
    history = fit_stages(
        model,
        classifier,
        Samples(*toys(96)),
        tmp_path,
        watch=held_out,
        learning_rate=3e-3,
        diverge_on_raw_too=raw_too,
        **(OPTIONS | dict(epochs=12, batch_size=24)),
    )
    last = history.iloc[-1]
    assert max(last["d1_real"], last["d2_real"], last["d1_pf"], last["d2_ff"]) < 1.5
    assert min(last["d2_pf"], last["d1_ff"]) > 2 * max(last["d1_real"], last["d2_real"], last["d1_pf"], last["d2_ff"])
    assert min(last["d2_pf"], last["d1_ff"]) > 2.5
    logits = classifier(None, model(held_out.features))["logits"]
    assert (logits.argmax(1) == held_out.labels).float().mean() > 0.9


def test_conformer_learns_in_the_fifth_stage_with_images(tmp_path):
    class Pictures(torch.utils.data.Dataset):
        files = [f"{i}.jpg" for i in range(24)]

        def __len__(self):
            return 24

        def __getitem__(self, key):
            return (torch.full((3, 32, 32), 10 * key[1], dtype=torch.uint8), None, key[1])

    model, _ = parts()
    classifier = Conformer(width=4, dim=16, depth=3, heads=2)
    samples = Samples(*toys(), Pictures())
    before = state(classifier)
    history = fit_stages(model, classifier, samples, tmp_path, **(OPTIONS | dict(epochs=1)))
    assert history["classifier_loss"].notna().tolist() == [False, True]
    assert any("running_mean" in name for name in before)
    assert len(changed(before, classifier)) > 5
    batch = next(iter(samples.batches(0, 8)))
    image = batch_on(make_fabric(precision="32-true", accelerator="cpu"), batch)["image"]
    assert image.dtype == torch.float32 and torch.equal((255 * image[:, 0, 0, 0]).round().long(), 10 * batch["index"])


def test_without_a_classifier_there_are_four_stages(tmp_path):
    model, _ = parts()
    history = fit_stages(model, None, Samples(*toys()), tmp_path, **OPTIONS)
    assert "classifier_loss" not in history and "generalizer_ff_loss" in history


def test_samples():
    tokens, label = toys(10)
    order = torch.cat([batch["index"] for batch in passes_over(Samples(tokens.half(), label), 4)])
    assert order.tolist() == list(range(10))
    for bad, message in (
        ((tokens[:9], label), "9 features, 10 labels"),
        ((tokens, label + 1), r"labels: expected integers 0 to 2, found \[1, 2, 3\]"),
        ((tokens[:0], label[:0]), "at least one"),
    ):
        with pytest.raises(ValueError, match=message):
            Samples(*bad)
