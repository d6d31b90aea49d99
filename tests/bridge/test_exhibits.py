"""Exhibits of Bridging's report: what each writes over all kinds of runs, and that it shows nothing where runs are missing."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from IPython.display import Markdown

from imdlib.bridge import exhibits
from imdlib.bridge.exhibits import images, plane, points, sets
from imdlib.bridge.exhibits.localization import kept_maps, with_thresholds
from imdlib.bridge.methods import METHODS
from imdlib.bridge.rows import Rows
from imdlib.bridge.statements import STATEMENTS
from imdlib.pages import claims, tables
from imdlib.places import run_folder
from tests.bridge import made_up
from tests.bridge.made_up import AWAY, HOME

TABLES = ["table2", "table_calibration", "table_threeway", "table_recall", "table_training_sets", "table_drop"]
TABLES += ["table_ablation", "table_localization", "table_ordering"]
FIGURES = [
    "figure_calibration",
    "figure_generators",
    "figure_drop",
    "figure_ablation",
    "figure_localization",
    "figure3",
]
FIGURES += ["figure_ordering", "figure_trajectory", "figure_curves"]
ABSENT = ["table_training_sets", "table_drop", "figure_drop", "table_localization", "figure_localization"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_written(name, all_runs):
    assert getattr(exhibits, name)(all_runs) is not None
    found = pd.read_csv(all_runs.folder / "tables" / f"{name}.csv")
    assert found.columns.tolist() == tables.WRITTEN and len(found)
    assert all((all_runs.folder / "tables" / f"{name}.{kind}").exists() for kind in ("md", "tex"))


def test_rivals_that_have_runs_are_said_to_be_computed(all_runs):
    shown = exhibits.provenance(all_runs).data
    assert "Wang et al." in shown and "TAR" in shown and "TransCAM" in shown and "quoted" not in shown


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_written(name, all_runs):
    assert getattr(exhibits, name)(all_runs) is not None
    assert all((all_runs.folder / "figures" / f"{name}.{kind}").exists() for kind in ("png", "pdf", "csv"))


@pytest.mark.parametrize("name", ABSENT)
def test_nothing_is_shown_or_written_without_runs(name, two_runs):
    assert getattr(exhibits, name)(two_runs) is None
    assert not list(two_runs.folder.glob(f"*/{name}.*"))


@pytest.mark.parametrize("name", sorted({*TABLES, *FIGURES} - {*ABSENT}))
def test_two_runs_are_enough_for_the_rest(name, two_runs):
    assert getattr(exhibits, name)(two_runs) is not None


def test_what_tables_hold(all_runs):
    exhibits.table2(all_runs)
    two = pd.read_csv(all_runs.folder / "tables" / "table2.csv").set_index(["method", "test_set", "metric"])
    assert two["published"].isna().all()  # the paper's data are Dolos
    assert "not beside: paper 0.810" in two.loc[("Ours", "partly fake: trained generator", "F1"), "note"]
    theirs = two.loc[("Wang et al., without fully fake images", "partly fake: trained generator", "F1")]
    assert "not beside: paper 0.920" in theirs["note"]
    assert two.loc[("always fake", "partly fake: haar", "F1"), "value"] == pytest.approx(0.5)
    assert "always real" not in two.index.get_level_values("method")
    exhibits.table_ablation(all_runs)
    ablation = pd.read_csv(all_runs.folder / "tables" / "table_ablation.csv")["method"].unique()
    assert {"random class", "TransCAM, inputs rgb", "Discrepancies alone (Eq. 8), order once"} <= set(ablation)
    exhibits.table_ordering(all_runs)
    ordering = pd.read_csv(all_runs.folder / "tables" / "table_ordering.csv")["method"].unique()
    assert ordering[0] == "Ours, before training: untrained teacher" and "TransCAM" not in ordering


def test_one_kind_of_fakes_stands_once_and_a_class_that_is_lacking_is_named(all_runs, two_runs):
    exhibits.table2(two_runs)
    found = pd.read_csv(two_runs.folder / "tables" / "table2.csv")
    assert set(found["test_set"]) == {"fully fake: trained generator"}
    assert "of partly fake there is no image here" in exhibits.table_threeway(two_runs).data
    assert "no image here" not in exhibits.table_threeway(all_runs).data


def test_maps_that_look_at_no_image_stand_beside_no_maps(two_runs):
    images = two_runs.every[["dataset", "image"]].drop_duplicates().assign(method="centre blob", attack="none", f1=0.5)
    assert replace(two_runs, data=two_runs.data | {"scores": images}).trivial.empty


def test_settings_and_configurations(all_runs, two_runs):
    shown = exhibits.table_runs(all_runs).data
    assert shown.index("as usual") < shown.index("order=once") and "made" not in shown
    assert "stand-in" in exhibits.parameters(all_runs).data and "not CLIP" in exhibits.extractor(all_runs).data
    assert "bytes" in exhibits.form(all_runs).data and isinstance(exhibits.form(two_runs), Markdown)


# ---- maps and features, which are kept by runs but not in git


def test_figure_2_stands_as_it_was_drawn_where_no_maps_are_kept(all_runs, two_runs):
    assert isinstance(exhibits.figure2(all_runs, 3), Markdown) and exhibits.figure2(two_runs, 3) is None


def test_figure_2_of_kept_maps(all_runs):
    rng = np.random.default_rng(0)
    for variant in ("transcam", "late"):
        folder, kept = run_folder(all_runs.results, "bridge", all_runs.run_of(variant)), {}
        for dataset in (HOME, AWAY):
            for name in all_runs.maps.loc[all_runs.maps["dataset"] == dataset, "image"].unique():
                kept |= {f"{dataset}/{name}/{part}": rng.integers(0, 2, (8, 8), np.uint8) for part in ("map", "mask")}
                kept[f"{dataset}/{name}/image"] = rng.integers(0, 256, (8, 8, 3), np.uint8)
        folder.mkdir(parents=True)
        np.savez_compressed(folder / "maps.npz", **kept)
    assert list(with_thresholds(kept_maps(all_runs))) == ["TransCAM", "TransCAM\n> 0.5", "Ours", "Ours\n> 0.5"]
    assert exhibits.figure2(all_runs, 2) is not None
    drawn = pd.read_csv(all_runs.folder / "figures" / "figure2.csv")
    assert len(drawn) == 2 * 2 * 4 and set(drawn["method"].str.split("\n").str[0]) == {METHODS["transcam"], "Ours"}
    shutil.rmtree(all_runs.folder / "runs")
    assert "Bridging Figure 2" in exhibits.figure2(all_runs, 2).data


def test_figure_4_needs_features(two_runs):
    assert isinstance(exhibits.figure4(two_runs), Markdown)
    assert isinstance(exhibits.table_embedding(two_runs, [5]), Markdown)


def test_figure_4_of_kept_features(tmp_path, monkeypatch):
    monkeypatch.setattr(plane.embedding, "project", lambda points, method, perplexity, seed: points[:, :2])
    tables_of, rng = {name: made_up.images(name, 60) for name in (HOME, AWAY)}, np.random.default_rng(0)
    made_up.write_runs(tmp_path, {"ours": dict(method="late", seed=0)}, tables_of)
    folder = run_folder(tmp_path, "bridge", "ours")
    folder.mkdir(parents=True)
    far = np.eye(3)[np.tile([0, 1, 0, 2], 15)] * 50 + rng.normal(size=(60, 3))
    found = [{"extractor": rng.normal(size=(60, 5)), "final": far}] * 2
    points.write_points(folder / "points.npz", pd.concat(tables_of.values()), found)
    rows, features = points.read_points(folder / "points.npz")
    assert len(rows) == 90 and rows["dataset"].value_counts().to_dict() == {HOME: 60, AWAY: 30}
    np.testing.assert_allclose(features["final"][:60], far, atol=0.05)

    rows = Rows.gather(tmp_path)
    assert exhibits.figure4(rows) is not None and exhibits.figure4_perplexities(rows, [5, 30, 100]) is not None
    assert exhibits.table_embedding(rows, [5, 30, 100]) is not None
    shutil.rmtree(folder)
    gone = Rows.gather(tmp_path)
    assert 'data-file="figures/figure4"' in exhibits.figure4(gone).data
    assert "silhouette" in exhibits.table_embedding(gone, [5]).data
    judged = pd.read_csv(rows.folder / "tables" / "table_embedding.csv")
    value = judged.set_index(["method", "metric"])["value"]
    assert set(judged["method"]) == {
        f"{who}, {how}" for who in ("extractor", "ours") for how in ("t-SNE, perplexity 30", "UMAP, 30 neighbours")
    } | {
        "ours, t-SNE, perplexity 5",
        "ours, UMAP, 5 neighbours",
    }  # more neighbours than points are left out
    assert value["ours, t-SNE, perplexity 30", "silhouette"] > 0.7
    assert value["extractor, UMAP, 30 neighbours", "silhouette"] < 0.2
    assert list(plane.planes({}, rows.every, [("tsne", 5)])) == [{}, {}]


# ---- what looks at images


def test_counts_are_written_as_whole_numbers(tmp_path):
    manifest = made_up.images("here", 8).assign(split=["train"] * 4 + ["test"] * 4)
    found = sets.counts({"here": manifest})
    value = found.set_index(["method", "metric"])["value"]
    assert value["all", "real"] == 4 and value["train", "partly fake"] == 1 and value.sum() == 16
    paper = pd.DataFrame(dict(method="all", test_set="Dolos (paper)", metric=["real"], value=[20700.0]))
    sets.save_counts(pd.concat([found, paper]), tmp_path, "table1", "Sizes")
    text = (tmp_path / "tables" / "table1.md").read_text()
    assert "20,700" in text and "–" in text and "4.0" not in text
    kept = pd.read_csv(tmp_path / "tables" / "table1.csv")
    assert kept["value"].tolist() == [*found["value"], 20700] and (tmp_path / "tables" / "table1.tex").exists()


def test_no_spectra_are_asked_for(all_runs):
    assert exhibits.figure_spectra(all_runs, images.Images(all_runs), 0) is None


def test_a_page_of_detectors_of_real_against_fake_alone_is_drawn(tmp_path):
    """What a night has first: no third class, no distance, no map."""
    cells = {f"wang_{seed}": dict(method="wang", seed=seed, train_set=HOME) for seed in (0, 1, 2)}
    made_up.write_runs(tmp_path, cells, {name: made_up.images(name) for name in (HOME, AWAY)})
    rows = Rows.gather(tmp_path)
    drawn = {name for name in (*TABLES, *FIGURES) if getattr(exhibits, name)(rows) is not None}
    assert {"table2", "table_drop"} <= drawn and not {"figure3", "figure_curves", "table_localization"} & drawn
    found = claims.judge(STATEMENTS, rows, "bridge").set_index("id")
    assert set(found.index[found["n"] > 0]) == {"bridge-wang-always-image_auc"}
