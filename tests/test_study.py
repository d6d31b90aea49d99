"""Study: a profile is taken as it is written or refused, and the nearest thing that it could have meant is named."""

import pytest
import yaml

from imdlib import parameters, study
from imdlib.freshness import sources
from imdlib.planner import Planner

PROFILES = sorted(path.stem for path in (sources.REPO / "profiles").glob("*.yaml"))
VALUES = {
    name: yaml.safe_load((sources.REPO / f"profiles/{name}.yaml").read_text(encoding="utf-8")) for name in PROFILES
}


@pytest.fixture(scope="module")
def vocabulary():
    return study.vocabulary()


@pytest.fixture
def read(tmp_path, monkeypatch, vocabulary):
    """Function: what a profile of the given keys, or of a given text, is read as."""
    (tmp_path / "profiles").mkdir()
    monkeypatch.setattr(study, "REPO", tmp_path)
    monkeypatch.setattr(study, "vocabulary", lambda: vocabulary)

    def of(values):
        text = values if isinstance(values, str) else yaml.safe_dump(values)
        (tmp_path / "profiles" / "mine.yaml").write_text(text, encoding="utf-8")
        return study.profile("mine")

    return of


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_taken_as_they_are_written(name):
    assert study.profile(name) == VALUES[name]


def test_a_letter_that_was_left_out_is_refused_and_the_nearest_key_named(read, vocabulary):
    """Of every key; left-out letters that give another key (`ncl.hook` of `ncl.hooks`) ask for a value of another type."""
    meant = total = 0
    for key, value in {key: value for values in VALUES.values() for key, value in values.items()}.items():
        for dropped in sorted({key[:at] + key[at + 1 :] for at in range(len(key))}):
            with pytest.raises(study.ProfileError, match=r"profiles/mine\.yaml: .*Did you mean '") as error:
                read({dropped: value})
            named = str(error.value).rsplit("Did you mean '", 1)[1].removesuffix("'?")
            assert named in vocabulary and named != dropped and f"'{dropped}'" in str(error.value)
            meant, total = meant + (named == key), total + 1
    assert total > 1000 and meant > 0.97 * total  # the others are as near: `cout` may be `crop` as well


@pytest.mark.parametrize(
    "key, near",
    [("nlc.steps", "ncl.steps"), ("inr/rnu.steps", "inr/run.steps"), ("bridge.omega", "bridge."), ("seeds", "seed"),
     ("NCL.steps", "steps"), ("ncl/run.runs", "ncl/run.run"), ("ncl/nrr.steps", "ncl/run.steps"), ("3", None), ("true", None)],
)  # fmt: skip
def test_a_key_that_no_notebook_takes_is_refused(read, key, near):
    with pytest.raises(study.ProfileError, match=f"no notebook takes '{key}'".replace("true", "True")) as error:
        read(f"{key}: 3")
    assert near is None or f"Did you mean '{near}" in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["ncl.steps: many", "ncl.steps: 3.5", "ncl.steps: true", "ncl.steps:", "ncl.steps: [3]", "ncl.learning_rate: 1e-3",
     "ncl.seeds: 3", "ncl.seeds: '012'", "ncl.seeds: [0, '1']", "inr.train_set: [sim-casia]", "bridge.train_sets: sim-casia",
     "ncl.omegas: [high]", "ncl.hooks: [3]", "ncl.together: 1", "ncl.vit: [8, x]", "threads: two", "bridge.methods: [1]"],
)  # fmt: skip
def test_values_of_another_type_are_refused(read, text):
    key = text.split(":")[0]
    with pytest.raises(study.ProfileError, match=rf"profiles/mine\.yaml: parameter '{key}(\[\d\])?' must be "):
        read(text)


@pytest.mark.parametrize(
    "text", ["ncl.rows: [baSe]", "ncl.rivals: [frr]", "ncl.trials: -1", "inr.rows: [lite0]", "bridge.methods: [wong]"]
)
def test_a_row_that_a_study_does_not_have_is_refused_with_the_profile_and_the_key(read, text):
    key, name = text.split(".")[0], text.split(":")[0]
    needed = {"inr": "inr.train_set: sim-columbia", "bridge": "bridge.train_sets: [sim-dolos-nearest]"}.get(key, "")
    read(f"{key}.seeds: [0]\n{key}.test_sets: [sim-casia]\n{needed}\n{text}")
    with pytest.raises(study.ProfileError, match=rf"profiles/mine\.yaml: {name}: expected .*, got "):
        Planner("mine")


def test_whole_numbers_are_taken_for_floats(read):
    assert read("ncl.omegas: [0, 1]\nncl.learning_rate: 1") == {"ncl.omegas": [0, 1], "ncl.learning_rate": 1}


@pytest.mark.parametrize("text, match", [("ncl.steps: 3\nncl.steps: 4", "'ncl.steps' is there twice"), ("- a", "expected lines"),
                                         ("just a word", "expected lines"), ("a: [", "cannot be read"),
                                         ("a: 2020-99-99", "mine.yaml cannot be read")])  # fmt: skip
def test_what_is_no_profile_is_refused(read, text, match):
    with pytest.raises(study.ProfileError, match=match):
        read(text)


def test_an_empty_profile_asks_for_nothing_and_an_unknown_one_names_the_nearest(read):
    assert read("# nothing yet") == {}
    with pytest.raises(study.ProfileError, match="no profile 'mien'. Did you mean 'mine'"):
        study.profile("mien")


def test_the_narrower_key_wins_whatever_the_order():
    values = {"inr/run.steps": 3, "inr.steps": 2, "steps": 1, "inr/run.crop": 64, "crop": 32, "inr.seeds": [0]}
    for given in (values, dict(reversed(values.items()))):
        steps = {book: study.settings(given, book)["steps"] for book in ("ncl/run", "inr/nrr", "inr/run")}
        assert steps == {"ncl/run": 1, "inr/nrr": 2, "inr/run": 3}
        assert study.settings(given, "inr/run", crop=16)["crop"] == 16  # what a run itself asks for
        assert study.settings(given, "inr/nrr")["crop"] == 32
    assert "seeds" not in study.settings(values, "inr/run") and "backbone" not in study.settings(values, "inr/run")
    assert set(study.settings(values, "inr/run", unheard_of=3)) == {"steps", "crop"}


def test_settings_have_the_notebooks_types():
    found = study.settings({"learning_rate": 1, "ncl/run.learning_rate": 2}, "ncl/run")["learning_rate"]
    assert (found, type(found)) == (2.0, float)
    with pytest.raises(parameters.ParameterError, match=r"ncl/run\.ipynb: parameter 'steps' must be int"):
        study.settings({}, "ncl/run", steps="3")


def test_grids_are_given_their_own_keys_alone():
    values = {"ncl.seeds": [1], "inr.seeds": [2], "ncl.steps": 3, "ncl.hooks": ["stem"]}
    assert study.grid(values, study.load("ncl")) == {"seeds": [1], "hooks": ["stem"]}


def test_a_profile_may_leave_a_study_out_but_not_ask_for_half_of_one(tmp_path, monkeypatch):
    values = {"ncl.seeds": [0], "ncl.test_sets": ["sim-casia"], "count": 60}
    assert list(study.asked("mine", values)) == ["ncl"]
    with pytest.raises(
        study.ProfileError, match=r"profiles/mine.yaml: study 'inr' needs inr.train_set, inr.test_sets as well"
    ):
        study.asked("mine", values | {"inr.seeds": [0]})
