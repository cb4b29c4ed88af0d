"""What is wanted of a device: kept beside what is known of it, and answered to a device that does not know it."""

import pytest
from botocore.exceptions import ClientError

from infra.fleet.runtime.aws import IotAnswers
from infra.fleet.runtime.codec import dump_device, load_device
from infra.fleet.runtime.device import Device
from infra.fleet.runtime.folding import with_health
from infra.fleet.runtime.hearing import Sign, SignOutcome
from infra.fleet.runtime.ports import NotAnswered
from smartcam.contract.health import CameraHealth, DeviceState
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import NOTHING_WANTED, Arming, Wanted
from tests.infra.fleet_yard import GATE, RUNNING, World, health, health_document, presence_document
from tests.infra.sample import NOON

PI = ThingName("pi-1")
HOUR = UtcNs(NOON + 3600 * NS_PER_S)


def disarmed(device: Device, until: UtcNs | None = None) -> Device:
    return device.wanting(None, Arming(armed=False, until=until), NOON)


def known(revision: int | None = 0) -> Device:
    return with_health(None, health(wanted_revision=revision), NOON)


def hear(world: World, **changes: object) -> SignOutcome:
    return world.hearing.take(Sign.from_rule(health_document(health(PI, **changes), world.now())))


def test_a_device_that_does_not_know_what_is_wanted_is_told_until_it_does() -> None:
    world = World()
    world.registry.save(disarmed(known(), HOUR))
    for seq in (2, 3):
        hear(world, seq=seq, wanted_revision=0)
    told = Wanted(1, NOON, Arming(armed=False, until=HOUR, revision=1))
    assert world.answers.sent == [(PI, told)] * 2
    hear(world, seq=4, wanted_revision=1)
    assert len(world.answers.sent) == 2
    assert world.registry.items[PI].wanted_revision == 1


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
