"""Choices: every value that the code takes is allowed, every other is refused before anything runs, in notebooks and in profiles."""

import pytest
import yaml

from imdlib import choices, parameters, planner, study
from imdlib.bridge import stages
from imdlib.bridge.choices import CHOICES as BRIDGE
from imdlib.data.attacks import ATTACKS
from imdlib.inr import distill, pooling
from imdlib.inr.choices import CHOICES as INR
from imdlib.inr.networks import MODES
from imdlib.ncl.choices import CHOICES as NCL
from imdlib.networks import lite0, pixels, resnet
from imdlib.places import REPO
from imdlib.training.optimizers import SCHEDULES

NAMES = sorted(
    path.relative_to(REPO / "notebooks").with_suffix("").as_posix() for path in REPO.glob("notebooks/**/*.ipynb")
)
WRONG = {
    "ncl/run": dict(keep="best", schedule="linear", variant="pivots", optimizer="adam", precision="16", backbone="resnet19",
                    test_sets=["sim-casia", "sim-cassia"], train_set="casia1+nowhere", epochs=0, seed=-1, steps=-1, mu=1.5,
                    blocks=[1, 1], vit=[8, 64, 4], rates=[0, 2, 4], hook="layer5", batch_size=0, learning_rate=0.0,
                    dropout=float("nan"), run="../../.."),
    "inr/run": dict(mode="strong", pooling="mean", variant="base+scl", selection="none", steps=0, proj=[64], test_sets=[]),
    "inr/nrr": dict(norm="batch", stride=3, hidden=[], box=4, width=0),
    "bridge/run": dict(method="ours", order="twice", disc_on="logit", conformer=[16, 64, 3], scales=[], margin=0.0),
    "score": dict(split="testing", run="ncl", attack="jpeg 5"),
    "score_maps": dict(split="all", missing="ignore", method="..", results="~/results"),
    "try_it": dict(runs=["ncl/a", 3], overlap=0, device="gpu"),
    "figures": dict(study="nlc", into="ncl", width="wide"),
    "data": dict(dataset="sim-", count=0),
    "lessons/1_numbers_that_lie": dict(pull=1.5),
    "lessons/3_a_camera_in_a_page": dict(host="reflx", guest="phone"),
    "ncl/1_three_kinds_of_patches": dict(side=12, size=100),
    "ncl/2_the_pivot": dict(size=250, k=0),
    "ncl/4_pivot_consistency": dict(cells=7),
    "inr/2_matching_and_clusters": dict(share=1.2),
    "inr/4_pooling": dict(share=-0.1),
    "inr/5_self_distillation": dict(shared=1.01),
    "bridge/2_generalizers": dict(starts=0, adversary=-1),
    "bridge/3_two_branches": dict(distance=15),
    "bridge/4_cam_times_attention": dict(temperature=0.0, layers=0),
}  # fmt: skip


def given(notebook, **values):
    return parameters.checked(notebook, parameters.declared(notebook) | values)


@pytest.mark.parametrize("notebook", NAMES)
def test_every_default_is_a_value_that_its_rule_allows(notebook):
    usual = {"score": ("run", "size", "count")}.get(notebook, ())  # whose default stands for the value of another run
    for name, value in parameters.declared(notebook).items():
        rule = choices.of(notebook).get(name)
        assert rule is None or name in usual or rule.holds(value), (name, value)


@pytest.mark.parametrize("notebook, name, value", [(n, k, v) for n, some in WRONG.items() for k, v in some.items()])
def test_a_wrong_value_names_the_parameter_and_what_it_may_be(notebook, name, value):
    rule = choices.of(notebook)[name]
    with pytest.raises(parameters.ParameterError) as error:
        given(notebook, **{name: value})
    assert f"{notebook}.ipynb: parameter '{name}' must be {rule.says}, got {value!r}" in str(error.value)


@pytest.mark.parametrize("table, name, values", [
    (choices.COMMON, "schedule", SCHEDULES), (choices.COMMON, "inputs", pixels.INPUTS), (choices.COMMON, "backbone", resnet.KINDS),
    (NCL, "backbone", [*resnet.KINDS, "vit", lite0.NAME]), (INR, "backbone", [*resnet.KINDS, lite0.NAME]),
    (NCL, "hook", resnet.FEATURES), (INR, "mode", MODES),
    (INR, "pooling", ["", *pooling.POOLINGS]), (INR, "selection", distill.SELECTIONS), (BRIDGE, "order", stages.ORDERS),
])  # fmt: skip
def test_what_is_allowed_is_what_the_code_takes(table, name, values):
    assert sorted(table[name].says) == sorted(choices.one_of(*values).says) and all(map(table[name].holds, values))


def test_data_sets_and_attacks_that_there_are():
    for name in ("casia1", "sim-casia", "sim-dolos-nearest", "dolos-lama", "casia1+nist16", "folder"):
        assert choices.known_set(name), name
    for name in ("", "sim-", "sim-dolos-", "casia", "casia1+", "../casia1", "sim-casia-x"):
        assert not choices.known_set(name), name
    assert all(map(choices.known_attack, ATTACKS)) and not choices.known_attack("jpeg")


def test_a_key_with_the_name_of_a_notebook_counts_there_alone():
    assert given("inr/run", width=0.5)["width"] == 0.5 and given("inr/nrr", width=8)["width"] == 8
    assert given("ncl/run", steps=0)["steps"] == 0  # counts epochs then
    with pytest.raises(parameters.ParameterError, match="'steps' must be at least 1"):
        given("inr/run", steps=0)


@pytest.mark.parametrize("key, value", [("ncl.keep", "best"), ("schedule", "linear"), ("ncl.seeds", [-1]),
                                        ("ncl.test_sets", ["sim-cassia"]), ("ncl.hooks", ["layer5"]), ("count", 0)])  # fmt: skip
def test_a_profile_with_a_wrong_value_fails_before_anything_runs(key, value, monkeypatch):
    text = (REPO / "profiles" / "quick.yaml").read_text()
    values = {k: v for k, v in yaml.safe_load(text).items() if not k.startswith(("inr", "bridge"))} | {key: value}
    monkeypatch.setattr(planner, "profile", lambda name: values)
    with pytest.raises(study.ProfileError, match=r"profiles/wrong\.yaml: .*parameter '\w+' must be .*, got"):
        planner.Planner("wrong")
