"""Rows: gathered from what finished runs left, labelled, and cut."""

import json

import pandas as pd
import pytest

from imdlib import runs, store
from imdlib.baselines.names import LOCALIZERS
from imdlib.ncl.grid import KIND, OWN, TURNED
from imdlib.ncl.labelled import METRICS, attacked, changed_by_attacks, named, on_other_sets, on_own_set
from imdlib.ncl.rows import Rows
from imdlib.ncl.space import ROWS
from imdlib.scoring.rows import as_usual
from tests.ncl import made_up

ATTACKED = pd.DataFrame(
    [
        ("r", "Base", "s", 0, "d", "a", "none", 0.8),
        ("r", "Base", "s", 0, "d", "b", "none", 0.1),
        ("r", "Base", "s", 0, "d", "a", "blur 3", 0.6),
        ("r", "Base", "s", 0, "d", "a", "jpeg 50", 0.2),
        ("q", "Base", "s", 1, "d", "a", "none", 0.9),
    ],
    columns=["run", "method", "train_set", "seed", "dataset", "image", "attack", "f1"],
)


@pytest.fixture(scope="module")
def study():
    return made_up.study()


def sets(rows):
    """Pairs of training and test set that occur in rows."""
    return set(rows[["train_set", "dataset"]].drop_duplicates().itertuples(index=False, name=None))


def test_attacked_keeps_the_images_that_were_attacked_with_their_untouched_rows():
    found = attacked(ATTACKED)
    assert found[["run", "image", "attack"]].values.tolist() == [
        ["r", "a", "none"], ["r", "a", "blur 3"], ["r", "a", "jpeg 50"],
    ]  # fmt: skip
    assert attacked(ATTACKED[ATTACKED["attack"] == "none"]).empty


def test_casia_v2_is_tested_on_v1_and_two_splits_of_one_benchmark_are_not_unseen():
    pairs = [
        ("casia2", "casia1"),
        ("nist16-random", "nist16"),
        ("casia2", "nist16"),
        ("nist16", "nist16"),
        ("all", "nist16"),
    ]
    rows = pd.DataFrame(pairs, columns=["train_set", "dataset"])
    assert on_own_set(rows).index.tolist() == [0, 3] and on_other_sets(rows).index.tolist() == [2]


def test_what_attacks_change_is_the_mean_over_attacks_minus_the_untouched_value():
    complete = ATTACKED.assign(**{name: 0.0 for name in METRICS if name != "f1"})
    found = changed_by_attacks(attacked(complete))
    assert len(found) == 1 and found["f1"][0] == pytest.approx((0.6 + 0.2) / 2 - 0.8)
    assert changed_by_attacks(complete.head(0)).empty


def test_runs_get_the_names_and_the_order_of_tables():
    found = named(made_up.settings(**made_up.EVERYTHING).sample(frac=1, random_state=0))
    assert found["train_set"].unique().tolist() == ["all", "sim-casia", "sim-nist16"]
    usual = found[(found["train_set"] == "sim-nist16") & ~found["variant"].isin(LOCALIZERS)]
    assert usual["method"].tolist() == ["Base"] * 3 + ["Base+Pivot+PC"] * 3 and usual["seed"].tolist() == [0, 1, 2] * 2
    assert set(found["row"]) == set(ROWS) | {""}  # none is the row of the auxiliary head


def test_main_rows_are_of_runs_of_the_usual_network_in_which_nothing_is_turned(study):
    plain = {"base", "base-balanced", "contrast", "pivot", "pc", "pivot-pc", *LOCALIZERS}
    expected = {run for run in study.settings["run"] if run.count("_") == 2 and run.split("_")[0] in plain}
    aux = {run for run in study.settings["run"] if "base-aux" in run}
    assert set(study.usual_runs["run"]) == expected | aux and aux
    assert set(study.main["run"]) == set(study.usual_runs["run"])
    assert set(study.main["attack"]) == {"none"}


def test_a_run_is_turned_where_it_differs_from_its_own_row():
    """Rows tuned apart: omega is 0.2 in one row and 0.4 in another, and turned to 0.4 in the first."""
    runs = made_up.settings(seeds=[0, 1], ablation_sets=["a", "b"], detail_set="a", omegas=[0.4], train_counts=[9])
    usual = (runs["variant"] == "pivot+pc") & (runs["omega"] != 0.4)
    runs["omega"] = runs["omega"].mask(usual, 0.2).mask(runs["variant"] == "pivot", 0.4)
    alike = as_usual(runs, TURNED, ["variant", *KIND])
    assert set(runs.loc[~alike["omega"], "run"]) == {f"pivot-pc_a_omega-0.4_seed{k}" for k in (0, 1)}
    assert set(runs.loc[~alike["train_count"], "run"]) == {run for run in runs["run"] if "train_count" in run}
    assert alike.drop(columns=["omega", "train_count"]).all(axis=None)


