"""ArtiFact: real photographs of 8 sources and images of 25 generators, 200x200, each compressed at random."""

import re
from pathlib import Path

from imdlib.data.readers.common import Found, Row, files_in, homes, refuse, thin
from imdlib.data.readers.lists import inside, read_list
from imdlib.data.splits import by_hash

INPAINTING = ("generativeinpainting", "lama", "mat", "palette")  # these fill a region of a photograph
TREE = "one folder per source or generator, each with metadata.csv (columns image_path and target)"


def artifact(root: Path, limit: int | None = None) -> Found:
    """ArtiFact (Rahman et al. 2023):

        artifact-dataset/  (any name, or the folder above)
            <source or generator>/        afhq, celebahq, coco, ...; big_gan, glide, lama, stable_diffusion, ...
                metadata.csv              image_path (within the folder), target (0 = real, above 0 = fake)
                <image_path>              JPEG

    Had from kaggle.com/datasets/awsaf49/artifact-dataset (each part under the terms of its source, some of them
    non-commercial). 2,496,738 images, of which 964,989 are real.
    kind: authentic, generated (the whole image), or edit for LaMa, MAT, Palette and Generative Inpainting, which fill a
    region: partly fake, but no masks are published, so that their note says it and the mask is empty.
    Split: about 60/10/30 by name, ours.

    limit: at most so many images of each folder and label, chosen by a hash of their names; a few thousand are a study.
    Files that no metadata.csv names are then not looked for.
    """
    folders = homes(root, r"artifact.*")
    found, rows = Found(files_in(*folders) if limit is None else []), []
    for index in sorted(path for home in folders for path in home.glob("*/metadata.csv")):
        table = read_list(found, index, ["image_path", "target"])
        for path, target in [] if table is None else zip(table["image_path"], table["target"]):
            if not re.fullmatch(r"-?\d+(\.0*)?", target) or inside(index.parent, path) is None:
                said = f"says target '{target}' of '{path}'"
                found.problem(index, said, "a whole number, and a file in its folder", "unpack it again")
            else:
                rows.append(row_of(index.parent, path, int(float(target))))
    found.rows = thin(found, rows, lambda row: (row.scene.split("/")[0], row.kind), limit, "artifact")
    if not rows and not found.problems:
        raise refuse(root, "artifact", TREE)
    return found


def row_of(folder: Path, path: str, target: int) -> Row:
    """The row of one line of metadata.csv."""
    scene = f"{folder.name}/{path}"
    row = Row(folder / path, "authentic", scene, by_hash(scene, "artifact"))
    if target > 0:
        partly = "".join(filter(str.isalnum, folder.name.lower())) in INPAINTING
        row.kind, row.generator = ("edit" if partly else "generated"), folder.name
        row.note = "partly fake, no mask is published" if partly else ""
    return row
