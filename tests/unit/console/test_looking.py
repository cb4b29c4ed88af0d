import json

import pytest

from smartcam.console.heard import HeardDevice
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
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice, encode_notice
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.contract.topics import LOCAL_HEALTH, frames_topic
from smartcam.edge.replaced import note_replacement
from tests.fakes.clock import FakeClock
from tests.fakes.console_world import YARD, ConsoleWorld

CLIP = "0190b2c4-0000-7000-8000-000000000000.yard.001.mp4"


def health(dropped: int = 0, waiting: int | None = 3, cameras: tuple[CameraHealth, ...] = ()) -> Health:
    return Health(
        ThingName("yard-1"), DeviceState.RUNNING, "run", 1, UtcNs(0), clock_synced=True, uptime_s=5, version="1",
        frames=FrameHealth(dropped=dropped), outbox=OutboxHealth(waiting), cameras=cameras,
    )  # fmt: skip


def notice(camera: CameraId = YARD, *, mono: int = 0) -> FrameNotice:
    return FrameNotice(camera, 1, 2, 0, 64, 48, UtcNs(1), MonotonicNs(mono), 0, ())


def status(camera: CameraId = YARD, state: CameraState = CameraState.RUNNING, reason: str = "") -> StatusNotice:
    return StatusNotice(camera, state, reason, 12.5, 7, 5, UtcNs(1), UtcNs(2))


def hear(heard: HeardDevice, said: FrameNotice | StatusNotice) -> None:
    heard.notice(frames_topic(said.camera_id), encode_notice(said))


def test_cameras_are_told_as_their_notices_and_the_health_tell_them(world: ConsoleWorld) -> None:
    scene = SceneHealth(SceneStage.LEARNING, 5.0, 24.0, 1.0, 0, drift=False)
    said = health(cameras=(CameraHealth(YARD, CameraCondition.RUNNING, armed=False, scene=scene),))
    world.bus.publish_local(LOCAL_HEALTH, said.to_json())
    world.announce(status())
    world.announce(notice())
    [camera] = [each for each in world.ask("GET", "/api/cameras").rows("cameras") if each["id"] == "yard"]
    assert camera == {
        "id": "yard",
        "state": "running",
        "reason": "",
        "frames_per_second": 12.5,
        "width": 64,
        "height": 48,
        "armed": False,
        "scene": {"stage": "learning", "hours": 5.0, "of_hours": 24.0, "budget": 1.0, "raised": 0, "drift": False},
    }
    answer = world.ask("GET", "/api/health").json
    assert answer["health"] == json.loads(said.to_json())
    assert str(answer["heard_at"]).endswith("Z")


def test_a_component_that_was_replaced_lately_is_told_of_whether_or_not_there_is_any_health(
    world: ConsoleWorld,
) -> None:
    assert world.ask("GET", "/api/health").rows("replaced") == []
    for name, days in (("smartcam.Capture", 1), ("smartcam.Console", 8)):
        (world.folder / name).mkdir()
        at = UtcNs(world.clock.utc() - days * 86_400 * NS_PER_S)
        note_replacement(world.folder / name, at, "live-yard", 301)
    [told] = world.ask("GET", "/api/health").rows("replaced")
    assert [told[key] for key in ("component", "loop", "still_s", "times")] == ["smartcam.Capture", "live-yard", 301, 1]
    assert str(told["at"]).endswith("Z")


def test_a_camera_of_which_nothing_is_heard_any_more_is_unknown_and_forgotten_later() -> None:
    clock = FakeClock()
    heard = HeardDevice(clock)
    hear(heard, status(state=CameraState.LOST, reason="no route"))
    assert heard.cameras[YARD].trouble == "the camera is lost: no route"
    clock.advance(31)
    heard.tick()
    assert heard.cameras[YARD].status is None
    clock.advance(600)
    heard.tick()
    assert heard.cameras == {}


def test_what_neighbours_say_makes_the_console_neither_fail_nor_grow() -> None:
    heard = HeardDevice(FakeClock())
    for payload in (b"", b"{", b"[]", b"\xff", b'{"type":"chunk","a":1}\nxx', b"[" * 6000, b'{"type":"frame"}'):
        heard.notice("smartcam/frames/yard", payload)
        heard.hear_view("smartcam/views/yard", payload)
        heard.health(LOCAL_HEALTH, payload)
    heard.notice("smartcam/frames/gate", encode_notice(status()))
    assert heard.cameras == {}
    for i in range(200):
        hear(heard, status(CameraId(f"camera-{i}")))
    assert len(heard.cameras) == 64
    heard.hear_view("smartcam/views/nobody", b'{"type":"view","camera_id":"nobody"}')
    assert heard.camera(CameraId("nobody")) is None
    heard.hear_view("smartcam/views/camera-1", b'{"type":"view","camera_id":"camera-2"}')
    assert heard.cameras[CameraId("camera-1")].view is None


