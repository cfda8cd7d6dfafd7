"""The shapes of networks in configurations, and which of them can grow out of which."""

from typing import NamedTuple

from bgpbt.records import Configuration, Value

__all__ = ["NETWORKS", "NetworkShape", "growth_applies", "shape_of"]

NETWORKS = ("policy", "value")


class NetworkShape(NamedTuple):
    """The shape of a network, as far as growth depends on it."""

    depth: int  # hidden layers
    width: int  # units of each
    spectral_norm: Value | None  # None: as the trainer has it


def shape_of(configuration: Configuration, network: str) -> NetworkShape:
    """Return the shape of a network, `policy` or `value`, in one configuration.

    Where configurations of one space leave an input out, it is the same for all: depth 0 or width 1 then
    stands for that.
    """
    return NetworkShape(
        depth=int(configuration.get(f"{network}_depth", 0)),
        width=2 ** int(configuration.get(f"{network}_log2_width", 0)),
        spectral_norm=configuration.get(f"{network}_spectral_norm"),
    )


def growth_applies(old: NetworkShape, new: NetworkShape) -> bool:
    """Return whether a network of the new shape can compute what one of the old shape does.

    It must not shrink and must keep its normalisation, and what becomes deeper must double its width
    (`bgpbt.agents.networks.growth` says why).
    """
    if new.spectral_norm != old.spectral_norm or new.width < old.width or new.depth < old.depth:
        return False
    return new.depth == old.depth or new.width >= 2 * old.width
