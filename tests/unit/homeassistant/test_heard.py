from dataclasses import replace

from smartcam.contract.health import CameraCondition, CameraHealth, DeviceState, Health
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.topics import LOCAL_HEALTH
from smartcam.homeassistant.heard import HeardHealth
from tests.fakes.clock import SOME_DAY, FakeClock


def health(*cameras: str, left_out: int = 0) -> Health:
    return Health(
        thing=ThingName("pi"),
        state=DeviceState.RUNNING,
        run="run",
        seq=1,
        sent_at=SOME_DAY,
        clock_synced=True,
        uptime_s=1,
        version="1",
        cameras=tuple(CameraHealth(CameraId(name), CameraCondition.RUNNING, armed=True) for name in cameras),
        cameras_left_out=left_out,
    )


def runs(heard: HeardHealth) -> bool:
    return heard.is_running


def test_as_long_as_nothing_is_heard_nothing_is_known() -> None:
    heard = HeardHealth(FakeClock())
    assert heard.cameras is None
    assert not heard.is_running
    for nonsense in (b"", b"{}", b"\xff", b"[" * 5000):
        heard.hear(LOCAL_HEALTH, nonsense)
    assert heard.cameras is None


def test_a_device_that_falls_silent_or_says_goodbye_is_not_running() -> None:
    clock = FakeClock()
    heard = HeardHealth(clock)
    heard.hear(LOCAL_HEALTH, health("yard").to_json())
    clock.step_utc(-86_400)
    clock.advance(179)
    assert runs(heard)
    clock.advance(2)
    assert not runs(heard)
    heard.hear(LOCAL_HEALTH, health("yard").to_json())
    assert runs(heard)
    heard.hear(LOCAL_HEALTH, replace(health("yard"), state=DeviceState.STOPPING).to_json())
    assert not runs(heard)
    assert [one.camera_id for one in heard.cameras or ()] == ["yard"]


def test_cameras_for_which_the_message_had_no_room_are_still_there_and_others_are_gone() -> None:
    heard = HeardHealth(FakeClock())
    for cameras, left_out, known in (
        (("yard", "door"), 1, ["door", "yard"]),
        (("gate", "yard"), 1, ["door", "gate", "yard"]),
        (("gate",), 0, ["gate"]),
        ((), 0, []),
    ):
        heard.hear(LOCAL_HEALTH, health(*cameras, left_out=left_out).to_json())
        assert [one.camera_id for one in heard.cameras or ()] == known
