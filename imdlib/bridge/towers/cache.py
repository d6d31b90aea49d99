"""Features on disk: computed once for each image and tower, found again by content, wherever the image lies.

Bridging section 3.2: f = E(x) with E frozen, so f of an image never changes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from imdlib.data.images import load_image
from imdlib.files import replacing
from imdlib.places import cache_folder
from imdlib.progress import interactive
from imdlib.store import DamagedFile


class Features:
    """Features of N images in order; item i is (T,D) float16, from memory where all of them fit, else from its file.

    memory: bytes that they may take.
    """

    def __init__(self, paths: Iterable[Path], shape: tuple[int, int], *, memory: int = 4 * 2**30) -> None:
        self.paths, self.shape = list(paths), tuple(shape)
        fits = 2 * len(self.paths) * shape[0] * shape[1] <= memory
        self.held = torch.stack([read(path, shape) for path in self.paths]) if fits and self.paths else None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        return read(self.paths[index], self.shape) if self.held is None else self.held[index]


@torch.no_grad()
def extract(
    tower: nn.Module,
    files: Sequence[Path | str],
    *,
    folder: Path | str | None = None,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
    memory: int = 4 * 2**30,
    progress: bool = True,
) -> Features:
    """Features of image files, computed where they are not cached: returns `Features` in the order of `files`.

    tower: `Tower` or `StandIn`. folder: of the cache, None = imdlib's. A file of the cache is named by the image's bytes
    and the tower's identity (weights and preprocessing), written in one step, and made anew if it is damaged.
    """
    folder = Path(folder) if folder is not None else cache_folder("features")
    identity = tower.identity  # a digest of all weights: once, not for every image
    paths = [folder / name[:2] / f"{name}.safetensors" for name in (key(identity, file) for file in files)]
    missing = {path: file for path, file in zip(paths, files) if not sound(path, tower.shape)}
    todo = list(missing.items())
    tower = tower.to(device)
    bar = tqdm(total=len(todo), desc="features", unit="image", leave=False, disable=not (progress and interactive()))
    for start in range(0, len(todo), batch_size):
        some = todo[start : start + batch_size]
        images = [torch.from_numpy(load_image(file)).permute(2, 0, 1) for _, file in some]
        tokens = tower(torch.stack([tower.prepare(image) for image in images]).to(device)).half().cpu()  # (b,T,D)
        if not torch.isfinite(tokens).all():
            raise ValueError(f"{identity}: features beyond the range of float16 in {[str(f) for _, f in some]}")
        for (path, _), one in zip(some, tokens):
            write(path, one)
        bar.update(len(some))
    bar.close()
    return Features(paths, tower.shape, memory=memory)


def key(identity: str, file: Path | str) -> str:
    """Name of an image's features: 32 characters that stand for its bytes and the tower's `identity`."""
    content = Path(file).read_bytes()
    return hashlib.sha256(hashlib.sha256(content).digest() + identity.encode()).hexdigest()[:32]


def sound(path: Path, shape: tuple[int, int]) -> bool:
    """True for a complete file with features of that shape, whose bytes are those that were written."""
    try:
        read(path, shape)
    except DamagedFile:
        return False
    return True


def read(path: Path, shape: tuple[int, int]) -> Tensor:
    """Features (T,D) float16 from their file; DamagedFile where they are not those that were written."""
    try:
        with safe_open(path, framework="pt") as file:
            tokens, known = file.get_tensor("tokens"), (file.metadata() or {}).get("sum")
    except (OSError, SafetensorError) as error:
        raise DamagedFile(
            f"{path}: no features can be read from it ({error}); delete it, they are computed again"
        ) from error
    if tuple(tokens.shape) != tuple(shape) or sum_of(tokens) != known:
        raise DamagedFile(f"{path}: its features are not those that were written; delete it, they are computed again")
    return tokens


def sum_of(tokens: Tensor) -> str:
    """SHA-256 of the bytes of features."""
    return hashlib.sha256(tokens.contiguous().numpy().tobytes()).hexdigest()


def write(path: Path, tokens: Tensor) -> None:
    """Write features (T,D) in one step, so that no half-written file is ever found under its name."""
    with replacing(path) as draft:
        save_file({"tokens": tokens.contiguous()}, draft, metadata={"sum": sum_of(tokens)})
