"""What runs say: lineage, curves, statistics and comparisons, in numbers.

Nearly all of it is a function of orders and outcomes. What needs NumPy is imported from its module:
`bgpbt.analysis.collection`, `statistics` and `comparison`.
"""

from bgpbt.analysis.lineage import (
    EVALUATION,
    BestMember,
    Generation,
    Makers,
    ancestry,
    best_member,
    best_of,
    generations,
    steps_by_purpose,
    table,
)
from bgpbt.analysis.race import Cut, cuts, first_copy, reason_to_leave

__all__ = [
    "EVALUATION",
    "BestMember",
    "Cut",
    "Generation",
    "Makers",
    "ancestry",
    "best_member",
    "best_of",
    "cuts",
    "first_copy",
    "generations",
    "reason_to_leave",
    "steps_by_purpose",
    "table",
]
