"""The same path with frames inside messages: where no memory is shared, and where only capture believes it is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smartcam.contract.inline import is_chunk
from smartcam.contract.notice import StatusNotice
from smartcam.contract.topics import FRAMES_PREFIX
from smartcam.edge.bus.port import LARGEST_PAYLOAD
from tests.pipeline.site import Site
from tests.pipeline.visitor import red_bundle, visit_clip
from tests.waiting import until

RAISED, CLEARED = ("anomaly", "raised"), ("anomaly", "cleared")
Build = Callable[..., Site]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    sites: list[Site] = []

    def site(**camera: object) -> Site:
        clip = visit_clip(tmp_path / "yard.mp4", empty=40)
        sites.append(Site(tmp_path, red_bundle(tmp_path / "bundle"), {"yard": clip}, **camera))
        return sites[-1]

    yield site
    for made in sites:
        made.stop()
        assert list(made.shm.iterdir()) == []


def ways(site: Site) -> list[str]:
    """How frames travelled, without repetitions."""
    sent = [item for item in list(site.nucleus.published_local) if item.topic.startswith(FRAMES_PREFIX)]
    frames = [item.payload for item in sent if b'"status"' not in item.payload[:20]]
    said = ["inline" if is_chunk(payload) else "shared" for payload in frames if b"inline_wanted" not in payload]
    return [now for before, now in zip([None, *said], said, strict=False) if now != before]


def remarks(site: Site) -> set[str]:
    return {notice.reason for notice in site.notices() if isinstance(notice, StatusNotice)}


def test_a_visit_becomes_one_event_without_shared_memory(build: Build) -> None:
    site = build(transport="inline")
    site.start_inference()
    site.start_capture()
    until(lambda: site.cloud.phases() == [RAISED, CLEARED])
    assert ways(site) == ["inline"]
    assert list(site.shm.iterdir()) == []
    assert max(len(item.payload) for item in site.nucleus.published_local) <= LARGEST_PAYLOAD
    (raised, _) = site.cloud.events
    assert raised.box is not None
    frames = site.service().facts.frames
    assert (frames.incomplete, frames.unreadable, frames.refused) == (0, 0, 0)


def test_a_ring_that_cannot_be_made_sends_the_frames_inline_and_the_status_says_why(build: Build) -> None:
    site = build(transport="auto")
    site.start_inference()
    (site.shm / "smartcam-yard").mkdir()
    site.start_capture()
    until(lambda: site.cloud.phases() == [RAISED, CLEARED])
    assert ways(site) == ["inline"]
    assert any(remark.startswith("frames travel inline: ") for remark in remarks(site))
    (site.shm / "smartcam-yard").rmdir()


def test_inference_that_cannot_open_the_ring_gets_the_frames_inline(build: Build, tmp_path: Path) -> None:
    site = build(transport="auto")
    shared, elsewhere = site.shm, tmp_path / "elsewhere"
    elsewhere.mkdir()
    site.shm = elsewhere
    site.start_inference()
    site.shm = shared
    site.start_capture()
    until(lambda: site.cloud.phases() == [RAISED, CLEARED])
    assert ways(site) == ["shared", "inline"]
    assert any("inference cannot read the ring" in remark for remark in remarks(site))


def test_shared_alone_does_not_fall_back(build: Build, tmp_path: Path) -> None:
    site = build(transport="shared")
    shared, elsewhere = site.shm, tmp_path / "elsewhere"
    elsewhere.mkdir()
    site.shm = elsewhere
    site.start_inference()
    site.shm = shared
    site.start_capture()
    until(lambda: site.service().facts.frames.unreadable > 5)
    assert ways(site) == ["shared"]
