"""`smartcam arm` and `disarm`: what is kept, what is sent, what a person is told, and what is wrong."""

from dataclasses import replace

import pytest

from infra.fleet.runtime.device import Presence
from infra.fleet.runtime.folding import with_health
from smartcam.contract.health import CameraHealth
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import MOST_WISHES, Arming
from tests.fakes.registry import FakeAnswers, FakeRegistry
from tests.infra.fleet_yard import GATE, RUNNING, YARD, health
from tests.infra.sample import NOON
from tools.alerts.arming import disarm, parser_of, run
from tools.alerts.devices import row

PI = ThingName("pi-1")
LATER = UtcNs(NOON + 60 * NS_PER_S)
CAMERAS = (CameraHealth(GATE, RUNNING, armed=True), CameraHealth(YARD, RUNNING, armed=True))


class Desk:
    """The two verbs, with what they work on."""

    def __init__(self, revision: int | None = 0) -> None:
        self.registry, self.answers = FakeRegistry(), FakeAnswers()
        self.registry.save(with_health(None, health(cameras=CAMERAS, wanted_revision=revision), NOON))

    def do(self, verb: str, *words: str, at: UtcNs = LATER) -> int:
        return run(verb, parser_of(verb).parse_args(words), self.registry, self.answers, at)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_device_is_disarmed_for_a_time_and_told_at_once(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.do("disarm", "pi-1", "--for", "2h") == 0
    until = UtcNs(LATER + 7200 * NS_PER_S)
    [(thing, wanted)] = desk.answers.sent
    assert (thing, wanted.revision, wanted.sent_at, wanted.device) == (PI, 1, LATER, Arming(False, until, 1, LATER))
    assert capsys.readouterr().out.splitlines() == [
        "pi-1: disarmed until 2026-03-01T14:01:00.000Z",
        "pi-1 is told now, and again at its next sign of life if that does not reach it; it was heard 60 s ago",
    ]


def test_one_camera_is_armed_until_that_is_changed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.do("arm", "pi-1/gate") == 0
    assert desk.registry.items[PI].wanted.cameras == {GATE: Arming(armed=True, revision=1, at=LATER)}
    assert capsys.readouterr().out.startswith("pi-1/gate: armed until that is changed\n")


def test_the_same_again_changes_nothing_and_is_told_only_to_a_device_that_does_not_know(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert desk.do("disarm", "pi-1") == 0
    device = desk.registry.items[PI]
    assert (device.revision, [wanted.revision for _, wanted in desk.answers.sent]) == (2, [1, 1])
    done = tuple(replace(camera, armed=False) for camera in CAMERAS)
    device = with_health(device, health(seq=2, cameras=done, wanted_revision=1), LATER)
    desk.registry.save(device)
    capsys.readouterr()
    assert desk.do("disarm", "pi-1") == 0
    assert capsys.readouterr().out.splitlines()[1] == "pi-1 knows already"
    assert len(desk.answers.sent) == 2
    armed_there = with_health(desk.registry.items[PI], health(seq=3, cameras=CAMERAS, wanted_revision=1), LATER)
    desk.registry.save(armed_there)
    assert desk.do("disarm", "pi-1") == 0
    assert desk.answers.sent[-1][1].revision > 1


def test_who_is_offline_or_cannot_be_told_now_is_said_to_be(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answers.down = True
    assert desk.do("disarm", "pi-1") == 0
    told = "could not be told now (the broker is down); it was heard 60 s ago, and is told at its next sign of life"
    assert told in capsys.readouterr().out
    desk.answers.down = False
    gone = replace(desk.registry.items[PI], presence=Presence(connected=False, at=LATER, version=1))
    desk.registry.save(gone)
    assert desk.do("arm", "pi-1") == 0
    assert "pi-1 is offline: it was heard 60 s ago, and is told when it is back" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("pi-11", "nothing was ever heard from pi-11; did you mean 'pi-1'?"),
        ("pi-1/gaet", "pi-1 has no camera gaet; did you mean 'gate'?"),
        ("pi-1/cellar", "pi-1 has no camera cellar; known: gate, yard"),
        ("pi 1", "THING: must be 1 to 128 letters"),
        ("pi-1/", "CAMERA: must be 1 to 64 letters"),
        ("pi-1/a/b", "CAMERA: must be 1 to 64 letters, digits, '-' or '_', not 'a/b'"),
    ],
)
def test_who_is_not_there_is_named_with_whom_it_resembles(
    desk: Desk, place: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.do("disarm", place) == 1
    assert f"smartcam disarm: {said}" in capsys.readouterr().err
    assert desk.answers.sent == []


def test_a_device_of_an_older_release_is_not_promised_anything(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(revision=None)
    assert desk.do("disarm", "pi-1") == 1
    assert "pi-1 runs 0.1.0, which takes no wishes; remedy: deploy this release to it" in capsys.readouterr().err
    assert desk.registry.items[PI].revision == 1


def test_more_wishes_than_reach_a_device_are_refused_with_the_remedy(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    cameras = {CameraId(f"c{number}"): Arming(armed=True, revision=1) for number in range(MOST_WISHES)}
    device = desk.registry.items[PI]
    desk.registry.save(replace(device, wanted=replace(device.wanted, cameras=cameras)))
    assert desk.do("disarm", "pi-1/gate") == 1
    assert "at most 32 can have wishes; arm or disarm the whole device" in capsys.readouterr().err


def test_the_list_of_devices_shows_what_is_wanted_and_what_is_so(desk: Desk) -> None:
    desk.do("disarm", "pi-1", "--for", "1h")
    desk.do("arm", "pi-1/gate")
    wishes = "all cameras disarmed until 2026-03-01T13:01:00.000Z, gate armed until that is changed"
    device = desk.registry.items[PI]
    assert row(device, LATER).endswith(f"; gate running, yard running; wanted, but it does not know yet: {wishes}")
    cameras = (CAMERAS[0], replace(CAMERAS[1], armed=False))
    device = with_health(device, health(seq=2, cameras=cameras, wanted_revision=2), LATER)
    assert row(device, LATER).endswith(f"; gate running, yard running disarmed; wanted: {wishes}")
    assert row(device, UtcNs(LATER + 3600 * NS_PER_S)).endswith("; wanted: gate armed until that is changed")


def test_the_list_of_devices_shows_whose_footage_is_collected(desk: Desk) -> None:
    cameras = (CAMERAS[0], replace(CAMERAS[1], collects_footage=True))
    device = with_health(desk.registry.items[PI], health(seq=2, cameras=cameras), LATER)
    assert row(device, LATER).endswith("; gate running, yard running collecting footage")


def test_a_device_that_has_missed_a_wish_which_has_ended_is_seen_to_do_as_it_did_before(desk: Desk) -> None:
    desk.do("disarm", "pi-1", "--for", "1h")
    device = desk.registry.items[PI]
    after = UtcNs(LATER + 3600 * NS_PER_S)
    assert row(device, after).endswith("; wanted, but it does not know yet: as configured")
    rolled_back = with_health(device, health(run="r2", cameras=CAMERAS, wanted_revision=None), LATER)
    assert "wanted, but it does not know yet: all cameras disarmed" in row(rolled_back, LATER)


def test_a_place_that_cannot_be_is_refused_before_aws_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert disarm(["pi 1"]) == 1
    assert "smartcam disarm: THING: must be 1 to 128 letters, digits, ':', '-' or '_', not 'pi 1'" in (
        capsys.readouterr().err
    )
