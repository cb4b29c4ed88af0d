"""Armed and disarmed by the cloud at run time: what raises events, what is reported, what a restart keeps."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from smartcam.contract.notice import CameraState
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import ack_topic
from smartcam.contract.wanted import Arming, Wanted
from tests.unit.inference.stage import GATE, THING, YARD
from tests.unit.inference.test_service import NAME, Stage, wait_until

UNUSUAL, USUAL = [0.9] * 1000, [0.1] * 1000
ALWAYS: Mapping[str, object] = {"cameras": {"yard": {"min_frames": 1}, "gate": {"min_frames": 1}}}


def want(stage: Stage, revision: int, *, for_s: float | None = None, **cameras: bool) -> None:
    """The cloud's word arrives and is acted on; `device` is about all cameras."""
    now = stage.clock.utc()
    until = None if for_s is None else UtcNs(now + round(for_s * NS_PER_S))
    wishes = {name: Arming(armed, until, revision) for name, armed in cameras.items()}
    wanted = Wanted(revision, now, wishes.pop("device", None), wishes)  # type: ignore[arg-type]  # ids are text
    stage.service.wanted.hear(ack_topic(THING), wanted.to_json())
    wait_until(lambda: stage.service.facts.wanted_revision == revision)


def armed(stage: Stage) -> dict[str, bool | None]:
    return {one.camera_id: one.armed for one in stage.service.facts.cameras}


def becomes(stage: Stage, *, yard: bool, gate: bool) -> None:
    wait_until(lambda: armed(stage) == {"yard": yard, "gate": gate})


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, UNUSUAL, ALWAYS).start()
    wait_until(lambda: len(stage.service.facts.cameras) == 2)
    yield stage
    stage.stop()


def test_a_disarmed_device_raises_nothing_and_an_armed_one_does(stage: Stage) -> None:
    want(stage, 1, device=False)
    becomes(stage, yard=False, gate=False)
    stage.frames(3)
    assert stage.service.changes.raised == 0
    want(stage, 2, device=True)
    becomes(stage, yard=True, gate=True)
    stage.frames(1)
    assert stage.service.changes.raised == 1


def test_one_camera_can_be_disarmed_alone(stage: Stage) -> None:
    want(stage, 1, gate=False)
    becomes(stage, yard=True, gate=False)
    stage.frame(GATE)
    assert stage.service.changes.raised == 0
    stage.frame(YARD)
    assert stage.service.changes.raised == 1


def test_a_camera_that_the_configuration_disarms_can_be_armed_for_a_while(tmp_path: Path) -> None:
    stage = Stage(tmp_path, UNUSUAL, {**ALWAYS, "armed": "false"}).start()
    becomes(stage, yard=False, gate=False)
    want(stage, 1, for_s=60, yard=True)
    becomes(stage, yard=True, gate=False)
    stage.frame()
    assert stage.service.changes.raised == 1
    stage.clock.advance(60)
    becomes(stage, yard=False, gate=False)
    stage.stop()


def test_a_lost_camera_is_reported_while_it_is_disarmed(stage: Stage) -> None:
    want(stage, 1, device=False)
    stage.frame()
    stage.status(CameraState.LOST)
    wait_until(lambda: stage.kinds() == [("camera_lost", "raised")])


def test_an_open_episode_ends_as_it_does_when_the_configuration_disarms(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9, 0.9, *USUAL], ALWAYS).start()
    stage.frames(1)
    assert stage.service.changes.raised == 1
    want(stage, 1, device=False)
    stage.frames(30)
    assert (stage.service.changes.raised, stage.service.changes.cleared) == (1, 1)
    stage.stop()


def test_another_configuration_leaves_what_is_wanted_in_force(stage: Stage) -> None:
    want(stage, 1, yard=False)
    becomes(stage, yard=False, gate=True)
    stage.nucleus.configure(NAME, {"cameras": {"yard": {"min_frames": 2}}})
    wait_until(lambda: "gate" not in armed(stage))
    assert armed(stage) == {"yard": False}


def test_a_restart_keeps_it_from_the_first_frame_on_and_a_week_offline_lets_it_end(tmp_path: Path) -> None:
    first = Stage(tmp_path, UNUSUAL, ALWAYS).start()
    want(first, 7, for_s=3600, device=False)
    first.stop()
    second = Stage(tmp_path, UNUSUAL, ALWAYS).start()
    second.frames(3)
    assert (second.service.changes.raised, second.service.facts.wanted_revision) == (0, 7)
    second.stop()
    third = Stage(tmp_path, UNUSUAL, ALWAYS)
    third.clock.advance(7 * 86_400)
    third.start()
    third.frames(1)
    assert (third.service.changes.raised, third.service.facts.wanted_revision) == (1, 7)
    third.stop()
