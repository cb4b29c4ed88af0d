from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.console.looking import _reason
from smartcam.contract.event import Event, EventKind, NormalBox, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.clip_name import ClipName
from smartcam.edge.history.folder import EventHistory, HistorySettings
from tests.fakes.clock import SOME_DAY
from tests.fakes.console_world import YARD, ConsoleWorld

MARKUP = "<img src=x onerror=alert(1)>"


def event(number: int, camera: CameraId = YARD, kind: EventKind = EventKind.PERSON, label: str = "person") -> Event:
    at = UtcNs(SOME_DAY + number * NS_PER_S)
    return Event(
        new_event_id(at, number.to_bytes(10)), ThingName("yard-1"), camera, kind, Phase.RAISED, Severity.WARNING,
        at, UtcNs(at + NS_PER_S), 0.5 + number / 100, 0.4, clock_synced=True, label=label, zone="gate",
        box=NormalBox(0.1, 0.2, 0.3, 0.4),
    )  # fmt: skip


@pytest.fixture
def past(tmp_path: Path) -> Iterator[ConsoleWorld]:
    world = ConsoleWorld(tmp_path)
    history = EventHistory(world.history, world.clock)
    history.configure(HistorySettings())
    for number in range(10):
        history.add(event(number))
    history.add(event(10, CameraId("hall"), EventKind.TAMPER, "covered"))
    first = event(0)
    history.add(replace(first, phase=Phase.CLEARED, ended_at=UtcNs(first.started_at + 5 * NS_PER_S)))
    history.add(event(11, label=MARKUP))
    history.judge(first.event_id, true=False)
    history.store()
    with world.running():
        yield world


def ids(world: ConsoleWorld, query: str = "") -> list[str]:
    return [str(each["event_id"]) for each in world.ask("GET", f"/api/events?{query}").rows("events")]


def test_events_come_newest_first_page_by_page_and_by_what_is_looked_for(past: ConsoleWorld) -> None:
    everything = [event(number).event_id for number in (11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)]
    assert ids(past) == everything
    assert ids(past, "limit=5") == everything[:5]
    assert ids(past, f"limit=5&before={everything[4]}") == everything[5:10]
    assert ids(past, "camera=hall") == ids(past, "kind=tamper") == everything[1:2]
    assert ids(past, "zone=nowhere") == []
    assert ids(past, "min_score=0.59") == [everything[0], everything[1], everything[2]]
    assert past.ask("GET", "/api/events?limit=5").json["more"] is True
    assert past.ask("GET", "/api/events").json["more"] is False


def test_an_event_is_told_with_everything_that_is_known_of_it(past: ConsoleWorld) -> None:
    first = event(0)
    name = ClipName(first.event_id, YARD, 1)
    (past.clips / str(name)).write_bytes(b"12345")
    found = past.ask("GET", "/api/events").rows("events")
    ended = replace(first, phase=Phase.CLEARED, ended_at=UtcNs(first.started_at + 5 * NS_PER_S))
    assert found[-1] == {
        **ended.document(),
        "reason_words": None,
        "picture": False,
        "clips": [{"name": str(name), "bytes": 5}],
        "verdict": False,
        "held_back": False,
    }
    assert found[1]["reason_words"] == {"en": "Something covers the lens", "zh": "镜头被遮挡"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (EventKind.PERSON, "Something is where nothing ever is"),
        (EventKind.MOTION, "Something moved that the camera has no name for · Something is where nothing ever is"),
    ],
)
def test_what_the_learned_scene_says_of_an_event_is_told_beside_its_own_reason(kind: EventKind, words: str) -> None:
    told = _reason(replace(event(0), kind=kind, label=None, cause=None, scene_reason="nowhere"))
    assert told is not None
    assert told["en"] == words


def test_what_is_in_an_event_is_data_and_never_markup(past: ConsoleWorld) -> None:
    answer = past.ask("GET", "/api/events?limit=1")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    [newest] = answer.rows("events")
    assert newest["label"] == MARKUP


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("limit=0", "limit"), ("limit=x", "limit"), ("limit=nan", "limit"), ("limit=1e9", "limit"),
        ("min_score=-1", "min_score"), ("min_score=inf", "min_score"), ("before=../x", "before"),
        ("camera=%3Cscript%3E", "camera"), ("kind=burglar", "kind"),
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_named(past: ConsoleWorld, query: str, key: str) -> None:
    answer = past.ask("GET", f"/api/events?{query}")
    assert answer.status == 400
    assert str(answer.json["error"]).startswith(key)


@pytest.mark.parametrize("name", [MARKUP, "..%2f..%2fpassword", "0" * 36, "%00"])
def test_a_picture_of_what_is_no_event_is_nowhere(past: ConsoleWorld, name: str) -> None:
    answer = past.ask("GET", f"/api/events/{name}/picture".replace("<", "%3C").replace(">", "%3E").replace(" ", "%20"))
    assert answer.status in {400, 404}
    assert answer.headers["content-type"] == "application/json"
    gone = EventId("0190b2c4-0000-7000-8000-000000000000")
    assert past.ask("GET", f"/api/events/{gone}/picture").status == 404


def test_what_is_written_while_the_console_runs_is_there_at_the_next_question(past: ConsoleWorld) -> None:
    before = ids(past)
    history = EventHistory(past.history, past.clock)
    history.configure(HistorySettings())
    history.add(event(50))
    history.store()
    assert ids(past) == [event(50).event_id, *before]
