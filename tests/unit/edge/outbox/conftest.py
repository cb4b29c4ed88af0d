"""An outbox that is opened again and again, as by restarted processes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smartcam.edge.outbox.outbox import Outbox, OutboxLimits
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/outbox.sqlite"


@pytest.fixture
def opened(path: Path, clock: FakeClock) -> Iterator[Callable[..., Outbox]]:
    """Opens the outbox as a restarted process would, and closes the one before."""
    boxes: list[Outbox] = []

    def again(limits: OutboxLimits | None = None) -> Outbox:
        for box in boxes:
            box.close()
        boxes.append(Outbox(path, clock, limits, random=lambda: 1.0))
        return boxes[-1]

    yield again
    for box in boxes:
        box.close()
