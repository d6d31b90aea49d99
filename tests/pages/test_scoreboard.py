"""Scoreboard: real beside twins by claim, verdicts in words, and the README that says what claims.csv says."""

import pandas as pd
import pytest

from imdlib import files, places
from imdlib.pages import claims, scoreboard, scoreboard_page
from imdlib.pages.plots_claims import VERDICTS
from imdlib.pages.tables import CLAIMED
from imdlib.places import REPO
from imdlib.protocol import verdicts


def claim(name, verdict, effect=0.1, **more):
    facts = dict(
        id=f"ncl-{name}-f1", study="ncl", where="Table 5", statement=f"{name} <helps>", metric="f1", effect=effect
    )
    facts |= dict(
        low=effect - 0.05, high=effect + 0.05, n=60, seeds=3, verdict=verdict, headline=True, settings=0, gate="none"
    )
    return facts | more


@pytest.fixture
def results(tmp_path):
    """Claims of the profiles laptop and real; 'only' was tested on twins alone, 'aside' is no headline."""
    gate = dict(gate="passed", learned=0.62, blind=0.5, beside="all-ones map", above_low=0.1, above_high=0.15)
    gate |= dict(share=0.8, settings=20, value_worse=0.5, value_better=0.6)
    made = {
        "laptop": [
            claim("pivot", "supported", **gate),
            claim("only", "inconclusive", 0.01),
            claim("aside", "supported", headline=False),
        ],
        "real": [claim("pivot", "contradicted", -0.2), claim("late", "nothing learned here")],
    }
    for profile, rows in made.items():
        (tmp_path / profile / "ncl").mkdir(parents=True)
        found = claims.save(pd.DataFrame(rows, columns=claims.COLUMNS), tmp_path / profile / "ncl")
        claims.save(found, tmp_path / profile)
    return tmp_path


def test_real_stands_beside_twins_by_claim(results):
    for name in ("laptop", "real"):
        assert [*places.sides(results / name)] == ["twins", "real"]
    assert [*places.sides(results / "quick")] == ["quick"]
    board = scoreboard.read(places.sides(results / "real")).set_index("id")
    assert board.index.tolist() == ["ncl-pivot-f1", "ncl-only-f1", "ncl-aside-f1", "ncl-late-f1"]
    assert board.loc["ncl-pivot-f1", ["twins verdict", "real verdict"]].tolist() == ["supported", "contradicted"]
    assert pd.isna(board.loc["ncl-only-f1", "real effect"]) and pd.isna(board.loc["ncl-late-f1", "twins effect"])


def test_a_night_counts_before_the_laptop(results):
    (results / "laptop").rename(results / "night")
    claims.save(pd.DataFrame(columns=claims.COLUMNS), results / "laptop")
    assert places.sides(results / "real")["twins"].name == "night"
    assert places.sides(results / "laptop")["twins"].name == "laptop"  # a page never shows another's twins for its own


def test_a_study_that_the_night_has_not_come_to_is_the_laptops(results):
    rows = [claim("base", "supported") | dict(id="inr-base-f1", study="inr", gate="passed")]
    (results / "night" / "inr").mkdir(parents=True)
    claims.save(claims.save(pd.DataFrame(rows, columns=claims.COLUMNS), results / "night" / "inr"), results / "night")
    folders = places.sides(results / "night")
    board = scoreboard.read(folders).set_index("id")
    assert board["twins profile"].dropna().to_dict() == {
        "ncl-pivot-f1": "laptop", "ncl-only-f1": "laptop", "ncl-aside-f1": "laptop", "inr-base-f1": "night",
    }  # fmt: skip
    table = scoreboard.markdown(scoreboard.read(folders), folders)
    assert "| **inr** | 1 | 1 supported (`results/night`) |" in table and table.count("(`results/laptop`)") == 1


def test_totals_count_headlines_and_all_of_them(results):
    folders = places.sides(results / "laptop")
    found = scoreboard.totals(scoreboard.read(folders), folders).set_index(["study", "on"])
    assert found.loc[("ncl", "twins"), ["supported", "inconclusive", "not tested"]].tolist() == [1, 1, 1]
    assert found.loc[("all", "real"), ["contradicted", "nothing learned here", "not tested"]].tolist() == [1, 1, 1]
    assert (found.sum(axis=1) == 3).all()
    page = scoreboard_page.totals(found.reset_index())
    assert "− 1 contradicted" in page and "∅ 1 nothing learned here" in page and "± " not in page


