"""What the console has in memory before anybody looks, and while somebody does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from smartcam.edge.ring.packet_ring import PacketRingWriter
from tests.encoded import encoded, video_packets
from tests.fakes.console_world import YARD

LOADED = """
import json, sys
from pathlib import Path
import smartcam.console.main
import smartcam.edge.bus.greengrass
from smartcam.console.live import VideoFollower
from smartcam.contract.ids import CameraId
from smartcam.edge.ring.packet_ring import PacketRingReader
if len(sys.argv) > 1:
    follower = VideoFollower(lambda: PacketRingReader(Path(sys.argv[1]), CameraId("yard")), lambda: 1)
    assert follower.step()
kilobytes = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
sizes = {name: int(kilobytes[name].split()[0]) / 1000 for name in ("Rss", "Pss")}
print(json.dumps({"modules": list(sys.modules), **sizes}))
"""
"""Says what is loaded, and how many megabytes that takes."""
HEAVY = {"numpy", "cv2", "av", "sqlite3", "cryptography", "aiortc", "ai_edge_litert", "onnxruntime"}


def loaded(*arguments: str) -> Any:  # noqa: ANN401  JSON
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LOADED, *arguments]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


def test_nothing_is_loaded_for_pictures_before_somebody_looks() -> None:
    found = loaded()
    assert HEAVY & set(found["modules"]) == set()
    assert found["Rss"] < 60


def test_whoever_looks_at_video_costs_one_library_and_stays_under_eighty_megabytes(tmp_path: Path) -> None:
    ring = PacketRingWriter(tmp_path, YARD, 1 << 20, 100)
    for packet in video_packets(encoded(12)):
        assert ring.write(packet)
    found = loaded(str(tmp_path))
    ring.close()
    assert HEAVY & set(found["modules"]) == {"av"}
    assert found["Rss"] < 80
    print({name: found[name] for name in ("Rss", "Pss")})  # noqa: T201
