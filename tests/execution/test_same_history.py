"""Runs of today are byte-equal to runs of before: orders, configurations, seeds, checkpoints and scores."""

import json

import pytest

from tests.execution.histories import STORED, TOYS, agents_digests, digest_of, machine

KNOWN: dict[str, str] = json.loads(STORED.read_text()).get(machine(), {})

pytestmark = pytest.mark.skipif(not KNOWN, reason="no digests stored for this processor")


@pytest.mark.parametrize("name", TOYS)
def test_a_strategy_decides_as_before(name: str) -> None:
    assert digest_of(TOYS[name]) == KNOWN[name]


def test_agents_train_as_before() -> None:
    computed = agents_digests()
    assert computed == {name: KNOWN[name] for name in computed}