def test_of_values_that_are_equally_common_in_a_row_the_commonest_of_all_is_usual():
    runs = made_up.settings(seeds=[0], ablation_sets=["a"], detail_set="a", hooks=["layer4"], train_counts=[9])
    alike = as_usual(runs, TURNED, ["variant", *KIND]).all(axis=1)
    assert set(runs.loc[~alike, "run"]) == {run for run in runs["run"] if run.count("_") > 2}


def test_trials_are_in_no_cut_and_each_draw_is_a_study_of_its_own(study):
    assert len(study.trials) == 2 * len(ROWS) and set(study.trials["row"]) == set(ROWS)
    assert not set(study.trials["run"]) & {*study.settings["run"], *study.every["run"]}
    assert set(study.trials["run"]) <= set(study.history["run"])
    one = study.trial(1)
    assert set(one.settings["trial"]) == {1} and set(one.every["run"]) == set(one.settings["run"]) and one.trials.empty
    assert set(one.own["variant"]) == {*OWN, *LOCALIZERS} - {"base+aux"}
    assert sets(one.unseen) == {("sim-casia", "sim-nist16")} and set(one.started["seed"]) == {100}
    assert not set(one.own["run"]) & set(one.of_kind(inputs="rgb")["run"])
    assert study.trial(7).own.empty


def test_cuts_by_training_set(study):
    casia, nist = made_up.SETS
    assert sets(study.own) == sets(study.both) == {(casia, casia), (nist, nist)}
    assert sets(study.started) == sets(study.of_kind(inputs="rgb")) == {(casia, casia)}
    assert set(study.both["variant"]) == {"base", "pivot+pc"}
    assert sets(study.ablation) == {(casia, casia), (casia, nist)} and study.ablation["variant"].nunique() == 4
    assert study.target == casia
    assert sets(study.unseen) == {(casia, nist), (nist, casia)}
    assert sets(study.under_attack) == sets(study.vit) == {(casia, casia)}


def test_turned_runs_stand_beside_the_usual_ones_of_the_same_sets(study):
    hooks = study.turned("hook", variants=["pivot+pc"])
    assert sorted(hooks["hook"].unique()) == ["layer1", "layer4", "stem"] and set(hooks["dataset"]) == {"sim-casia"}
    assert hooks["omega"].nunique() == 1 and set(hooks["variant"]) == {"pivot+pc"}
    two = study.turned("train_count", "steps")
    assert len(two[["train_count", "steps"]].drop_duplicates()) == 3
    assert study.turned("hook", variants=["base"]).empty


def test_predictors_that_look_at_no_image_are_those_of_the_runs_images_in_their_order(study):
    assert study.trivial["dataset"].unique().tolist() == made_up.SETS
    assert set(study.trivial["train_set"]) == {"none"}
    assert set(study.beside(study.vit)["dataset"]) == {"sim-casia"}


def test_data_without_rows_and_without_visibility_is_no_error():
    cells = made_up.settings(seeds=[0], ablation_sets=["sim-casia"])
    tables = dict(scores=made_up.scores(cells).drop(columns="visibility"), history=pd.DataFrame({"run": cells["run"]}))
    found = Rows.of("r", cells, tables, {})
    assert found.trivial.empty and found.beside(found.own).empty and found.own["visibility"].isna().all()


def kept(folder, cells, **tables):
    """What `archive.keep` leaves: a stamp per run and the tables, with sums."""
    stamps = [json.dumps(dict(key="k", needs=dict(parameters=cell))) for cell in cells.to_dict("records")]
    columns = {name: frame.dtypes.drop("run").astype(str).to_dict() for name, frame in tables.items()}
    rows = pd.DataFrame({"run": cells["run"].tolist(), "stamp": stamps, "columns": json.dumps(columns)})
    frames = {"runs": rows, **tables}
    store.write_sums(folder, [store.write(frame, folder / f"{name}.parquet").name for name, frame in frames.items()])


def test_gather_takes_the_runs_and_sets_that_count(tmp_path):
    cells = made_up.settings(seeds=[0, 1], ablation_sets=["sim-casia"])
    history = pd.DataFrame({"run": cells["run"], "epoch": 1})
    kept(tmp_path / "ncl", cells.drop(columns="outdated"), scores=made_up.scores(cells), history=history)
    data = pd.DataFrame({"run": made_up.SETS})
    kept(tmp_path / "data", data, scores=made_up.blind())
    everything = Rows.gather(str(tmp_path))
    assert len(everything.settings) == 8 and everything.history["run"].tolist() == everything.settings["run"].tolist()
    asked = {"base_sim-casia_seed0": "k", "pivot_sim-casia_seed0": "newer"}
    some = Rows.gather(str(tmp_path), asked, {"sim-nist16": "k"})
    assert some.settings.set_index("run")["outdated"].to_dict() == {name: key != "k" for name, key in asked.items()}
    assert set(some.every["run"]) == set(some.history["run"]) == set(asked)
    assert set(some.trivial["dataset"]) == {"sim-nist16"}
    assert some.folder == tmp_path / "ncl"
    with pytest.raises(runs.RunError, match="absent"):
        Rows.gather(str(tmp_path), {"absent": "k"})
