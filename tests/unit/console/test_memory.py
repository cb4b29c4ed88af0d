"""What the console has in memory before anybody looks, and while somebody does."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from smartcam.edge.ring.packet_ring import PacketRingWriter
from tests.encoded import encoded, video_packets
from tests.fakes.console_world import YARD
from tests.unit.console.test_webrtc import Browser, live_packets, told
from tests.waiting import until

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
RUNNING = """
import sys
from pathlib import Path
import smartcam.edge.bus.greengrass
from smartcam.console.main import COMPONENT, build
from smartcam.edge.lifecycle import run_component
from tools.console.beside import BesideBus
folder, port = Path(sys.argv[1]), int(sys.argv[2])
sys.exit(run_component(COMPONENT, lambda: build(BesideBus(None, {"port": port}), folder, folder / "work")))
"""
"""A console as a device runs it, but for the nucleus."""
HEAVY = {"numpy", "cv2", "av", "sqlite3", "cryptography", "aiortc", "ai_edge_litert", "onnxruntime"}


def loaded(*arguments: str) -> Any:  # noqa: ANN401  JSON
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LOADED, *arguments]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


def megabytes(pid: int) -> dict[str, float]:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes = dict(row.split(":", 1) for row in rows)
    return {name: int(sizes[name].split()[0]) / 1000 for name in ("Rss", "Pss", "Anonymous")}


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_nothing_is_loaded_for_pictures_before_somebody_looks() -> None:
    found = loaded()
    assert HEAVY & set(found["modules"]) == set()
    assert found["Rss"] < 60


def test_whoever_looks_at_video_costs_no_library_and_hardly_any_memory(tmp_path: Path) -> None:
    ring = PacketRingWriter(tmp_path, YARD, 1 << 20, 100)
    for packet in video_packets(encoded(12)):
        assert ring.write(packet)
    found = loaded(str(tmp_path))
    ring.close()
    assert HEAVY & set(found["modules"]) == set()
    assert found["Rss"] < 60
    print({name: found[name] for name in ("Rss", "Pss")})  # noqa: T201


def test_whoever_chooses_webrtc_stays_under_eighty_megabytes_and_video_can_be_looked_at_beside_it(
    tmp_path: Path,
) -> None:
    async def look(port: int, ring: PacketRingWriter) -> dict[str, float]:
        address, origin = f"ws://127.0.0.1:{port}/api/live/{YARD}", {"Origin": f"http://127.0.0.1:{port}"}
        async with connect(f"{address}?as=webrtc", additional_headers=origin, open_timeout=60) as viewer:
            browser = Browser()
            await viewer.send(await browser.answer(str((await told(viewer, "offer"))["sdp"])))
            assert (await told(viewer, "video"))["mime"] == ""
            for packet in packets[13:]:
                ring.write(packet)
                await browser.shown()
            found = megabytes(console.pid)
            # PyAV, which WebRTC does without, is there for who needs it.
            async with connect(address, additional_headers=origin, open_timeout=60) as other:
                assert str((await told(other, "video"))["mime"]).startswith("video/mp4")
                print("both ways", megabytes(console.pid))  # noqa: T201
            await browser.close()
        return found

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    (tmp_path / "work").mkdir()
    ring = PacketRingWriter(tmp_path, YARD, 1 << 18, 100)
    packets = live_packets(33)
    for packet in packets[:13]:
        ring.write(packet)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", RUNNING, str(tmp_path), str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as console:
        try:
            until(lambda: answers(port))
            found = asyncio.run(look(port, ring))
        finally:
            console.terminate()
            ring.close()
    print(found)  # noqa: T201
    assert found["Anonymous"] < 50
    assert found["Rss"] < 80
