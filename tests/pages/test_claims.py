"""Claims: a verdict follows from the rows, in the direction the rows have, and each study has a file of its own."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from imdlib.pages import claims
from imdlib.protocol import verdicts

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


@pytest.mark.parametrize("gain, expected", [(0.1, "supported"), (-0.1, "contradicted"), (0.0, "inconclusive")])
def test_a_planted_effect_is_found_in_its_direction(gain, expected):
    row = judged(score_rows(gain))
    assert row["verdict"] == expected
    assert (row["n"], row["seeds"]) == (60, 3) and row["low"] <= row["effect"] <= row["high"]
    assert row.index.tolist() == claims.COLUMNS and row["id"] == "ncl-pc-f1" and row["headline"]


def test_the_smallest_effect_that_would_be_seen_follows_from_the_interval():
    """In four of five repetitions: 1.96 + 0.84 standard errors, of which the interval is 3.92 wide."""
    row = judged(score_rows(0.0))
    assert row["smallest"] == pytest.approx(2.8 / 3.92 * (row["high"] - row["low"]))


def test_effect_is_the_difference_of_the_means():
    scores = pd.DataFrame(
        {"method": ["Base"] * 2 + ["Ours"] * 2, "image": ["a", "b"] * 2, "seed": 0, "f1": [0.1, 0.3, 0.6, 0.5]}
    )
    assert judged(scores)["effect"] == pytest.approx(0.55 - 0.2)
    scores.loc[3, "f1"] = np.nan  # undefined on one side: image b is left out of both
    row = judged(scores)
    assert row["effect"] == pytest.approx(0.5) and row["n"] == 1
    assert row["verdict"] == verdicts.UNTESTED  # one image gives no interval


def test_order_of_rows_does_not_matter():
    scores = score_rows(0.1)
    assert judged(scores).equals(judged(scores[::-1]))


def test_a_predictor_without_seeds_is_compared_with_every_seed():
    scores = score_rows(0.1)
    blob = scores[(scores["method"] == "Base") & (scores["seed"] == 0)].assign(method="centre blob")
    against = replace(PC, worse="centre blob")
    row = claims.judge([against], pd.concat([blob, scores[scores["method"] == "Ours"]]), "ncl").iloc[0]
    ours = scores.loc[scores["method"] == "Ours", "f1"].mean()
    assert row["effect"] == pytest.approx(ours - blob["f1"].mean()) and row["seeds"] == 3


def test_a_side_with_fewer_seeds_than_a_verdict_needs_gives_none():
    scores = score_rows(0.1)
    row = judged(scores[(scores["method"] == "Ours") | (scores["seed"] == 0)])
    assert row["seeds"] == 1 and row["verdict"] == verdicts.UNTESTED


@pytest.mark.parametrize("missing", ["Base", "Ours"])
def test_a_missing_side_is_not_tested(missing):
    scores = score_rows(0.1)
    row = judged(scores[scores["method"] != missing])
    assert row["verdict"] == "not tested" and row["n"] == row["seeds"] == 0
    assert row[["effect", "low", "high"]].isna().all()


def test_one_metric_decides_and_the_others_stand_beside_without_a_verdict():
    rows = score_rows(0.1).assign(auc=0.5)
    both = replace(PC, metrics=("auc", "f1"))
    found = claims.judge([both, replace(both, name="other", headline=False)], rows, "inr").set_index("id")
    assert found["headline"].to_dict() == {"inr-pc-f1": True, "inr-other-f1": False} and set(found["study"]) == {"inr"}
    others = claims.beside([both], rows, "inr")
    assert others["id"].tolist() == ["inr-pc-auc"] and others["effect"].tolist() == [0] and "verdict" not in others
    with pytest.raises(ValueError, match="two statements of 'inr' have one name: inr-pc-f1"):
        claims.judge([PC, PC], rows, "inr")
    with pytest.raises(ValueError, match="decides='iou' is none of its metrics"):
        replace(PC, decides="iou")


def test_one_seed_and_two_are_too_few_for_a_verdict():
    assert judged(score_rows(0.1, seeds=(0, 1)))["verdict"] == verdicts.UNTESTED


def test_settings_count_where_something_was_learned():
    """Four settings: two for the claim, one against it, and one in which both sides lie below the blob."""

    def beside_a_blob(rows):
        blob = rows[rows["method"] == "Base"].assign(method="blob", f1=0.3)
        return pd.concat([rows.assign(blind=False), blob.assign(blind=True)])

    one = replace(PC, gate=beside_a_blob)
    below = score_rows(0.1, seeds=[9])
    trials = [
        score_rows(0.1, seeds=[9]),
        score_rows(0.2, seeds=[9]),
        score_rows(-0.1, seeds=[9]),
        below.assign(f1=below["f1"] - 0.5),
    ]
    tried = claims.in_settings([one], dict(enumerate(trials)))
    assert tried["effect"].isna().tolist() == [False, False, False, True] and tried["raw"].notna().all()
    row = claims.judge([one], score_rows(0.1), "ncl", tried).iloc[0]
    assert (row["settings"], row["share"], row["gate"]) == (3, pytest.approx(2 / 3), "passed")
    assert row["verdict"] == verdicts.DEPENDS and row["learned"] > row["blind"] == pytest.approx(0.3)
    assert claims.judge([one], below.assign(f1=0.1), "ncl").iloc[0]["gate"] == "failed"


def test_headlines_share_their_doubt():
    """A p of 0.03 decides alone, beside headlines that are clear, and not as one of three such."""
    rng = np.random.default_rng(1)
    rows = score_rows(0.1)
    rows["noise"] = np.where(rows["method"] == "Ours", 0.0165, 0) + rng.normal(0, 0.05, len(rows))
    weak = replace(PC, name="weak", metrics=("noise",), decides="noise")
    alone = claims.judge([weak], rows, "ncl").iloc[0]
    clear = [replace(PC, name=f"clear{k}") for k in range(9)]
    among = claims.judge([weak, *clear], rows, "ncl").set_index("id").loc["ncl-weak-noise"]
    three = claims.judge([replace(weak, name=f"weak{k}") for k in range(3)], rows, "ncl")
    assert alone["verdict"] == among["verdict"] == verdicts.SUPPORTED and alone["p"] <= among["p"] < 1.5 * alone["p"]
    assert set(three["verdict"]) == {verdicts.INCONCLUSIVE} and three["p"][0] == pytest.approx(3 * alone["p"])


def test_untested_headlines_take_no_part_in_the_correction():
    few = replace(PC, name="few", cut=lambda rows: rows[rows["seed"] == 0])
    alone, beside = (claims.judge(some, score_rows(0.01), "ncl")["p"].iloc[0] for some in ([PC], [PC, few]))
    assert alone == beside


def test_both_sides_stand_beside_what_looks_at_no_image_and_set_by_set():
    sets = [score_rows(gain).assign(dataset=name) for name, gain in (("a", 0.1), ("b", -0.2))]
    rows = pd.concat(sets, ignore_index=True)
    rows = pd.concat([rows, rows[rows["image"] == "0.png"].assign(image="authentic", f1=np.nan)], ignore_index=True)
    blind = rows[rows["method"].eq("Base") & rows["seed"].eq(0) & rows["f1"].notna()].assign(method="blob", f1=0.6)
    gated = replace(PC, gate=lambda rows: pd.concat([rows.assign(blind=False), blind.assign(blind=True)]))
    row = claims.judge([gated], rows, "ncl").iloc[0]
    assert row["value_better"] - row["value_worse"] == pytest.approx(row["effect"])
    assert (row["floor"], row["floor_of"]) == (pytest.approx(0.6), "blob")
    (a, first), (b, second) = (part.split() for part in row["by_set"].split(", "))
    assert (a, b) == ("a", "b") and (float(first) + float(second)) / 2 == pytest.approx(row["effect"], abs=1e-3)
    assert row["above_high"] < 0 and row["gate"] == "failed"
    some = replace(gated, gate=lambda rows: gated.gate(rows)[lambda one: one["dataset"].eq("a")])
    assert np.isnan(claims.judge([some], rows, "ncl")["floor"].iloc[0])  # not of all images of the claim
    assert judged(score_rows(0.1))["by_set"] == "" and np.isnan(judged(score_rows(0.1))["floor"])


def test_a_change_has_no_floor():
    """Where the gate asks about other values than the claim, what looks at nothing has none beside its sides."""
    rows = score_rows(0.1)
    blind = rows[rows["method"].eq("Base") & rows["seed"].eq(0)].assign(method="blob", f1=0.6, blind=True)
    one = replace(PC, gate=lambda rows: pd.concat([rows.assign(f1=rows["f1"] + 0.2, blind=False), blind]))
    assert np.isnan(claims.judge([one], rows, "ncl")["floor"].iloc[0])


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
