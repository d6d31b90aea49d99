"""The five stages: who learns when, what stays as it is to the bit, resuming, and the signature of the three classes."""

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from imdlib.bridge import stages
from imdlib.bridge.conformer import Conformer
from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.fusion import DiscClassifier
from imdlib.bridge.samples import Samples, batches_on
from imdlib.bridge.stages import ORDERS, STAGES, fit_stages, stage_losses, stages_of, timetable
from imdlib.bridge.watch import medians, passes_over
from imdlib.data.batches import training_batches
from imdlib.places import REPO
from imdlib.train import activate, loop
from imdlib.training.checkpoints import CheckpointError
from imdlib.training.finite import NonFiniteLoss
from imdlib.training.optimizers import SCHEDULES
from imdlib.training.settings import Settings, make_fabric

SMALL = dict(dim=16, depth=1, heads=2)
SETTINGS = Settings(
    epochs=2, batch_size=8, learning_rate=5e-5, schedule="constant", precision="32-true", accelerator="cpu"
)
FABRIC = make_fabric(precision="32-true", accelerator="cpu")


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


def train_alone(stage, model, classifier, samples, folder, settings):
    """A pass of one stage through the loop; the `Stage`s of all."""
    found = stages_of(FABRIC, model, classifier, settings)
    networks = {"model": model, "classifier": classifier}
    options = dict(networks=networks, on_device=batches_on)
    loop(FABRIC, found, [[[stage]]], samples, folder, settings, **options)
    return found


@pytest.mark.parametrize("stage", ["generalizer_pf", "generalizer_ff"])
def test_a_batch_without_its_class_changes_nothing(stage, tmp_path):
    model, classifier = parts()
    tokens, _ = toys(6)
    label, before = torch.zeros(6, dtype=torch.long), state(model)
    train_alone(stage, model, classifier, Samples(tokens, label), tmp_path, replace(SETTINGS, batch_size=6))
    assert changed(before, model) == set()
    batch = {"tokens": tokens, "label": label}
    assert torch.isfinite(stage_losses("students", model, classifier, batch)["loss"])


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_learners_change(stage, tmp_path):
    model, classifier = parts()
    before, before_classifier = state(model), state(classifier)
    settings = replace(SETTINGS, batch_size=9, learning_rate=1e-3, weight_decay=0.1)
    found = train_alone(stage, model, classifier, Samples(*toys(18)), tmp_path, settings)
    expected = {"students": {"student1", "student2"}, "classifier": set()}.get(stage, {stage})
    assert changed(before, model) == expected
    assert bool(changed(before_classifier, classifier)) == (stage == "classifier")
    frozen = [module for name, one in found.items() for module in one.learns if name != stage]
    assert all(p.grad is None and not p.requires_grad for module in frozen for p in module.parameters())
    activate(found, stage)
    assert not any(module.training for module in frozen) and all(module.training for module in found[stage].learns)


@pytest.mark.parametrize("stage", STAGES)
def test_half_precision_gives_float32_losses(stage):
    model, classifier = parts()
    tokens, label = toys(9)
    found = stages_of(make_fabric(precision="bf16-mixed", accelerator="cpu"), model, classifier, SETTINGS)
    batch = {"tokens": tokens, "label": label}
    whole, half = stage_losses(stage, model, classifier, batch), found[stage].losses(batch)
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
    history = fit_stages(model, classifier, Samples(*toys()), tmp_path, SETTINGS, order=order, teacher_epochs=1)
    assert history["epoch"].tolist() == list(range(3 if order != "once" else 10))
    distances = [f"d{i}_{name}" for name in ("real", "pf", "ff") for i in (1, 2)]
    assert history[distances].notna().all().all() and (history[distances] >= 0).all().all()
    assert history.loc[0].drop(["epoch", *distances]).isna().all()
    for stage in STAGES:
        assert history[f"{stage}_loss"].notna().any()
    assert history["teacher_loss"].notna().sum() == 1
    assert not model.training and not any(p.requires_grad for p in model.parameters())


