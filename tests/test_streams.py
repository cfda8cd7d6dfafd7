import zlib

import numpy as np
import pytest

from bgpbt.streams import order_seed, stream, stream_seed


def test_a_stream_depends_on_every_part_of_its_address() -> None:
    addresses = [
        (seed, round_index, purpose) for seed in (0, 1, 7) for round_index in (0, 1) for purpose in "ab"
    ]
    draws = [tuple(stream(*address).random(4)) for address in addresses]
    assert len(set(draws)) == len(addresses)
    assert [tuple(stream(*address).random(4)) for address in addresses] == draws


@pytest.mark.parametrize("purpose", ["exploit", "größer"])
def test_a_purpose_is_the_checksum_of_its_name(purpose: str) -> None:
    """So stored runs continue as they began, in any process."""
    expected = np.random.default_rng([5, 2**40, zlib.crc32(purpose.encode("utf-8"))]).random(4)
    np.testing.assert_array_equal(stream(5, 2**40, purpose).random(4), expected)


def test_seeds_of_orders_do_not_repeat_and_fit_a_signed_64_bit_integer() -> None:
    seeds = [order_seed(s, r, m) for s in range(3) for r in range(30) for m in range(24)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_are_the_same_in_every_process() -> None:
    assert stream_seed(1, 2, "exploit") == 1770304683503501589
    assert order_seed(0, 0, 0) == 690178594749725530
