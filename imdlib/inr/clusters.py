"""Do the clusters that the contrast works with know anything of tampering? For looking at, never for choosing: masks go in.

INR section 3.3 takes the smaller of two clusters for the tampered one. Whether it is can be read off images with masks: the
tampered share of the cells that both clusterings call tampered, less that of the whole image.
"""

import torch
from torch import nn
from torch.nn import functional as F

from imdlib.data.batches import ImageSet, evaluation_batches
from imdlib.inr.weak import selected


@torch.inference_mode()
def tampered_excess(model: nn.Module, images: ImageSet, *, m_rule: str = "minority") -> dict[str, float]:
    """{'val_cluster': mean over tampered images of that difference, in [-1,1]}, 0 where the cluster says nothing; images without
    such cells do not count, NaN where there is none. {} for a network without matching scores.

    images: ImageSet of authentic and tampered images with their masks.
    """
    model.eval()
    if not hasattr(model, "project") or model.project is None:
        return {}
    device, found = next(model.parameters()).device, [torch.empty(0)]
    for image, mask, _ in evaluation_batches(images):
        tampered = mask == 1
        forged = tampered.flatten(1).any(dim=1)
        if not forged.any():
            continue
        cells = selected(model(image[forged].to(device).float() / 255), m_rule).tampered.cpu()  # (b,h,w)
        share = F.adaptive_avg_pool2d(tampered[forged].float(), cells.shape[-2:])[
            :, 0
        ]  # (b,h,w) tampered share of a cell
        inside = (share * cells).sum(dim=(1, 2)) / cells.sum(dim=(1, 2))  # NaN without such cells
        found.append(inside - share.mean(dim=(1, 2)))
    return {"val_cluster": torch.cat(found).nanmean().item()}