def test_the_teacher_learns_more_with_more_passes(tmp_path):
    settings, losses = replace(SETTINGS, learning_rate=1e-3), []
    for passes in (1, 6):
        options = dict(teacher_epochs=2, teacher_passes=passes)
        history = fit_stages(*parts(), Samples(*toys()), tmp_path / str(passes), settings, **options)
        losses.append(history["teacher_loss"].iloc[-1])
    assert losses[1] < losses[0] - 0.1


@pytest.mark.parametrize("order", ORDERS)
def test_the_schedule_runs_once_over_all_passes_of_a_stage(order, tmp_path, monkeypatch):
    seen, now = {stage: [] for stage in STAGES}, []
    monkeypatch.setitem(SCHEDULES, "noted", lambda done, total: now.append(done / total) or 1.0)

    def noted(stage, *rest, **options):
        seen[stage].append(now.pop())
        return stage_losses(stage, *rest, **options)

    monkeypatch.setattr(stages, "stage_losses", noted)
    options = dict(teacher_epochs=2, teacher_passes=3, order=order)
    fit_stages(*parts(), Samples(*toys()), tmp_path, replace(SETTINGS, schedule="noted"), **options)
    batches = 24 // SETTINGS.batch_size
    for stage in STAGES:
        count = batches * (6 if stage == "teacher" else 2)
        np.testing.assert_allclose(seen[stage], np.arange(count) / count, atol=1e-12)


def test_each_optimizer_has_the_rate_of_its_own_schedule(tmp_path):
    settings = replace(SETTINGS, epochs=3, learning_rate=1e-3, schedule="poly")
    fit_stages(*parts(), Samples(*toys()), tmp_path, settings, teacher_epochs=2)
    states = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["states"]
    last = {stage: states[f"optimizer of {stage}"]["param_groups"][0]["lr"] for stage in STAGES}
    assert last["teacher"] == pytest.approx(1e-3 * (1 / 6) ** 0.9)
    assert last["classifier"] == last["students"] == pytest.approx(1e-3 * (1 / 9) ** 0.9)


def test_medians_are_those_of_each_class_and_nan_where_there_is_none():
    model, _ = parts()
    tokens, label = toys(9)
    keep = label != 2
    found = medians(FABRIC, model, Samples(tokens[keep], label[keep]), 4)
    distances = model.distances(tokens).detach().numpy()
    assert found["d2_pf"] == pytest.approx(np.median(distances[label == 1, 1]), rel=1e-5)
    assert found["d1_real"] == pytest.approx(np.median(distances[label == 0, 0]), rel=1e-5)
    assert np.isnan(found["d1_ff"]) and np.isnan(found["d2_ff"])


def test_resumed_run_ends_with_the_same_weights(tmp_path):
    samples, settings = Samples(*toys()), replace(SETTINGS, epochs=4)
    whole, classifier = parts()
    fit_stages(whole, classifier, samples, tmp_path / "whole", settings)
    calls = iter([{"score": 1.0}, KeyboardInterrupt()])

    def stop(model, classifier):
        found = next(calls)
        if isinstance(found, KeyboardInterrupt):
            raise found
        return found

    with pytest.raises(KeyboardInterrupt):
        fit_stages(*parts(), samples, tmp_path / "cut", settings, validate=stop)
    cut, other = parts()
    torch.manual_seed(5)
    history = fit_stages(cut, other, samples, tmp_path / "cut", settings)
    assert (
        history["epoch"].tolist() == [0, 1, 2, 3, 4]
        and history["score"].notna().tolist() == [False, True] + [False] * 3
    )
    for one, same in ((whole, cut), (classifier, other)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, same.state_dict()[name]), name


KILLED = """
import sys, time
sys.path.insert(0, "tests/bridge")
import test_stages
from imdlib.bridge.samples import Samples
usual = Samples.__getitem__
Samples.__getitem__ = lambda self, key: (time.sleep(0.01), usual(self, key))[1]
samples = Samples(*test_stages.toys())
test_stages.fit_stages(*test_stages.parts(), samples, sys.argv[1], test_stages.replace(test_stages.SETTINGS, epochs=4))
"""


