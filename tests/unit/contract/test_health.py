"""A device's health: what goes out comes back, fits every nucleus, and garbage names its field."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.health import (
    LARGEST_HEALTH_BYTES,
    LONGEST_REASON,
    MOST_CAMERAS,
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
from tests.strategies import healths, with_a_hostile_number

LARGEST_PAYLOAD_OF_A_NUCLEUS = 7000
SAMPLE = Health(
    thing=ThingName("yard-1"),
    state=DeviceState.RUNNING,
    run="r1",
    seq=1,
    sent_at=UtcNs(0),
    clock_synced=True,
    uptime_s=5,
    version="0.1.0",
    cameras=(CameraHealth(CameraId("gate"), CameraCondition.RUNNING, 25.0),),
)


SCENE = SceneHealth(SceneStage.LEARNING, hours=19.46, of_hours=56.0, budget=1.0, raised=0, drift=False)


def of_a_scene(**changes: object) -> dict[str, object]:
    camera = {"camera_id": "a", "condition": "running", "fps": 5}
    return {"cameras": [camera | {"scene": SCENE.document() | changes}]}


def document(**changes: object) -> bytes:
    return json.dumps(json.loads(SAMPLE.to_json()) | changes).encode()


@given(healths)
def test_health_that_goes_out_comes_back(health: Health) -> None:
    assert Health.from_json(health.to_json()) == health


@given(
    st.binary(max_size=64) | st.text(max_size=64).map(lambda text: json.dumps({"schema": 1, "thing": text}).encode())
)
def test_any_garbage_gives_a_contract_error(payload: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        Health.from_json(payload)
    assert caught.value.field


@given(healths, st.data())
def test_a_number_that_nobody_can_reckon_with_is_refused(health: Health, drawn: st.DataObject) -> None:
    with pytest.raises(ContractError, match="health: is not JSON"):
        Health.from_json(drawn.draw(with_a_hostile_number(json.loads(health.to_json()))))


def test_the_largest_health_of_a_full_device_fits_every_nucleus() -> None:
    cameras = tuple(
        CameraHealth(CameraId(f"{number:02}".ljust(64, "x")), CameraCondition.RUNNING, 100.333, armed=False)
        for number in range(MOST_CAMERAS)
    )
    most, reason = 2**63 - 1, "r" * LONGEST_REASON
    frames = FrameHealth(*[most] * len(FrameHealth.__dataclass_fields__))
    full = replace(SAMPLE, thing=ThingName("t" * 128), bundle_refused=reason, configuration_refused=reason)
    full = replace(full, version="v" * 128, capture_version="v" * 128, clip_key="f" * 64, release_refused=reason)
    payload = replace(full, frames=frames, cameras=cameras, wanted_revision=most).to_json()
    assert len(payload) <= LARGEST_HEALTH_BYTES < LARGEST_PAYLOAD_OF_A_NUCLEUS


def test_as_many_cameras_as_are_listed_have_room_to_say_how_they_learn() -> None:
    scene = SceneHealth(SceneStage.RELEARNING, 1000 / 3, 2000 / 3, 0.5, 12, drift=False)
    cameras = tuple(
        CameraHealth(CameraId(f"camera-{number:02}"), CameraCondition.RUNNING, 25.0, armed=True, scene=scene)
        for number in range(MOST_CAMERAS)
    )
    health = replace(SAMPLE, model_name="ssd_mobilenet", model_version="1.0.0", cameras=cameras, wanted_revision=9)
    assert len(health.to_json()) <= LARGEST_HEALTH_BYTES


def test_hours_travel_in_tenths_and_a_camera_that_does_not_learn_says_nothing() -> None:
    learning = replace(SAMPLE, cameras=(replace(SAMPLE.cameras[0], scene=SCENE),))
    assert Health.from_json(learning.to_json()).cameras[0].scene == replace(SCENE, hours=19.5)
    assert "scene" not in json.loads(SAMPLE.to_json())["cameras"][0]


def test_what_is_too_large_is_not_sent() -> None:
    with pytest.raises(ContractError, match="bytes"):
        replace(SAMPLE, more={"novel": "x" * LARGEST_HEALTH_BYTES}).to_json()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema": 2}, "schema"),
        ({"thing": "a/b"}, "thing"),
        ({"state": "dead"}, "state"),
        ({"every_s": 0}, "every_s"),
        ({"seq": -1}, "seq"),
        ({"sent_at": "today"}, "sent_at"),
        ({"outbox": {"waiting": "many"}}, "outbox.waiting"),
        ({"frames": {"read": 1}}, "frames.announced"),
        ({"bundle_refused": "x" * 161}, "bundle_refused"),
        ({"configuration_refused": ""}, "configuration_refused"),
        ({"capture_version": 3}, "capture_version"),
        ({"clip_key": "F" * 64}, "clip_key"),
        ({"clip_key": "f" * 63}, "clip_key"),
        ({"release_refused": "x" * 161}, "release_refused"),
        ({"cameras": [1]}, "cameras[0]"),
        ({"wanted_revision": "new"}, "wanted_revision"),
        ({"cameras": [{"camera_id": "a", "condition": "lost", "fps": 0, "armed": 1}]}, "cameras[0].armed"),
        ({"cameras": [{"camera_id": "a", "condition": "lost", "fps": 0, "scene": 1}]}, "cameras[0].scene"),
        (of_a_scene(stage="asleep"), "cameras[0].scene.stage"),
        (of_a_scene(hours=-1), "cameras[0].scene.hours"),
        (of_a_scene(of_hours="many"), "cameras[0].scene.of_hours"),
        (of_a_scene(budget=None), "cameras[0].scene.budget"),
        (of_a_scene(raised=1.5), "cameras[0].scene.raised"),
        (of_a_scene(drift=0), "cameras[0].scene.drift"),
        ({"cameras": [{"camera_id": "a b"}]}, "cameras[0].camera_id"),
        ({"cameras": [{"camera_id": "a", "condition": "asleep"}]}, "cameras[0].condition"),
        ({"cameras": [{"camera_id": "a", "condition": "lost", "fps": 0}] * 2}, "cameras"),
        ({"cameras": [{"camera_id": "a"}] * 33}, "cameras"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ContractError) as caught:
        Health.from_json(document(**changes))
    assert caught.value.field == field


def test_a_device_of_an_earlier_version_counts_no_frames_takes_no_wishes_and_does_not_say_what_capture_runs() -> None:
    later = {"frames", "capture_version", "release_refused", "clip_key"}
    of_old = {key: value for key, value in json.loads(SAMPLE.to_json()).items() if key not in later}
    assert Health.from_json(json.dumps(of_old)) == SAMPLE
    assert (SAMPLE.wanted_revision, SAMPLE.cameras[0].armed, SAMPLE.cameras[0].model) == (None, None, None)


def test_fields_of_tomorrow_are_kept() -> None:
    health = Health.from_json(document(temperature_c=61))
    assert health.more == {"temperature_c": 61}
    assert Health.from_json(health.to_json()) == health


def test_how_much_waits_may_be_unknown_and_an_earlier_release_counts_nothing_unreadable() -> None:
    outbox = {"waiting": None, "refused": 0, "dropped": 0, "oldest_ms": None, "unreadable": 3}
    assert Health.from_json(document(outbox=outbox)).outbox == OutboxHealth(waiting=None, unreadable=3)
    earlier = {"waiting": 2, "refused": 0, "dropped": 0, "oldest_ms": 5}
    assert Health.from_json(document(outbox=earlier)).outbox == OutboxHealth(waiting=2, oldest_ms=5)


def test_a_camera_names_its_own_model_and_says_nothing_where_it_has_the_devices() -> None:
    own = replace(SAMPLE.cameras[0], model="traffic 1.0")
    payload = replace(SAMPLE, cameras=(own,)).to_json()
    assert Health.from_json(payload).cameras == (own,)
    assert b"traffic 1.0" in payload
    assert "model" not in json.loads(SAMPLE.to_json())["cameras"][0]
