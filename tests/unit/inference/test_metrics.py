"""The figures for Prometheus: those of the health, on a socket where nobody can do harm."""

import errno
import http.client
import re
import selectors
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smartcam.contract.health import (
    CameraCondition,
    CameraHealth,
    DeviceState,
    FrameHealth,
    Health,
    OutboxHealth,
    SceneHealth,
    SceneStage,
)
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import UtcNs
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.inference.metrics import door
from smartcam.inference.metrics.door import MOST_AT_ONCE, SOCKET, MetricsDoor
from smartcam.inference.metrics.figures import exposition
from tools.command_line import ROOT

PATIENCE_S = 60.0
SCENE = SceneHealth(SceneStage.WATCHING, 30.5, 24.0, 1.0, 2, drift=True)
HEALTH = Health(
    thing=ThingName("yard-1"),
    state=DeviceState.RUNNING,
    run="r1",
    seq=7,
    sent_at=UtcNs(1_772_366_400_500_000_000),
    clock_synced=True,
    uptime_s=90,
    version="1.2.0",
    capture_version="1.1.0",
    model_name="eyes",
    model_version="3",
    bundle_refused="it is damaged",
    analysed=40,
    failed=1,
    snapshots_waiting=3,
    frames=FrameHealth(100, 50, 49, 5, 2, 1, 4, 6),
    outbox=OutboxHealth(9, 8, 7, 1500, 6),
    cameras=(
        CameraHealth(CameraId("yard"), CameraCondition.RUNNING, 12.5, armed=True, scene=SCENE),
        CameraHealth(CameraId("door"), CameraCondition.LOST),
    ),
    cameras_left_out=2,
)


def figures(health: Health) -> dict[str, float]:
    """Each sample as Prometheus reads it, by its name and labels."""
    text = exposition(health).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {f"{one.name}{''.join(f' {value}' for value in one.labels.values())}": one.value for one in samples}


def test_the_figures_are_those_of_the_health_message() -> None:
    found = figures(HEALTH)
    assert found == {
        "smartcam_info 1.1.0 eyes 3 1.2.0": 1,
        "smartcam_health_timestamp_seconds": 1_772_366_400.5,
        "smartcam_uptime_seconds": 90,
        "smartcam_clock_synced": 1,
        "smartcam_refused bundle": 1,
        "smartcam_refused configuration": 0,
        "smartcam_refused release": 0,
        "smartcam_snapshots_waiting": 3,
        "smartcam_cameras_left_out": 2,
        "smartcam_frames_read_total": 100,
        "smartcam_frames_announced_total": 50,
        "smartcam_frames_heard_total": 49,
        "smartcam_frames_dropped_total": 5,
        "smartcam_frames_overwritten_total": 2,
        "smartcam_frames_unreadable_total": 1,
        "smartcam_frames_refused_total": 4,
        "smartcam_frames_incomplete_total": 6,
        "smartcam_frames_analysed_total": 40,
        "smartcam_frames_failed_total": 1,
        "smartcam_outbox_waiting": 9,
        "smartcam_outbox_oldest_seconds": 1.5,
        "smartcam_outbox_refused": 8,
        "smartcam_outbox_dropped_total": 7,
        "smartcam_outbox_unreadable_total": 6,
        "smartcam_camera_condition yard running": 1,
        "smartcam_camera_condition yard lost": 0,
        "smartcam_camera_condition yard ended": 0,
        "smartcam_camera_condition yard awaited": 0,
        "smartcam_camera_condition door running": 0,
        "smartcam_camera_condition door lost": 1,
        "smartcam_camera_condition door ended": 0,
        "smartcam_camera_condition door awaited": 0,
        "smartcam_camera_frames_per_second yard": 12.5,
        "smartcam_camera_frames_per_second door": 0,
        "smartcam_camera_armed yard": 1,
        "smartcam_camera_scene_hours yard": 30.5,
        "smartcam_camera_scene_raised yard": 2,
        "smartcam_camera_scene_drift yard": 1,
    }


def test_what_is_not_known_is_not_given() -> None:
    unknown = figures(replace(HEALTH, outbox=OutboxHealth(waiting=None), cameras=()))
    assert "smartcam_outbox_waiting" not in unknown
    assert "smartcam_outbox_oldest_seconds" not in unknown
    assert not any(name.startswith("smartcam_camera_") for name in unknown)


