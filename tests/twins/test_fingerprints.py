"""Every twin to the byte, on every processor: the digests in fingerprints.csv, with wide instructions and without."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from imdlib.twins import build, dolos, folders, recipes

COUNT, SIZE, SEED = 40, 128, 1
FILE = Path(__file__).with_name("fingerprints.csv")
EXPECTED = pd.read_csv(FILE, index_col="dataset")["contents"].to_dict()
NAMES = (*recipes.TWINS, *dolos.DATASETS)
NARROW = {  # each library told to do without what not every processor has; unknown names do no harm
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENCV_CPU_DISABLE": "SSE4_1,SSE4_2,AVX,FP16,AVX2,AVX512-SKX",
    "OPENCV_IPP": "disabled",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-AVX512VL,-AVX",
    "OMP_NUM_THREADS": "1",
}


def digest(name, root, workers=2):
    return folders.contents(build.build(name, root, COUNT, SIZE, SEED, workers=workers, progress=False))


def test_every_twin_has_its_line():
    assert list(EXPECTED) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_twin_is_the_same_to_the_byte(name, tmp_path):
    assert digest(name, tmp_path) == EXPECTED[name], f"{name} has changed: if it was meant to, write {FILE.name} anew"


@pytest.mark.parametrize("threads", (1, 2))
def test_the_number_of_threads_changes_no_byte(threads, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert digest("sim-dolos-quantised", tmp_path, workers=threads) == EXPECTED["sim-dolos-quantised"]
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_without_wide_instructions_no_byte_changes(tmp_path):
    names = ["sim-columbia", "sim-imd2020", "sim-magicbrush", "sim-dolos-nearest", "sim-dolos-quantised"]
    code = f"""
import sys
from pathlib import Path
from imdlib.twins.build import build
from imdlib.twins.folders import contents
for name in sys.argv[1:]:
    print(name, contents(build(name, Path({str(tmp_path)!r}), {COUNT}, {SIZE}, {SEED}, progress=False)))
"""
    done = subprocess.run([sys.executable, "-c", code, *names], env=os.environ | NARROW, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert dict(line.split() for line in done.stdout.splitlines()) == {name: EXPECTED[name] for name in names}


def test_the_stamp_of_a_twin_tells_its_recipe_and_its_contents(tmp_path):
    folder = build.build("sim-columbia", tmp_path, 6, 48, progress=False)
    stamp = (folder / "fingerprint.txt").read_text()
    assert stamp == f"{build.recipe_digest('sim-columbia')}\n{folders.contents(folder)}\n"
    mask = next((folder / "masks").iterdir())
    mask.write_bytes(mask.read_bytes()[:-1] + b"!")
    assert folders.contents(folder) != stamp.split()[1]
    mask.unlink()
    assert folders.contents(folder) != stamp.split()[1]
