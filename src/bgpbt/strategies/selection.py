"""Who is replaced by whom: ranking, and the truncation selection of population-based training.

Jaderberg et al. (2017), section 4.1.1: a member among the worst fraction of the population copies one drawn
from the best fraction. A score that is not a finite number ranks last; ties go to the lower index, so that a
replay breaks them alike.
"""

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["best_first", "is_number", "truncation"]


def is_number(score: float) -> bool:
    """Return whether a score can be ranked: NaN and the infinities cannot."""
    return math.isfinite(score)


def best_first(scores: Sequence[float]) -> list[int]:
    """Return indices by falling score, unrankable ones last, ties in their order."""
    key_m = np.array([-score if is_number(score) else math.inf for score in scores], dtype=np.float64)
    return [int(i) for i in np.argsort(key_m, kind="stable")]


def truncation(scores: Sequence[float], replaced: int, rng: np.random.Generator) -> dict[int, int]:
    """Draw a donor for each loser: {loser: donor}, in ascending order of losers.

    Losers are the worst `replaced` and everybody whose score cannot be ranked; donors are drawn uniformly
    from the best `replaced` of the others. Empty when nobody can be a donor.
    """
    ranking = best_first(scores)
    donors = [i for i in ranking[:replaced] if is_number(scores[i])]
    if not donors:
        return {}
    unrankable = [i for i in ranking if not is_number(scores[i])]
    losers = sorted(set(ranking[len(ranking) - replaced :]).union(unrankable).difference(donors))
    return {loser: donors[int(rng.integers(len(donors)))] for loser in losers}
