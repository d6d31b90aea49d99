"""Parameters: names and types are strict, and two runs of different parameters never have one name."""

import re

import pytest

from imdlib import parameters
from tests.toy_runs import DEFAULTS

pytestmark = pytest.mark.usefixtures("toy_runs")


def given(**values):
    """What the notebook makes of parameters injected as Papermill does it."""
    injected = "# Parameters\n" + "".join(f"{name} = {value!r}\n" for name, value in values.items())
    return parameters.checked("ncl/run", {**DEFAULTS, **values, "In": ["", "import torch", injected]})


def test_parameters_without_injection_are_the_defaults():
    assert given() == DEFAULTS
    assert parameters.checked("ncl/run", dict(DEFAULTS)) == DEFAULTS  # no `In`: not in IPython


def test_unknown_parameter_names_the_nearest():
    with pytest.raises(
        parameters.ParameterError, match=r"ncl/run\.ipynb has no parameter 'epocs'\. Did you mean 'epochs'\?"
    ):
        given(epocs=3)
    with pytest.raises(parameters.ParameterError, match="no parameter 'zzz'. It has: " + ", ".join(DEFAULTS)):
        given(zzz=3)  # nothing is near


@pytest.mark.parametrize(
    "values", [{"epochs": "3"}, {"epochs": 3.0}, {"epochs": True}, {"learning_rate": True}, {"learning_rate": "0.1"},
               {"pretrained": 1}, {"pretrained": "false"}, {"rates": "1,2"}, {"results": 1}, {"results": None}]
)  # fmt: skip
def test_ill_typed_value_names_parameter_and_types(values):
    name, value = next(iter(values.items()))
    expected = f"'{name}' must be {type(DEFAULTS[name]).__name__}.*got {type(value).__name__}"
    with pytest.raises(parameters.ParameterError, match=expected):
        given(**values)


@pytest.mark.parametrize("rates, at", [([1, "2"], 1), ([1.5], 0), ([True], 0), ([1, 2, [3]], 2)])
def test_elements_of_lists_have_a_type_too(rates, at):
    with pytest.raises(parameters.ParameterError, match=rf"'rates\[{at}\]' must be int"):
        given(rates=rates)


def test_values_of_the_right_type_are_taken_and_an_int_for_a_float():
    found = given(epochs=3, rates=[], learning_rate=1)
    assert found == DEFAULTS | {"epochs": 3, "rates": [], "learning_rate": 1.0}
    assert isinstance(found["learning_rate"], float)


def test_what_papermill_writes_of_odd_floats_and_hints_are_understood():
    injected = {"In": ["# Parameters\nlearning_rate = float('inf')\n"], "learning_rate": float("inf")}
    assert parameters.checked("ncl/run", DEFAULTS | injected)["learning_rate"] == float("inf")
    assert parameters.assignments("a: int = 3\nb: str\nc, d = 1, 2\ne = [-1]") == {"a": 3, "e": [-1]}


def named(*lead, **values):
    return parameters.name_of("ncl/run", DEFAULTS | values, *lead)


def test_names_of_runs_differ_with_their_parameters_and_say_them():
    assert named("train_set") == "toy_seed3"
    assert named("train_set", epochs=9) == "toy_epochs-9_seed3"
    assert named("train_set", results="other", run="x", data="there") == "toy_seed3"
    changes = [{}, {"epochs": 9}, {"epochs": 80}, {"learning_rate": 1.0}, {"pretrained": True}, {"rates": [2, 1]},
               {"rates": []}, {"rates": [21]}, {"seed": 4}, {"train_set": "toy+other"}, {"train_set": "a/b"}, {"train_set": "a b"},
               {"train_set": "../b"}, {"train_set": ".."}, {"train_set": ""}, {"train_set": "~"}, {"train_set": "ü"},
               {"train_set": "x" * 400}, {"train_set": "x" * 401}, {"train_set": "a/b", "epochs": 9}]  # fmt: skip
    for lead in ((), ("train_set",)):
        names = [named(*lead, **change) for change in changes]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[\w.+=-]{1,120}", name, flags=re.A) and name[0] not in ".~" for name in names)
