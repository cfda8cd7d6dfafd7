from bgpbt.strategies.streams import order_seed, stream, stream_seed


def test_a_stream_depends_on_every_part_of_its_address() -> None:
    addresses = [
        (seed, round_index, purpose) for seed in (0, 1, 7) for round_index in (0, 1) for purpose in "ab"
    ]
    draws = [tuple(stream(*address).random(4)) for address in addresses]
    assert len(set(draws)) == len(addresses)
    assert [tuple(stream(*address).random(4)) for address in addresses] == draws


def test_seeds_of_orders_do_not_repeat_and_fit_a_signed_64_bit_integer() -> None:
    seeds = [order_seed(s, r, m) for s in range(3) for r in range(30) for m in range(24)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_are_the_same_in_every_process() -> None:
    assert stream_seed(1, 2, "exploit") == stream_seed(1, 2, "exploit")
    assert order_seed(0, 0, 0) == int(stream(0, 0, "order 0").integers(2**63))
