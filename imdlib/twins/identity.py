"""What a twin is made by: the code, the shipped weights and the package versions from which its images follow to the byte.

Nothing is imported or built for it: a twin is known before it exists.
"""

from functools import cache

from imdlib.freshness.sources import by_module, closure, digest, versions

WRITES = ("imdlib.twins.build.write_one", "imdlib.data.readers.twin.twin")  # what puts images on disk, and reads them
MAKERS = ("imdlib.twins.build.recipe",)  # which module makes a twin; followed by name below


@cache
def recipe_digest(dataset: str) -> str:
    """Twelve characters that stand for everything that the images of a twin are made by."""
    maker = "imdlib.twins.dolos" if dataset.startswith("sim-dolos") else "imdlib.twins.recipes"
    found, packages = closure([f"{maker}.make_image", f"{maker}.final_quality", *WRITES], MAKERS)
    own = f"/{dataset.removeprefix('sim-dolos-')}.safetensors"  # the weights of other generators make no difference
    found = {name: one for name, one in found.items() if name.endswith(own) or not name.endswith(".safetensors")}
    return digest([by_module(found), versions(packages)])
