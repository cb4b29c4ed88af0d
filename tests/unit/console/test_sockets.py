import json
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from smartcam.console import serving, sockets
from smartcam.console.sockets import MOST_VIEWERS
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import CameraState
from smartcam.contract.topics import views_topic
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.edge.ring.packet_ring import PacketRingWriter, VideoCodec
from tests.encoded import encoded, played, video_packets
from tests.fakes.console_world import YARD, ConsoleWorld, all_of
from tests.fakes.frames import plain_frame
from tests.waiting import until


def told(viewer: ClientConnection) -> dict[str, object]:
    """The next text."""
    while True:
        got = viewer.recv(timeout=60)
        if isinstance(got, str):
            document = json.loads(got)
            assert isinstance(document, dict)
            return document


def test_video_is_shown_from_the_cameras_packets(world: ConsoleWorld) -> None:
    ring = PacketRingWriter(world.rings, YARD, 1 << 20, 100)
    packets = video_packets(encoded(25), from_s=time.monotonic())
    try:
        for packet in packets[:22]:
            ring.write(packet)
        with world.look() as viewer:
            first = told(viewer)
            assert (first["type"], first["width"], first["height"]) == ("video", 64, 48)
            content = viewer.recv(timeout=60, decode=False)
            for packet in packets[22:]:
                ring.write(packet)
            for _ in range(3):
                content += viewer.recv(timeout=60, decode=False)
        assert played(content).numbers == [20, 21, 22, 23]
    finally:
        ring.close()


def test_without_packets_the_analysed_frames_are_shown_and_it_is_said_why(world: ConsoleWorld) -> None:
    ring = RingWriter(world.rings, YARD)
    try:
        with world.look() as viewer:
            assert "no frame has come yet" in str(told(viewer)["words"])
            notice = ring.write(plain_frame(1, 64, 48))
            world.announce(notice)
            about = told(viewer)
            assert "clips.keep" in str(about.pop("why"))
            assert about == {"type": "jpeg", "width": 64, "height": 48}
            assert told(viewer) == {"type": "picture", "captured_mono_ns": notice.captured_mono}
            jpeg = viewer.recv(timeout=60)
            assert isinstance(jpeg, bytes)
            assert jpeg[:3] == b"\xff\xd8\xff"
            assert told(viewer) == {"type": "said", "words": ""}
            world.announce(ring.write(plain_frame(2, 64, 48)))
            assert told(viewer)["type"] == "picture"
    finally:
        ring.close()


def test_a_viewer_of_pictures_gets_video_as_soon_as_there_is_some(world: ConsoleWorld) -> None:
    with world.look() as viewer:
        assert told(viewer)["type"] == "said"
        ring = PacketRingWriter(world.rings, YARD, 1 << 20, 100)
        try:
            for packet in video_packets(encoded(12)):
                ring.write(packet)
            while (document := told(viewer))["type"] == "said":
                pass
            assert document["type"] == "video"
        finally:
            ring.close()


def test_what_inference_sees_is_passed_on_while_somebody_looks_and_asked_for_only_then(world: ConsoleWorld) -> None:
    inference = world.nucleus.bus("smartcam.Inference")
    gate = CameraId("gate")
    world.report(camera=gate)

    def watches() -> list[object]:
        return [json.loads(one) for one in world.nucleus.local_payloads(views_topic(gate))]

    assert watches() == []
    view = {"type": "view", "camera_id": "gate", "captured_mono_ns": 5, "objects": [], "scene": None}
    with world.look(gate) as viewer:
        told(viewer)
        until(lambda: watches() == [{"type": "watch", "camera_id": "gate"}])
        inference.publish_local(views_topic(gate), json.dumps(view).encode())
        assert told(viewer) == view


def test_a_camera_that_is_lost_says_why(world: ConsoleWorld) -> None:
    world.report(CameraState.LOST, "no route to <b>host</b>")
    with world.look() as viewer:
        assert told(viewer)["words"] == "the camera is lost: no route to <b>host</b>"
    world.report()


def test_packets_that_begin_as_no_browser_plays_them_keep_nobody_else_waiting(world: ConsoleWorld) -> None:
    lane = CameraId("lane")
    ring = PacketRingWriter(world.rings, lane, 1 << 20, 100)
    try:
        ring.write(video_packets(encoded(1, VideoCodec.H265), VideoCodec.H265)[0])
        ring.write(video_packets(encoded(2))[1])
        with world.look(lane) as viewer:
            assert world.ask("GET", "/api/session").status == 200
            ring.write(video_packets(encoded(11))[10])
            assert told(viewer)["type"] == "video"
    finally:
        ring.close()


