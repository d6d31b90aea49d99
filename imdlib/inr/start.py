"""Where self-distillation starts: with as many images on one side of 0.5 as on the other.

INR section 3.5 takes predictions above 0.5 for tampered and those below for authentic, and starts from random weights.

Differs from the paper: at a random start Otsu's upper class may lie above 0.5 in every image. No image can then be called
authentic, the first pseudo-labels are all 1, and they confirm themselves to the end. The text leaves open where the map's bias
starts; here it is moved, once and without any label, until the mean of the two sources lies above 0.5 in half of the images.
The rule itself stays as printed.
"""

import copy
from itertools import islice

import torch
from torch import nn

from imdlib.data.batches import ImageSet, training_batches
from imdlib.inr.pooling import pool
from imdlib.inr.weak import image_score, selected

REACH, HALVINGS = 20.0, 40  # of the search for the shift of the logits


@torch.no_grad()
def centre(
    model: nn.Module, images: ImageSet, *, batch_size: int, m_rule: str = "minority", batches: int = 16
) -> float:
    """Move the bias of an untrained `INRNet` (head='conv', with matching) so that the median of its image scores is 0.5; returns
    the shift.

    images: of the training; looked at are its first `batches`. Batch norm takes its statistics from each batch, as in training;
    the model's own stay as they are.
    """
    probe, device = copy.deepcopy(model).train(), next(model.parameters()).device
    loader = islice(training_batches(images, epoch=0, batch_size=batch_size), batches)
    outputs = [probe(image.to(device).float() / 255) for image, _, _ in loader]
    logits = torch.cat([one["logits"] for one in outputs])  # (N,1,h,w)
    cells = torch.cat([selected(one, m_rule).tampered for one in outputs])  # (N,h,w)
    low, high = -REACH, REACH
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        scores = image_score(pool((logits + middle).sigmoid(), "adaptive", cells))
        low, high = (low, middle) if scores.median() > 0.5 else (middle, high)
    model.head.bias += (low + high) / 2
    return (low + high) / 2
