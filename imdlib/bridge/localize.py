"""From the Conformer's activation map and attention to a map of what is fake, and the two steps of inference.

Bridging sections 3.5 and 3.6, Figure 2 (threshold 0.5); Li et al., "TransCAM" (2023).

Differs from the paper:
- "Multiplying" activation map and attention is read as the matrix product of TransCAM; `refine="transposed"` spreads the
  activation along the other direction of attention, `refine="none"` leaves it as it is.
- The map's range, the sizes at which an image is looked at and its mirroring are not stated: minimum to maximum of each
  image is mapped to 0 to 1, and `scales=(0.5, 1.0, 1.5), flip=True` are those of TransCAM.
- What the map of a real or a fully fake image is, is not stated: nothing is fake, everything is.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.bridge.conformer import Conformer
from imdlib.bridge.labels import FULLY, PARTLY

EPS = 1e-5
REFINEMENTS = ("attention", "transposed", "none")


def refined_cam(cam: Tensor, attention: Tensor, *, transposed: bool = False) -> Tensor:
    """Section 3.5: each cell gathers the activation of the cells that it attends to, summed over layers.

    cam (B,C,h,w) logits; attention (L,B,hw,hw), rows attend -> (B,C,h,w): A @ cam with A = sum over L. transposed: A^T.
    """
    if attention.ndim != 4 or attention.shape[1:] != (len(cam), cam[0, 0].numel(), cam[0, 0].numel()):
        cells = cam[0, 0].numel()
        raise ValueError(
            f"attention: expected (L,{len(cam)},{cells},{cells}), of a cam of {tuple(cam.shape)}, found "
            f"{tuple(attention.shape)}; call the Conformer with attention=True"
        )
    with torch.autocast(cam.device.type, enabled=False):
        total = attention.float().sum(0)  # (B,N,N)
        total = total.transpose(1, 2) if transposed else total
        return torch.einsum("bij,bcj->bci", total, cam.float().flatten(2)).unflatten(2, cam.shape[2:])


def class_map(outputs: dict[str, Tensor], *, cls: int = PARTLY, refine: str = "attention") -> Tensor:
    """The map of one class, (B,1,h,w) logits, from the outputs of a Conformer."""
    if refine not in REFINEMENTS:
        raise ValueError(f"refine={refine!r}: expected one of {REFINEMENTS}")
    cam = outputs["cam"]
    if refine != "none":
        cam = refined_cam(cam, outputs["attention"], transposed=refine == "transposed")
    return cam[:, cls : cls + 1].float()


def unit_range(logits: Tensor) -> Tensor:
    """Negative values dropped, then each image's minimum to maximum mapped to 0 to 1: (B,1,H,W) -> the same; a constant
    map becomes 0."""
    values = logits.clamp(min=0)
    low, high = values.amin((2, 3), keepdim=True), values.amax((2, 3), keepdim=True)
    return (values - low) / (high - low + EPS)


@torch.no_grad()
def fake_map(
    model: Conformer, image: Tensor, disc: Tensor | None = None, **drawing: int | str | bool | Sequence[float]
) -> Tensor:
    """Map of a class in [0,1], (B,1,H,W): `unit_range` of `fake_logits`, which takes the same."""
    return unit_range(fake_logits(model, image, disc, **drawing))


@torch.no_grad()
def fake_logits(
    model: Conformer,
    image: Tensor,
    disc: Tensor | None = None,
    *,
    cls: int = PARTLY,
    refine: str = "attention",
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
) -> Tensor:
    """Logits of a class's map, (B,1,H,W): at all scales, mirrored too if `flip`, resized and summed.

    model: Conformer in evaluation mode; image (B,3,H,W) float in [0,1]; disc (B,width), the same at all scales; scales:
    factors on H and W.
    """
    size = image.shape[2:]
    total = image.new_zeros(len(image), 1, *size)
    for scale in scales:
        scaled = [max(32, round(scale * length)) for length in size]
        view = image if scale == 1 else F.interpolate(image, scaled, mode="bilinear", antialias=True)
        for mirror in (False, True) if flip else (False,):
            outputs = model(view.flip(3) if mirror else view, disc, attention=refine != "none")
            logits = class_map(outputs, cls=cls, refine=refine)
            logits = logits.flip(3) if mirror else logits
            total += resized(logits, model.cell, view.shape[2:], size, mirror)
    return total


def resized(logits: Tensor, cell: int, view: tuple[int, int], size: tuple[int, int], mirror: bool) -> Tensor:
    """Cells back to pixels: bilinear to the padded size, the padding cut off, then to the image's size."""
    padded = [side * cell for side in logits.shape[2:]]
    logits = F.interpolate(logits, padded, mode="bilinear")
    left = padded[1] - view[1] if mirror else 0  # mirrored back, the padding of the right edge lies on the left
    logits = logits[:, :, : view[0], left : left + view[1]]
    return logits if tuple(view) == tuple(size) else F.interpolate(logits, size, mode="bilinear")


@torch.no_grad()
def infer(
    model: Conformer,
    image: Tensor,
    disc: Tensor | None = None,
    *,
    logits: Tensor | None = None,
    threshold: float = 0.5,
    **options: Any,
) -> dict[str, Tensor]:
    """Section 3.6: the class first, then the map. Dict of probability (B,3), label (B,), map (B,1,H,W) in [0,1] and mask
    (B,1,H,W) bool, `map > threshold`.

    The map is `fake_map` where the label is partly fake, 0 for real, 1 for fully fake. logits (B,3): of another classifier
    that decides instead of the model; options: of `fake_map`.
    """
    logits = model(image, disc, attention=False)["logits"] if logits is None else logits
    label = logits.argmax(1)
    result = image.new_zeros(len(image), 1, *image.shape[2:])
    result[label == FULLY] = 1
    partly = label == PARTLY
    if partly.any():
        some = None if disc is None else disc[partly]
        result[partly] = fake_map(model, image[partly], some, **options)
    return {"probability": logits.float().softmax(1), "label": label, "map": result, "mask": result > threshold}
