"""Claims: a verdict follows from the rows, in the direction the rows have, and each study has a file of its own."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imdlib.pages import claims

REPO = Path(__file__).resolve().parents[2]

PC = claims.Statement(
    "pc", "Table 5", "the loss improves on Base", lambda rows: rows, "Base", "Ours", ("f1",), "f1", True
)


def judged(rows, study="ncl"):
    """The one row of claims.csv about PC."""
    return claims.judge([PC], rows, study).iloc[0]


def score_rows(gain, images=60, seeds=(0, 1, 2)):
    """Base with F1 near 0.4, and Ours with `gain` more on average; noise in both."""
    rng, rows = np.random.default_rng(0), []
    easy = rng.uniform(0.2, 0.6, images)
    for method, more in (("Base", 0.0), ("Ours", gain)):
        for seed in seeds:
            f1 = (easy + more + rng.normal(0, 0.05, images)).clip(0, 1)
            rows.append(
                pd.DataFrame({"method": method, "image": [f"{i}.png" for i in range(images)], "seed": seed, "f1": f1})
            )
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (0.01, 0.2, claims.SUPPORTED),
        (-0.2, -0.01, claims.CONTRADICTED),
        (-0.1, 0.1, claims.INCONCLUSIVE),
        (0.0, 0.1, claims.INCONCLUSIVE),
        (-0.1, 0.0, claims.INCONCLUSIVE),
        (0.0, 0.0, claims.INCONCLUSIVE),
        (float("nan"), float("nan"), claims.UNTESTED),
        (0.1, float("nan"), claims.UNTESTED),
    ],
)
def test_verdict_follows_from_the_interval(low, high, expected):
    assert claims.verdict(low, high) == expected


@pytest.mark.parametrize("gain, expected", [(0.1, "supported"), (-0.1, "contradicted"), (0.0, "inconclusive")])
def test_a_planted_effect_is_found_in_its_direction(gain, expected):
    row = judged(score_rows(gain))
    assert row["verdict"] == expected
    assert (row["n"], row["seeds"]) == (60, 3) and row["low"] <= row["effect"] <= row["high"]
    assert row.index.tolist() == claims.COLUMNS and row["id"] == "ncl-pc-f1" and row["headline"]


def test_effect_is_the_difference_of_the_means():
    scores = pd.DataFrame(
        {"method": ["Base"] * 2 + ["Ours"] * 2, "image": ["a", "b"] * 2, "seed": 0, "f1": [0.1, 0.3, 0.6, 0.5]}
    )
    assert judged(scores)["effect"] == pytest.approx(0.55 - 0.2)
    scores.loc[3, "f1"] = np.nan  # undefined on one side: image b is left out of both
    row = judged(scores)
    assert row["effect"] == pytest.approx(0.5) and row["n"] == 1
    assert row["verdict"] == claims.UNTESTED  # one image gives no interval


def test_order_of_rows_does_not_matter():
    scores = score_rows(0.1)
    assert judged(scores).equals(judged(scores[::-1]))


def test_a_predictor_without_seeds_is_compared_with_every_seed():
    scores = score_rows(0.1)
    blob = scores[(scores["method"] == "Base") & (scores["seed"] == 0)]
    row = judged(pd.concat([blob, scores[scores["method"] == "Ours"]]))
    ours = scores.loc[scores["method"] == "Ours", "f1"].mean()
    assert row["effect"] == pytest.approx(ours - blob["f1"].mean()) and row["seeds"] == 3


@pytest.mark.parametrize("missing", ["Base", "Ours"])
def test_a_missing_side_is_not_tested(missing):
    scores = score_rows(0.1)
    row = judged(scores[scores["method"] != missing])
    assert row["verdict"] == "not tested here" and row["n"] == row["seeds"] == 0
    assert row[["effect", "low", "high"]].isna().all()


def test_only_the_metric_that_decides_is_a_headline_and_no_name_stands_twice():
    rows = score_rows(0.1).assign(auc=0.5)
    both = replace(PC, metrics=("auc", "f1"))
    found = claims.judge([both, replace(both, name="other", headline=False)], rows, "inr").set_index("id")
    assert found["headline"].to_dict() == {
        "inr-pc-auc": False,
        "inr-pc-f1": True,
        "inr-other-auc": False,
        "inr-other-f1": False,
    }
    assert found.loc["inr-pc-auc", "verdict"] == "inconclusive" and set(found["study"]) == {"inr"}
    with pytest.raises(ValueError, match="two statements of 'inr' have one name: inr-pc-f1"):
        claims.judge([PC, PC], rows, "inr")
    with pytest.raises(ValueError, match="decides='iou' is none of its metrics"):
        replace(PC, decides="iou")


def test_each_study_has_a_file_and_all_are_read_together(tmp_path):
    assert len(claims.read(tmp_path)) == 0 and list(claims.read(tmp_path)) == claims.COLUMNS
    own = {study: claims.judge([PC], score_rows(0.1), study) for study in ("ncl", "inr")}
    for study, rows in own.items():
        assert claims.save(rows, tmp_path / study) is rows
    before = (tmp_path / "ncl" / "claims.csv").read_bytes()
    claims.save(own["ncl"], tmp_path / "ncl")
    assert (tmp_path / "ncl" / "claims.csv").read_bytes() == before
    found = claims.read(tmp_path)
    assert list(found) == claims.COLUMNS and found["id"].tolist() == ["inr-pc-f1", "ncl-pc-f1"]
    assert found["effect"].tolist() == pytest.approx([own["ncl"]["effect"][0]] * 2, rel=1e-5)
    assert {path.name for path in tmp_path.rglob("*.*")} == {"claims.csv"}


def test_the_readme_quotes_the_committed_rows():
    """Every row of the README's table of verdicts is the row of that name in results/laptop/claims.csv."""
    found = claims.read(REPO / "results" / "laptop").set_index("id")
    quoted = re.findall(
        r"^\| `((?:ncl|inr|bridge)-\S+)` \| (.+?): (.+?) \| .+? ([-+.\d]+) \[([-.\d]+), ([-.\d]+)\] \| (.+?) \|$",
        (REPO / "README.md").read_text(encoding="utf-8"),
        re.M,
    )
    assert len(quoted) >= 10
    for name, where, statement, *numbers, verdict in quoted:
        row = found.loc[name]
        assert (where, statement, verdict) == (row["where"], row["statement"], row["verdict"])
        assert [float(x) for x in numbers] == pytest.approx(row[["effect", "low", "high"]].tolist(), abs=6e-4)
