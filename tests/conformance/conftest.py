from collections.abc import Iterator

import pytest

from standins.nucleus.testbed import RunningNucleus
from tests.conformance.target import Line, Target, open_target


@pytest.fixture
def target() -> Iterator[Target]:
    with open_target() as opened:
        yield opened


@pytest.fixture
def nucleus(target: Target) -> RunningNucleus:
    if target.nucleus is None:
        pytest.skip("needs a hand on the nucleus itself")
    return target.nucleus


@pytest.fixture
def line(target: Target) -> Iterator[Line]:
    with Line(target) as opened:
        yield opened
