"""Files of results: a folder that cannot be written is named before work begins, and nothing older stays among new files."""

import pytest

from imdlib import files


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    files.check_writable(tmp_path / "new" / "one")
    assert not list((tmp_path / "new" / "one").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"file/one: nothing can be written there .*choose another `results`"):
        files.check_writable(tmp_path / "file" / "one")


def test_what_was_made_from_the_same_is_replaced_and_from_others_set_aside(tmp_path, capsys):
    folder = tmp_path / "set"
    for inputs in ("a", "a", "b", "a"):
        files.make_way(folder, inputs, ["tables", "rows.csv"])
        assert not (folder / "tables").exists() and not (folder / "rows.csv").exists()
        (folder / "tables").mkdir()
        (folder / "rows.csv").write_text(inputs)
        (folder / "mine.txt").write_text(inputs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "set~", "set~~"]
    assert [(tmp_path / name / "rows.csv").read_text() for name in ("set~", "set~~", "set")] == ["a", "b", "a"]
    assert capsys.readouterr().out.count("set aside as") == 2
    files.make_way(folder, "a", ["tables", "rows.csv"])
    assert (folder / "mine.txt").exists()
