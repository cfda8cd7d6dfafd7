"""When a population has stopped improving: two signs of its best score, round by round.

Chebykin, Alderliesten and Bosman (2025), arXiv 2511.09190. The best scores of the rounds are
standardised (z-scores) and smoothed, since they are noisy. The population stagnates when the smoothed best
has not risen for three rounds in a row, or when the best of all rounds is less than one standard deviation
above the best of those before the last 14.

The paper smooths with a variational Gaussian process (PPGPR); here it is an exact one with the same
Matern-5/2 kernel, fitted by its likelihood (`bgpbt.surrogate.smoothing`).
"""

from dataclasses import dataclass

import numpy as np

from bgpbt.surrogate import smoothed, standardised

__all__ = ["PATIENCE", "Progress", "is_slow", "is_stagnant", "progress_with"]

PATIENCE = 3
"""Rounds in a row without improvement."""

SLOW_ROUNDS = 15
"""Rounds over which the best score must rise."""

LEAST_RISE = 1.0
"""By so much at least, in standard deviations of the best scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How the best score went."""

    best_scores: tuple[float, ...] = ()  # of each round, finite
    failures: int = 0  # rounds in a row without improvement of the smoothed best


def progress_with(progress: Progress, best_score: float) -> Progress:
    """Return the progress after one more round."""
    best_scores = (*progress.best_scores, best_score)
    if len(best_scores) < 2:
        return Progress(best_scores=best_scores)
    mean_n = smoothed(standardised(np.array(best_scores)))
    has_improved = bool(mean_n[-1] > mean_n[-2])
    return Progress(best_scores=best_scores, failures=0 if has_improved else progress.failures + 1)


def is_stagnant(progress: Progress) -> bool:
    """Return whether the population has stopped improving."""
    return progress.failures >= PATIENCE or is_slow(progress)


def is_slow(progress: Progress) -> bool:
    """Return whether the best has risen too little over the last rounds."""
    if len(progress.best_scores) < SLOW_ROUNDS:
        return False
    z_n = standardised(np.array(progress.best_scores))
    rise = z_n.max() - z_n[: len(z_n) - SLOW_ROUNDS + 1].max()
    return bool(rise < LEAST_RISE)
