"""Moved to `bgpbt.streams`."""

from bgpbt.moved import moved

__getattr__ = moved(__name__, {"bgpbt.streams": ("order_seed", "stream", "stream_seed")})
