"""How far a guess strays: two standard errors of a number that says nothing, the one convention of all lessons.

Mann and Whitney (1947) for the AUC without ties, the binomial for a share.
"""

import math


def of_auc(positive: int, negative: int) -> float:
    """Two standard errors of the AUC of scores that know nothing, on that many pictures of either label."""
    return 2 * math.sqrt((positive + negative + 1) / (12 * positive * negative))


def of_share(share: float, count: int) -> float:
    """Two standard errors of the share of right answers among `count` guesses, each right with probability `share`."""
    return 2 * math.sqrt(share * (1 - share) / count)
