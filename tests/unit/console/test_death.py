import os
import signal
import subprocess
import sys
from pathlib import Path

from smartcam.console.live import LivePictures, VideoBegins, VideoFollower
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.edge.ring.packet_ring import PacketRingReader, PacketRingWriter
from tests.encoded import encoded, video_packets
from tests.fakes.clock import FakeClock
from tests.fakes.console_world import YARD
from tests.fakes.frames import plain_frame

VIEWER = """
import sys, time
from pathlib import Path
from smartcam.console.live import VideoFollower
from smartcam.contract.ids import CameraId
from smartcam.edge.ring.packet_ring import PacketRingReader
viewer = VideoFollower(lambda: PacketRingReader(Path(sys.argv[1]), CameraId("yard")), time.monotonic_ns)
while True:
    for piece in viewer.step():
        print("looks", flush=True)
"""


def test_a_console_that_is_killed_while_it_looks_costs_capture_and_other_viewers_nothing(tmp_path: Path) -> None:
    packets = PacketRingWriter(tmp_path, YARD, 1 << 20, 100)
    frames = RingWriter(tmp_path, YARD)
    stream = video_packets(encoded(60))
    for packet in stream[:12]:
        assert packets.write(packet)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", VIEWER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as viewer:
        assert viewer.stdout is not None
        assert viewer.stdout.readline() == b"looks\n"
        viewer.send_signal(signal.SIGKILL)
    for seq, packet in enumerate(stream[12:]):
        assert packets.write(packet)
        frames.write(plain_frame(seq, 64, 48))
    other = VideoFollower(lambda: PacketRingReader(tmp_path, YARD), FakeClock().monotonic)
    assert isinstance(other.step()[0], VideoBegins)
    notice = frames.write(plain_frame(99, 64, 48))
    assert LivePictures(tmp_path, YARD).picture(notice).width == 64
    packets.close()
    frames.close()
