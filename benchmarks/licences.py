"""Licences of the locked packages, from their own metadata: python -m benchmarks.licences writes docs/licences.md."""

import importlib.metadata
from pathlib import Path

from imdlib.freshness.packages import locked

TARGET = Path(__file__).resolve().parents[1] / "docs" / "licences.md"
HEAD = """# Licences of the packages in requirements.lock

imdlib itself is MIT. This list is what the packages say of themselves, written by `python -m benchmarks.licences` in the environment
that `make` builds; those for another system or Python are named without one. Nothing of them is copied into this repository.

| package | licence |
|---|---|
"""


def licence(name):
    """What a package's metadata says in one line: expression, else classifiers, else the first line of its licence field."""
    try:
        about = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed here"
    if about.get("License-Expression"):
        return about["License-Expression"]
    kinds = [one.split(" :: ")[-1] for one in about.get_all("Classifier") or [] if one.startswith("License ::")]
    kinds = [one for one in kinds if one != "OSI Approved"]
    text = (about.get("License") or "").strip().splitlines()
    return ", ".join(kinds) or (text[0][:80] if text else "not stated")


def table():
    """The page, a line per package."""
    return HEAD + "".join(f"| {name} | {licence(name).replace('|', '/')} |\n" for name in sorted(locked()))


if __name__ == "__main__":
    TARGET.write_text(table(), encoding="utf-8")
