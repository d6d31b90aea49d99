"""The protocol on a page: claims with their settings, the trials, and the course, of a made-up study."""

import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from imdlib.ncl.statements import STATEMENTS
from imdlib.ncl.study import STUDY
from imdlib.pages import plots, plots_protocol, protocol
from imdlib.protocol import search, tuned
from tests.ncl import made_up


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A study with two trials of every row."""
    plots.use_style()
    return made_up.study(tmp_path_factory.mktemp("made up"))


@pytest.fixture(scope="module")
def judged(rows):
    """(claims, effects in settings)."""
    return protocol.judged(STUDY, STATEMENTS, rows)


def test_every_claim_of_tuned_rows_has_its_effect_in_every_setting(rows, judged):
    found, tried = judged
    whole = found.set_index("id").loc["ncl-ncl-auc_shuffled"]
    assert (whole["settings"], whole["share"], whole["verdict"]) == (2, 1.0, "supported")
    assert set(tried["trial"]) == {0, 1} and len(tried) == 2 * len(STATEMENTS)
    tables = {path.name for path in (rows.folder / "tables").iterdir()}
    assert {"table_claims_settings.csv", "table_claims_metrics.csv"} <= tables
    assert pd.read_csv(rows.folder / "claims.csv")["id"].tolist() == found["id"].tolist()


def test_figures_are_drawn_and_saved(rows, judged):
    found, tried = judged
    assert protocol.settings(STUDY, tried, rows)[0] is not None
    _, length, figure, table = protocol.verdicts(found, rows)
    assert "final trainings" in length.data and figure.get_gid() and "improves on Base" in table.data
    figure, said, _ = protocol.steps(STATEMENTS, rows)
    assert (
        figure and said.data.startswith("Of 144 final trainings 0 used") and "of 144, with fewer than six" in said.data
    )
    drawn = {path.stem for path in (rows.folder / "figures").glob("*.png")}
    assert {"figure_claims", "figure_settings", "figure_steps"} <= drawn
    for name, words in (("claims", "images and seeds both a sample"), ("settings", "open:"), ("steps", "shuffled AUC")):
        assert words in (rows.folder / "figures" / f"figure_{name}.txt").read_text()
    assert len(pd.read_csv(rows.folder / "figures" / "figure_claims.csv")) == found["headline"].sum() < len(found)
    with Image.open(rows.folder / "figures" / "figure_settings.png") as picture:
        assert picture.width == round(plots.PAGE * 300)


def test_the_table_of_claims_says_p_what_could_have_been_seen_and_other_metrics(rows, judged):
    found, _ = judged
    one = found.iloc[0].to_dict() | dict(verdict="inconclusive", smallest=0.0312, p=0.2)
    shown = protocol.shown(pd.DataFrame([one, one | dict(verdict="supported", p=1e-5)]))
    assert shown["verdict"].tolist() == ["? inconclusive; detectable from 0.031", "+ supported"]
    assert shown["p"].tolist() == ["0.200 (Holm)", "< 0.001 (Holm)"]
    _, length, _, table = protocol.verdicts(found, rows)
    assert length.data.startswith("Of 144 final trainings 0 used") and "of this length" in length.data
    text = table.data
    assert "<details>" in text and "on which no verdict hangs" in text and "pixel F1" in text


def test_claims_without_rows_are_folded_below_the_others_and_drawn_nowhere(rows, judged):
    found = judged[0].copy()
    gone = found["headline"].astype(bool)
    gone &= gone.cumsum() == 1
    found.loc[gone, ["effect", "low", "high"]] = float("nan")
    _, _, _, table = protocol.verdicts(found, rows)
    says = found.loc[gone, "statement"].iloc[0]
    above = table.data.split("on which no verdict hangs")[0]
    assert "1 claim is not tested here" in above and above.count(f">{says}<") == 1
    assert above.index("not tested here") < above.index(f">{says}<")
    drawn = pd.read_csv(rows.folder / "figures" / "figure_claims.csv")
    assert len(drawn) == found["headline"].sum() - 1 and says not in set(drawn["statement"])
    protocol.verdicts(judged[0], rows)


def test_no_text_of_the_protocols_figures_is_small(judged):
    _, tried = judged
    figure = plots_protocol.specification_curve(tried, search.draws(STUDY.space, 2))
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert texts and min(text.get_fontsize() for text in texts) >= plots.SMALL
    plots.plt.close(figure)


def test_the_page_says_when_the_file_of_tuned_settings_is_older_than_the_trials(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(tuned, "REPO", tmp_path)
    figure, said, _ = protocol.trials(STUDY, rows)
    assert figure and "Not yet in profiles/tuned/ncl.yaml: base," in said.data
    tuned.write("ncl", tuned.best(rows.trials, rows.history, STUDY.rows), STUDY.rows)
    assert "<table" in protocol.trials(STUDY, rows)[1].data
    chosen = pd.read_csv(rows.folder / "tables" / "table_trials.csv").query("chosen")
    assert chosen["row"].tolist() == list(STUDY.rows)
    assert chosen["learning_rate"].iloc[0] == search.draws(STUDY.space, 1)[0]["learning_rate"]


def test_a_study_without_trials_says_where_its_settings_come_from(tmp_path):
    rows = made_up.study(tmp_path, keep=lambda run: run["trial"] < 0)
    found, tried = protocol.judged(STUDY, STATEMENTS, rows)
    assert tried.empty and (found["settings"] == 0).all() and found["share"].isna().all()
    assert "No settings were searched" in protocol.settings(STUDY, tried, rows)[0].data
    assert f"profiles/tuned/{STUDY.name}.yaml" in protocol.trials(STUDY, rows)[0].data
