"""Training: resumes to the same weights, stops on a broken loss, keeps what was computed."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.gpu import syncs
from imdlib import train
from imdlib.places import REPO
from imdlib.training.checkpoints import CheckpointError
from imdlib.training.finite import NonFiniteLoss
from imdlib.training.optimizers import SCHEDULES, cosine, make_optimizer, poly
from imdlib.training.settings import Settings


class Squares(torch.utils.data.Dataset):
    """Twelve images with a bright square, asked for as (epoch, index) like an ImageSet."""

    seed = 0
    files = [f"square{i}.png" for i in range(12)]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, key):
        epoch, index = key
        image = torch.randint(
            0, 60, (3, 16, 16), generator=torch.Generator().manual_seed(100 * epoch + index), dtype=torch.uint8
        )
        mask = torch.zeros(1, 16, 16, dtype=torch.uint8)
        mask[:, 4:9, index % 8 : index % 8 + 5] = 1
        return image + 120 * mask, mask, index


def network():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.2), nn.Conv2d(8, 1, 3, padding=1)
    )


def loss(outputs, mask):
    return {"loss": nn.functional.binary_cross_entropy_with_logits(outputs.float(), mask.float())}


SETTINGS = Settings(epochs=4, batch_size=4, learning_rate=0.1, precision="32-true", accelerator="cpu")


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_trains_to_the_end(tmp_path, schedule):
    """The checkpoint is read back with weights_only, which refuses numbers that are not plain Python's."""
    history = train.fit(network(), loss, Squares(), tmp_path, replace(SETTINGS, epochs=2, schedule=schedule))
    assert len(history) == 2 and type(history["learning_rate"].iloc[0].item()) is float


def test_learns_and_reports(tmp_path):
    model = network()
    history = train.fit(model, loss, Squares(), tmp_path, replace(SETTINGS, epochs=15))
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]
    assert history["epoch"].tolist() == list(range(1, 16))
    assert history["learning_rate"].is_monotonic_decreasing
    assert not model.training


def test_resumed_run_ends_with_the_same_weights(tmp_path):
    whole = network()
    train.fit(whole, loss, Squares(), tmp_path / "whole", SETTINGS)

    calls = {"left": 2}

    def stop(model):
        calls["left"] -= 1
        if calls["left"] < 0:
            raise KeyboardInterrupt
        return {"val": 1.0}

    with pytest.raises(KeyboardInterrupt):
        train.fit(network(), loss, Squares(), tmp_path / "cut", SETTINGS, validate=stop)
    state = torch.load(tmp_path / "cut" / "checkpoint.pt", weights_only=True)
    assert state["epoch"] == 2  # the third epoch was lost, no more
    again = network()
    history = train.fit(again, loss, Squares(), tmp_path / "cut", SETTINGS)
    assert torch.equal(weights(whole), weights(again))
    assert len(history) == 4


KILLED = """
import sys, time
sys.path.insert(0, "tests")
import test_train
from imdlib import train
test_train.Squares.__getitem__ = (lambda get: lambda self, key: (time.sleep(0.01), get(self, key))[1])(test_train.Squares.__getitem__)
model = test_train.network()
train.fit(model, test_train.loss, test_train.Squares(), sys.argv[1], test_train.SETTINGS)
"""


@pytest.mark.slow
def test_killed_process_loses_at_most_one_epoch(tmp_path):
    whole = network()
    train.fit(whole, loss, Squares(), tmp_path / "whole", SETTINGS)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "killed")]
    process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert torch.load(checkpoint, weights_only=True)["epoch"] >= 1
    again = network()
    train.fit(again, loss, Squares(), tmp_path / "killed", SETTINGS)
    assert torch.equal(weights(whole), weights(again))


def test_finished_run_is_not_trained_again(tmp_path):
    train.fit(network(), loss, Squares(), tmp_path, SETTINGS)
    model = network()

    def never(outputs, mask):
        raise AssertionError("trained again")

    history = train.fit(model, never, Squares(), tmp_path, SETTINGS)
    assert len(history) == 4


def test_non_finite_loss_names_step_and_files(tmp_path):
    def breaks(outputs, mask):
        breaks.calls += 1
        return {"loss": outputs.mean() * (float("nan") if breaks.calls == 5 else 1.0)}

    breaks.calls = 0
    with pytest.raises(NonFiniteLoss, match=r"epoch 2, step 2.*square\d+\.png"):
        train.fit(network(), breaks, Squares(), tmp_path, SETTINGS)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["epoch"] == 1


def test_what_a_loss_that_is_not_finite_breaks_later_is_told_as_that_loss(tmp_path):
    def breaks(outputs, mask):
        breaks.calls += 1
        if breaks.calls == 3:
            raise ValueError("expected numbers")
        return {"loss": outputs.mean() * (float("inf") if breaks.calls == 2 else 1.0)}

    breaks.calls = 0
    with pytest.raises(NonFiniteLoss, match="epoch 1, step 2"):
        train.fit(network(), breaks, Squares(), tmp_path, SETTINGS)


