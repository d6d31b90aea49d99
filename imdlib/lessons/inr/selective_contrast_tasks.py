"""Exercises of the notebook on selective contrast: what the library says at hidden inputs, and what is often mistaken.

INR section 3.3, Eq. 5.
"""

import math
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.inr.contrast import selective_contrast
from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.lessons.inr import selective_contrast as plane

COLLAPSED = Task(
    lambda j, k: plane.collapsed(j + 1, k, "literal"),
    "every exponential is the same and cancels; the friends are averaged, the strangers are added",
    lambda: {f"J = {j}, K = {k}": (j, k) for j, k in ((3, 5), (10, 1), (1, 40), (4, 4))},
    {
        "there are K strangers in the sum, and the logarithm remains": lambda j, k: 0.0,
        "the friends are averaged, not added": lambda j, k: math.log(k / j),
        "Eq. 5 has no friend in the denominator": lambda j, k: math.log(1 + k),
        "the minus sign stands before the logarithm of the fraction": lambda j, k: -math.log(k),
        "the strangers are added, not averaged with the friends": lambda j, k: math.log(k + j),
    },
)
LEAST = Task(
    lambda k, t: plane.at_cosine([-1.0], tampered=k, tau=t)[0],
    "cosine 1 with every friend, -1 with every stranger",
    lambda: {f"K = {k}, tau = {t}": (k, t) for k, t in ((6, 0.1), (40, 0.5), (1, 1.0))},
    {
        "it is no logarithm of a share and can fall below 0": lambda k, t: 0.0,
        "strangers can be opposite, not only at a right angle": lambda k, t: math.log(k) - 1 / t,
        "the strangers are added": lambda k, t: -2 / t,
        "tau divides the cosines, it does not multiply them": lambda k, t: math.log(k) - 2 * t,
        "a friend's cosine is 1": lambda k, t: math.log(k) - 1 / t - 1,
    },
    rtol=1e-3,
)


def of_library(feat: Tensor, tampered: Tensor, authentic: Tensor, tau: float, form: str = "literal") -> Tensor:
    """The library's contrast of one picture: feat (N,D), tampered, authentic (N,) bool."""
    kinds = tampered[None, :, None], authentic[None, :, None]
    return selective_contrast(feat.T[None, :, :, None], *kinds, tau=tau, form=form)


def contrasted(
    feat: Tensor, tampered: Tensor, authentic: Tensor, tau: float, *, wrong: str, form: str = "literal"
) -> Tensor:
    """The same with a mistake."""
    kinds = (tampered, authentic) if wrong == "turned" else (authentic, ~authentic if wrong == "rest" else tampered)
    if kinds[0].sum() < 2 or not kinds[1].any():
        return feat.sum() * (math.nan if wrong == "nan" else 0)
    unit = feat if wrong == "length" else F.normalize(feat, dim=1, eps=1e-6)
    query, strangers = unit[kinds[0]] / (1 if wrong == "tau" else tau), unit[kinds[1]]
    same, against = query @ unit[kinds[0]].T, (query @ strangers.T).logsumexp(1)
    if wrong == "average":
        against = against - math.log(len(strangers))
    pairs = ~torch.eye(len(same), dtype=torch.bool) | (wrong == "itself")
    count = pairs.sum(1)
    friends = same.masked_fill(~pairs, -torch.inf).logsumexp(1) - (0 if wrong == "added" else count.log())
    mean = (same * pairs).sum(1) / count
    if wrong == "naive":
        friends = ((same.exp() * pairs).sum(1) / count).log()
        against = (query @ strangers.T).exp().sum(1).log()
    terms = against - friends if form == "literal" else F.softplus(against - mean)
    if wrong == "denominator":
        terms = torch.logaddexp(against, friends) - friends
    if wrong == "similarity":
        terms = against - mean
    if wrong == "pairs":
        terms = (F.softplus(against[:, None] - same) * pairs).sum(1) / count
    if wrong == "exponential":
        terms = F.softplus(against - friends)
    total = terms.sum() if wrong == "sum" else terms.mean()
    return -total if wrong == "sign" else total


def cells() -> dict[str, tuple]:
    """Features (N,D), what is called tampered and authentic, tau."""
    feat, kinds = drawn(9, 4), torch.tensor([1, 1, 0, 0, 0, 0, 0, -1, 1])
    few = torch.tensor([1, 1, 0, -1, -1, -1, -1, -1, 1])
    given = {
        "some cells in doubt": (feat, kinds, 0.1),
        "a warm temperature": (2 * feat, kinds, 2.0),
        "one authentic cell": (feat, few, 0.1),
        "no tampered cell": (feat, kinds.where(kinds == 0, -1), 0.1),
        "a temperature at which exp overflows": (feat, kinds, 0.001),
    }
    return {name: (x, one == 1, one == 0, tau) for name, (x, one, tau) in given.items()}


COMMON = {
    "length": "the features are not brought to length 1",
    "tau": "tau is not used",
    "average": "the strangers are averaged; Eq. 5 adds them up",
    "rest": "cells in doubt are no strangers",
    "turned": "the queries are the authentic cells, the strangers the tampered ones",
    "sum": "the queries are averaged, not added",
    "sign": "the minus sign is missing",
    "itself": "your friends include the query itself",
    "nan": "a picture with one authentic cell or no tampered one has the contrast 0, not NaN",
}
LITERAL = Task(
    of_library,
    "unit features; of each authentic cell logsumexp over strangers less the log of the mean of exp over friends; then the mean",
    cells,
    slips(
        contrasted,
        COMMON
        | {
            "added": "the friends' exponentials are averaged, not added",
            "denominator": "Eq. 5 has no friend in the denominator",
            "similarity": "Eq. 5 averages the friends' exponentials, not their cosines",
            "naive": "exp overflows at a small tau; use logsumexp",
        },
    ),
    gradients=(0,),
)
STANDARD = Task(
    partial(of_library, form="standard"),
    "softplus of (logsumexp over strangers less the mean cosine / tau of the friends), then the mean over queries",
    cells,
    slips(
        partial(contrasted, form="standard"),
        COMMON
        | {
            "similarity": "the friend is missing in the denominator",
            "pairs": "the friends' cosines are averaged first; each pair with a term of its own is NCL's form",
            "exponential": "the friends' cosines are averaged, not their exponentials",
        },
    ),
    gradients=(0,),
)
TASKS = (COLLAPSED, LEAST, LITERAL, STANDARD)
