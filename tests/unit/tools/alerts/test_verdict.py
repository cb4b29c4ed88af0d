"""`smartcam alerts verdict`: what is kept, what the device is told, and what a person reads."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from infra.fleet.runtime.device import TAKEN, Device
from infra.fleet.runtime.folding import with_health
from smartcam.contract.health import CameraHealth
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import MOST_WISHES, Arming, Verdict
from smartcam.inference.wanted import FILE, HERE_FILE, wanted_of_the_device
from tests.fakes.aws import FakeVerdictBook
from tests.fakes.clock import FakeClock
from tests.fakes.registry import FakeAnswers, FakeRegistry
from tests.infra.fleet_yard import GATE, RUNNING, health
from tests.infra.sample import NOON, raised
from tools.alerts.verdict import main, parser_of, run

PI = ThingName("pi-1")
LATER = UtcNs(NOON + 60 * NS_PER_S)
EVENT, OTHER = raised(1).event_id, raised(2).event_id
TOLD = "pi-1 is told now, and again at its next sign of life if that does not reach it; it was heard 60 s ago"


class Desk:
    """The verb, with what it works on."""

    def __init__(self, revision: int | None = 0) -> None:
        self.book = FakeVerdictBook({("pi-1/gate", EVENT): None, ("pi-1/gate", OTHER): None})
        self.registry, self.answers = FakeRegistry(), FakeAnswers()
        cameras = (CameraHealth(GATE, RUNNING),)
        self.registry.save(with_health(None, health(cameras=cameras, wanted_revision=revision), NOON))

    def say(self, *words: str) -> int:
        return run(parser_of().parse_args(words), self.book, self.registry, self.answers, LATER)

    def told(self) -> list[Sequence[Verdict]]:
        return [wanted.verdicts for thing, wanted in self.answers.sent if thing == PI]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_verdict_is_kept_with_its_event_and_the_device_is_told_at_once(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.say(EVENT.upper(), "false") == 0
    assert desk.book.said["pi-1/gate", EVENT] is False
    assert desk.told() == [(Verdict(EVENT, true=False),)]
    assert capsys.readouterr().out.splitlines() == [f"pi-1/gate {EVENT}: false", TOLD]


def test_verdicts_add_up_and_the_same_again_is_told_only_to_a_device_that_does_not_know(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ((EVENT, "false"), (OTHER, "true"), (OTHER, "true")):
        assert desk.say(*words) == 0
    both = (Verdict(EVENT, true=False), Verdict(OTHER, true=True))
    assert desk.told() == [both[:1], both, both]
    knows = health(seq=2, wanted_revision=2, cloud_takes=TAKEN)
    desk.registry.save(with_health(desk.registry.items[PI], knows, LATER))
    capsys.readouterr()
    assert desk.say(OTHER, "true") == 0
    assert capsys.readouterr().out.splitlines()[1] == "pi-1 knows already"
    assert len(desk.told()) == 3


def test_what_a_person_says_reaches_the_memory_of_the_device_in_whatever_order_it_comes(
    desk: Desk, tmp_path: Path
) -> None:
    for words in ((EVENT, "false"), (OTHER, "true"), (EVENT, "--undo")):
        assert desk.say(*words) == 0
    for order in permutations(wanted.to_json() for _, wanted in desk.answers.sent):
        keeper = wanted_of_the_device(FakeClock(), tmp_path)
        for payload in order:
            keeper.hear("smartcam/v1/pi-1/ack", payload)
        assert wanted_of_the_device(FakeClock(), tmp_path).current().verdicts == (Verdict(OTHER, true=True),)
        (tmp_path / FILE).unlink()
        (tmp_path / HERE_FILE).unlink()


def test_a_verdict_is_taken_back(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.say(EVENT, "true")
    desk.say(OTHER, "false")
    capsys.readouterr()
    for _ in range(2):
        assert desk.say(EVENT, "--undo") == 0
    assert desk.book.said["pi-1/gate", EVENT] is None
    assert desk.told()[2:] == [(Verdict(OTHER, true=False),)] * 2
    assert capsys.readouterr().out.splitlines()[0] == f"pi-1/gate {EVENT}: no verdict"


def test_a_verb_that_died_between_the_history_and_the_device_is_made_good_by_the_same_again(desk: Desk) -> None:
    desk.book.said["pi-1/gate", EVENT] = False
    assert desk.say(EVENT, "false") == 0
    assert desk.told() == [(Verdict(EVENT, true=False),)]


def test_an_event_that_is_not_there_is_one_complaint_and_nobody_is_told(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = raised(3).event_id
    assert desk.say(unknown, "true") == 1
    assert desk.say(EVENT, "true", "--camera", "pi-1/yard") == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"smartcam alerts: the history has no event {unknown}; remedy: see smartcam alerts tail")
    assert f"has no event {EVENT} of pi-1/yard; remedy" in second
    assert desk.told() == []


def test_where_two_cameras_have_an_event_with_this_id_the_camera_must_be_named(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.book.said["pi-2/gate", EVENT] = None
    assert desk.say(EVENT, "false") == 1
    assert "is an event of pi-1/gate, pi-2/gate; remedy: name one of them with --camera" in capsys.readouterr().err
    assert desk.say(EVENT, "false", "--camera", "pi-1/gate") == 0
    assert desk.book.said["pi-2/gate", EVENT] is None
    assert desk.told() == [(Verdict(EVENT, true=False),)]


def test_the_verdict_on_an_event_of_no_device_is_kept_all_the_same(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.book.said["_fleet/_device", EVENT] = None
    assert desk.say(EVENT, "false", "--camera", "_fleet/_device") == 0
    assert desk.book.said["_fleet/_device", EVENT] is False
    assert "nothing was ever heard from _fleet, so that it is not told" in capsys.readouterr().out


def test_a_device_of_an_older_release_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(revision=None)
    assert desk.say(EVENT, "false") == 0
    assert "pi-1 runs 0.1.0, which takes no verdicts" in capsys.readouterr().out
    assert (desk.book.said["pi-1/gate", EVENT], desk.told()) == (False, [])


def test_who_cannot_be_told_now_is_told_with_the_next_sign_of_life(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.answers.down = True
    assert desk.say(EVENT, "false") == 0
    assert "pi-1 could not be told now (the broker is down)" in capsys.readouterr().out
    answer = desk.registry.items[PI].answer(LATER)
    assert answer is not None
    assert answer.verdicts == (Verdict(EVENT, true=False),)


def test_a_verdict_for_which_the_wishes_leave_no_room_is_said_to_be_untold(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    until = UtcNs(LATER + 3600 * NS_PER_S)
    names = [CameraId(f"{number:02}".ljust(64, "x")) for number in range(MOST_WISHES)]
    wishes = {name: Arming(armed=True, until=until, revision=10**12 + place) for place, name in enumerate(names)}
    device = desk.registry.items[PI]
    desk.registry.save(replace(device, wanted=replace(device.wanted, revision=10**13, cameras=wishes)))
    assert desk.say(EVENT, "false") == 0
    assert "pi-1 cannot be told: the wishes of 32 cameras fill the message" in capsys.readouterr().out
    assert desk.book.said["pi-1/gate", EVENT] is False


def test_where_others_keep_changing_the_device_the_verdict_is_kept_and_said_to_be_untold(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    class Busy(FakeRegistry):
        def device(self, thing: ThingName) -> Device | None:
            found = super().device(thing)
            return None if found is None else replace(found, revision=found.revision - 1)

    desk.registry = Busy(desk.registry.items)
    assert desk.say(EVENT, "false") == 1
    assert "pi-1 keeps being changed by others: try again" in capsys.readouterr().err
    assert desk.book.said["pi-1/gate", EVENT] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gate", "true"], "EVENT: must be a UUIDv7 in lower case, not 'gate'"),
        ([EVENT, "true", "--camera", "gate"], "--camera: must be THING/CAMERA, not 'gate'"),
        ([EVENT, "true", "--camera", "pi-1/a b"], "CAMERA: must be 1 to 64 letters"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_aws_is_asked(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    assert f"smartcam alerts: {said}" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[EVENT], [EVENT, "true", "--undo"], [EVENT, "maybe"]])
def test_one_of_true_false_and_undo_must_be_given(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "true" in capsys.readouterr().err
