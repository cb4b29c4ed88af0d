"""A service that is configured anew while it works."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from smartcam.contract.errors import CameraLost, SettingsError
from smartcam.edge.configured import Configured
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.understood import Understood
from tests.fakes.bus import FakeNucleus
from tests.threads import in_a_thread
from tests.waiting import until


def read(document: Mapping[str, object]) -> int:
    port = document.get("port", 1)
    if not isinstance(port, int):
        raise SettingsError("port", port, "must be a number")
    return port


@contextmanager
def running(
    nucleus: FakeNucleus, told: list[str], work: Callable[[Configured[int], StopToken, int], None]
) -> Iterator[None]:
    configured = Configured(nucleus.bus("smartcam.Console"), Understood(read), 1, told.append)

    def run(stop: StopToken) -> None:
        configured.run(stop, lambda settings: work(configured, stop, settings), (CameraLost,), lambda: 0.01)

    with in_a_thread(run):
        yield


def test_it_works_by_the_configuration_that_holds_and_goes_on_by_it_where_the_next_one_cannot_be_read() -> None:
    nucleus, told, worked = FakeNucleus(), list[str](), list[int]()

    def work(configured: Configured[int], stop: StopToken, port: int) -> None:
        worked.append(port)
        while not stop.is_set() and not configured.is_over():
            configured.rest(stop, 1)

    nucleus.configure("smartcam.Console", {"port": 7})
    with running(nucleus, told, work):
        until(lambda: worked == [7])
        nucleus.configure("smartcam.Console", {"port": "x"})
        nucleus.configure("smartcam.Console", {"port": 7})
        nucleus.configure("smartcam.Console", {"port": 8})
        until(lambda: worked == [7, 8])


def test_what_keeps_it_from_working_is_told_once_until_it_works_and_tried_again() -> None:
    nucleus, told, tries = FakeNucleus(), list[str](), list[int]()

    def work(configured: Configured[int], stop: StopToken, port: int) -> None:
        tries.append(port)
        if len(tries) == 4:
            configured.works()
        if len(tries) == 6:
            stop.wait(60)
        raise CameraLost("the port is taken")

    nucleus.configure("smartcam.Console", {"port": 7})
    with running(nucleus, told, work):
        until(lambda: len(tries) == 6)
    assert told == ["the port is taken"] * 2


def test_a_configuration_that_was_never_right_is_told_and_waited_for() -> None:
    nucleus, told, worked = FakeNucleus(), list[str](), list[int]()

    def work(_: Configured[int], stop: StopToken, port: int) -> None:
        worked.append(port)
        stop.wait(60)

    nucleus.configure("smartcam.Console", {"port": "x"})
    with running(nucleus, told, work):
        until(lambda: len(told) == 1)
        assert worked == []
        nucleus.configure("smartcam.Console", {"port": 9})
        until(lambda: worked == [9])
    assert "port = 'x': must be a number" in told[0]
