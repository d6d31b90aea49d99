"""Exercises of the notebook on the contrast: what the library says at hidden inputs, and what is often mistaken."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.lessons.ncl import the_contrast as circle
from imdlib.ncl.losses import non_exclusive_contrast, pairwise_term, pivot_term

COLLAPSED = Task(
    circle.collapsed_loss,
    "one friend, N strangers, equal cosines: what is the friend's share? l3 has P strangers",
    lambda: {f"P = {p}, N = {n}": (p, n) for p, n in ((5, 20), (40, 10), (2, 2))},
    {
        "l3 has P strangers, not N": lambda p, n: 3 * math.log(1 + n),
        "the friend counts in the denominator, too": lambda p, n: 2 * math.log(n) + math.log(p),
        "there are three terms": lambda p, n: math.log(1 + n) + math.log(1 + p),
        "l1 has N strangers, as l2 has": lambda p, n: math.log(1 + n) + 2 * math.log(1 + p),
        "the minus sign is missing": lambda p, n: -2 * math.log(1 + n) - math.log(1 + p),
    },
)
BEST_L2 = Task(
    circle.best_l2,
    "the friend weighs exp(1 / tau), each stranger exp(0) = 1",
    lambda: {f"N = {n}, tau = {t}": (n, t) for n, t in ((20, 0.5), (200, 0.1), (200, 1.0))},
    {
        "the strangers are added, not averaged": lambda n, t: math.log(1 + math.exp(-1 / t)),
        "the temperature divides before the exponential": lambda n, t: math.log(1 + n / math.e),
        "with cosine 0 a stranger still weighs exp(0) = 1": lambda n, t: 0.0,
    },
)


def l1_of(pos: Tensor, neg: Tensor, tau: float) -> Tensor:
    """l1 of one picture by the library, features (P,D) and (N,D) of any length."""
    unit = [F.normalize(x, dim=1, eps=1e-6)[None] for x in (pos, neg)]
    there = [torch.ones(1, len(x), dtype=torch.bool) for x in (pos, neg)]
    return pairwise_term(unit[0], there[0], unit[1], there[1], tau)[0]


def l1_wrong(pos: Tensor, neg: Tensor, tau: float, *, wrong: str = "") -> Tensor:
    """l1 with a mistake, for one picture."""
    pos, neg = (pos, neg) if wrong == "length" else (F.normalize(x, dim=1, eps=1e-6) for x in (pos, neg))
    friend, stranger = pos @ pos.T / tau, pos @ neg.T / tau
    if wrong == "tau":
        friend, stranger = friend * tau, stranger * tau
    against = stranger.logsumexp(1, keepdim=True)
    against = against - math.log(len(neg)) if wrong == "average" else against
    terms = against - friend if wrong == "denominator" else F.softplus(against - friend)
    if wrong == "naive":
        terms = -(friend.exp() / (friend.exp() + stranger.exp().sum(1, keepdim=True))).log()
    if wrong == "all friends":
        terms = torch.logaddexp(against, friend.logsumexp(1, keepdim=True)) - friend
    others = torch.ones_like(terms, dtype=torch.bool) if wrong == "itself" else ~torch.eye(len(pos), dtype=torch.bool)
    if wrong == "triangle":
        others = others.triu()
    count = (
        len(pos) ** 2
        if wrong == "square"
        else 1
        if wrong == "sum"
        else others.sum()
        if wrong == "one"
        else others.sum().clamp(min=1)
    )
    return (-1 if wrong == "sign" else 1) * terms.where(others, 0).sum() / count


def pairs() -> dict[str, tuple]:
    """Features of one picture and a temperature."""
    pos, neg = drawn(5, 4) + 1, drawn(7, 4, seed=1)
    return {
        "five against seven": (pos, neg, 0.1),
        "a warm temperature": (2 * pos, neg, 2.0),
        "one tampered patch": (pos[:1], neg, 0.1),
        "one stranger": (pos, neg[:1], 0.5),
        "a temperature at which exp overflows": (pos, neg, 0.001),
    }


PAIRWISE = Task(
    l1_of,
    "unit length, cosine / tau, softplus(logsumexp over strangers - friend), mean over all pairs with j != m",
    pairs,
    slips(
        l1_wrong,
        {
            "itself": "your positives include the anchor itself",
            "sign": "the minus sign is missing, as in the paper",
            "tau": "tau is not used, or cancels",
            "length": "the features are not brought to length 1",
            "average": "the strangers are averaged; Eq. 7 adds them up",
            "denominator": "the friend is missing in the denominator",
            "all friends": "all friends stand in the denominator; it is the one friend and the strangers",
            "square": "the sum is divided by P squared; there are P (P - 1) pairs",
            "sum": "the pairs are added, not averaged",
            "triangle": "each pair counts in both directions, and the anchors differ",
            "naive": "exp overflows at a small tau; use logsumexp and softplus",
            "one": "a picture with one tampered patch has no pair; its l1 is 0, not NaN",
        },
    ),
    gradients=(0, 1),
)


def l2_of(pivot: Tensor, same: Tensor, other: Tensor, tau: float) -> Tensor:
    """l2 or l3 of one picture by the library: pivot (D,), same (S,D), other (O,D) of any length."""
    unit = [F.normalize(x, dim=1, eps=1e-6)[None] for x in (same, other)]
    there = [torch.ones(1, len(x), dtype=torch.bool) for x in (same, other)]
    return pivot_term(pivot[None], unit[0], there[0], unit[1], there[1], tau)[0]


def l2_wrong(pivot: Tensor, same: Tensor, other: Tensor, tau: float, *, wrong: str) -> Tensor:
    """The same with a mistake."""
    if wrong != "length":
        pivot, same, other = (F.normalize(x, dim=-1, eps=1e-6) for x in (pivot, same, other))
    same, other = (
        (same @ pivot / tau, other @ pivot / tau) if wrong != "swap" else (other @ pivot / tau, same @ pivot / tau)
    )
    against = other.logsumexp(0) - (math.log(len(other)) if wrong == "average" else 0)
    if wrong == "mean first":
        return F.softplus(against - same.mean())
    terms = against - same if wrong == "denominator" else F.softplus(against - same)
    return (-1 if wrong == "sign" else 1) * (terms.sum() if wrong == "sum" else terms.mean())


PIVOT_TERM = Task(
    l2_of,
    "as l1, with the pivot in place of the anchor: one friend at a time against all strangers",
    lambda: {
        "three friends": (drawn(4), drawn(3, 4, seed=1), drawn(6, 4, seed=2), 0.1),
        "one of each": (drawn(4), drawn(1, 4, seed=1), drawn(1, 4, seed=2), 0.5),
        "a long pivot": (30 * drawn(4), drawn(3, 4, seed=1), drawn(6, 4, seed=2), 1.0),
    },
    slips(
        l2_wrong,
        {
            "swap": "friends and strangers are exchanged",
            "length": "the vectors are not brought to length 1",
            "average": "the strangers are averaged; Eq. 7 adds them up",
            "mean first": "the friends are averaged before the loss; each has a term of its own",
            "denominator": "the friend is missing in the denominator",
            "sign": "the minus sign is missing, as in the paper",
            "sum": "the friends' terms are added, not averaged",
        },
    ),
    gradients=(0, 1, 2),
)


def batch() -> dict[str, tuple]:
    """Features (B,D,h,w), patches, pivots, valid and tau."""
    kinds = torch.tensor([[[1, 1, 2], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]], [[1, 0, 0], [1, -1, 1]]])
    given, valid = (
        (drawn(3, 4, 2, 3), kinds, drawn(3, 4, seed=1), drawn(3, 4, seed=2)),
        torch.tensor([True, False, False]),
    )
    full = torch.tensor([[[1, 1, 2], [0, 0, 1]], [[1, 2, 1], [1, 1, 2]], [[0, 0, 2], [0, 0, 0]]])
    nothing = (given[0], torch.zeros_like(kinds), *given[2:])
    return {
        "an authentic picture and one without contour": (*given, valid, 0.1),
        "another temperature": (*given, torch.tensor([True, False, True]), 1.0),
        "one picture without an authentic patch, one without a tampered one": (
            given[0],
            full,
            *given[2:],
            torch.tensor([True, True, True]),
            0.1,
        ),
        "no picture has both kinds": (*nothing, torch.zeros(3, dtype=torch.bool), 0.1),
    }


def contrasted(
    feat: Tensor, patches: Tensor, pos: Tensor, neg: Tensor, valid: Tensor, tau: float, *, wrong: str = ""
) -> Tensor:
    """Eq. 7 with a mistake."""
    found = []
    for x, kinds, plus, minus, use in zip(feat.flatten(2).transpose(1, 2), patches.flatten(1), pos, neg, valid):
        strange = (
            (kinds == 0) | (kinds == 2) if wrong == "contour" else kinds <= 0 if wrong == "ignored" else kinds == 0
        )
        p, n = x[kinds == 1], x[strange]
        if len(p) and (len(n) or wrong == "full"):
            terms = [l1_of(p, n, tau), l2_of(plus, p, n, tau), l2_of(minus, n, p, tau)]
            terms[2] = l2_of(minus, p, n, tau) if wrong == "l3" else terms[2]
            use = use or wrong == "invalid"
            if use or wrong != "skip":
                found.append(sum(terms if use else terms[:1]))
    count = len(feat) if wrong == "all" else max(1, len(found)) if wrong != "sum" else 1
    zero = torch.tensor(math.nan if wrong == "nan" else 0.0)
    return sum(found, feat.sum() * 0) / count if found else zero + feat.sum() * 0


CONTRAST = Task(
    lambda *x: non_exclusive_contrast(*x[:5], tau=x[5]).total,
    "l1 + l2 + l3 of each picture that has both kinds, l1 alone where the pivot is not valid, then the mean of these pictures",
    batch,
    slips(
        contrasted,
        {
            "all": "pictures without both kinds do not count in the mean",
            "full": "a picture without an authentic patch does not count in the mean, either",
            "contour": "contour cells are no strangers",
            "ignored": "ignored cells (-1) are no strangers",
            "invalid": "where the pivot is not valid, l2 and l3 are left out",
            "skip": "where the pivot is not valid, l1 still counts",
            "l3": "l3 has authentic friends and tampered strangers",
            "sum": "pictures are averaged, not added",
            "nan": "a batch in which no picture has both kinds has the contrast 0, not NaN",
        },
    ),
    gradients=(0, 2, 3),
)
TASKS = (COLLAPSED, BEST_L2, PAIRWISE, PIVOT_TERM, CONTRAST)
