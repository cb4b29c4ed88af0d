"""The whole path of the device: clip, gate, ring, notice, mailbox, model, alarm, outbox, cloud, acknowledgement."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from smartcam.contract.event import Event, Phase
from smartcam.contract.notice import FrameNotice
from smartcam.contract.times import NS_PER_MS, NS_PER_S
from smartcam.inference import sender
from smartcam.inference.health import Facts
from tests.pipeline.site import Site
from tests.pipeline.visitor import COMING, FPS, red_bundle, visit_clip
from tests.waiting import until

RAISED, CLEARED = ("anomaly", "raised"), ("anomaly", "cleared")
Build = Callable[..., Site]


def position_s(site: Site, event: Event) -> float:
    """The place in the clip of the frame that raised an event, whenever it was read; events carry milliseconds."""
    frames = [notice for notice in site.notices() if isinstance(notice, FrameNotice)]
    return next(n.position_ns for n in frames if n.captured_at // NS_PER_MS == event.started_at // NS_PER_MS) / NS_PER_S


def all_heard_are_accounted_for(facts: Facts) -> bool:
    frames = facts.frames
    return facts.analysed + frames.dropped + frames.overwritten == frames.heard


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """Makes a site with one clip a camera, and stops it in the end."""
    sites: list[Site] = []

    def site(clips: Mapping[str, Mapping[str, int]], **camera: object) -> Site:
        paths = {name: visit_clip(tmp_path / f"{name}.mp4", **clip) for name, clip in clips.items()}
        sites.append(Site(tmp_path, red_bundle(tmp_path / "bundle"), paths, **camera))
        return sites[-1]

    yield site
    for made in sites:
        made.stop()
        assert list(made.shm.iterdir()) == []


def test_a_visit_becomes_one_event_that_the_cloud_has_raised_and_cleared(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is to wait for that: the test would not.
    monkeypatch.setattr(sender, "_LOOK_AGAIN_S", 600.0)
    site = build({"yard": {}})
    site.start_inference()
    site.start_capture()
    until(lambda: site.cloud.phases() == [RAISED, CLEARED])
    until(lambda: site.waiting() == 0)
    raised, cleared = site.cloud.events
    assert raised.event_id == cleared.event_id
    at_s = position_s(site, raised)
    assert 1.0 <= at_s <= 1.0 + (COMING + 60) / FPS
    assert raised.box is not None
    assert (raised.model_name, raised.label) == ("red", "intruder")
    # Some of the last frames are still on their way.
    until(site.has_ended)
    until(lambda: all_heard_are_accounted_for(site.service().facts))
    facts, unstored = site.service().facts, site.service().changes.unstored
    frames = facts.frames
    assert (frames.unreadable, facts.failed, frames.refused, unstored) == (0, 0, 0, 0)


def test_two_cameras_are_told_apart(build: Build) -> None:
    site = build({"yard": {}, "gate": {"empty": 30}})
    site.start_inference()
    site.start_capture()
    until(lambda: len(site.cloud.events) == 4)
    seen = sorted((str(event.camera_id), str(event.phase)) for event in site.cloud.events)
    assert seen == [("gate", "cleared"), ("gate", "raised"), ("yard", "cleared"), ("yard", "raised")]


def test_inference_that_is_restarted_during_a_visit_raises_no_second_event(build: Build) -> None:
    site = build({"yard": {"then_empty": 200}})
    site.start_inference()
    site.start_capture()
    until(lambda: site.cloud.events)
    site.stop_inference()
    site.start_inference()
    until(lambda: len(site.cloud.events) > 1)
    assert site.cloud.phases() == [RAISED, CLEARED]
    assert site.service().facts.analysed > 0


def test_capture_that_is_restarted_is_noticed_and_its_new_ring_read(build: Build) -> None:
    site = build({"yard": {}}, at_end="reopen")
    site.start_inference()
    site.start_capture()
    until(lambda: site.cloud.events)
    site.stop_capture()
    read = site.service().facts.analysed
    site.start_capture()
    until(lambda: site.service().facts.analysed > read)
    until(lambda: len(site.cloud.events) >= 2)
    assert site.service().facts.frames.unreadable == 0
    assert site.cloud.phases()[:2] == [RAISED, CLEARED]


def test_what_happens_while_the_cloud_is_away_reaches_it_afterwards(build: Build) -> None:
    site = build({"yard": {}})
    site.nucleus.cloud_away = True
    site.start_inference()
    site.start_capture()
    until(site.has_ended)
    until(lambda: site.waiting() == 2)
    assert site.cloud.events == []
    site.nucleus.cloud_away = False
    until(lambda: site.waiting() == 0)
    assert sorted(site.cloud.phases()) == [CLEARED, RAISED]
    assert all(event.age_ms for event in site.cloud.events)


def test_an_event_whose_acknowledgement_is_lost_is_sent_again_under_the_same_id(build: Build) -> None:
    site = build({"yard": {"stays": 100}})
    site.cloud.is_deaf = True
    site.start_inference()
    site.start_capture()
    until(lambda: site.cloud.unanswered)
    site.cloud.is_deaf = False
    until(lambda: site.cloud.events)
    before, again = site.cloud.unanswered[0], site.cloud.events[0]
    assert (again.event_id, again.phase) == (before.event_id, Phase.RAISED)
