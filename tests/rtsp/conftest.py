"""The RTSP server of the tests, and clips for its camera to show."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from standins.rtsp import RtspServer, setup_rtsp
from tests.clips import moving_square
from tests.rtsp.camera import RtspCamera, record
from tools.setup import ToolsError


@pytest.fixture(scope="session")
def server() -> RtspServer:
    try:
        return setup_rtsp(say=lambda _: None)
    except ToolsError as error:
        pytest.skip(f"no RTSP server: {error}")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small.h264, large.h264 and small.h265."""
    folder = tmp_path_factory.mktemp("clips")
    record(folder / "small.h264", moving_square(frames=40))
    record(folder / "large.h264", moving_square(640, 480, frames=40))
    record(folder / "small.h265", moving_square(frames=40), "h265")
    return folder


@pytest.fixture
def camera(server: RtspServer, clips: Path) -> Iterator[RtspCamera]:
    """A camera without a password that shows small.h264."""
    with RtspCamera(server) as camera:
        camera.show(clips / "small.h264")
        yield camera
