"""Exhibits: each writes its files and returns what is shown, and returns None where its runs are missing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from imdlib.ncl import exhibits
from imdlib.ncl.exhibits import pictures, training
from imdlib.ncl.grid import METHODS, OWN, STEPS
from imdlib.pages import standing, tables
from tests.ncl import made_up

TABLES = {
    "calibration": "table_calibration",
    "inputs": "table_inputs",
    "visibility": "table_visibility",
    "controls": "table_controls",
    **{f"table{number}": f"table{number}" for number in range(1, 7)},
    "weights": "table_weights",
    "amount": "table_amount",
}
NAMES = [METHODS[step] for step in STEPS]
FIGURES = ["benchmarks", "cross", "robustness", "ablation", "weights", "amount"]
OPTIONAL = ["inputs", "controls", "table3", "table4", "table6", "weights", "amount"]
OPTIONAL += ["figure_robustness", "figure_weights", "figure_amount"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return made_up.study(tmp_path_factory.mktemp("study"))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_saved_and_shown(name, study):
    assert isinstance(getattr(exhibits, name)(study), HTML)
    saved = pd.read_csv(study.folder / "tables" / f"{TABLES[name]}.csv")
    assert saved.columns.tolist() == tables.WRITTEN and saved["value"].notna().all() and len(saved)
    assert all((study.folder / "tables" / f"{TABLES[name]}.{kind}").exists() for kind in ("md", "tex"))


def drawn(study, name):
    """What was drawn in a figure, which must have been saved in every form."""
    assert all((study.folder / "figures" / f"{name}.{kind}").exists() for kind in ("png", "pdf"))
    return pd.read_csv(study.folder / "figures" / f"{name}.csv")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_saved_and_shown(name, study):
    assert isinstance(getattr(exhibits, f"figure_{name}")(study), Figure)
    assert len(drawn(study, f"figure_{name}"))


def test_curves_are_those_of_the_ablation_in_the_order_of_methods(study):
    assert isinstance(exhibits.curves(study), Figure)
    assert drawn(study, "figure_curves")["method"].unique().tolist() == NAMES


@pytest.mark.parametrize("name", OPTIONAL)
def test_nothing_is_shown_where_no_run_was_made_for_it(name, tmp_path):
    assert getattr(exhibits, name)(made_up.study(tmp_path, seeds=[0], ablation_sets=["sim-casia"])) is None
    assert not any(tmp_path.iterdir())


def test_nothing_is_shown_where_no_run_is_usual(tmp_path):
    rows = made_up.study(tmp_path, keep=lambda run: run["backbone"] != "vit")
    apart = [0, *range(len(rows.settings) - 1)]  # two runs share the usual optimizer, two others the usual head
    one = dict(variant="base", backbone="resnet18", pretrained=False, inputs="rgb")
    rows.settings = rows.settings.assign(optimizer=apart, aux_aspp=apart[::-1], **one)
    assert rows.main.empty and rows.target == ""
    names = ["usual_settings", *TABLES, *(f"figure_{name}" for name in FIGURES), "figure4", "curves"]
    assert all(getattr(exhibits, name)(rows) is None for name in names)
    assert exhibits.figure3(rows, 2) is None and exhibits.cost(rows, 1) == (None,)


def test_what_was_run_names_what_is_turned(study):
    shown = exhibits.ran(study).data
    assert all(
        word in shown for word in ("as usual", "hook=stem", "omega=1.0", "train_count=60", "backbone=vit", "inputs=rgb")
    )
    assert shown.index("as usual") < shown.index("hook=stem")
    assert "layer1" in exhibits.usual_settings(study).data


def test_table5_holds_the_ablation_on_every_set_and_table6_every_block(study):
    exhibits.table5(study), exhibits.table6(study)
    five, six = (
        pd.read_csv(study.folder / "tables" / f"table{number}.csv", keep_default_na=False) for number in (5, 6)
    )
    assert set(five["method"]) == {*NAMES, "centre blob"}
    assert set(five["test_set"]) == set(made_up.SETS) and set(five["train_set"]) == {"sim-casia", "none"}
    blocks = [f"{block}{more}" for more in ("", ", without Eq. 8") for block in ("stem", "layer1", "layer4")]
    own = [f"{block}, contour of its own grid" for block in ("stem", "layer4")]
    assert six["method"].unique().tolist() == ["centre blob", *blocks, *own, "Base"]


def test_controls_hold_every_variant_and_inputs_every_start(study):
    exhibits.controls(study), exhibits.inputs(study)
    found, seen = (pd.read_csv(study.folder / "tables" / f"table_{name}.csv") for name in ("controls", "inputs"))
    assert set(found["method"]) == {*OWN.values(), "centre blob"} and set(found["test_set"]) == set(made_up.SETS)
    started = {f"{name}, {start}" for name in ("Base", "NCL") for start in ("from scratch", "pre-trained")}
    eyes = {f"{METHODS[key]}, {inputs}" for key in ("base", "pivot+pc") for inputs in ("rgb", "rgb+residual")}
    assert started | eyes <= set(seen["method"])


def maps(results, study, run):
    """Pictures as a run keeps them: of three test images of either set."""
    one = np.zeros((8, 8))
    kept = dict(map=one, mask=one.astype(np.uint8), image=np.zeros((8, 8, 3), np.uint8))
    return {f"{name}/{k}.png": kept for name in made_up.SETS for k in range(3)}


def test_figures_3_and_4_show_the_images_of_the_training_set(study, monkeypatch):
    assert isinstance(exhibits.figure3(study, 2), Markdown) and isinstance(exhibits.figure4(study), Markdown)
    monkeypatch.setattr(pictures, "pictures", maps)
    assert isinstance(exhibits.figure3(study, 2), Figure) and isinstance(exhibits.figure4(study), Figure)
    three, four = drawn(study, "figure3"), drawn(study, "figure4")
    assert three["method"].tolist() == NAMES * 2
    assert three["image"].str.startswith("sim-casia/").all()
    assert four["image"].str.split("/").str[0].unique().tolist() == made_up.SETS and len(four) == 2 * 3 * 2


def test_a_figure_of_maps_stands_where_its_runs_are_the_same_and_their_maps_are_gone(study, monkeypatch):
    monkeypatch.setattr(pictures, "pictures", maps)
    exhibits.figure3(study, 2), exhibits.figure4(study)
    monkeypatch.undo()
    three, four = exhibits.figure3(study, 2), exhibits.figure4(study)
    assert "NCL Figure 3" in three.data and "NCL Figure 4" in four.data
    again = replace(study, settings=study.settings.assign(key="trained again"))
    assert exhibits.figure3(again, 2) is standing.ELSEWHERE and exhibits.figure4(again) is standing.ELSEWHERE


def test_costs_say_the_contrast_s_share(study, monkeypatch):
    made = pd.DataFrame({"method": NAMES, "parameters": 9, "step_ms": 10.0, "against_base": 1.0})
    monkeypatch.setattr(training, "measured", lambda params, repeats: made.assign(contrast_ms=2.0, kept_mb=5.0))
    figure, table, words = exhibits.cost(study, 1)
    assert isinstance(figure, Figure) and isinstance(table, HTML) and "20% of a training step" in words.data
    assert len(drawn(study, "figure_costs")) == len(pd.read_csv(study.folder / "tables" / "table_costs.csv")) == 4
