"""The page's own server and the console answer alike: what the page shows of the one it shows of the other."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.routing import Route, WebSocketRoute

from smartcam.contract.ids import CameraId
from smartcam.contract.topics import LOCAL_HEALTH
from smartcam.edge.history.folder import EventHistory, HistorySettings
from tests.fakes.console_server import ConsoleFake, MadeConsole, made_events, serving
from tests.fakes.console_world import ConsoleWorld
from tests.unit.console.test_event_pages import event
from tests.unit.console.test_looking import health

MANY = 40
Asks = Callable[[str], Mapping[str, object]]


@contextmanager
def made() -> Iterator[Asks]:
    with serving(MadeConsole(events=made_events(MANY, time.time_ns() // 1_000_000))) as address:
        place = address.removeprefix("http://").removesuffix("/")

        def ask(path: str) -> Mapping[str, object]:
            connection = http.client.HTTPConnection(place, timeout=60)
            connection.request("GET", path)
            found = json.loads(connection.getresponse().read())
            connection.close()
            assert isinstance(found, dict)
            return found

        yield ask


@contextmanager
def real(folder: Path) -> Iterator[Asks]:
    world = ConsoleWorld(folder)
    history = EventHistory(world.history, world.clock)
    history.configure(HistorySettings())
    for number in range(MANY):
        history.add(event(number, CameraId("yard")))
    history.store()
    world.report()
    world.nucleus.bus("smartcam.Inference").publish_local(LOCAL_HEALTH, health().to_json())
    with world.running():
        yield lambda path: world.ask("GET", path).json


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asks, Asks]]:
    with made() as first, real(tmp_path_factory.mktemp("real")) as second:
        yield first, second


def fields(answer: Mapping[str, object]) -> dict[str, object]:
    """An answer's keys, and those of what it lists first."""
    return {
        key: sorted(value[0]) if isinstance(value, list) and value and isinstance(value[0], dict) else None
        for key, value in answer.items()
    }


@pytest.mark.parametrize("path", ["session", "cameras", "events", "events?limit=5", "health", "health/day"])
def test_the_pages_server_says_what_the_console_says(both: tuple[Asks, Asks], path: str) -> None:
    first, second = (fields(ask(f"/api/{path}")) for ask in both)
    if path == "health/day":  # a minute has to pass before the console's day has a point
        assert (first.keys(), first["minutes"]) == (second.keys(), ["cameras", "dropped", "outbox", "time"])
    else:
        assert first == second


def test_both_page_through_events_alike(both: tuple[Asks, Asks]) -> None:
    for ask in both:
        first = ask("/api/events?limit=30")
        assert first["more"] is True
        events = first["events"]
        assert isinstance(events, list)
        rest = ask(f"/api/events?limit=30&before={events[-1]['event_id']}")["events"]
        assert isinstance(rest, list)
        ids = [each["event_id"] for each in [*events, *rest]]
        assert len(ids) == MANY
        assert ids == sorted(ids, reverse=True)


def test_an_id_made_of_a_time_alone_is_a_place_in_the_list_to_both(both: tuple[Asks, Asks]) -> None:
    """The page makes such a one of the day up to which events are to be shown."""
    for ask in both:
        later = ask("/api/events?limit=200&before=0fffffff-ffff-7000-8000-000000000000")["events"]
        earlier = ask("/api/events?limit=200&before=00000000-0001-7000-8000-000000000000")["events"]
        assert isinstance(later, list)
        assert len(later) == MANY
        assert earlier == []


def test_the_pages_server_has_the_consoles_routes_and_no_others(tmp_path: Path) -> None:
    def names(routes: object) -> set[tuple[str, str]]:
        assert isinstance(routes, list)
        found = set()
        for route in routes:
            if isinstance(route, Route | WebSocketRoute) and route.path.startswith("/api/"):
                plain = "/".join("*" if part.startswith("{") else part for part in route.path.split("/"))
                methods = getattr(route, "methods", None) or {"WS"}
                found |= {(plain, method) for method in methods if method != "HEAD"}
        return found

    console = names(ConsoleWorld(tmp_path).routes)
    page = names(ConsoleFake(MadeConsole()).app.routes)
    beside = {("/api/session", method) for method in ("GET", "POST", "DELETE")} | {("/api/live/*", "WS")}
    assert page == console | beside
