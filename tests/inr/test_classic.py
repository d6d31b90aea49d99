"""The notebook of detectors that nobody trains: sets without masks are left out, and are an error where there are no others."""

import pytest

from tests.cells import execute

SMALL = dict(detector="noi", count=24, size=64, examples=2)


def test_sets_without_masks_are_left_out(tmp_path):
    names = execute("inr/classic", results=str(tmp_path), test_sets=["sim-columbia", "sim-iedit"], **SMALL)
    scored = names["record"].scores()
    assert set(scored["dataset"]) == {"sim-columbia"} and scored["f1"].notna().all()


def test_sets_of_which_none_has_a_mask_are_refused(tmp_path):
    with pytest.raises(ValueError, match="sim-iedit.*no tampered test image has a mask"):
        execute("inr/classic", results=str(tmp_path), test_sets=["sim-iedit"], **SMALL)
