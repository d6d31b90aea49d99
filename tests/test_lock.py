"""The lock file: every package has its hashes, and fits what pyproject.toml and environment.yml ask for."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from imdlib.freshness.packages import locked
from imdlib.places import REPO

PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]


def test_every_package_of_the_lock_is_known_by_its_bytes():
    entries = re.split(r"\n(?=[a-z])", (REPO / "requirements.lock").read_text().strip(), flags=re.I)
    assert len(entries) > 150
    for entry in entries:
        first, *hashes = entry.split(" \\\n")
        assert Requirement(first).specifier and hashes, first
        assert all(re.fullmatch(r"\s+--hash=sha256:[0-9a-f]{64}", one) for one in hashes), first


@pytest.mark.parametrize("text", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
def test_the_lock_is_within_the_ranges_of_the_project(text):
    asked = Requirement(text)
    versions = locked()[canonicalize_name(asked.name)]
    assert all(asked.specifier.contains(version) for version in versions), (text, versions)


def test_conda_s_environment_takes_the_same_lock_and_a_python_that_the_project_allows():
    *plain, pip = yaml.safe_load((REPO / "environment.yml").read_text())["dependencies"]
    assert pip == {"pip": ["-r requirements.lock"]}
    (python,) = [one.removeprefix("python=") for one in plain if one.startswith("python=")]
    assert Requirement("python" + PROJECT["requires-python"]).specifier.contains(python)


def test_the_licence_of_every_locked_package_is_listed():
    """Made again by: python -m benchmarks.licences."""
    listed = re.findall(r"^\| ([\w.-]+) \| .+ \|$", (REPO / "docs" / "licences.md").read_text(), flags=re.M)
    assert set(listed) - {"package"} == set(locked())


def test_the_hooks_before_a_commit_are_those_of_the_lock():
    hooks = yaml.safe_load((REPO / ".pre-commit-config.yaml").read_text())["repos"]
    for name, hook in zip(("ruff", "nbstripout"), hooks):
        assert name in hook["repo"] and {hook["rev"].removeprefix("v")} == set(map(str, locked()[name]))