def test_the_processor_does_not_wait_for_the_device_at_every_step(tmp_path):
    def waits(batch_size):
        settings = replace(SETTINGS, epochs=1, batch_size=batch_size)
        found = syncs.counted(lambda: train.fit(network(), loss, Squares(), tmp_path / str(batch_size), settings))
        return sum(count for place, count in found.items() if place.startswith("imdlib/train.py"))

    assert waits(4) == waits(1) <= 3  # 3 and 12 steps: a look at all of them, the numbers of the history


def test_keeps_the_best_epoch(tmp_path):
    seen, values = [], iter([0.3, 0.9, 0.2, 0.1])

    def validate(model):
        seen.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"auc": next(values)}

    model = network()
    train.fit(model, loss, Squares(), tmp_path, SETTINGS, validate=validate, keep="auc")
    best = {k.removeprefix("_forward_module."): v for k, v in seen[1].items()}
    assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())


def test_the_last_epoch_is_looked_at_whichever_its_number(tmp_path):
    settings, validate = replace(SETTINGS, epochs=3), lambda model: {"val": 1.0}
    history = train.fit(network(), loss, Squares(), tmp_path, settings, validate=validate, validate_every=2)
    assert history["val"].notna().tolist() == [False, True, True]


@pytest.mark.parametrize("damage", ["cut off", "empty", "text", "another kind", "another network", "changed"])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path, damage):
    """As a full disk or another program leaves it."""
    path = tmp_path / "checkpoint.pt"
    train.fit(network(), loss, Squares(), tmp_path, replace(SETTINGS, epochs=1))
    whole = path.read_bytes()
    if damage == "another kind":
        torch.save({"weights": torch.zeros(3)}, path)
    elif damage == "another network":
        train.fit(nn.Conv2d(3, 1, 1), loss, Squares(), tmp_path / "other", replace(SETTINGS, epochs=1))
        path.write_bytes((tmp_path / "other" / "checkpoint.pt").read_bytes())
    else:
        place = len(whole) // 2  # in a weight
        flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        path.write_bytes({"cut off": whole[:place], "empty": b"", "text": b"no", "changed": flipped}[damage])
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(path))}: .*Delete this file.*are lost") as error:
        train.fit(network(), loss, Squares(), tmp_path, SETTINGS)
    assert error.value.__suppress_context__ and path.read_bytes() == before
    path.unlink()
    assert len(train.fit(network(), loss, Squares(), tmp_path, SETTINGS)) == 4


def test_frozen_weights_stay_as_they_are(tmp_path):
    model = network()
    model[0].requires_grad_(False)
    before = weights(model[0])
    train.fit(model, loss, Squares(), tmp_path, SETTINGS)
    assert torch.equal(before, weights(model[0])) and not any(p.requires_grad for p in model[0].parameters())
    assert all(p.requires_grad for p in model[4].parameters())


def test_settings_are_those_of_a_notebook_apart_from_what_is_given():
    params = dict(epochs=3, batch_size=8, learning_rate=0.1, schedule="cosine", crop=64, optimizer="sgd")
    assert Settings.of(params, epochs=5) == Settings(5, 8, 0.1, schedule="cosine")
    with pytest.raises(ValueError, match="epochs=0: expected 1 or more"):
        Settings.of(params, epochs=0)


def test_failed_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    train.fit(network(), loss, Squares(), tmp_path, replace(SETTINGS, epochs=1))
    before = (tmp_path / "checkpoint.pt").read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lightning_fabric.fabric.Fabric.save", full)
    with pytest.raises(OSError, match="the one before it is intact"):
        train.fit(network(), loss, Squares(), tmp_path, SETTINGS)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_schedules():
    assert poly(0, 10) == 1
    assert poly(5, 10) == pytest.approx(0.5**0.9)
    assert cosine(0, 10) == pytest.approx(1)
    assert cosine(10, 10) == pytest.approx(0)
    rise = [cosine(step, 100, warmup=0.1) for step in range(100)]
    assert np.argmax(rise) in (9, 10, 11)


def test_accepts_only_known_optimizers():
    with pytest.raises(ValueError, match="sgd"):
        make_optimizer("adam", network().parameters(), learning_rate=1, weight_decay=0)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_weight_decay_arrives(name):
    weight = nn.Parameter(torch.ones(3))
    weight.grad = torch.zeros(3)
    make_optimizer(name, [weight], learning_rate=0.1, weight_decay=0.5).step()
    assert weight.tolist() == pytest.approx([0.95] * 3)


def test_batch_larger_than_the_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lower batch_size"):
        train.fit(network(), loss, Squares(), tmp_path, replace(SETTINGS, batch_size=64))


def test_mixed_precision_runs_on_this_device(tmp_path):
    history = train.fit(network(), loss, Squares(), tmp_path, replace(SETTINGS, precision="auto"))
    assert np.isfinite(history["loss"]).all()
