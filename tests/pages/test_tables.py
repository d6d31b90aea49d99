"""Tables: tidy csv in the agreed columns, wide md and tex, and nothing invented where nothing is known."""

import re

import numpy as np
import pandas as pd
import pytest

from imdlib.baselines.names import BLIND
from imdlib.bridge.measures import blind
from imdlib.inr.rows import ALWAYS
from imdlib.pages import made, tables
from imdlib.pages import wide as wide_form
from imdlib.pages.wide import cell, wide
from imdlib.scoring import trivial

CONTRACT = "method,train_set,test_set,metric,value,low,high,n,seeds,published,note"


def score_rows(
    method="Base", train_set="sim-casia", dataset="sim-casia", seeds=(0,), f1=(0.2, 0.4, 0.9), auc=(0.5, 0.7, 0.6)
):
    rows = [
        {
            "method": method,
            "train_set": train_set,
            "dataset": dataset,
            "image": f"{i}.png",
            "seed": seed,
            "f1": a,
            "auc": b,
        }
        for seed in seeds
        for i, (a, b) in enumerate(zip(f1, auc))
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def scores():
    """Two methods and a row that looks at nothing; one image of one method without a defined F1."""
    return pd.concat(
        [
            score_rows("centre blob", "none"),
            score_rows("Base", seeds=(0, 1)),
            score_rows("Alpha", f1=(0.2, np.nan, 0.9)),
        ],
        ignore_index=True,
    )


def test_rows_are_means_with_interval_images_and_seeds(scores):
    found = tables.rows(scores)
    assert ",".join(found.columns) == f"{CONTRACT},runs"
    base = found.set_index(["method", "metric"]).loc[("Base", "pixel F1")]
    assert base["value"] == pytest.approx(0.5) and base["low"] < 0.5 < base["high"]
    assert (base["n"], base["seeds"], base["train_set"], base["test_set"]) == (3, 2, "sim-casia", "sim-casia")
    assert found["metric"].unique().tolist() == ["pixel F1", "pixel AUC"]  # only what the scores hold
    assert found["published"].isna().all()


def test_undefined_images_are_left_out_and_counted(scores):
    alpha = tables.rows(scores).set_index(["method", "metric"]).loc[("Alpha", "pixel F1")]
    assert alpha["value"] == pytest.approx(0.55) and alpha["n"] == 2
    assert alpha["note"] == "1 images without a defined value left out"


def test_published_values_stand_beside_ours(scores):
    paper = pd.DataFrame(
        [
            ("Base", "sim-casia", "sim-casia", "pixel F1", 0.598, "printed in bold"),
            ("Base", "nist16", "sim-casia", "pixel F1", 0.1, ""),
        ],
        columns=["method", "train_set", "test_set", "metric", "value", "note"],
    )
    found = tables.rows(scores, published=paper).set_index(["method", "metric"])
    assert len(found) == 6
    assert found["published"].notna().sum() == 1
    assert found.loc[("Base", "pixel F1"), "published"] == 0.598
    assert found.loc[("Base", "pixel F1"), "note"] == "printed in bold"
    assert found.loc[("Base", "pixel F1"), "value"] == pytest.approx(0.5)


def test_save_writes_csv_md_and_tex(scores, tmp_path):
    rows = tables.rows(scores)
    rows.loc[0, "published"] = 0.25
    rows.loc[1, ["value", "low", "high"]] = np.nan
    shown = tables.save(rows, tmp_path, "table5", "What each part adds, 100%")
    csv, md, tex = (
        (tmp_path / "tables" / f"table5.{kind}").read_text(encoding="utf-8") for kind in ("csv", "md", "tex")
    )
    assert csv.splitlines()[0] == CONTRACT and len(csv.splitlines()) == 1 + len(rows)
    back = pd.read_csv(tmp_path / "tables" / "table5.csv", keep_default_na=False, na_values=[""])
    np.testing.assert_allclose(back["value"], rows["value"].astype(float), rtol=1e-5)
    assert (
        md.startswith("What each part adds, 100%. In brackets: 95% interval")
        and "(paper 0.250)" in md
        and "(paper 0.250)" in tex
    )
    assert "–" in md and "nan" not in md.lower() and "nan" not in tex.lower()
    assert "\\begin{tabular}" in tex and "\\label{tab:table5}" in tex
    assert "2 to 3 test images and 1 to 2 seeds." in md and "100\\%" in tex
    assert shown.data.count("<tr") == 1 + 3 and shown.data.count("<td") == 3 * 4  # method, train_set and two metrics


def test_save_fills_missing_columns_with_blanks(tmp_path):
    rows = pd.DataFrame({"method": ["a"], "test_set": ["s"], "metric": ["m"], "value": [0.5], "extra": ["dropped"]})
    tables.save(rows, tmp_path, "table_x", "x")
    lines = (tmp_path / "tables" / "table_x.csv").read_text().splitlines()
    assert lines == [CONTRACT, "a,,s,m,0.5,,,,,,"]


def test_wide_keeps_the_order_of_first_appearance(scores):
    rows = tables.rows(scores)
    shown = wide(rows)
    assert shown.index.get_level_values("method").tolist() == ["centre blob", "Base", "Alpha"]  # not alphabetical
    assert shown.columns.tolist() == ["pixel F1", "pixel AUC"]
    turned = wide(rows.iloc[::-1])
    assert turned.index.get_level_values("method").tolist() == ["Alpha", "Base", "centre blob"]
    assert turned.columns.tolist() == ["pixel AUC", "pixel F1"]


def test_constant_headings_are_left_out():
    one = wide(tables.rows(score_rows()))
    assert one.index.names == ["method"] and one.columns.tolist() == ["pixel F1", "pixel AUC"]
    two = wide(tables.rows(pd.concat([score_rows(), score_rows(dataset="sim-nist16", train_set="x")])))
    assert two.index.names == ["method", "train_set"]
    expected = ["sim-casia pixel F1", "sim-casia pixel AUC", "sim-nist16 pixel F1", "sim-nist16 pixel AUC"]
    assert two.columns.tolist() == expected
    assert two.loc[("Base", "x"), "sim-casia pixel F1"] == ""  # never computed: empty, not a dash
    single = wide(tables.rows(score_rows(), names={"f1": "pixel F1"}))
    assert single.shape == (1, 1) and single.columns.tolist() == ["pixel F1"]


@pytest.mark.parametrize(
    "value, low, high, published, text",
    [
        (0.6124, 0.587, 0.634, 0.598, "0.612 [0.587, 0.634] (paper 0.598)"),
        (0.6124, np.nan, np.nan, np.nan, "0.612"),
        (0.6124, 0.587, np.nan, None, "0.612"),
        (np.nan, np.nan, np.nan, np.nan, "–"),
        (np.nan, 0.1, 0.2, 0.598, "– (paper 0.598)"),
        (0.0, 0.0, 0.0, "", "0.000 [0.000, 0.000]"),
    ],
)
def test_cell(value, low, high, published, text):
    row = pd.DataFrame([dict(value=value, low=low, high=high, published=published)])
    assert cell(next(row.itertuples())) == text


def test_show_puts_intervals_on_a_line_of_their_own():
    page = tables.show(pd.DataFrame({"a": ["0.612 [0.587, 0.634] (paper 0.598)"], "b": ["see [1]"]})).data
    assert "0.612<br><small>[0.587, 0.634] (paper 0.598)</small>" in page


def test_show_has_no_row_numbers_and_a_dash_for_nan():
    page = tables.show(pd.DataFrame({"a": [0.12345, np.nan], "b": ["x", "y"]}), digits=2).data
    assert "0.12<" in page and "–" in page and "NaN" not in page and "<th>0</th>" not in page


def test_repeated_labels_are_shown_once_but_not_across_groups():
    table = pd.DataFrame(
        [("F1", "a", "x"), ("F1", "a", "y"), ("F1", "b", "y"), ("AUC", "b", "y")], columns=["metric", "set", "m"]
    )
    found = re.findall(r"<td>(.*?)</td>", tables.show(table, merge=2).data)
    assert np.reshape(found, (4, 3)).tolist() == [["F1", "a", "x"], ["", "", "y"], ["", "b", "y"], ["AUC", "b", "y"]]
    assert table["metric"].tolist() == ["F1", "F1", "F1", "AUC"]  # the table itself is left alone


def test_no_scores_give_no_rows_but_all_columns(scores):
    paper = pd.DataFrame(columns=["method", "test_set", "metric", "value", "note"])
    assert tables.rows(scores.head(0), published=paper).columns.tolist() == tables.COLUMNS
    assert len(tables.rows(scores.head(0), published=paper)) == 0


HOSTILE = ["=cmd|x", "+1", "-1", "@a", "plain", "a\nb"]


def test_names_of_files_are_no_formulas_in_csv_and_other_columns_stand_as_they_are(tmp_path):
    rows = pd.DataFrame({"image": HOSTILE, "method": "+ NRR", "value": -1.0})
    found = pd.read_csv(tables.write_csv(rows, tmp_path / "a.csv"))
    assert found["image"].tolist() == ["'=cmd|x", "'+1", "'-1", "'@a", "plain", "a\nb"]
    assert set(found["method"]) == {"+ NRR"} and set(found["value"]) == {-1.0}


def test_names_are_no_markup_in_markdown_html_and_tex(tmp_path):
    rows = pd.DataFrame({"method": ["<b>a|b</b>"], "test_set": "s", "metric": "f1", "value": [0.5]})
    shown = tables.save(rows, tmp_path, "t", "<i>x</i> & 50% of $a_1$", index=("method",))
    text = (tmp_path / "tables" / "t.md").read_text()
    assert "<" not in text and "&lt;b&gt;a&#124;b&lt;/b&gt;" in text and "&lt;i&gt;x" in text
    assert r"50\% of \$a\_1\$" in (tmp_path / "tables" / "t.tex").read_text()
    assert "<b>" not in shown.data
    assert "<b>" not in tables.show(pd.DataFrame({"<b>": ["<b>"]})).data


def test_a_published_number_stands_beside_ours_only_where_nothing_differs(scores, tmp_path):
    paper = pd.DataFrame(
        {"method": "Base", "test_set": "sim-casia", "metric": ["pixel F1", "pixel AUC"], "value": [0.598, 0.9]}
    )
    paper = paper.assign(note="Table 5", differs=["a twin in place of the real set", ""])
    found = tables.rows(scores, published=paper).set_index(["method", "metric"])
    assert (
        np.isnan(found.loc[("Base", "pixel F1"), "published"]) and found.loc[("Base", "pixel AUC"), "published"] == 0.9
    )
    assert (
        found.loc[("Base", "pixel F1"), "note"]
        == "not beside: paper 0.598, with a twin in place of the real set; Table 5"
    )
    tables.save(found.reset_index(), tmp_path, "t", "x")
    md = (tmp_path / "tables/t.md").read_text()
    assert (
        "(paper 0.598)" not in md and "not comparable (a twin in place of the real set)" in md and "(paper 0.900)" in md
    )
    elsewhere = tables.rows(scores, published=paper.drop(columns="differs").assign(data="dolos"))
    assert elsewhere["published"].isna().all() and elsewhere["note"].str.contains("with other data").sum() == 2


def marked(values, metric="pixel F1", train_set="a", blind=0.05):
    rows = pd.DataFrame({"method": list("wxyz")[: len(values)], "value": values, "metric": metric})
    rows = rows.assign(test_set="s", train_set=train_set, low=rows["value"] - 0.05, high=rows["value"] + 0.05)
    floor = pd.DataFrame([dict(method="all-ones map", value=blind, metric=metric, test_set="s", train_set="none")])
    both = pd.concat([rows, floor], ignore_index=True).reindex(columns=tables.COLUMNS)
    return wide_form.marked(both).tolist()[: len(values)]


def test_best_and_second_best_are_marked_and_what_is_not_told_apart_from_the_best():
    assert marked([0.1, 0.5, 0.45, 0.43]) == ["", "**", "*≈", "≈"]
    assert marked([0.1, 0.5, 0.5, 0.2]) == ["", "**", "**", "*"]  # equal ones are equally good
    assert marked([0.5, 0.4]) == ["", ""]  # of two, anybody sees it
    assert marked([0.1, 0.5, 0.4], metric="step_ms") == ["", "", ""]  # more is not better
    assert marked([0.1, 0.5, 0.4], train_set=["none", "a", "b"]) == ["", "", ""]  # nothing to compare with
    assert marked([0.1, 0.5, 0.4], blind=0.46) == ["", "", ""]  # the interval of the best holds what looks at no image
    assert marked([0.1, 0.5, 0.4], blind=float("nan")) == ["", "", ""]  # nor is any best where nothing blind stands
    row = next(pd.DataFrame([dict(value=0.61, low=0.6, high=0.62, published=None)]).itertuples())
    assert cell(row, "*≈") == "*0.610* ≈ [0.600, 0.620]"
    page = tables.show(pd.DataFrame({"a": [cell(row, "**"), cell(row, "*≈")]})).data
    assert "<td><b>0.610</b><br><small>[0.600" in page and "<u>0.610</u> ≈<br>" in page


def test_one_metric_is_one_table_where_metrics_come_first(scores, tmp_path):
    shown = tables.save(tables.rows(scores), tmp_path, "t", "x", index=("metric", "method"), columns=("test_set",)).data
    assert (
        shown.count("<table") == 2
        and "<caption>pixel F1</caption>" in shown
        and "<caption>pixel AUC</caption>" in shown
    )
    assert (tmp_path / "tables/t.tex").read_text().count("\\begin{tabular}") == 2
    assert 'data-file="tables/t"' in shown


def test_a_table_has_headings_that_its_csv_lacks(scores, tmp_path):
    found = tables.rows(scores, names={"f1": "pixel F1"})
    found = found.assign(part="splicing", set_name=found["test_set"].str.removeprefix("sim-"))
    page = tables.save(found, tmp_path, "parts", "By part", index=("part", "method"), columns=("set_name",)).data
    assert "<caption>splicing</caption>" in page and "<th>casia</th>" in page
    assert ",".join(pd.read_csv(tmp_path / "tables/parts.csv")) == CONTRACT


def test_names_with_markup_stay_text(tmp_path):
    rows = pd.DataFrame({"method": ["<script>x</script>"], "test_set": ["a_b & c"], "metric": ["m|n"], "value": [0.5]})
    shown = tables.save(rows, tmp_path, "t", "<b>what</b>", index=("method",), columns=("test_set", "metric")).data
    assert "<script>" not in shown and "<b>what" not in shown and "&lt;script&gt;" in shown


def test_rows_know_their_runs_and_a_folder_has_them_once(scores, tmp_path):
    runs = {"centre blob": "sim-casia", "Base": "base_sim-casia_seed", "Alpha": "classic_alpha"}
    named = scores["method"].map(runs) + np.where(scores["method"] == "Base", scores["seed"].astype(str), "")
    found = tables.rows(scores.assign(run=named))
    known = found.drop_duplicates("method").set_index("method")["runs"].to_dict()
    assert known == {"centre blob": "", "Base": "base_sim-casia_seed*", "Alpha": "classic_alpha"}
    for name in ("table1", "table2", "table1"):
        tables.save(found, tmp_path, name, "x")
    noted = made.read(tmp_path / "tables")
    assert sorted(zip(noted["exhibit"], noted["runs"])) == sorted(
        (name, run) for name in ("table1", "table2") for run in ("base_sim-casia_seed*", "classic_alpha")
    )
    assert (tmp_path / "tables/table1.csv").read_text().splitlines()[0] == CONTRACT
    assert made.read(tmp_path).empty


def test_one_seed_is_no_rival_of_several_but_where_there_is_no_other():
    rows = pd.DataFrame(
        {
            "method": ["one", "ELA", *"abc", "random map"],
            "value": [0.9, 0.8, 0.7, 0.6, 0.5, 0.1],
            "seeds": [1, 1, 5, 5, 5, 1],
        }
    )
    rows = rows.assign(train_set="none", test_set="s", metric="pixel F1").reindex(columns=tables.COLUMNS)
    assert wide_form.marked(rows).tolist() == ["", "**", "*", "", "", ""]
    assert wide_form.marked(rows.assign(seeds=1)).tolist() == ["**", "*", "", "", "", ""]


def test_what_looks_at_no_image_is_no_rival():
    rows = pd.DataFrame({"method": ["random minority", *"bcd"], "value": [0.9, 0.5, 0.4, 0.3]})
    rows = rows.assign(train_set="none", test_set="s", metric="pixel F1")
    assert (
        wide_form.marked(rows.reindex(columns=tables.COLUMNS)).tolist() == [""] * 4
    )  # none does better without looking
    rows.loc[0, "value"] = 0.45
    assert wide_form.marked(rows.reindex(columns=tables.COLUMNS)).tolist() == ["", "**", "*", ""]


def test_names_of_what_looks_at_no_image_are_those_that_are_given():
    masks = [np.eye(8, dtype=np.uint8)]
    maps = trivial.scores(masks, masks)["method"].unique()
    assert {*maps, "random minority", "always tampered", ALWAYS, blind.FAKE, blind.REAL, blind.RANDOM} == BLIND
