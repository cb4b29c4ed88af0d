"""What is wanted of a device: kept beside what is known of it, and answered to a device that does not know it."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from infra.fleet.runtime.aws import IotAnswers
from infra.fleet.runtime.codec import dump_device, load_device, salvage_device
from infra.fleet.runtime.device import MOST_VERDICTS_WAITING, TAKEN, Device
from infra.fleet.runtime.folding import with_health
from infra.fleet.runtime.hearing import Sign, SignOutcome
from infra.fleet.runtime.ports import NotAnswered
from smartcam.contract.errors import ContractError
from smartcam.contract.health import CameraHealth, DeviceState, SceneHealth, SceneStage
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import LARGEST_WANTED_BYTES, MOST_VERDICTS, NOTHING_WANTED, Arming, Verdict, Wanted
from smartcam.inference.wanted import WantedKeeper
from tests.fakes.clock import FakeClock
from tests.infra.fleet_yard import GATE, RUNNING, YARD, World, health, health_document, presence_document
from tests.infra.sample import NOON, raised

PI = ThingName("pi-1")
DAY_S = 86_400
SCENE = SceneHealth(SceneStage.LEARNING, 19.5, 56.0, 1.0, 0, drift=False)
HOUR = UtcNs(NOON + 3600 * NS_PER_S)


def disarmed(device: Device, until: UtcNs | None = None) -> Device:
    return device.wanting(None, Arming(armed=False, until=until), NOON)


def known(revision: int | None = 0) -> Device:
    return with_health(None, health(wanted_revision=revision), NOON)


def event(number: int = 1) -> EventId:
    return raised(number).event_id


def later(days: float) -> UtcNs:
    return UtcNs(NOON + round(days * DAY_S * NS_PER_S))


def told(device: Device, now: UtcNs = NOON) -> tuple[Verdict, ...]:
    answer = device.answer(now)
    assert answer is not None
    return answer.verdicts


def hear(world: World, **changes: object) -> SignOutcome:
    return world.hearing.take(Sign.from_rule(health_document(health(PI, **changes), world.now())))


def test_a_device_that_does_not_know_what_is_wanted_is_told_until_it_does() -> None:
    world = World()
    world.registry.save(disarmed(known(), HOUR))
    for seq in (2, 3):
        hear(world, seq=seq, wanted_revision=0)
    told = Wanted(1, NOON, Arming(armed=False, until=HOUR, revision=1, at=NOON), takes=TAKEN)
    assert world.answers.sent == [(PI, told)] * 2
    hear(world, seq=4, wanted_revision=1)
    assert len(world.answers.sent) == 2
    assert world.registry.items[PI].wanted_revision == 1


@pytest.mark.parametrize(("armed", "revision", "again"), [(True, 1, 3), (False, 1, 1), (None, 1, 1), (True, 0, 1)])
def test_a_wish_that_is_said_again_is_newer_than_what_was_said_on_a_device_that_does_otherwise(
    *, armed: bool | None, revision: int, again: int
) -> None:
    camera = CameraHealth(GATE, RUNNING, armed=armed)
    device = with_health(disarmed(known()), health(seq=2, wanted_revision=revision, cameras=(camera,)), NOON)
    assert disarmed(device).wanted.revision == again
    other = device.wanting(CameraId("other"), Arming(armed=False), NOON)
    assert other.wanting(CameraId("other"), Arming(armed=False), NOON) is other


def test_a_device_that_does_not_know_what_the_cloud_takes_is_told_even_if_nothing_is_wanted_of_it() -> None:
    world = World()
    for seq, takes in ((1, ()), (2, ("something else",)), (3, TAKEN)):
        hear(world, seq=seq, wanted_revision=0, cloud_takes=takes)
    assert world.answers.sent == [(PI, replace(NOTHING_WANTED, sent_at=NOON, takes=("recorded", "held_back")))] * 2
    device = world.registry.items[PI]
    assert device.cloud_takes == TAKEN
    assert load_device(dump_device(device), device.revision) == device


@pytest.mark.parametrize("takes", [None, TAKEN])
def test_a_device_that_knows_what_the_cloud_takes_or_cannot_hear_it_costs_no_message(
    takes: tuple[str, ...] | None,
) -> None:
    world = World()
    hear(world, seq=1, wanted_revision=None if takes is None else 0, cloud_takes=takes)
    assert world.answers.sent == []


@pytest.mark.parametrize("revision", [None, 1, 2])
def test_who_knows_or_is_too_old_to_be_told_costs_no_message(revision: int | None) -> None:
    world = World()
    world.registry.save(disarmed(known()))
    hear(world, seq=2, wanted_revision=revision)
    hear(world, run="r2", wanted_revision=revision, state=DeviceState.STOPPING)
    assert world.answers.sent == []


def test_a_goodbye_and_a_presence_event_are_not_answered() -> None:
    world = World()
    world.registry.save(disarmed(known()))
    hear(world, seq=2, wanted_revision=0, state=DeviceState.STOPPING)
    document = presence_document(PI, "disconnected", world.now(), 1)
    assert world.hearing.take(Sign.from_rule(document)) is SignOutcome.KEPT
    assert world.answers.sent == []


def test_a_broker_that_takes_no_answer_costs_no_sign_of_life(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.registry.save(disarmed(known()))
    world.answers.down = True
    assert hear(world, seq=2, wanted_revision=0) is SignOutcome.KEPT
    assert "not_answered thing=pi-1 reason=the broker is down" in caplog.text
    world.answers.down = False
    hear(world, seq=3, wanted_revision=0)
    assert len(world.answers.sent) == 1


def test_what_has_ended_meanwhile_is_not_sent_but_its_revision_is() -> None:
    world = World()
    world.registry.save(disarmed(known(), HOUR))
    world.now.advance(7 * 86_400)
    hear(world, seq=2, wanted_revision=0)
    assert [(wanted.revision, wanted.device) for _, wanted in world.answers.sent] == [(1, None)]


def test_a_sign_of_life_and_the_watch_leave_what_is_wanted_as_it_is() -> None:
    world = World()
    world.registry.save(disarmed(known()))
    hear(world, seq=2, wanted_revision=1, cameras=(CameraHealth(GATE, RUNNING, armed=False),))
    world.now.advance(7 * 86_400)
    world.check(world.now())
    device = world.registry.items[PI]
    assert not device.wanted.armed(GATE, configured=True)
    assert device.cameras[0].armed is False
    assert load_device(dump_device(device), device.revision) == device


def test_a_device_of_an_older_table_has_nothing_wanted_of_it() -> None:
    device = load_device(dump_device(known(None)), 1)
    assert (device.wanted, device.wanted_revision, device.answer(NOON)) == (NOTHING_WANTED, None, None)


def test_the_same_again_changes_nothing_and_a_revision_that_the_device_has_is_never_given_twice() -> None:
    device = disarmed(known(41))
    assert device.wanted.revision == 42
    assert disarmed(device) is device


def test_an_answer_goes_out_on_the_devices_own_topic_at_least_once() -> None:
    calls: list[dict[str, object]] = []

    class Broker:
        def publish(self, **call: object) -> None:
            calls.append(call)
            if len(calls) > 1:
                raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Publish")

    wanted = Wanted(3, NOON)
    answers = IotAnswers(Broker())  # type: ignore[arg-type]  # the one call that is made
    answers.send(PI, wanted)
    assert calls == [{"topic": "smartcam/v1/pi-1/ack", "qos": 1, "payload": wanted.to_json()}]
    with pytest.raises(NotAnswered, match="ThrottlingException"):
        answers.send(PI, wanted)


def test_a_device_is_told_of_a_verdict_until_it_knows() -> None:
    world = World()
    world.registry.save(known().judging(event(), NOON, true=False))
    for seq in (2, 3):
        hear(world, seq=seq, wanted_revision=0)
    said = Wanted(1, NOON, takes=TAKEN, verdicts=(Verdict(event(), true=False),))
    assert world.answers.sent == [(PI, said)] * 2
    hear(world, seq=4, wanted_revision=1, cloud_takes=TAKEN)
    assert len(world.answers.sent) == 2


def test_verdicts_come_with_every_answer_for_two_weeks_the_newest_last() -> None:
    device = known().judging(event(2), NOON, true=False).judging(event(1), later(5), true=True)
    both = (Verdict(event(2), true=False), Verdict(event(1), true=True))
    assert told(disarmed(device), later(13.9)) == both
    assert told(device, later(14)) == both[1:]
    assert told(device, later(19)) == ()
    assert load_device(dump_device(device), device.revision) == device


def test_the_same_verdict_again_changes_nothing_and_another_one_takes_its_place() -> None:
    device = known().judging(event(1), NOON, true=False).judging(event(2), NOON, true=False)
    assert device.judging(event(1), later(1), true=False) is device
    changed = device.judging(event(1), later(1), true=True)
    assert told(changed) == (Verdict(event(2), true=False), Verdict(event(1), true=True))
    assert (device.wanted.revision, changed.wanted.revision) == (2, 3)


def test_a_verdict_that_is_taken_back_is_not_told_any_more_and_one_that_was_never_given_changes_nothing() -> None:
    device = known().judging(event(1), NOON, true=False).judging(event(2), NOON, true=True)
    undone = device.judging(event(1), NOON, true=None)
    assert told(undone) == (Verdict(event(2), true=True),)
    assert undone.judging(event(1), NOON, true=None) is undone
    answer = undone.answer(NOON)
    assert answer is not None
    assert answer.undone == (event(1),)
    assert told(undone.judging(event(1), NOON, true=False))[-1] == Verdict(event(1), true=False)
    assert device.judging(event(3), NOON, true=None) is device


def drained(device: Device, keeper: WantedKeeper) -> tuple[Device, int]:
    """The device after as many signs of life as it takes until it knows all; and how many answers that took."""
    answers = 0
    while (answer := device.answer(NOON)) is not None:
        assert len(answer.to_json()) <= LARGEST_WANTED_BYTES
        keeper.hear("ack", answer.to_json())
        assert keeper.revision > (device.wanted_revision or 0)
        device = with_health(
            device, health(seq=device.seq + 1, wanted_revision=keeper.revision, cloud_takes=keeper.takes), NOON
        )
        answers += 1
    return device, answers


def test_more_verdicts_than_a_message_has_room_for_all_reach_a_device_that_was_offline_and_keep_no_room() -> None:
    device, keeper = disarmed(known()), WantedKeeper(FakeClock())
    for number in range(4 * MOST_VERDICTS):
        device = device.judging(event(number), NOON, true=bool(number % 2))
    assert load_device(dump_device(device), device.revision) == device
    device = device.judging(event(1), NOON, true=None).judging(event(2), NOON, true=True)
    device, answers = drained(device, keeper)
    said = {one.event_id: one.true for one in keeper.current().verdicts}
    right = {event(number): bool(number % 2) for number in range(4 * MOST_VERDICTS)}
    del right[event(1)]
    assert said == right | {event(2): True}
    assert answers == 4
    assert not keeper.current().armed(GATE, configured=True)
    assert len(device.verdicts) == MOST_VERDICTS
    assert device.answer(NOON) is None


def test_a_device_that_never_hears_keeps_a_bounded_number_of_the_newest_verdicts() -> None:
    for device, most in ((known(), MOST_VERDICTS_WAITING), (known(None), MOST_VERDICTS + 1)):
        judged = device
        for number in range(MOST_VERDICTS_WAITING + 3):
            judged = judged.judging(event(number), NOON, true=False)
        assert len(judged.verdicts) == most
        assert judged.verdicts[-1].verdict.event_id == event(MOST_VERDICTS_WAITING + 2)
        assert load_device(dump_device(judged), judged.revision) == judged


def test_where_the_wishes_leave_no_room_for_a_verdict_the_wishes_are_told() -> None:
    device = known()
    for number in range(32):
        device = device.wanting(CameraId(f"{number:02}".ljust(64, "x")), Arming(armed=True, until=HOUR), NOON)
    bare = device.answer(NOON)
    assert bare is not None
    untimed = replace(bare, cameras={name: replace(wish, at=None) for name, wish in bare.cameras.items()})
    full = {"x": "x" * (LARGEST_WANTED_BYTES - len(untimed.to_json()) - 20)}
    device = replace(device, wanted=replace(device.wanted, more=full))
    for number in range(3):
        device = device.judging(event(number), NOON, true=False)
    answer = device.answer(NOON)
    assert answer is not None
    assert (answer.revision, len(answer.cameras), answer.verdicts) == (device.wanted.revision, 32, ())


def test_where_many_cameras_have_wishes_the_answer_is_still_one_that_reaches_a_device() -> None:
    device = known()
    for number in range(32):
        device = device.wanting(CameraId(f"{number:02}".ljust(64, "x")), Arming(armed=True, until=HOUR), NOON)
    for number in range(MOST_VERDICTS):
        device = device.judging(event(number), NOON, true=False)
    answer = device.answer(NOON)
    assert answer is not None
    assert len(answer.to_json()) <= LARGEST_WANTED_BYTES
    assert len(answer.cameras) == 32


def test_a_verdict_reaches_a_device_that_knows_more_than_a_restored_cloud() -> None:
    assert known(41).judging(event(), NOON, true=False).wanted.revision == 42


def test_what_a_camera_says_of_its_learning_is_kept_until_it_is_silent() -> None:
    world = World()
    both = (CameraHealth(GATE, RUNNING, scene=SCENE), CameraHealth(YARD, RUNNING))
    hear(world, cameras=both)
    device = world.registry.items[PI]
    assert [one.scene for one in device.cameras] == [SCENE, None]
    assert load_device(dump_device(device), device.revision) == device
    hear(world, run="r2", uptime_s=5, cameras=(CameraHealth(YARD, RUNNING),))
    assert [one.scene for one in world.registry.items[PI].cameras] == [None, None]


@pytest.mark.parametrize("damage", ['"verdicts":[1]', '"verdicts":[{"event_id":"x","true":true,"given_at":0}]'])
def test_verdicts_that_cannot_be_read_cost_nothing_else_of_a_device(damage: str) -> None:
    device = known().judging(event(), NOON, true=False)
    text = dump_device(replace(device, verdicts=())).removesuffix("}") + f",{damage}}}"
    with pytest.raises(ContractError, match="verdicts"):
        load_device(text, 1)
    bare = Device(PI, NOON, NOON)
    assert salvage_device(text, bare) == replace(device, verdicts=())
