"""What a mask hides of an RTSP camera, whose packets show it: nowhere is it found."""

from pathlib import Path

import pytest

from standins.rtsp import RtspServer
from tests.clips import picture_of
from tests.rtsp.camera import RtspCamera, record
from tests.unit.capture.recording.test_camera_recording import all_that_is_kept, assert_nowhere, halves, keeping_all


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_of_a_masked_place_no_true_pixel_reaches_ring_or_disk(server: RtspServer, tmp_path: Path, codec: str) -> None:
    film = record(tmp_path / "halves", map(picture_of, map(halves, range(40))), codec)
    with RtspCamera(server) as camera:
        camera.show(film, codec)
        with keeping_all(tmp_path, {"source": "rtsp", "url": camera.url}) as bench:
            assert_nowhere(all_that_is_kept(bench))
