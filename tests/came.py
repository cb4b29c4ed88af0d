"""When a camera's packets really came: what a test of clips goes by, however slow the machine is."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from smartcam.capture.recording.camera_recording import CameraRecording
from smartcam.edge.ring.packet_ring import VideoPacket


@contextmanager
def noting_packets() -> Iterator[list[VideoPacket]]:
    """The packets that capture is given in the block, of all cameras, in their order."""
    came, keep = list[VideoPacket](), CameraRecording._keep

    def keep_and_note(recording: CameraRecording, packet: VideoPacket) -> None:
        came.append(packet)
        keep(recording, packet)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CameraRecording, "_keep", keep_and_note)
        yield came