def test_what_is_wrong_is_said_once_and_taken_back_when_it_is_over(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "_CHECK_NS", 20_000_000)
    shed = CameraId("shed")
    world.report(CameraState.LOST, "no route", shed)
    ring = RingWriter(world.rings, shed)
    try:
        with world.look(shed) as viewer:
            said = [told(viewer)["words"]]
            time.sleep(0.5)
            world.report(camera=shed)
            said.append(told(viewer)["words"])
            assert "no frame has come yet" in str(said[1])
            notice = ring.write(plain_frame(1, 64, 48, shed))
            world.announce(replace(notice, ring=notice.ring + 1, seq=7))
            world.announce(notice)
            assert [told(viewer)["type"] for _ in range(2)] == ["jpeg", "picture"]
            assert told(viewer)["words"] == ""
            time.sleep(0.5)
            world.report(CameraState.LOST, "no route", shed)
            assert told(viewer)["words"] == said[0] == "the camera is lost: no route"
    finally:
        ring.close()


def test_of_a_hundred_sockets_eight_are_served_and_the_others_told_so(world: ConsoleWorld) -> None:
    with ExitStack() as viewers:
        served = refused = 0
        for _ in range(100):
            viewer = viewers.enter_context(world.look())
            words = str(told(viewer).get("words", ""))
            if "open already" in words:
                with pytest.raises(ConnectionClosed):
                    viewer.recv(timeout=60)
                refused += 1
            else:
                served += 1
        assert (served, refused) == (MOST_VIEWERS, 100 - MOST_VIEWERS)
        assert world.ask("GET", "/api/cameras").status == 200
    with world.look("porch") as viewer:
        assert "no frame has come yet" in str(told(viewer)["words"])


def test_what_a_viewer_says_is_not_listened_to_and_too_much_of_it_ends_the_socket(world: ConsoleWorld) -> None:
    with world.look() as viewer:
        told(viewer)
        for _ in range(50):
            viewer.send("hello")
            viewer.send(b"\0" * 1000)
        assert viewer.ping().wait(60)
        viewer.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            all_of(viewer)


@pytest.mark.parametrize("camera", ["<script>", "a" * 65, "%00", "y.d", "..%2f"])
def test_what_is_no_cameras_name_shows_nothing_and_leads_nowhere(world: ConsoleWorld, camera: str) -> None:
    with pytest.raises((ConnectionClosed, InvalidStatus)), world.look(camera) as viewer:
        all_of(viewer)
    assert world.ask("GET", "/api/session").status == 200


def test_who_sends_the_head_of_a_request_too_slowly_is_sent_away(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEAD_S", 1.5)  # who asks as one does has to come in time, too
    slow = [socket.create_connection(("127.0.0.1", world.port), timeout=30) for _ in range(30)]
    begun = time.monotonic()
    try:
        for each in slow:
            each.sendall(b"GET /api/session HTTP/1.1\r\nX-A: ")
        while time.monotonic() < begun + 0.5:
            for each in slow:
                with suppress(OSError):  # it is sent away already
                    each.sendall(b"b")
            time.sleep(0.05)
        assert world.ask("GET", "/api/session").status == 200
        assert [ended(each) for each in slow] == [True] * 30
    finally:
        for each in slow:
            each.close()


def test_a_second_request_on_a_connection_has_to_come_in_time_as_well(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEAD_S", 1.5)  # the first one has to come in time, too
    with socket.create_connection(("127.0.0.1", world.port), timeout=30) as slow:
        slow.sendall(f"GET /api/session HTTP/1.1\r\nHost: {world.host}\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"}"):
            answer += slow.recv(65536)
        assert b" 200 " in answer
        slow.sendall(b"GET / HTTP/1.1\r\nX-A: ")
        assert ended(slow)


def test_very_many_idle_connections_leave_room_for_who_asks(world: ConsoleWorld) -> None:
    idle = [socket.create_connection(("127.0.0.1", world.port), timeout=30) for _ in range(150)]
    try:
        for _ in range(5):
            assert world.ask("GET", "/api/session").status == 200
    finally:
        for each in idle:
            each.close()


def test_who_takes_nothing_of_an_answer_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "STALLED_S", 0.3)
    lost, end = list[object](), H11Protocol.connection_lost

    def end_and_note(connection: H11Protocol, error: Exception | None) -> None:
        end(connection, error)
        lost.append(connection.client)

    monkeypatch.setattr(H11Protocol, "connection_lost", end_and_note)
    name = "0190b2c4-0000-7000-8000-000000000000.yard.001.mp4"
    with ConsoleWorld(tmp_path).running() as world, socket.socket() as slow:
        (world.clips / name).write_bytes(b"\0" * 40_000_000)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", world.port))
        slow.settimeout(30)
        slow.sendall(f"GET /api/clips/yard/{name} HTTP/1.1\r\nHost: {world.host}\r\n\r\n".encode())
        until(lambda: slow.getsockname() in lost)
        got = 0
        try:
            while part := slow.recv(1 << 20):
                got += len(part)
        except ConnectionResetError:
            pass
    assert got < 10_000_000


def ended(connection: socket.socket) -> bool:
    """Waits for it."""
    try:
        connection.settimeout(60)
        return connection.recv(65536) == b""
    except ConnectionResetError:
        return True
