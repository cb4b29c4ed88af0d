"""Components that are built again by themselves."""

import threading
from collections.abc import Callable

import pytest

from smartcam.contract.errors import SmartcamError
from smartcam.edge.lifecycle import Service, StopToken
from targets.azure.restarting import Restarting


class Stumbling:
    """Fails in its own way, so often; then works until it is stopped."""

    def __init__(self, fail: Callable[[], None], times: int) -> None:
        self.fail, self.left = fail, times
        self.works = threading.Event()

    def run(self, stop: StopToken) -> None:
        if self.left:
            self.left -= 1
            self.fail()
            return
        self.works.set()
        stop.wait()


class Beside:
    """Counts how often it began and ended."""

    def __init__(self) -> None:
        self.began = self.ended = 0

    def run(self, stop: StopToken) -> None:
        self.began += 1
        stop.wait()
        self.ended += 1


def raises(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def restarting(services: Callable[[], list[tuple[str, Service]]]) -> Restarting:
    return Restarting("capture", services, lambda: 0.0, lambda: 0.0, first_s=0.001)


@pytest.mark.parametrize("fail", [raises(SmartcamError("lost")), raises(ValueError("a bug")), lambda: None])
def test_a_component_whose_service_has_ended_is_built_again_whole(fail: Callable[[], None]) -> None:
    service, beside, stop = Stumbling(fail, 2), Beside(), StopToken()
    component = restarting(lambda: [("one", service), ("two", beside)])
    thread = threading.Thread(target=component.run, args=(stop,))
    thread.start()
    assert service.works.wait(60)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert component.starts == beside.began == beside.ended == 3


def test_a_component_that_cannot_be_built_is_tried_again() -> None:
    service, stop, tries = Stumbling(lambda: None, 0), StopToken(), [1, 1]

    def build() -> list[tuple[str, Service]]:
        if tries:
            tries.pop()
            raise OSError("no memory")
        return [("one", service)]

    thread = threading.Thread(target=restarting(build).run, args=(stop,))
    thread.start()
    assert service.works.wait(60)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()


def test_nothing_is_built_after_the_stop() -> None:
    stop = StopToken()
    stop.set()
    component = restarting(list)
    component.run(stop)
    assert component.starts == 0