def test_the_day_has_a_point_a_minute_and_no_more_than_a_day_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartcam.console.heard._MINUTES_OF_A_DAY", 24)
    clock = FakeClock()
    heard = HeardDevice(clock)
    heard.health(LOCAL_HEALTH, health(dropped=100).to_json())
    for minute in range(30):
        hear(heard, status())
        for late in (10, 20, 90):
            hear(heard, notice(mono=clock.monotonic() - late * 1_000_000))
        heard.health(LOCAL_HEALTH, health(dropped=100 + 2 * minute, waiting=minute).to_json())
        clock.advance(60)
        hear(heard, status())
        heard.tick()
        heard.tick()
    day = heard.day()
    assert len({minute["time"] for minute in day}) == len(day) == 24
    assert [minute["cameras"] for minute in day] == [{"yard": (12.5, 20.0)}] * 24
    assert [minute["dropped"] for minute in day] == [2] * 24
    assert [minute["outbox"] for minute in day] == list(range(6, 30))


def test_what_was_not_heard_in_a_minute_is_unknown_in_it() -> None:
    clock = FakeClock()
    heard = HeardDevice(clock)
    hear(heard, notice(mono=clock.monotonic() - NS_PER_S))
    clock.advance(60)
    heard.tick()
    clock.advance(60)
    heard.tick()
    day = heard.day()
    assert [minute["cameras"] for minute in day] == [{"yard": (None, 1000.0)}, {"yard": (None, None)}]
    assert [(minute["dropped"], minute["outbox"]) for minute in day] == [(None, None)] * 2


def test_a_device_that_has_started_anew_has_dropped_nothing_less() -> None:
    clock = FakeClock()
    heard = HeardDevice(clock)
    for dropped in (50, 80, 3, 5):
        heard.health(LOCAL_HEALTH, health(dropped).to_json())
        clock.advance(60)
        heard.tick()
    assert [minute["dropped"] for minute in heard.day()] == [None, 30, 3, 2]


def test_a_clip_is_sent_whole_or_in_the_ranges_that_a_player_asks_for(world: ConsoleWorld) -> None:
    content = bytes(range(256)) * 40
    (world.clips / CLIP).write_bytes(content)
    (world.clips / CLIP.replace(".mp4", ".vtt")).write_text("WEBVTT\n")
    answer = world.ask("GET", f"/api/clips/yard/{CLIP}")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, content, "video/mp4")
    assert answer.headers["accept-ranges"] == "bytes"
    answer = world.ask("GET", f"/api/clips/yard/{CLIP}", headers={"Range": "bytes=100-199"})
    assert (answer.status, answer.body) == (206, content[100:200])
    assert answer.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert world.ask("GET", f"/api/clips/yard/{CLIP}", headers={"Range": "bytes=999999-"}).status == 416
    captions = world.ask("GET", f"/api/clips/yard/{CLIP.replace('.mp4', '.vtt')}")
    assert (captions.body, captions.headers["content-type"]) == (b"WEBVTT\n", "text/vtt; charset=utf-8")


def test_very_many_ranges_cost_no_more_than_the_clip(world: ConsoleWorld) -> None:
    (world.clips / CLIP).write_bytes(b"x" * 10_000)
    many = "bytes=" + ",".join(f"{i}-9999" for i in range(30))
    answer = world.ask("GET", f"/api/clips/yard/{CLIP}", headers={"Range": many})
    assert answer.status in {200, 206, 400, 416, 431}
    assert len(answer.body) < 30_000


@pytest.mark.parametrize("name", [CLIP.replace("yard", "gate"), "x.mp4", CLIP + ".part", "clip-key", CLIP[:-3] + "txt"])
def test_only_what_is_a_clip_of_that_camera_is_sent(world: ConsoleWorld, name: str) -> None:
    (world.clips / name).write_bytes(b"secret")
    assert world.ask("GET", f"/api/clips/yard/{name}").status == 404


def test_a_link_is_no_clip(world: ConsoleWorld) -> None:
    secret = world.folder / "secret"
    secret.write_bytes(b"secret")
    name = CLIP.replace("001", "009")
    (world.clips / name).symlink_to(secret)
    assert world.ask("GET", f"/api/clips/yard/{name}").status == 404
