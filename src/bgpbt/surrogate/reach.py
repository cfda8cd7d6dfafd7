"""What may be proposed: the trust region, the frozen inputs and the levels of discrete inputs, as one set.

Floats move in the box of the trust region. An input with levels may take those in the box, and always those
next to the centre's, for else a coarse grid would never move. Categories move in a Hamming ball. A frozen
input keeps the centre's value.

Symbols: n points; d searched inputs.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bgpbt.arrays import Floats
from bgpbt.surrogate.coordinates import Coordinates

__all__ = ["Reach", "draw", "neighbours", "reach_of"]

Columns = npt.NDArray[np.intp]

LONG_STEPS = 8  # a list of levels is crossed in about as many long steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The set of points that may be proposed, in complete coordinates of the space."""

    centre_d: Floats
    lower_d: Floats  # of the floats; equal to the upper bound where nothing moves
    upper_d: Floats
    continuous: Columns  # columns of floats that may move
    levels: dict[int, Floats]  # column of a movable input with levels: those in reach, ascending
    choices: dict[int, Floats]  # column of a movable category: its choices
    radius: int  # number of categories that may differ from the centre


def reach_of(
    coordinates: Coordinates,
    centre_d: Floats,
    bounds: tuple[Floats, Floats],
    radius: int,
    frozen: Collection[str],
) -> Reach:
    """Return the reach of a box around complete coordinates; `bounds` are those of the ordered columns."""
    space = coordinates.space
    lower_d, upper_d = centre_d.copy(), centre_d.copy()
    continuous: list[int] = []
    levels: dict[int, Floats] = {}
    for column, low, high in zip(coordinates.ordered.tolist(), *bounds, strict=True):
        if space.names[column] in frozen:
            continue
        if space.number_of_levels_d[column] > 0:
            levels[column] = _levels_in_reach(space.levels_d[column], centre_d[column], (low, high))
        else:
            lower_d[column], upper_d[column] = low, high
            continuous.append(column)
    return Reach(
        centre_d=centre_d,
        lower_d=lower_d,
        upper_d=upper_d,
        continuous=np.array(continuous, dtype=np.intp),
        levels={column: allowed for column, allowed in levels.items() if allowed.size > 1},
        choices={
            column: space.levels_d[column]
            for column in coordinates.categorical.tolist()
            if space.names[column] not in frozen and space.number_of_levels_d[column] > 1
        },
        radius=radius,
    )


def draw(reach: Reach, n: int, random: np.random.Generator) -> Floats:
    """Draw points of the reach: (n, d). The number of changed categories is uniform from 0 to the radius."""
    x_nd = np.tile(reach.centre_d, (n, 1))
    columns = reach.continuous
    x_nd[:, columns] = random.uniform(reach.lower_d[columns], reach.upper_d[columns], (n, columns.size))
    for column, allowed in reach.levels.items():
        x_nd[:, column] = random.choice(allowed, n)
    if reach.choices:
        most = min(reach.radius, len(reach.choices))
        rank_nc = random.random((n, len(reach.choices))).argsort(axis=1).argsort(axis=1)
        changes_nc = rank_nc < random.integers(0, most + 1, n)[:, None]
        for position, (column, allowed) in enumerate(reach.choices.items()):
            drawn_n = random.choice(allowed, n)
            x_nd[:, column] = np.where(changes_nc[:, position], drawn_n, x_nd[:, column])
    return x_nd


def neighbours(reach: Reach, x_nd: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return all points one discrete move away, and which of them are in reach: (k, n, d), (k, n).

    A move is a step along an input's levels, to the next or a longer one, or another choice of a category.
    """
    moved: list[Floats] = []
    allowed: list[npt.NDArray[np.bool_]] = []
    for column, levels in reach.levels.items():
        index_n = np.abs(levels - x_nd[:, column, None]).argmin(axis=1)
        for step in _steps(levels.size):
            target_n = index_n + step
            moved.append(_replaced(x_nd, column, levels[np.clip(target_n, 0, levels.size - 1)]))
            allowed.append((target_n >= 0) & (target_n < levels.size))
    columns = list(reach.choices)
    differs_nc = x_nd[:, columns] != reach.centre_d[columns]
    for position, (column, choices) in enumerate(reach.choices.items()):
        others_n = differs_nc.sum(axis=1) - differs_nc[:, position]
        for choice in choices:
            moved.append(_replaced(x_nd, column, np.full(len(x_nd), choice)))
            is_near_n = others_n + (choice != reach.centre_d[column]) <= reach.radius
            allowed.append(is_near_n & (x_nd[:, column] != choice))
    if not moved:
        return np.zeros((0, *x_nd.shape)), np.zeros((0, len(x_nd)), dtype=np.bool_)
    return np.stack(moved), np.stack(allowed)


def _levels_in_reach(levels: Floats, centre: float, bounds: tuple[float, float]) -> Floats:
    nearest = int(np.abs(levels - centre).argmin())
    index_l = np.arange(levels.size)
    is_inside_l = (levels >= bounds[0]) & (levels <= bounds[1])
    reached: Floats = levels[is_inside_l | (np.abs(index_l - nearest) <= 1)]
    return reached


def _steps(levels: int) -> tuple[int, ...]:
    long_step = levels // LONG_STEPS
    return (-1, 1, -long_step, long_step) if long_step > 1 else (-1, 1)


def _replaced(x_nd: Floats, column: int, value_n: Floats) -> Floats:
    replaced_nd = x_nd.copy()
    replaced_nd[:, column] = value_n
    return replaced_nd
