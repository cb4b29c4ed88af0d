"""Who is there, and whose silence means nothing."""

import pytest

from infra.fleet.runtime.codec import dump_device, load_device
from infra.fleet.runtime.device import Device, KnownCamera, Presence
from infra.fleet.runtime.folding import with_health
from infra.fleet.runtime.ports import ChangedMeanwhile
from smartcam.contract.health import CameraCondition, CameraHealth, OutboxHealth, SceneHealth, SceneStage
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import FakeGuards
from tests.fakes.registry import FakeRegistry
from tests.infra.fleet_yard import GATE, RUNNING, health
from tests.infra.sample import NOON
from tests.unit.tools.alerts.test_revoking import FakeIot
from tools.alerts.devices import _parser, change, row, run, scene_text
from tools.alerts.revoking import Revoking

PI = ThingName("pi-1")
LATER = UtcNs(NOON + 60 * NS_PER_S)


@pytest.fixture
def registry() -> FakeRegistry:
    registry = FakeRegistry()
    registry.save(with_health(None, health(outbox=OutboxHealth(waiting=3)), NOON))
    return registry


def command(registry: FakeRegistry, *words: str) -> int:
    return run(_parser().parse_args(words), registry, LATER, Revoking(FakeGuards(), FakeIot()))


def test_the_list_tells_how_each_device_and_camera_is(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(registry) == 0
    assert capsys.readouterr().out == "pi-1: running, heard 60 s ago, version 0.1.0, 3 events waiting; gate running\n"


def test_a_device_that_cannot_count_what_waits_is_not_said_to_have_nothing(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = with_health(None, health(outbox=OutboxHealth(waiting=None)), NOON)
    registry.save(load_device(dump_device(unknown), registry.items[PI].revision))
    assert command(registry) == 0
    assert "an unknown number of events waiting" in capsys.readouterr().out


def test_where_nobody_was_heard_of_the_list_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(FakeRegistry()) == 0
    assert capsys.readouterr().out == "no device has been heard from\n"


def test_a_device_can_be_paused_retired_and_reinstated(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(registry, "pause", "--thing", "pi-1", "--for", "2h") == 0
    assert registry.items[PI].paused_until == LATER + 7200 * NS_PER_S
    assert command(registry, "retire", "--thing", "pi-1") == 0
    assert registry.items[PI].retired
    assert command(registry, "reinstate", "--thing", "pi-1") == 0
    assert (registry.items[PI].retired, registry.items[PI].paused_until) == (False, 0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1].split(",")[0] for line in lines] == [
        "paused until 2026-03-01T14:01:00.000Z",
        "retired",
        "running",
    ]


def test_one_camera_can_be_retired_alone(registry: FakeRegistry, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(registry, "retire", "--thing", "pi-1", "--camera", "gate") == 0
    assert registry.items[PI].retired_cameras == {GATE}
    assert "gate retired" in capsys.readouterr().out


def test_a_device_or_camera_that_is_not_there_is_named_with_the_one_that_was_meant(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(registry, "retire", "--thing", "pi-1", "--camera", "gaet") == 1
    assert capsys.readouterr().err == "smartcam alerts: pi-1 has no camera gaet; did you mean 'gate'?\n"
    assert registry.items[PI].retired_cameras == frozenset()
    assert command(registry, "retire", "--thing", "pi-l") == 1
    assert capsys.readouterr().err == "smartcam alerts: nothing was ever heard from pi-l; did you mean 'pi-1'?\n"


@pytest.mark.parametrize("words", [("retire", "--thing", "nobody"), ("retire", "--thing", "a/b")])
def test_who_was_never_heard_of_cannot_be_changed(
    registry: FakeRegistry, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(registry, *words) == 1
    assert capsys.readouterr().err.startswith("smartcam alerts: ")


def test_a_change_finds_its_way_past_others(registry: FakeRegistry) -> None:
    rivals = iter([1, 1])

    def paused_by_a_rival(device: Device) -> Device:
        if next(rivals, 0):
            registry.save(registry.items[PI])
        return device.paused(LATER)

    changed = change(registry, PI, paused_by_a_rival)
    assert changed is not None
    assert changed.paused_until == LATER


def test_against_rivals_without_end_it_gives_up(registry: FakeRegistry) -> None:
    def always(device: Device) -> Device:
        registry.save(registry.items[PI])
        return device.paused(LATER)

    with pytest.raises(ChangedMeanwhile):
        change(registry, PI, always)


def test_a_device_that_the_broker_lost_is_offline() -> None:
    camera = KnownCamera(CameraId("door"), CameraCondition.LOST)
    device = Device(PI, NOON, NOON, cameras=(camera,), presence=Presence(connected=False, at=LATER, version=1))
    assert row(device, LATER) == "pi-1: offline, heard 60 s ago; door lost"
    assert row(Device(PI, NOON, NOON), LATER).endswith("; no cameras")


def test_a_refused_bundle_and_a_refused_configuration_stand_in_the_list_until_they_are_mended() -> None:
    bad = health(
        seq=2,
        model_name="yard",
        model_version="1.0",
        bundle_refused="manifest.sig: is missing",
        configuration_refused="camera is not a setting",
    )
    device = with_health(None, bad, NOON)
    line = row(device, LATER)
    assert "refuses its new bundle (manifest.sig: is missing), goes on with yard 1.0" in line
    assert "refuses its configuration (camera is not a setting)" in line
    assert load_device(dump_device(device), 0) == device
    assert "refuses" not in row(with_health(device, health(seq=3), LATER), LATER)


def test_a_refused_release_and_another_version_of_capture_stand_in_the_list() -> None:
    refusal = "0.3.0: smartcam.Capture: golden output differs"
    word = health(seq=2, version="0.3.0", capture_version="0.2.0", release_refused=refusal)
    device = with_health(None, word, NOON)
    line = row(device, LATER)
    assert ", version 0.3.0 (capture 0.2.0)" in line
    assert f"; refuses the release {refusal}" in line
    assert load_device(dump_device(device), 0) == device
    alike = row(with_health(device, health(seq=3, version="0.3.0", capture_version="0.3.0"), LATER), LATER)
    assert ", version 0.3.0;" in alike


def test_a_revoked_device_is_reinstated_with_the_rest_to_do_by_hand(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    revoking = Revoking(FakeGuards(), FakeIot({"pi-1": ["arn:aws:iot:eu-west-1:1:cert/0123456789abcdef"]}))
    for words in (("revoke", "--thing", "pi-1"), ("list",), ("reinstate", "--thing", "pi-1"), ("list",)):
        assert run(_parser().parse_args(words), registry, LATER, revoking) == 0
    revoked, listed, taken, _, listed_again = capsys.readouterr().out.splitlines()
    assert listed.endswith("; revoked")
    assert not listed_again.endswith("; revoked")
    assert revoked.startswith("pi-1 is revoked, and so are its certificates (0123456789ab...)")
    assert "aws iot update-certificate --new-status ACTIVE" in taken


def test_what_was_never_heard_of_can_be_revoked_and_reinstated_too(capsys: pytest.CaptureFixture[str]) -> None:
    revoking = Revoking(FakeGuards(), FakeIot())
    for verb, code in (("revoke", 1), ("reinstate", 0), ("reinstate", 1)):
        assert run(_parser().parse_args([verb, "--thing", "ghost"]), FakeRegistry(), LATER, revoking) == code
    assert "nothing was ever heard from ghost" in capsys.readouterr().err


def test_a_name_that_nobody_knows_is_revoked_all_the_same_but_not_in_silence(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    guards = FakeGuards()
    words = _parser().parse_args(["revoke", "--thing", "pi-11"])
    assert run(words, registry, LATER, Revoking(guards, FakeIot())) == 1
    said = capsys.readouterr()
    assert "pi-11 is revoked; it has no certificate" in said.out
    assert "nothing was ever heard from pi-11; did you mean 'pi-1'?" in said.err
    assert "smartcam alerts devices reinstate --thing pi-11" in said.err
    assert guards.is_revoked(ThingName("pi-11"))


@pytest.mark.parametrize("known", ["heard", "certificate"])
def test_a_device_that_somebody_knows_is_revoked_without_a_complaint(known: str, registry: FakeRegistry) -> None:
    iot = FakeIot({"pi-1": ["arn:aws:iot:eu-west-1:123456789012:cert/a1"]} if known == "certificate" else {})
    heard = registry if known == "heard" else FakeRegistry()
    words = _parser().parse_args(["revoke", "--thing", "pi-1"])
    assert run(words, heard, LATER, Revoking(FakeGuards(), iot)) == 0


@pytest.mark.parametrize("given", ["999999d", "0s"])
def test_a_pause_that_no_calendar_holds_is_one_complaint(
    given: str, registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        command(registry, "pause", "--thing", "pi-1", "--for", given)
    assert refusal.value.code == 2
    assert "give a time such as 90s, 15m, 2h or 1d, up to a year" in capsys.readouterr().err
    assert registry.items[PI].paused_until == 0


def test_the_list_names_the_model_and_which_camera_has_another_one() -> None:
    cameras = (CameraHealth(GATE, CameraCondition.RUNNING, model="traffic 2.0"),)
    device = with_health(None, health(model_name="yard", model_version="1.0", cameras=cameras), NOON)
    assert f", model yard 1.0, {GATE}: traffic 2.0;" in row(device, LATER)
    assert load_device(dump_device(device), 0) == device
    many = tuple(
        CameraHealth(CameraId(f"{number:064}"), CameraCondition.RUNNING, model="m" * 60) for number in range(9)
    )
    crowded = with_health(None, health(model_name="y" * 128, model_version="1" * 128, cameras=many), NOON)
    assert load_device(dump_device(crowded), 0) == crowded


LEARNING, WATCHING, RELEARNING = SceneStage.LEARNING, SceneStage.WATCHING, SceneStage.RELEARNING


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (SceneHealth(LEARNING, 19.7, 56.0, 1.0, 0, drift=False), "learning, 19 h of 56 h watched"),
        (SceneHealth(LEARNING, 0.0, 12.0, 1.0, 0, drift=False), "learning, 0 h of 12 h watched"),
        (SceneHealth(LEARNING, 55.96, 56.04, 1.0, 0, drift=True), "learning, 55 h of 57 h watched"),
        (SceneHealth(RELEARNING, 3.0, 56.0, 1.0, 0, drift=False), "relearning, 3 h of 56 h watched"),
        (SceneHealth(WATCHING, 90.0, 90.0, 1.0, 0, drift=False), "watching, one a day kept"),
        (SceneHealth(WATCHING, 90.0, 56.0, 10.0, 2, drift=False), "watching, 10 a day kept"),
        (SceneHealth(WATCHING, 90.0, 90.0, 2.5, 0, drift=False), "watching, 2.5 a day kept"),
        (SceneHealth(WATCHING, 900.0, 900.0, 0.1, 0, drift=False), "watching, one in 10 days kept"),
        (SceneHealth(WATCHING, 90.0, 90.0, 0.0, 0, drift=False), "watching, 0 a day kept"),
        (SceneHealth(WATCHING, 90.0, 90.0, 1.0, 9, drift=True), "watching, but it raises more than it promised"),
        (
            SceneHealth(WATCHING, 19.0, 56.0, 1.0, 0, drift=False),
            "watching, 19 h of 56 h watched until one a day can be promised",
        ),
    ],
)
def test_how_far_a_camera_is_with_its_scene_is_said_in_words(scene: SceneHealth, words: str) -> None:
    assert scene_text(scene) == words


def test_the_list_tells_how_each_camera_learns() -> None:
    scene = SceneHealth(LEARNING, 19.7, 56.0, 1.0, 0, drift=False)
    cameras = (CameraHealth(GATE, RUNNING, armed=False, scene=scene), CameraHealth(CameraId("yard"), RUNNING))
    device = with_health(None, health(cameras=cameras), NOON)
    assert row(device, LATER).endswith("; gate running disarmed (learning, 19 h of 56 h watched), yard running")