def test_a_verdict_is_told_by_sign_word_and_drawing(results):
    folders = places.sides(results / "laptop")
    page = scoreboard_page.page(scoreboard.read(folders), "ncl", folders)
    assert "+ supported" in page and "· not tested" in page and "+0.100 [+0.050, +0.150]" in page
    assert "above 0 in 16 of 20 settings" in page and "<small>0.600 against 0.500; 60 images" in page
    assert "gate passed: 0.620 above all-ones map 0.500, by +0.120 [+0.100, +0.150]" in page
    assert 'on twins <a href="../laptop/ncl/scores.parquet">' in page and 'on real <a href="../real/ncl/' in page
    (results / "real" / "ncl" / "claims.csv").unlink()
    assert "../real/" not in scoreboard_page.page(scoreboard.read(folders), "ncl", folders)
    assert "pivot &lt;helps&gt;" in page and "<helps>" not in page and "aside" not in page
    assert (
        page.count("<svg") == 4 and "<script" not in page
    )  # three of twins and real, one of them without an interval to draw
    assert len(set(scoreboard.SIGNS.values())) == len(scoreboard.SIGNS) == len(verdicts.WORDS)
    assert set(VERDICTS) == set(verdicts.WORDS) and len({shape for _, shape in VERDICTS.values()}) == len(VERDICTS)


@pytest.mark.parametrize(
    ("better", "worse", "said"),
    [(0.6, 0.5, ""), (0.6, 0.3, ", the second below"), (0.3, 0.5, ", the first below"), (0.3, 0.2, ", both below")],
)
def test_a_side_that_lies_below_what_looks_at_no_image_is_named(better, worse, said):
    row = dict(value_better=better, value_worse=worse, floor=0.4, floor_of="blob")
    assert scoreboard.levels(row) == f"{better:.3f} against {worse:.3f}" + (f"{said} blob (0.400)" if said else "")


def test_one_large_effect_hides_no_other(results):
    part = pd.DataFrame(
        {"metric": "f1", "t low": [-0.02, -0.01, -0.5], "t high": [0.02, 0.03, -0.3], "t effect": [0.0, 0.01, -0.4]}
    )
    limit = scoreboard_page.widest(part, part.iloc[0], {"t": results})
    assert limit == pytest.approx(2.5 * 0.02) and "beyond" not in scoreboard_page.drawing(part.iloc[0], "t", limit)
    drawn = scoreboard_page.drawing(part.iloc[2], "t", limit)
    assert drawn.count("beyond") == 1 and 'd="M2 7' in drawn and 'cx="6"' in drawn  # at the left edge


def test_no_number_is_printed_as_a_zero_that_it_is_not():
    assert scoreboard.interval(-0.0118, -0.0248, -0.0002) == "−0.012 [−0.025, −0.0002]"
    assert scoreboard.interval(0.0, -0.1, 0.1) == "+0.000 [−0.100, +0.100]"


def test_a_share_of_pairs_says_what_was_taken_off():
    assert "minus 0.5" in CLAIMED["ordered"]


def test_the_table_is_written_between_its_marks(results):
    folders = places.sides(results / "laptop")
    table = scoreboard.markdown(scoreboard.read(folders), folders)
    assert "| `ncl-pivot-f1` | Table 5: pivot <helps> (pixel F1) | + supported: +0.100 [+0.050, +0.150] |" in table
    assert "| `ncl-only-f1` |" in table and "| **all** | 3 | 1 supported, 1 inconclusive, 1 not tested |" in table
    assert table.count("<details>") == table.count("</details>") == 1 and table.endswith("</details>")
    text = f"before {scoreboard.MARKS[0]} old {scoreboard.MARKS[1]} after"
    found = files.between(text, scoreboard.MARKS, table)
    assert "old" not in found and found.startswith("before ") and found.endswith(" after") and table in found
    assert files.between(found, scoreboard.MARKS, table) == found
    with pytest.raises(ValueError, match="once each"):
        files.between("none", scoreboard.MARKS, table)


def test_the_readme_says_what_claims_csv_says():
    assert scoreboard.of_readme() in (REPO / "README.md").read_text(encoding="utf-8"), (
        "python -m imdlib.pages.scoreboard writes the README's table anew"
    )
