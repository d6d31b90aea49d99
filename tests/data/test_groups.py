"""Groups: what is kept of them is used again, and made anew where it was damaged."""

import pytest

from imdlib.data import groups
from tests.data.disk import photo


@pytest.mark.parametrize(
    "damage", [lambda text: text[:40], lambda text: text.replace(b"b.png", b"a.png"), lambda text: b""]
)
def test_damaged_groups_are_made_anew(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))
    files = {name: photo(tmp_path / name, seed=seed) for seed, name in enumerate(("a.png", "b.png"))}
    found = groups.cached_groups("toy", files)
    assert found == {"a.png": "a.png", "b.png": "b.png"}
    (kept,) = (tmp_path / "cache" / "groups").iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert groups.cached_groups("toy", files) == found
    monkeypatch.setattr(groups, "thumbnail_or_none", None)  # whole again: nothing is decoded
    assert groups.cached_groups("toy", files) == found
