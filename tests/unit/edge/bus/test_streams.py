"""A subscription by its own clock: how often it reports."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from smartcam.edge.bus.streams import NEVER_S, Patience, Stream, StreamContext


class Nucleus:
    """Accepts one stream, and sends events on it."""

    def __init__(self) -> None:
        self.heard: Any = None

    def start(self, _client: object, **handlers: Any) -> tuple[Future[object], object]:  # noqa: ANN401  untyped client
        self.heard = handlers["on_stream_event"]
        return Future(), object()


def test_the_changes_of_one_burst_are_reported_once_and_those_of_the_next_once_more() -> None:
    nucleus, now, reports, wakes = Nucleus(), [100.0], list[float](), list[float]()
    with ThreadPoolExecutor(1) as callbacks:
        context = StreamContext(
            callbacks, Patience(burst_s=0.5), lambda: 1.0, lambda: now[0], lambda: wakes.append(now[0])
        )
        stream = Stream("watch", nucleus.start, lambda _: reports.append(now[0]), context, in_bursts=True)
        assert stream.open(object(), lambda ask: ask())
        nucleus.heard("one")
        now[0] = 100.25
        nucleus.heard("two")
        assert wakes == [100.0, 100.25]
        assert stream.report_or_wait() == 0.25
        now[0] = 100.5
        assert stream.report_or_wait() == NEVER_S
        now[0] = 100.75
        nucleus.heard("three")
        assert stream.report_or_wait() == 0.5
        now[0] = 101.25
        assert stream.report_or_wait() == NEVER_S
    assert len(reports) == 2
