"""Packages: the versions of other people's code that a result was made with."""

import importlib.metadata
import re
import sys
from collections.abc import Iterable
from functools import cache

from imdlib.places import REPO

QUIET = {"tqdm", "IPython", "psutil"}  # packages that show things, and change no number
DISTRIBUTIONS = {  # name in an import statement -> distribution, where they differ
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    "lightning_fabric": "lightning-fabric",
}


@cache
def locked() -> dict:
    """{distribution: its versions} of requirements.lock, which may name one for each Python; empty without one."""
    path, found = REPO / "requirements.lock", {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.M):
        found.setdefault(plain(name), []).append(version)
    return found


def plain(name: str) -> str:
    """A distribution's name as packaging tools compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(packages: Iterable[str]) -> dict:
    """{distribution: version} of the packages among names of import statements; the standard library and QUIET left out.

    Where the lock file names other versions than the one installed, both are given: neither can be relied on.
    """
    found = {}
    for name in sorted(set(packages) - QUIET - set(sys.stdlib_module_names)):
        name = plain(DISTRIBUTIONS.get(name, name))
        try:
            here = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            continue
        there = locked().get(name, [here])
        found[name] = here if here in there else f"{here}, locked {' or '.join(there)}"
    return found
