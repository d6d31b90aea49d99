"""Weights that are shipped with the package: float16, in small safetensors files, made by notebooks/twins.ipynb."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from imdlib.files import replacing

WEIGHTS = Path(__file__).parent / "weights"  # of the generators, <name>.safetensors


def save_weights(module: nn.Module, path: Path | str) -> Path:
    """Write a module's weights in float16; returns the path."""
    with replacing(path) as draft:
        save_file({key: value.detach().half().contiguous() for key, value in module.state_dict().items()}, draft)
    return Path(path)


def load_weights(module: nn.Module, path: Path | str) -> nn.Module:
    """Fill `module` from such a file, in float32; one that is missing, damaged or of another network is named in the error."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"{path}: these weights ship with imdlib and are missing; reinstall it, or run `make twins`"
        )
    try:
        module.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    except (SafetensorError, RuntimeError) as error:
        hint = "damaged, or not those of this network; reinstall imdlib, or run `make twins`"
        raise ValueError(f"{path}: these weights are {hint} ({str(error).splitlines()[0]})") from error
    return module
