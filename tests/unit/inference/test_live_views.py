"""What is seen right now: for who looks, and at no cost where nobody does."""

from dataclasses import replace

import pytest

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import CameraId
from smartcam.contract.topics import views_topic
from smartcam.contract.view import CameraView, ViewedScene, ViewWatch, decode_view_message, encode_view_message
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.inference.live_views import LiveViews
from smartcam.vision.journal import JournalRow
from tests.fakes.bus import FakeNucleus, Publication
from tests.fakes.clock import FakeClock
from tests.unit.inference.stage import GATE, YARD, frame

SOMEBODY = JournalRow(YARD, 1, 7, EventKind.PERSON, "person", NormalBox(0.1, 0.2, 0.3, 0.4), 0.8, is_on=True)
WATCH = encode_view_message(ViewWatch(YARD))


class Post:
    """Views with their nucleus, and frames that go by."""

    def __init__(self, *cameras: CameraId) -> None:
        self.clock = FakeClock()
        self.nucleus = FakeNucleus()
        self.views = LiveViews(self.nucleus.bus("smartcam.Inference"), self.clock, lambda one: one in (YARD, *cameras))
        self.nucleus.bus("smartcam.Inference").subscribe_local("smartcam/views/+", self.views.hear)
        self._console = self.nucleus.bus("smartcam.Console")
        self._at_s = 0.0

    def watch(self, camera: CameraId = YARD) -> None:
        self._console.publish_local(views_topic(camera), encode_view_message(ViewWatch(camera)))

    def say(self, topic: str, payload: bytes) -> None:
        self._console.publish_local(topic, payload)

    def look(self, seconds: float, *, every_s: float = 0.2, camera: CameraId = YARD) -> list[CameraView]:
        """Frames for so long; what was published meanwhile."""
        before = len(self.seen())
        for _ in range(round(seconds / every_s)):
            self.clock.advance(every_s)
            self._at_s += every_s
            known = SharedKnowledge(seen=(SOMEBODY,), look=ViewedScene(0.2, 0.6))
            self.views.show(frame(self._at_s, camera=camera), known)
        return self.seen()[before:]

    def seen(self) -> list[CameraView]:
        said = (decode_view_message(one.payload) for one in self.nucleus.published_local if b'"view"' in one.payload)
        return [one for one in said if isinstance(one, CameraView)]


def test_nothing_is_said_as_long_as_nobody_looks() -> None:
    post = Post()
    assert post.look(10) == []
    assert post.nucleus.published_local == []


def test_who_looks_is_told_what_each_frame_shows() -> None:
    post = Post()
    post.watch()
    views = post.look(2)
    assert len(views) == 10
    view = views[0]
    (one,) = view.objects
    assert (view.camera_id, view.captured_mono) == (YARD, frame(0.2).captured_mono)
    assert (one.kind, one.label, one.score, one.has_event, one.number) == (EventKind.PERSON, "person", 0.8, True, 7)
    assert one.box == SOMEBODY.box
    assert view.scene == ViewedScene(0.2, 0.6)
    assert {publication.topic for publication in post.nucleus.published_local} == {views_topic(YARD)}


def test_it_stops_fifteen_seconds_after_the_last_watch_and_begins_again_with_the_next() -> None:
    post = Post()
    post.watch()
    post.look(10)
    post.watch()
    assert len(post.look(30)) in (74, 75)
    assert post.look(30) == []
    post.watch()
    assert len(post.look(1)) == 5


@pytest.mark.parametrize("every_s", [0.01, 0.04, 0.099, 0.15, 0.2, 0.199])
def test_there_are_at_most_five_views_in_any_second_however_many_frames_there_are(every_s: float) -> None:
    post = Post()
    post.watch()
    times = [post.clock.monotonic() / 1e9 for _ in range(round(4 / every_s)) if post.look(every_s, every_s=every_s)]
    assert all(later - earlier >= 1 for earlier, later in zip(times, times[5:], strict=False))
    assert len(times) >= 17


def test_only_the_camera_that_is_looked_at_is_shown() -> None:
    post = Post(GATE)
    post.watch(GATE)
    assert post.look(2) == []
    assert len(post.look(2, camera=GATE)) == 10


def test_cameras_do_not_share_what_each_may_say() -> None:
    post = Post(GATE)
    post.watch()
    post.watch(GATE)
    for _ in range(5):
        assert len(post.look(0.2)) == 1
        assert len(post.look(0.001, every_s=0.001, camera=GATE)) == 1


def test_a_thousand_watches_of_cameras_that_are_not_there_leave_nothing_and_take_nobodys_place() -> None:
    post = Post()
    post.watch()
    for number in range(1000):
        post.watch(CameraId(f"ghost-{number}"))
    assert list(post.views._watched) == [YARD]
    assert len(post.look(1)) == 5


def test_a_flood_of_watches_brings_no_more_than_one() -> None:
    post = Post()
    for _ in range(500):
        post.watch()
    assert len(post.look(1)) == 5
    assert len(post.look(20)) in (69, 70)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (views_topic(YARD), b""),
        (views_topic(YARD), b"\xff\x00"),
        (views_topic(YARD), b"[" * 3000),
        (views_topic(YARD), b'{"type":"watch","camera_id":"../../yard"}'),
        (views_topic(YARD), b'{"type":"watch"}'),
        (views_topic(YARD), b'{"type":"stop","camera_id":"yard"}'),
        (views_topic(YARD), WATCH + b" " * 5000),
        (views_topic(GATE), WATCH),
    ],
)
def test_what_is_no_watch_is_counted_and_logged_now_and_then_and_ends_nothing(
    topic: str, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    post = Post(GATE)
    for _ in range(150):
        post.say(topic, payload)
    assert post.views.refused == 150
    assert caplog.text.count("watch_refused") == 2
    assert post.look(2) == []
    post.watch()
    assert len(post.look(1)) == 5


def test_a_view_that_somebody_else_says_is_no_watch_and_no_fault() -> None:
    post = Post()
    post.say(views_topic(YARD), encode_view_message(CameraView(YARD, frame(0).captured_mono)))
    assert post.views.refused == 0
    assert post.look(1) == []


@pytest.mark.parametrize("fault", ["away", "refused"])
def test_a_nucleus_that_does_not_take_views_is_told_of_once_and_asked_seldom(
    fault: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Post()
    post.watch()
    asked: list[str] = []
    accept = post.nucleus.accept

    def asking(publication: Publication, *, is_cloud: bool) -> None:
        asked.append(publication.topic)
        accept(publication, is_cloud=is_cloud)

    monkeypatch.setattr(post.nucleus, "accept", asking)
    if fault == "away":
        post.nucleus.away = True
    else:
        post.nucleus.refused = {views_topic(YARD)}
    assert post.look(11) == []
    assert len(asked) == 3
    assert caplog.text.count("WARNING") == 1
    assert "view_not_sent" in caplog.text
    post.nucleus.away, post.nucleus.refused = False, set()
    post.watch()
    assert len(post.look(6)) >= 5


def test_more_objects_than_fit_are_no_fault() -> None:
    post = Post()
    post.watch()
    crowd = tuple(replace(SOMEBODY, number=number, label="€" * 60) for number in range(100))
    post.clock.advance(0.2)
    post.views.show(frame(0.2), SharedKnowledge(seen=crowd))
    (view,) = post.seen()
    assert 10 < len(view.objects) <= 30