def test_each_metric_is_in_the_documentation_and_no_other() -> None:
    documented = re.findall(r"^\| `(smartcam_\w+)", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted({name.split()[0] for name in figures(HEALTH)})


@dataclass
class Site:
    """The door in a thread of its own."""

    folder: Path
    newest: list[Health] = field(default_factory=lambda: [HEALTH])
    stop: StopToken = field(default_factory=StopToken)

    @property
    def path(self) -> Path:
        return self.folder / SOCKET

    @contextmanager
    def open(self) -> Iterator[None]:
        service = MetricsDoor(lambda: self.newest[0] if self.newest else None, self.folder, SystemClock())
        thread = threading.Thread(target=service.run, args=(self.stop,))
        thread.start()
        try:
            yield
        finally:
            self.stop.set()
            thread.join(PATIENCE_S)
        assert not thread.is_alive()
        assert not self.path.exists()

    def connect(self) -> socket.socket:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(PATIENCE_S)
            try:
                connection.connect(str(self.path))
            except OSError:
                connection.close()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return connection

    def ask(self, request: bytes = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n") -> tuple[int, bytes, str]:
        """Status, body, content type."""
        with closing(self.connect()) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status, response.read(), response.getheader("Content-Type", "")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with site.open():
        yield site


def test_a_scrape_gets_what_the_device_last_said_of_itself(site: Site) -> None:
    status, body, content_type = site.ask()
    assert (status, body) == (200, exposition(HEALTH))
    assert content_type.startswith("text/plain; version=0.0.4")
    site.newest[0] = replace(HEALTH, analysed=41)
    assert b"smartcam_frames_analysed_total 41.0" in site.ask(b"GET / HTTP/1.0\r\n\r\n")[1]


def test_only_the_components_user_and_its_group_can_open_the_socket(site: Site) -> None:
    site.ask()
    assert stat.S_IMODE(site.path.stat().st_mode) == 0o660
    assert stat.S_ISSOCK(site.path.stat().st_mode)


def test_before_anything_is_known_it_says_that_it_is_too_early(site: Site) -> None:
    site.newest.clear()
    assert site.ask()[0] == 503


def test_figures_that_cannot_be_written_are_said_once_and_end_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.newest[0] = replace(HEALTH, model_name="\ud800")
    assert [site.ask()[0] for _ in range(3)] == [500] * 3
    assert caplog.text.count("metrics_not_given") == 1
    site.newest[0] = HEALTH
    assert site.ask()[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /secrets HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"hello\r\n\r\n", 400),
        (b"GET /metrics FTP/9\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (bytes(range(256)) + b"\r\n\r\n", 400),
        (b"GET /metrics?name=x HTTP/1.1\r\n\r\n", 200),
    ],
)
def test_a_wrong_request_gets_an_answer_that_says_so(site: Site, request_: bytes, status: int) -> None:
    assert site.ask(request_)[0] == status


def test_a_request_that_never_ends_is_ended_and_one_that_comes_in_pieces_is_answered(site: Site) -> None:
    with closing(site.connect()) as connection:
        # Either end may notice first.
        try:
            connection.sendall(b"GET /" + b"x" * 100_000)
            assert connection.recv(1) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass
    with closing(site.connect()) as connection:
        for piece in (b"GET /metr", b"ics HTTP/1.1\r\n", b"\r\n"):
            connection.sendall(piece)
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_a_hundred_at_once_are_all_answered_beside_as_many_that_say_nothing_or_do_not_read(site: Site) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(closing(site.connect())) for _ in range(MOST_AT_ONCE // 2)]
        unread = [stack.enter_context(closing(site.connect())) for _ in range(20)]
        for connection in unread:
            connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        answers: list[int] = []
        threads = [threading.Thread(target=lambda: answers.append(site.ask()[0])) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert answers == [200] * 100
        assert len(silent) + len(unread) < MOST_AT_ONCE


def test_who_says_nothing_is_sent_away_and_makes_room_where_all_places_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "PATIENCE_S", 0.2)
    monkeypatch.setattr(door, "MOST_AT_ONCE", 3)
    site = Site(tmp_path)
    with site.open(), ExitStack() as stack:
        silent = [stack.enter_context(closing(site.connect())) for _ in range(6)]
        assert site.ask()[0] == 200
        assert [connection.recv(1) for connection in silent] == [b""] * 6


def test_nobody_who_comes_and_goes_leaves_a_handle(site: Site) -> None:
    site.ask()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        site.connect().close()
        site.ask()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_a_want_of_handles_ends_nothing_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wants = [OSError(errno.EMFILE, "Too many open files")] * 2
    real = selectors.DefaultSelector

    def scarce() -> selectors.BaseSelector:
        if wants:
            raise wants.pop()
        return real()

    monkeypatch.setattr(door, "_AGAIN_S", 0.01)
    monkeypatch.setattr(selectors, "DefaultSelector", scarce)
    site = Site(tmp_path)
    with site.open():
        deadline = time.monotonic() + PATIENCE_S
        while wants:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert site.ask()[0] == 200
    assert caplog.text.count("metrics_not_given") == 1


def test_what_a_dead_process_left_is_replaced_and_a_place_that_cannot_be_used_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / SOCKET).write_bytes(b"old")
    site = Site(tmp_path)
    with site.open():
        assert site.ask()[0] == 200
    monkeypatch.setattr(door, "_AGAIN_S", 0.01)
    (tmp_path / SOCKET).mkdir()
    site = Site(tmp_path)
    service = threading.Thread(target=MetricsDoor(lambda: HEALTH, tmp_path, SystemClock()).run, args=(site.stop,))
    service.start()
    deadline = time.monotonic() + PATIENCE_S
    while "metrics_not_given" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (tmp_path / SOCKET).rmdir()
    assert site.ask()[0] == 200
    site.stop.set()
    service.join(PATIENCE_S)
    assert caplog.text.count("metrics_not_given") == 1
