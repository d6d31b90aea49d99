"""INR's exhibits: each writes what it shows, and is None, and writes nothing, where the runs for it are missing."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from imdlib import runs
from imdlib.inr import exhibits
from imdlib.inr.exhibits import maps, shared, training
from imdlib.networks.otsu import otsu_threshold
from imdlib.pages import plots, standing, tables
from tests.inr.made_up import ALL, SWEEPS, TARGET, study

COSTS, MAPS = ("table_costs", "figure_costs"), ("figure2", "figure4")
SHOWN_ALONE = ("provenance", "trained", "parameters", "decibels", "collapsed")  # no file
SAID = ("said_saturation", "form")
PLAIN = [name for name in exhibits.__all__ if name not in (*COSTS, *MAPS, *SHOWN_ALONE, *SAID)]
NEED_MORE = ("table5", "table6", "figure_pooling", "table_variations", "table_training_sets", "table_sweep")
NEED_MORE += ("figure_sweep", "figure_pseudo_labels", "table_priors", "table_backbones")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return study(tmp_path_factory.mktemp("whole"), more_train_sets=["sim-columbia"], m_rules=["low"], **ALL, **SWEEPS)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Baseline and whole method alone."""
    return study(tmp_path_factory.mktemp("few"), rows=("base", "nrr+scl+agap"), unsupervised=False)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Figures are drawn, but of their files the csv alone is written."""

    def save(figure, data, folder, name, what, of=None):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        pd.DataFrame(data).to_csv(folder / "figures" / f"{name}.csv", index=False)
        return figure

    monkeypatch.setattr(plots, "save", save)


def written(rows, name):
    return rows.folder / ("figures" if name.startswith("figure") else "tables") / f"{name}.csv"


@pytest.mark.parametrize("name", PLAIN)
def test_writes_what_it_shows(whole, name):
    found = getattr(exhibits, name)(whole)
    assert isinstance(found, Figure) == name.startswith("figure") and found is not None
    assert len(pd.read_csv(written(whole, name)))


@pytest.mark.parametrize("name", NEED_MORE)
def test_is_none_without_runs(few, name):
    assert getattr(exhibits, name)(few) is None
    assert not written(few, name).exists()


@pytest.mark.parametrize("name", SHOWN_ALONE)
def test_tables_of_runs(whole, few, name):
    assert "<table" in getattr(exhibits, name)(whole).data
    assert (getattr(exhibits, name)(few) is None) == (name == "collapsed")


def test_the_form_of_files_is_that_of_the_sets_tested_on(whole):
    assert exhibits.form(whole) is None
    known = pd.DataFrame({"run": [TARGET, "elsewhere"], "predictor": "bytes per pixel", "auc": [0.9, 0.8]})
    shown = exhibits.form(replace(whole, data={"form": known})).data
    assert TARGET in shown and "0.900" in shown and "elsewhere" not in shown


def test_captions_say_which_self_distillation_ended_with_one_answer(whole, few, monkeypatch):
    assert shared.said_collapse(few) == ""
    ends = pd.DataFrame({"method": ["a", "a", "b"], "ends_collapsed": ["yes", "no", "no"]})
    monkeypatch.setattr(shared, "endings", lambda rows: ends)
    assert "a in 1 of 2 runs" in shared.said_collapse(whole) and "b in" not in shared.said_collapse(whole)


def test_published_numbers_of_other_data_stand_in_the_notes(whole):
    exhibits.table4(whole)
    found = pd.read_csv(written(whole, "table4"))
    assert list(found) == tables.WRITTEN
    assert found["published"].isna().all()  # a twin is not the paper's set
    paper = found[found["note"].fillna("").str.startswith("not beside: paper")]
    assert set(paper["test_set"]) == {TARGET} and "Baseline" in set(paper["method"])


def test_a_sweep_holds_the_usual_value_and_those_turned(whole):
    exhibits.table_sweep(whole)
    assert list(pd.read_csv(written(whole, "table_sweep"))["method"].unique()) == ["width = 8", "width = 16"]


@pytest.mark.parametrize("name", MAPS)
def test_maps_that_were_kept_are_drawn(whole, monkeypatch, name):
    assert getattr(exhibits, name)(whole, 2) is standing.ELSEWHERE
    blank = dict(map=np.ones((4, 4)), image=np.ones((4, 4, 3), np.uint8), mask=np.ones((4, 4), np.uint8))
    monkeypatch.setattr(runs, "pictures", lambda *_: {f"{TARGET}/{i}.png": blank for i in (1, 3, 5)})
    assert isinstance(getattr(exhibits, name)(whole, 2), Figure)
    assert pd.read_csv(written(whole, name))["image"].nunique() == 2


def test_maps_are_those_of_the_first_nrr_that_is_there(whole, monkeypatch):
    first = whole.plain_nrr.loc[whole.plain_nrr["seed"] == 0, "run"]
    asked = []
    monkeypatch.setattr(runs, "pictures", lambda results, study, run: asked.append(run) or {})
    exhibits.figure2(replace(whole, settings=whole.settings[~whole.settings["run"].isin(first)]), 2)
    assert asked == [f"nrr_{TARGET}_seed1"]
    assert (
        exhibits.figure2(replace(whole, settings=whole.settings[~whole.settings["run"].str.startswith("nrr_")]), 2)
        is None
    )


def test_costs_are_written_as_table_and_figure(whole, monkeypatch):
    measured = pd.DataFrame(dict(method=["a", "b"], step_ms=[1.0, 2.0], contrast_ms=[0.0, 1.0], kept_mb=[1.0, 1.0]))
    monkeypatch.setattr(training, "measured", lambda rows, repeats: measured)
    assert exhibits.table_costs(whole, 1) is not None and exhibits.figure_costs(whole, 1) is not None
    assert all(len(pd.read_csv(written(whole, name))) == 2 for name in COSTS)


def test_what_the_contrast_does_at_the_end_is_computed():
    said = exhibits.said_saturation().data
    literal, standard = (float(one) for one in re.findall(r"(?:slope|InfoNCE) ([\d.e-]+)", said))
    assert literal == pytest.approx(10, rel=0.01) and standard < 0.1  # 1 / tau


def test_sets_without_masks_have_no_table_of_maps(whole):
    empty = replace(
        whole, raw=whole.raw.assign(**dict.fromkeys(("f1", "iou", "auc", "auc_shuffled", "f1_best"), np.nan))
    )
    for name in ("table1", "table5", "figure_unsupervised"):
        assert getattr(exhibits, name)(empty) is None, name


def test_a_kept_error_map_is_cut_where_otsus_threshold_of_the_error_lies():
    error = np.random.default_rng(0).gamma(0.5, 0.02, (40, 30))
    kept = np.round(255 * error / (error + 0.01)).astype(np.uint8) / np.float32(255)
    found = maps.stretched({"map": kept, "mask": np.zeros((40, 30))})
    assert found["map"].max() == 1 and "mask" in found
    threshold = otsu_threshold(torch.from_numpy(error).flatten()).item()
    assert ((found["map"] > found["cut"]) != (error > threshold)).mean() < 0.01  # but for what eight bits round away
