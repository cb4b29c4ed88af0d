import base64
import json
from dataclasses import replace

import pytest

from measure.demo.report import DeliveredAlert
from measure.demo.story import Entry, Story
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.notice import CameraState, FrameNotice, PixelBox, StatusNotice, encode_notice
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs, UtcNs
from smartcam.contract.wanted import NOTHING_WANTED

START = UtcNs(1_700_000_000 * NS_PER_S)
YARD = CameraId("yard")


def at(seconds: float) -> UtcNs:
    return UtcNs(START + round(seconds * NS_PER_S))


def entry(seconds: float, event: str, payload: bytes = b"", **facts: object) -> Entry:
    document = {"at_ns": at(seconds), "event": event, "payload": base64.b64encode(payload).decode(), **facts}
    return Entry.of_line(json.dumps(document))


def frame(seconds: float, *, moving: bool) -> Entry:
    motion = (PixelBox(0, 0, 9, 9),) if moving else ()
    position = round(seconds * NS_PER_S)
    notice = FrameNotice(YARD, 1, 1, 0, 64, 48, at(seconds), MonotonicNs(position), position, motion)
    return entry(seconds, "local_publish", encode_notice(notice), topic="smartcam/frames/yard")


def status(state: CameraState, reason: str = "") -> Entry:
    notice = StatusNotice(YARD, state, reason, 10.0, 20, 7, START, at(1))
    return entry(1, "local_publish", encode_notice(notice), topic="smartcam/frames/yard")


def event(phase: Phase = Phase.RAISED) -> Event:
    return Event(
        event_id=new_event_id(at(5), bytes(10)),
        thing=ThingName("porch"),
        camera_id=YARD,
        kind=EventKind.ANOMALY,
        phase=phase,
        severity=Severity.WARNING,
        started_at=at(5),
        expires_at=at(99),
        ended_at=at(8) if phase is Phase.CLEARED else None,
        score=0.93,
        threshold=0.7,
        clock_synced=True,
    )


def publication(phase: Phase = Phase.RAISED, *, ok: bool = True) -> Entry:
    return entry(5.05, "cloud_publish", event(phase).to_json(), topic="smartcam/v1/porch/yard/event", ok=ok)


def answer(status: AckStatus, reason: str = "") -> Entry:
    payload = Acknowledgement(event().event_id, Phase.RAISED, status, reason).to_json()
    return entry(6, "cloud_receive", payload, topic="smartcam/v1/porch/ack")


def test_what_the_cloud_wants_is_no_answer_to_an_event() -> None:
    story = Story()
    assert story.take(entry(6, "cloud_receive", NOTHING_WANTED.to_json(), topic="smartcam/v1/porch/ack")) == []
    assert story.acknowledged == set()


def test_motion_is_told_when_it_begins_and_not_with_every_frame() -> None:
    story = Story()
    told = [story.take(frame(seconds, moving=True)) for seconds in (1.0, 1.2, 1.4, 9.0)]
    assert told == [["   1.0 s  motion"], [], [], ["   9.0 s  motion"]]
    assert story.take(frame(9.5, moving=False)) == []
    assert (story.announced, story.moving) == (5, 4)


def test_an_event_is_told_with_its_place_in_the_clip_and_its_latency() -> None:
    story = Story()
    story.take(status(CameraState.RUNNING))
    assert story.take(publication()) == [
        "   5.0 s  EVENT anomaly, score 0.93 (raised at 0.70), published 50 ms after the frame"
    ]
    assert story.take(publication(Phase.CLEARED)) == ["   8.0 s  cleared: anomaly"]
    assert story.unacknowledged() == 2


def told_of(story: Story, seconds: float, sent: Event) -> list[str]:
    return story.take(entry(seconds, "cloud_publish", sent.to_json(), topic="smartcam/v1/porch/yard/event", ok=True))


def test_what_the_learned_scene_says_is_told_in_words_at_once() -> None:
    odd = replace(event(), scene_score=0.6, scene_reason="nowhere")
    assert told_of(Story(), 5.05, odd)[1:] == ["          and unusual here: Something is where nothing ever is"]


def test_what_the_learned_scene_says_later_is_told_once_however_often_it_is_sent() -> None:
    story, odd = Story(), replace(event(), scene_score=0.6, scene_reason="nowhere", revision=1)
    story.take(status(CameraState.RUNNING))
    assert len(told_of(story, 5.05, event())) == 1
    assert told_of(story, 5.5, odd) == [
        "   5.5 s  the learned scene finds it unusual, too: Something is where nothing ever is"
    ]
    assert told_of(story, 9.5, odd) == []


def test_an_email_is_told_with_the_lines_that_say_why() -> None:
    story = Story()
    story.take(publication())
    alert = DeliveredAlert(event().event_id, "email", "a@b", at(5.1), ("Why:       something", "Unusual:   here"))
    assert story.deliver(alert)[1:] == ["        | Why:       something", "        | Unusual:   here"]


def test_a_publication_that_failed_is_no_event_yet() -> None:
    story = Story()
    assert story.take(publication(ok=False)) == []
    assert story.published == []


def test_an_acknowledgement_settles_its_phase() -> None:
    story = Story()
    story.take(publication())
    assert story.take(answer(AckStatus.ACCEPTED)) == []
    assert (story.unacknowledged(), story.refused) == (0, set())


def test_a_refusal_is_told_with_its_reason() -> None:
    story = Story()
    story.take(publication())
    assert story.take(answer(AckStatus.REFUSED, "thing: is another")) == [
        f"the cloud refused {event().event_id}: thing: is another"
    ]
    assert story.refused == {event().event_id}


def test_an_alert_is_told_with_both_latencies() -> None:
    story = Story()
    story.take(publication())
    alert = DeliveredAlert(event().event_id, "sms", "+1", UtcNs(at(5.05) + 120 * NS_PER_MS))
    assert story.deliver(alert) == ["sms   to +1: 120 ms after publishing, 170 ms after the frame"]
    assert story.alerts == [alert]


def test_an_alert_for_no_event_is_told_as_such() -> None:
    stray = DeliveredAlert(event().event_id, "sms", "+1", at(5))
    assert Story().deliver(stray) == ["sms to +1, for no event that was raised"]


def test_a_change_of_the_camera_is_told_once_and_its_loss_is_a_fault() -> None:
    story = Story()
    assert story.take(status(CameraState.RUNNING)) == ["camera yard running"]
    assert story.take(status(CameraState.RUNNING)) == []
    assert story.take(status(CameraState.LOST, "no such file")) == ["camera yard lost: no such file"]
    assert story.faults == ["camera yard lost: no such file"]
    assert not story.ended


def test_a_clip_that_was_played_has_ended() -> None:
    story = Story()
    story.take(status(CameraState.ENDED))
    assert story.ended
    assert story.clip_started_at == START


@pytest.mark.parametrize(
    "broken",
    [
        entry(1, "component_state", component="smartcam.Capture", state="BROKEN", reason="exit 1"),
        entry(1, "denied", component="smartcam.Capture", operation="PublishToTopic", resource="x"),
    ],
)
def test_what_breaks_is_a_fault(broken: Entry) -> None:
    story = Story()
    assert story.take(broken)
    assert len(story.faults) == 1


def test_entries_of_other_kinds_are_left_alone() -> None:
    assert Story().take(entry(1, "connection_opened", component="x")) == []


@pytest.mark.parametrize("line", ["", "{}", "[]", '{"at_ns": 1}'])
def test_a_line_that_is_no_entry_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json and we say it in many ways
        Entry.of_line(line)
