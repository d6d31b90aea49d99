"""InfoNCE of FOCAL (github.com/HighwayWu/FOCAL, losses.py), from its formula.

All features of the map are brought to unit length, those of the two regions taken out of it; the mean similarity of a query to the other
queries is its one positive logit, similarities to the other region are the negative ones, and cross-entropy is taken over them.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def info_nce(feat: Tensor, queries: Tensor, negatives: Tensor, temperature: float = 0.1) -> Tensor:
    """Scalar loss of one map: feat (D,h,w); queries, negatives (h,w) bool, the two regions."""
    unit = F.normalize(feat.flatten(1).t().contiguous(), dim=1)  # (hw,D)
    query, negative = unit[queries.flatten()], unit[negatives.flatten()]
    same = query @ query.t()
    others = ~torch.eye(len(query), dtype=torch.bool)
    positive = same.masked_select(others).view(len(query), -1).mean(dim=1, keepdim=True)
    logits = torch.cat([positive, query @ negative.t()], dim=1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(query), dtype=torch.long))
