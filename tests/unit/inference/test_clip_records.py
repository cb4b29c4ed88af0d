"""What capture says of its clips, on its way to the cloud."""

from dataclasses import replace

import pytest

from smartcam.contract.clip import ClipHeard, ClipKept, ClipRequest, encode_clip_message
from smartcam.contract.event import ClipPart, Event, Phase
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import MonotonicNs
from smartcam.contract.topics import clips_topic
from smartcam.inference.clip_records import ClipRecords
from smartcam.inference.events import Change
from tests.clip_events import THING, YARD, event_id, event_of

TOPIC = clips_topic(YARD)


def recorded(number: int, revision: int = 1, thing: ThingName = THING) -> Event:
    clips = (ClipPart(revision, 1000, "a" * 64),)
    return replace(event_of(number, thing=thing), phase=Phase.RECORDED, revision=revision, clips=clips)


class Bench:
    def __init__(self, *takes: str) -> None:
        self.takes = takes
        self.heard: list[ClipKept] = []
        self.noted: list[Event] = []
        self.records = ClipRecords(THING, lambda: self.takes, self.heard.append, self.noted.append)

    def hear(self, *events: Event) -> None:
        for event in events:
            self.records.hear(TOPIC, encode_clip_message(ClipKept(event)))


def test_a_cloud_that_has_said_so_is_told_of_clips_and_capture_is_heard() -> None:
    bench = Bench("recorded")
    bench.hear(recorded(1), recorded(2))
    assert bench.records.changes() == [Change(recorded(1), None), Change(recorded(2), None)]
    bench.records.stored()
    assert bench.heard == [ClipKept(recorded(1)), ClipKept(recorded(2))]
    assert bench.records.changes() == []
    assert bench.noted == [], "who takes note hears of them as of any change"


@pytest.mark.parametrize("takes", [(), ("something else",)])
def test_a_cloud_that_has_not_is_sent_nothing_that_it_would_refuse(takes: tuple[str, ...]) -> None:
    bench = Bench(*takes)
    bench.hear(recorded(1))
    assert bench.records.changes() == []
    bench.records.stored()
    assert bench.heard == [ClipKept(recorded(1))]
    assert bench.records.changes() == []
    assert bench.noted == [recorded(1)], "the device itself takes note of its clips all the same"


def test_what_inference_itself_says_on_the_topic_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench("recorded")
    request = ClipRequest(event_of(1), MonotonicNs(1), MonotonicNs(2))
    for message in (request, ClipHeard(YARD, event_id(1), 1)):
        bench.records.hear(TOPIC, encode_clip_message(message))
    assert bench.records.changes() == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (TOPIC, b"nonsense"),
        (clips_topic(CameraId("gate")), encode_clip_message(ClipKept(recorded(1)))),
        (TOPIC, encode_clip_message(ClipKept(recorded(1, thing=ThingName("another"))))),
        (TOPIC, encode_clip_message(ClipKept(recorded(1))).replace(b'"recorded"', b'"raised"')),
    ],
)
def test_a_message_of_another_camera_or_thing_or_phase_is_refused(
    topic: str, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench("recorded")
    bench.records.hear(topic, payload)
    assert bench.records.changes() == []
    assert "clip_message_refused" in caplog.text


def test_capture_says_it_until_the_record_is_stored_and_it_is_stored_once() -> None:
    bench = Bench("recorded")
    bench.hear(recorded(1))
    assert bench.records.changes() == [Change(recorded(1), None)]
    assert bench.heard == []
    bench.hear(recorded(1), recorded(2), recorded(2, revision=2))
    assert bench.records.changes() == [], "nothing more comes before the disk has taken what came"
    bench.records.stored()
    assert bench.heard == [ClipKept(recorded(1))]
    assert bench.records.changes() == [Change(recorded(1), None), Change(recorded(2, revision=2), None)]


def test_a_flood_of_wrong_messages_is_logged_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench("recorded")
    for _ in range(150):
        bench.records.hear(TOPIC, b"nonsense")
    assert caplog.text.count("clip_message_refused") == 2
