from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from measure.demo.pictures import Moment, annotate, write_pictures
from smartcam.contract.event import Event, EventKind, NormalBox, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import UtcNs
from smartcam.vision.turn import quarter_turn
from tests.clips import picture_of, write_clip


def moment(seconds: float, number: int = 0) -> Moment:
    event = Event(
        event_id=new_event_id(UtcNs(0), bytes([number] * 10)),
        thing=ThingName("porch"),
        camera_id=CameraId("yard"),
        kind=EventKind.PERSON,
        phase=Phase.RAISED,
        severity=Severity.WARNING,
        started_at=UtcNs(0),
        expires_at=UtcNs(0),
        score=0.9,
        threshold=0.5,
        clock_synced=True,
        box=NormalBox(0.25, 0.25, 0.75, 0.75),
    )
    return Moment(event, seconds)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Ten pictures a second apart; picture n has the grey value 20 n."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(10):
            grey = np.full((240, 320, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="bgr24")))
        container.mux(stream.encode())
    return path


def test_each_event_gets_the_picture_of_its_moment(clip: Path, tmp_path: Path) -> None:
    written = write_pictures(clip, [moment(7.2, 1), moment(3.0, 2), moment(99, 3)], tmp_path / "events")
    greys = [round(float(np.median(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[:40, :40])), -1) for path in written]
    assert greys == [60, 140, 180]
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}  # they may show people


def test_a_clip_that_is_stored_turned_is_shown_as_a_player_shows_it(tmp_path: Path) -> None:
    grey = np.full((240, 320), 60, np.uint8)
    grey[:120, 160:] = 200
    clip = write_clip(tmp_path / "turned.mp4", [picture_of(grey)] * 3, fps=1, turn=quarter_turn(270))
    (written,) = write_pictures(clip, [moment(1.0)], tmp_path / "events")
    shown = cv2.imread(str(written), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    assert shown.shape[1] == 240
    assert shown[10:70, 10:50].mean() > 150
    assert shown[10:70, 190:230].mean() < 100


def test_the_box_is_drawn_where_the_event_says() -> None:
    before = np.full((200, 400, 3), 128, np.uint8)
    after = annotate(before, moment(1.0))
    assert after.shape[1] == 400
    assert after.shape[0] > 200
    changed = np.nonzero((after[:200] != before).any(axis=2))
    assert (changed[0].min(), changed[0].max()) == (50, 150)
    assert (changed[1].min(), changed[1].max()) == (100, 300)
    assert (before == 128).all()


def test_without_events_there_is_nothing_to_write(clip: Path, tmp_path: Path) -> None:
    assert write_pictures(clip, [], tmp_path / "events") == []


def test_a_clip_that_cannot_be_read_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        write_pictures(tmp_path / "missing.mp4", [moment(1.0)], tmp_path / "events")
