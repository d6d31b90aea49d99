"""The short form of `make faults`: a hundred changed files, two kills, and what is counted as what."""

import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.faults import __main__ as faults
from benchmarks.faults import mutants, mutations
from imdlib.places import REPO


@pytest.mark.parametrize("written", [False, True])
def test_mutations_change_the_bytes_and_follow_from_their_seed(written):
    text = b"a,b\n1,2\n" * 20
    found = [mutations.mutated(text, (0, k), written) for k in range(200)]
    assert all(changed != text for changed, _ in found)
    assert found == [mutations.mutated(text, (0, k), written) for k in range(200)]
    assert {how for _, how in found} == {work.__name__ for work in (mutations.TEXT if written else mutations.ANY)}


class Reader:
    """A subject whose reading goes as told."""

    kind = "toy"

    def __init__(self, work):
        self.look = work


@pytest.mark.parametrize(
    "work, outcome",
    [
        (lambda path: ("a", "1"), mutants.SAME),
        (lambda path: ("b", "2"), mutants.NOTICED),
        (lambda path: ("b", "1"), mutants.SILENT),
        (lambda path: int(f"{path} is no number"), mutants.BY_NAME),
        (lambda path: [][0], mutants.NAMELESS),
        (lambda path: [1 for _ in iter(int, 1)], mutants.HANGS),
    ],
)
def test_outcomes_are_told_apart(work, outcome, monkeypatch):
    monkeypatch.setattr(mutants, "PATIENCE", 1)
    monkeypatch.setattr(mutants.signal, "SIGALRM", mutants.signal.SIGALRM)
    before = mutants.signal.signal(mutants.signal.SIGALRM, mutants.stop)
    try:
        assert mutants.judged(Reader(work), Path("/somewhere/file.csv"), ("a", "1"))[0] == outcome
    finally:
        mutants.signal.signal(mutants.signal.SIGALRM, before)


@pytest.mark.slow
def test_no_changed_file_passes_without_a_word_and_every_refusal_has_a_name():
    rows = faults.rows_of("mutants", "119", "1")
    assert len(rows) == 119 and rows["kind"].nunique() == 17
    bad = rows[rows["outcome"].isin(mutants.BAD)]
    assert bad.empty, bad.to_string()


@pytest.mark.slow
def test_what_was_killed_ends_as_if_it_had_not_been():
    rows = faults.rows_of("kills", "3", "2")
    assert len(rows) == 3 and rows["same"].all() and not rows["lost"].any()


def test_clean_refuses_what_is_no_profile(tmp_path):
    for name in ("results/quick", "results/bench", "profiles"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "profiles/quick.yaml").write_text("")
    command = ["make", "-f", str(REPO / "Makefile"), "clean"]
    for name in ("", "..", "bench", "quick x", "../results/quick", "quick; true"):
        done = subprocess.run([*command, f"PROFILE={name}"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode and "nothing was removed" in done.stdout + done.stderr, name
    assert sorted(os.listdir(tmp_path / "results")) == ["bench", "quick"]
    subprocess.run([*command, "PROFILE=quick"], cwd=tmp_path, check=True, capture_output=True)
    assert os.listdir(tmp_path / "results") == ["bench"]


def test_the_page_has_the_counts_that_were_written(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "results/faults").mkdir(parents=True)
    monkeypatch.setattr(faults, "REPO", tmp_path)
    for name, marks in (("PAGE", faults.COUNTS), ("README", faults.SENTENCE)):
        monkeypatch.setattr(faults, name, tmp_path / f"docs/{name}.md")
        getattr(faults, name).write_text(f"before\n{marks[0]}old{marks[1]}\nafter\n")
    monkeypatch.setattr(faults, "sentence", lambda: "the sentence")
    pd.DataFrame({"phase": ["data", "page"], "kills": [2, 3]}).to_csv(
        tmp_path / "results/faults/kills.csv", index=False
    )
    faults.pages()
    assert "the sentence" in faults.README.read_text()
    text = faults.PAGE.read_text()
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text
    assert "| all     |       5 |" in text


def test_the_tables_in_docs_are_those_of_results():
    text = (REPO / "docs/faults.md").read_text()
    for part in faults.PARTS:
        rows = pd.read_csv(REPO / "results/faults" / f"{part}.csv", keep_default_na=False)
        assert rows.to_markdown(index=False).splitlines()[-1] in text, part


def test_the_sentence_in_the_readme_is_that_of_results():
    assert faults.sentence() in (REPO / "README.md").read_text()
