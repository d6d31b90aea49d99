"""Unpack the wheels of gpu-pack/ into gpu-pack/site, with Python alone: python benchmarks/gpu/unpack.py prints that folder."""

import shutil
import zipfile
from pathlib import Path

PACK = Path(__file__).resolve().parents[2] / "gpu-pack"


def unpack(pack: Path = PACK) -> Path:
    """Wheels to one folder for PYTHONPATH, once; what a wheel keeps for site-packages in `<name>.data` goes there, too."""
    site = pack / "site"
    if not site.exists() and (pack / "wheels").exists():
        draft = pack / "site.part"
        shutil.rmtree(draft, ignore_errors=True)
        for wheel in sorted((pack / "wheels").glob("*.whl")):
            with zipfile.ZipFile(wheel) as opened:
                opened.extractall(draft)
        for lib in [*draft.glob("*.data/purelib"), *draft.glob("*.data/platlib")]:
            shutil.copytree(lib, draft, dirs_exist_ok=True)
        draft.rename(site)
    return site


if __name__ == "__main__":
    print(unpack())