@pytest.mark.slow
def test_killed_process_loses_at_most_one_epoch(tmp_path):
    samples, settings = Samples(*toys()), replace(SETTINGS, epochs=4)
    whole, cut = parts(), parts()
    fit_stages(*whole, samples, tmp_path / "whole", settings)
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(checkpoint.parent)], cwd=REPO)
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert 1 <= torch.load(checkpoint, weights_only=True)["epoch"] < 4
    assert len(fit_stages(*cut, samples, checkpoint.parent, settings)) == 5
    for one, same in zip(whole, cut):
        assert changed(state(one), same) == set()


@pytest.mark.parametrize("damage", ["cut off", "another kind", "fewer networks"])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path, damage):
    path, samples = tmp_path / "checkpoint.pt", Samples(*toys())
    model, classifier = parts()
    fit_stages(model, None if damage == "fewer networks" else classifier, samples, tmp_path, SETTINGS)
    if damage == "cut off":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "another kind":
        torch.save([1, 2], path)
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt: .*Delete this file.*are lost"):
        fit_stages(*parts(), samples, tmp_path, SETTINGS)


def test_a_loss_that_is_not_finite_stops_with_the_names(tmp_path):
    tokens, label = toys()
    tokens[5] = torch.nan
    model, classifier = parts()
    with pytest.raises(NonFiniteLoss, match="stage teacher: .*sample 5"):
        fit_stages(model, classifier, Samples(tokens, label), tmp_path, replace(SETTINGS, batch_size=24))
    assert not (tmp_path / "checkpoint.pt").exists()  # what it spoilt is kept nowhere


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
        replace(SETTINGS, epochs=12, batch_size=24, learning_rate=3e-3),
        watch=held_out,
        diverge_on_raw_too=raw_too,
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
    history = fit_stages(model, classifier, samples, tmp_path, replace(SETTINGS, epochs=1))
    assert history["classifier_loss"].notna().tolist() == [False, True]
    assert any("running_mean" in name for name in before)
    assert len(changed(before, classifier)) > 5
    batch = next(batches_on(FABRIC, training_batches(samples, epoch=0, batch_size=8)))
    image = batch["image"]
    assert image.dtype == torch.float32 and torch.equal((255 * image[:, 0, 0, 0]).round().long(), 10 * batch["index"])


def test_without_a_classifier_there_are_four_stages(tmp_path):
    model, _ = parts()
    history = fit_stages(model, None, Samples(*toys()), tmp_path, SETTINGS)
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


def test_the_epoch_that_validation_chooses_is_kept(tmp_path):
    values, kept = iter([0.2, 0.9, 0.5]), []

    def validate(model, classifier):
        kept.append([one.clone() for one in model.state_dict().values()])
        return {"val_both": next(values)}

    model, settings = Discrepancy(5, **SMALL), Settings(3, 4, 0.01, precision="32-true", accelerator="cpu")
    some = Samples(torch.randn(12, 3, 5), torch.arange(12) % 3)
    fit_stages(model, None, some, tmp_path, settings, validate=validate, keep="val_both")
    assert all(torch.equal(*pair) for pair in zip(model.state_dict().values(), kept[1]))


def test_stages_that_come_one_after_the_other_are_never_called_flat(tmp_path):
    settings = Settings(2, 4, 0.01, until_flat=True, precision="32-true", accelerator="cpu")
    some = Samples(torch.randn(12, 3, 5), torch.arange(12) % 3)
    model, classifier = Discrepancy(5, **SMALL), DiscClassifier(6, dim=8)
    told = dict(validate=lambda *_: {"val_both": 0.5}, keep="val_both", order="once", teacher_epochs=2)
    history = fit_stages(model, classifier, some, tmp_path, settings, **told)
    assert history["epoch"].max() == 10 and "cooling" not in history


def test_known_distances_take_the_place_of_the_models():
    batch = {"tokens": torch.randn(2, 3, 5), "label": torch.tensor([0, 1]), "disc": torch.rand(2, 6)}
    classifier = DiscClassifier(6, dim=8)
    expected = F.cross_entropy(classifier(None, batch["disc"])["logits"], batch["label"])
    torch.testing.assert_close(stage_losses("classifier", None, classifier, batch)["loss"], expected)
